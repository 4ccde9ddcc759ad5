/*
 * imapd/thread_id.h - THREADID: which messages belong together, in whatever mailboxes they are (RFC
 * 8474 section 5.2).
 */
#ifndef POSTHORN_IMAPD_THREAD_ID_H
#define POSTHORN_IMAPD_THREAD_ID_H

#include "imapd/message.h"

#define THREAD_ID_SIZE (1 + 32 + 1) /* "T", hexadecimal digits, NUL */

/* 0, or -1 with errno: the message is gone. `data` holds the message if it had to be opened. */
int thread_id_of(struct mailbox *mb, uint32_t seq, struct message_data *data,
                 char out[THREAD_ID_SIZE]);

#endif
