/*
 * queue-manager/lane.c - messages in line for one agent or one destination.
 */
#include "queue-manager/lane.h"

#include <stdlib.h>

#include "lib/base/mem.h"

#define LOW_EVERY 8

void
lane_init(struct lane *lane, bool is_local, uint32_t *total)
{
    *lane = (struct lane){.is_local = is_local, .total = total};
}

/* RFC 6710 section 5: what has a higher priority is processed first; bounces may wait. */
static unsigned
band_of(const struct message *m)
{
    int8_t priority = m->envelope->priority;

    if (m->envelope->sender.len == 0 && priority == 0)
        priority = -1;
    return (unsigned)(QUEUE_PRIORITY_MAX - priority);
}

/* Looked for on the shorter way: among the lane's flows of the band or among the sender's. */
static struct flow *
find_flow(const struct lane *lane, const struct sender *sender, unsigned band)
{
    struct flow *first = lane->bands[band], *f = first;

    if (lane->flow_count <= sender->flow_count) {
        while (f != NULL && f->sender != sender)
            f = f->next == first ? NULL : f->next;
        return f;
    }
    LIST_FOREACH(f, &sender->flows, in_sender)
    if (f->lane == lane && f->band == band)
        return f;
    return NULL;
}

static struct flow *
add_flow(struct lane *lane, struct sender *sender, unsigned band)
{
    struct flow *f = xcalloc(1, sizeof(*f)), *first = lane->bands[band];

    TAILQ_INIT(&f->shares);
    f->lane = lane;
    f->sender = sender;
    f->band = band;
    f->next = f->prev = f;
    if (first == NULL) {
        lane->bands[band] = f;
        lane->used |= 1u << band;
    } else { /* before the first: the end of the line */
        f->next = first;
        f->prev = first->prev;
        f->prev->next = f;
        first->prev = f;
    }
    LIST_INSERT_HEAD(&sender->flows, f, in_sender);
    sender->flow_count++;
    lane->flow_count++;
    return f;
}

static void
remove_flow(struct flow *f)
{
    struct lane *lane = f->lane;

    if (f->next == f) {
        lane->bands[f->band] = NULL;
        lane->used &= ~(1u << f->band);
    } else if (lane->bands[f->band] == f) {
        lane->bands[f->band] = f->next;
    }
    f->next->prev = f->prev;
    f->prev->next = f->next;
    LIST_REMOVE(f, in_sender);
    f->sender->flow_count--; /* the message that had the share still holds the sender */
    lane->flow_count--;
    free(f);
}

void
lane_add(struct lane *lane, struct message *m, uint32_t *indices, uint32_t count)
{
    struct share *share = arena_alloc(&m->arena, sizeof(*share));
    struct flow *f = find_flow(lane, m->sender, band_of(m));

    if (f == NULL)
        f = add_flow(lane, m->sender, band_of(m));
    *share = (struct share){.flow = f,
                            .lane = lane,
                            .message = m,
                            .indices = indices,
                            .count = count,
                            .light = sender_is_light(m->sender)};
    TAILQ_INSERT_TAIL(&f->shares, share, in_flow);
    LIST_INSERT_HEAD(&m->shares, share, in_message);
    f->share_count++;
    lane->share_count++;
    lane->light_count += share->light;
    if (lane->total != NULL)
        (*lane->total)++;
}

uint32_t
lane_count_of(const struct lane *lane, const struct message *m)
{
    const struct flow *f = find_flow(lane, m->sender, band_of(m));

    return f == NULL ? 0 : f->share_count;
}

/* A band with flows; there is one. Bit 0 is the highest priority's. */
static unsigned
band_in_turn(const struct lane *lane)
{
    uint32_t lower = lane->used & (lane->used - 1), behind;

    if (lower == 0 || lane->turns % LOW_EVERY != LOW_EVERY - 1)
        return (unsigned)__builtin_ctz(lane->used);
    behind = lower & ~((2u << lane->low) - 1);
    return (unsigned)__builtin_ctz(behind != 0 ? behind : lower);
}

struct share *
lane_first(const struct lane *lane)
{
    return lane->used == 0 ? NULL : TAILQ_FIRST(&lane->bands[band_in_turn(lane)]->shares);
}

void
lane_turn(struct share *share)
{
    struct flow *f = share->flow;
    struct lane *lane = share->lane;

    if (f->band != (unsigned)__builtin_ctz(lane->used))
        lane->low = f->band;
    lane->turns++;
    lane->bands[f->band] = f->next;
    if (share->taken == share->count) {
        lane_remove(share);
        return;
    }
    TAILQ_REMOVE(&f->shares, share, in_flow);
    TAILQ_INSERT_TAIL(&f->shares, share, in_flow);
}

void
lane_remove(struct share *share)
{
    struct flow *f = share->flow;
    struct lane *lane = share->lane;

    TAILQ_REMOVE(&f->shares, share, in_flow);
    LIST_REMOVE(share, in_message);
    f->share_count--;
    lane->share_count--;
    lane->light_count -= share->light;
    if (lane->total != NULL)
        (*lane->total)--;
    if (f->share_count == 0)
        remove_flow(f);
}
