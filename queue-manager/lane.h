/*
 * queue-manager/lane.h - messages in line for one agent or one destination.
 *
 * A share is what one message has for one lane: some of its targets, in order. The shares of one
 * sender and one priority are a flow; in a lane the flows of the highest priority take turns, and
 * each eighth turn is one of the lower ones', so that nothing waits for ever. Within a flow a share
 * that is not used up goes to the end: neither a message to thousands nor a sender of thousands
 * holds up anybody.
 */
#ifndef POSTHORN_QUEUE_MANAGER_LANE_H
#define POSTHORN_QUEUE_MANAGER_LANE_H

#include "queue-manager/queue.h"
#include "queue-manager/sender.h"

#define LANE_BANDS (2 * QUEUE_PRIORITY_MAX + 1) /* one a priority, the highest first */

struct lane;

struct share {
    TAILQ_ENTRY(share) in_flow;
    LIST_ENTRY(share) in_message;
    struct flow *flow;
    struct lane *lane;
    struct message *message;
    uint32_t *indices; /* of targets; in the message's arena, like the share itself */
    uint32_t count, taken;
    bool light; /* its sender had little under way: counted in the lane */
};

struct flow {
    TAILQ_HEAD(flow_shares, share) shares; /* never empty */
    uint32_t share_count;
    struct sender *sender;
    struct lane *lane;
    unsigned band;
    LIST_ENTRY(flow) in_sender;
    struct flow *next, *prev; /* of the lane and the band, in a ring */
};

struct lane {
    struct flow *bands[LANE_BANDS]; /* whose turn it is in each */
    uint32_t used;                  /* bit b: bands[b] has a flow */
    uint32_t turns;
    unsigned low; /* band of the last turn that was not the highest one's */
    uint32_t share_count, flow_count, light_count;
    uint32_t *total; /* shares in all lanes of a kind, or NULL */
    bool is_local;
};

void lane_init(struct lane *lane, bool is_local, uint32_t *total);
/* Puts the targets `indices` of a message in line; the array lives as long as the message. */
void lane_add(struct lane *lane, struct message *m, uint32_t *indices, uint32_t count);
/* How many shares this message's sender has in line here at its priority. */
uint32_t lane_count_of(const struct lane *lane, const struct message *m);
/* The share whose turn it is, or NULL. */
struct share *lane_first(const struct lane *lane);
/* This share, the first, has had its turn: to the end, or out if nothing of it is left. */
void lane_turn(struct share *share);
void lane_remove(struct share *share);

#endif
