/*
 * queue-manager/notice.h - tells senders what became of their mail: bounces, delays, successes.
 */
#ifndef POSTHORN_QUEUE_MANAGER_NOTICE_H
#define POSTHORN_QUEUE_MANAGER_NOTICE_H

#include "queue-manager/queue.h"

/* At the end of a round: commits to the queue every notification that this round asks for, durably.
 * What an earlier call in this round has sent (m->told) is not sent again: the targets must be as
 * they were. 0, or -1 with errno (disk full): the caller tries again, before anything is logged. */
int notices_send(struct queue *q, struct message *m);
/* Return-Path and Received on top, as every queue file has them (RFC 5321 section 4.4). */
void notice_put_trace(struct strbuf *out, const struct queue *q, const char *id, int64_t now_ms);
/* `client` of automatic replies: nobody is told of one that cannot be delivered. */
#define NOTICE_AUTO_REPLY "auto-reply"
#define NOTICE_ADDRESS_SIZE 512
/* The address of whoever looks after this system; borrows from the settings or from `out`. */
struct slice notice_postmaster(const struct queue *q, char out[NOTICE_ADDRESS_SIZE]);
/* Whose address mail of ours to `to` comes from (system_sender.h), in the same way. */
struct slice notice_sender(const struct queue *q, struct slice to, char out[NOTICE_ADDRESS_SIZE]);
/* One of those notifications, by the mark in its envelope. */
bool notice_is_own(const struct queue_envelope *envelope);

#endif
