/*
 * queue-manager/lane.h - messages in line for one agent or one destination.
 *
 * A share is what one message has for one lane: some of its targets, in order. Shares stand in
 * line; a job takes from the first one, and a share that is not used up goes to the end, so that a
 * message to thousands holds up nobody.
 */
#ifndef POSTHORN_QUEUE_MANAGER_LANE_H
#define POSTHORN_QUEUE_MANAGER_LANE_H

#include "queue-manager/queue.h"

struct lane;

struct share {
    TAILQ_ENTRY(share) in_lane;
    LIST_ENTRY(share) in_message;
    struct lane *lane;
    struct message *message;
    uint32_t *indices; /* of targets; in the message's arena, like the share itself */
    uint32_t count, taken;
};

struct lane {
    TAILQ_HEAD(lane_shares, share) shares;
    uint32_t share_count;
    uint32_t *total; /* shares in all lanes of a kind, or NULL */
    bool is_local;
};

void lane_init(struct lane *lane, bool is_local, uint32_t *total);
/* Puts the targets `indices` of a message in line; the array lives as long as the message. */
void lane_add(struct lane *lane, struct message *m, uint32_t *indices, uint32_t count);
/* The first share, or NULL. */
struct share *lane_first(const struct lane *lane);
/* The first share has had its turn: to the end, or out if nothing of it is left. */
void lane_turn(struct lane *lane);
void lane_remove(struct share *share);

#endif
