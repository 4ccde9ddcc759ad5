/*
 * imapd/message.h - the bytes of one message and what the MIME parser makes of them, on demand.
 */
#ifndef POSTHORN_IMAPD_MESSAGE_H
#define POSTHORN_IMAPD_MESSAGE_H

#include "lib/mail/mime.h"
#include "lib/store/mailbox.h"

#define MESSAGE_READ_MAX 65536 /* bytes up to which a message is read; larger ones are mapped */

/* A zeroed one is empty. Holds one message at a time, for the next command too: clients fetch large
 * messages in pieces. */
struct message_data {
    uint32_t uid; /* 0: empty */
    struct slice bytes;
    char *buffer; /* where it was read to; kept */
    size_t buffer_size;
    void *map;
    bool parsed;
    struct mime mime;
    size_t header_len; /* 0: not looked for yet */
};

/* Makes `data` hold message `seq`. 0, or -1 with errno (ENOENT: expunged meanwhile). */
int message_load(struct message_data *data, struct mailbox *mb, uint32_t seq);
const struct mime *message_mime(struct message_data *data);
struct slice message_header(struct message_data *data); /* with its empty line */
struct slice message_text(struct message_data *data);
/* Forgets the message and gives all memory back. */
void message_release(struct message_data *data);

#endif
