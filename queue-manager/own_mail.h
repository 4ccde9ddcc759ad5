/*
 * queue-manager/own_mail.h - commits mail that the queue manager writes itself: an ordinary queue
 * file from the null sender, of origin QUEUE_ORIGIN_SYSTEM.
 */
#ifndef POSTHORN_QUEUE_MANAGER_OWN_MAIL_H
#define POSTHORN_QUEUE_MANAGER_OWN_MAIL_H

#include "queue-manager/queue.h"

/* `client` of an envelope that we made ourselves; smtpd puts an IP address there. */
#define OWN_MAIL_CLIENT "notice"

struct own_mail {
    const char *id, *client; /* the new queue id (queue_id_make) */
    struct slice to;
    int64_t now_ms;
    bool smtputf8, body_8bit, requiretls;
    int8_t priority;   /* MT-PRIORITY */
    struct slice head; /* the header without Return-Path and Received, and the body up to the bytes
                          of the original, or all of it */
    struct slice tail; /* what comes behind them */
    int original_fd;   /* or -1 */
    uint64_t original_size;
};

/* On disk before return. 0, or -1 with errno. */
int own_mail_commit(struct queue *q, const struct own_mail *mail);

/* The same in steps, for a mail that is large. `mail`, with all that it borrows, stays as it is. */
struct own_mail_writer;
/* NULL with errno. A file under this id that a crash has left in tmp/ is no obstacle. */
struct own_mail_writer *own_mail_begin(struct queue *q, const struct own_mail *mail);
/* Copies up to `max` bytes of the original; many are put on disk, so that the end has less to wait
 * for. 1: there is more, 0: not any more, -1 with errno. */
int own_mail_copy(struct own_mail_writer *w, uint64_t max);
/* Copies what is left, and commits. Frees the writer either way. 0, or -1 with errno. */
int own_mail_end(struct own_mail_writer **wp);
void own_mail_abort(struct own_mail_writer **wp);

/* Is there a message of this id in the queue? For ids that are made from what a mail is about: a
 * second one would be its double. */
bool own_mail_is_there(const struct queue *q, const char *id);

#endif
