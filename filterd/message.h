/*
 * filterd/message.h - one message under filtering: what it is now, and what one filter wants it to
 * become.
 *
 * The content is read from smtpd's descriptor and never written; the header section is kept in
 * memory, a body that a milter replaces in a memory file within filter.body_memory.
 */
#ifndef POSTHORN_FILTERD_MESSAGE_H
#define POSTHORN_FILTERD_MESSAGE_H

#include <sys/types.h>

#include "filterd/header_list.h"
#include "filterd/packet.h"
#include "lib/base/arena.h"
#include "lib/ipc/filterd.h"

struct message;

/* Memory for replaced bodies, of all messages together. */
struct body_memory {
    uint64_t used, max; /* bytes */
};

/* What one milter has said about the message and may still take back. */
struct changes {
    struct arena texts;
    struct answer *list;
    size_t count, room, bytes;
    struct body_memory *memory;
    int body_fd; /* the new body, or -1 */
    uint64_t body_size;
    bool after_cr; /* the last byte of the new body is a CR */
};
void changes_begin(struct changes *changes, struct body_memory *memory);
/* Keeps a copy. 0, or -1 with what was wrong in *why: over a limit, no address. */
int changes_add(struct changes *changes, const struct answer *answer, const char **why);
void changes_clear(struct changes *changes);

/* Reads the header section of the `content->size` bytes at `content->start` of `fd`, which the
 * message then owns. NULL with errno (the fd is closed): EFBIG for a header section of more than
 * `header_max` bytes or too many fields. */
struct message *message_open(int fd, const struct filterd_content *content, size_t header_max,
                             struct body_memory *memory);
void message_free(struct message **mp);

const struct header_list *message_headers(const struct message *m);
uint64_t message_body_size(const struct message *m);
/* Up to `room` bytes of the body from `at`. The number of them, or -1 with errno. */
ssize_t message_read_body(const struct message *m, uint64_t at, char *buf, size_t room);

/* Takes the changes over and clears them. `spaced`: header values bring their leading space. */
void message_apply(struct message *m, struct changes *changes, bool spaced);
void message_prepend(struct message *m, struct slice name, struct slice value);
void message_add_rcpt(struct message *m, struct slice address);
void message_delete_rcpt(struct message *m, struct slice address);
/* On hold for this reason; the first one stays. */
void message_hold(struct message *m, struct slice reason);

/* Fills in what became of it; slices and `changes` borrow from the message. *fd: what to send
 * along, the caller's, or -1. 0, or -1 with errno. */
int message_verdict(struct message *m, struct filterd_verdict *verdict, int *fd);

#endif
