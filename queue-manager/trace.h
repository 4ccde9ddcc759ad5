/*
 * queue-manager/trace.h - stops mail that goes round in circles (QUE-08).
 */
#ifndef POSTHORN_QUEUE_MANAGER_TRACE_H
#define POSTHORN_QUEUE_MANAGER_TRACE_H

#include "queue-manager/queue.h"

/* Bounces every target when the message has made too many hops, and those that a forward of ours
 * sends on a second time. For messages whose targets are known and not scheduled yet. */
void trace_stop_loops(struct queue *q, struct message *m);
/* Whose address here sends the message on to this target (a forward, an alias, a group); empty: the
 * message was for it in the first place. */
struct slice trace_forwarder(const struct message *m, const struct target *t);
/* The trace that goes with a forwarded message: "Delivered-To: ADDRESS\r\n", or nothing. */
void trace_header(const struct message *m, const struct target *t, struct strbuf *out);

#endif
