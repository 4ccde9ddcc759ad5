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

#endif
