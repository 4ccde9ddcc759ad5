/*
 * queue-manager/sender.h - who has how much mail under way, so that no sender has all the room.
 *
 * A sender may have a third of the active set when it is alone, and so much less with each other
 * that sends as much that there is always room for one more (a share of what is free, not of what
 * there is). What it has beyond that is parked: on disk in deferred/, due, and in memory by its id.
 */
#ifndef POSTHORN_QUEUE_MANAGER_SENDER_H
#define POSTHORN_QUEUE_MANAGER_SENDER_H

#include <sys/queue.h>

#include "lib/queue/envelope.h"

#define SENDER_FEW 10          /* messages under way that every sender may have */
#define SENDERS_PARKED 1000000 /* ids in memory; what is beyond waits a minute on disk */

struct flow;
struct parked;

struct sender {
    struct slice name;                      /* authenticated user or reverse path */
    uint32_t active;                        /* messages in memory */
    uint32_t flow_count;                    /* lanes with mail of this sender (lane.h) */
    LIST_HEAD(sender_flows, flow) flows;    /* of them */
    STAILQ_HEAD(sender_parked, parked) ids; /* parked, in order */
    TAILQ_ENTRY(sender) turn;               /* of those with parked mail */
    bool has_turn;
    struct sender *table_next;
};

struct senders;

struct senders *senders_new(void);
void senders_free(struct senders **sp);

/* The sender of a message: made if it is new, and kept while it has anything here. */
struct sender *senders_get(struct senders *ss, const struct queue_envelope *e);
/* A message of this sender goes into memory, or has left it. The latter may free the sender. */
void sender_entered(struct sender *sender);
void sender_left(struct senders *ss, struct sender *sender);
/* Frees a sender that senders_get() has made and that has nothing here. */
void sender_release(struct senders *ss, struct sender *sender);
/* One more of this sender when `room` messages would still fit into memory? */
bool sender_may_start(const struct sender *sender, uint32_t room);
/* It has so little under way that it should not wait behind those with much. */
bool sender_is_light(const struct sender *sender);

/* False: too many are parked. */
bool senders_park(struct senders *ss, struct sender *sender, const char *id);
/* Takes out the next parked message that may start, the senders in turn. False: none. */
bool senders_take_parked(struct senders *ss, uint32_t room, char id[QUEUE_ID_SIZE]);
bool senders_have_ready(const struct senders *ss, uint32_t room);
uint32_t senders_parked(const struct senders *ss);

#endif
