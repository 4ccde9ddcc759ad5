/*
 * queue-manager/lane.c - messages in line for one agent or one destination.
 */
#include "queue-manager/lane.h"

void
lane_init(struct lane *lane, bool is_local, uint32_t *total)
{
    TAILQ_INIT(&lane->shares);
    lane->share_count = 0;
    lane->is_local = is_local;
    lane->total = total;
}

void
lane_add(struct lane *lane, struct message *m, uint32_t *indices, uint32_t count)
{
    struct share *share = arena_alloc(&m->arena, sizeof(*share));

    share->lane = lane;
    share->message = m;
    share->indices = indices;
    share->count = count;
    TAILQ_INSERT_TAIL(&lane->shares, share, in_lane);
    LIST_INSERT_HEAD(&m->shares, share, in_message);
    lane->share_count++;
    if (lane->total != NULL)
        (*lane->total)++;
}

struct share *
lane_first(const struct lane *lane)
{
    return TAILQ_FIRST(&lane->shares);
}

void
lane_turn(struct lane *lane)
{
    struct share *share = TAILQ_FIRST(&lane->shares);

    if (share->taken == share->count) {
        lane_remove(share);
        return;
    }
    TAILQ_REMOVE(&lane->shares, share, in_lane);
    TAILQ_INSERT_TAIL(&lane->shares, share, in_lane);
}

void
lane_remove(struct share *share)
{
    TAILQ_REMOVE(&share->lane->shares, share, in_lane);
    LIST_REMOVE(share, in_message);
    share->lane->share_count--;
    if (share->lane->total != NULL)
        (*share->lane->total)--;
}
