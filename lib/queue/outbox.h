/*
 * lib/queue/outbox.h - puts mail of a program's own into the queue, as smtpd does with what it
 * receives: files are created in tmp/ and renamed to new/, nothing else of the queue is touched.
 */
#ifndef POSTHORN_LIB_QUEUE_OUTBOX_H
#define POSTHORN_LIB_QUEUE_OUTBOX_H

#include "lib/queue/queue_file.h"

struct outbox {
    int tmp_dirfd, new_dirfd, trigger_fd; /* of the queue */
};

/* Opens them, `queue` being the queue's path; they are open for as long as the process lives. What
 * is not there yet is waited for up to 5 s. 0, or -1 with errno. The umask must be 0002 or smaller
 * when mail is put there (queue_file_create). */
int outbox_open(struct outbox *outbox, const char *queue);
/* The message `id` is on disk before it returns, and queue-manager is woken. 0, or -1 with errno:
 * EFBIG where `content` has overflowed. */
int outbox_put(const struct outbox *outbox, const char *id, const struct strbuf *content,
               const struct queue_envelope *envelope);

#endif
