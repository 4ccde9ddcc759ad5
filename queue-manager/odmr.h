/*
 * queue-manager/odmr.h - mail that its customers fetch: On-Demand Mail Relay (ATRN, RFC 2645).
 *
 * Mail for the domains of queue.odmr_domains waits in deferred/. A customer's request takes a
 * remote agent out of the others' turns, gives it the customer's connection, and hands it what
 * waits for exactly these domains until all of it has been tried; then the agent says QUIT and is
 * free again.
 */
#ifndef POSTHORN_QUEUE_MANAGER_ODMR_H
#define POSTHORN_QUEUE_MANAGER_ODMR_H

#include "queue-manager/destination.h"

struct agent;
struct odmr;
struct schedule;

struct odmr *odmr_new(struct schedule *s);
void odmr_free(struct odmr **op);

struct odmr_request {
    struct slice user, client_ip; /* as authd says */
    struct slice domains;         /* with commas between; empty: all that are the user's */
};
/* The reply to ATRN: 250, 450, 451 or 453, and *text. After 250 a copy of `fd` is with an agent. */
unsigned odmr_ask(struct odmr *o, const struct odmr_request *request, int fd, const char **text);

/* Is mail for this destination fetched, and is nobody fetching it now? */
bool odmr_keeps(const struct queue *q, const struct destination *d);
/* Hands out jobs to the agents of sessions. */
void odmr_turn(struct odmr *o);
/* What came of a job of such an agent, which is done. */
void odmr_result(struct odmr *o, const struct agent *a, const struct queue_result *result);
/* The agent has said that its connection is over (`number`), or is gone itself: what is in line for
 * it is deferred. over: -1, there is no such connection. */
int odmr_over(struct odmr *o, struct agent *a, uint64_t number);
void odmr_agent_lost(struct odmr *o, const struct agent *a);

#endif
