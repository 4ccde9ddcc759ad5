/*
 * queue-manager/agents.c - all connected agents, and which of them should get what.
 */
#include "queue-manager/agents.h"

#include "lib/base/clock.h"
#include "lib/base/random.h"

void
agents_init(struct agents *all)
{
    *all = (struct agents){.seed = random_u64(),
                           .local_since_ms = clock_mono_ms(),
                           .remote_since_ms = clock_mono_ms(),
                           .archive_since_ms = clock_mono_ms()};
    LIST_INIT(&all->list);
}

void
agents_clear(struct agents *all)
{
    while (!LIST_EMPTY(&all->list)) {
        struct agent *a = LIST_FIRST(&all->list);

        LIST_REMOVE(a, link);
        agent_free(&a);
    }
    all->local_count = 0;
}

void
agents_add(struct agents *all, struct agent *a)
{
    LIST_INSERT_HEAD(&all->list, a, link);
    if (a->kind == QUEUE_AGENT_REMOTE)
        all->remote_slots += a->slots;
    else if (a->kind == QUEUE_AGENT_ARCHIVE)
        all->archive_count++;
    else if (all->local_count < AGENTS_LOCAL_MAX)
        all->locals[all->local_count++] = a; /* one too many is never given anything */
}

void
agents_remove(struct agents *all, struct agent *a)
{
    LIST_REMOVE(a, link);
    if (a->kind == QUEUE_AGENT_REMOTE) {
        all->remote_slots -= a->slots;
        all->remote_since_ms = clock_mono_ms();
        return;
    }
    if (a->kind == QUEUE_AGENT_ARCHIVE) {
        all->archive_count--;
        all->archive_since_ms = clock_mono_ms();
        return;
    }
    for (uint32_t i = 0; i < all->local_count; i++)
        if (all->locals[i] == a)
            all->locals[i] = all->locals[--all->local_count];
    all->local_since_ms = clock_mono_ms();
}

uint32_t
agents_local_of(const struct agents *all, struct slice path)
{
    uint64_t hash = all->seed;

    for (size_t i = 0; i < path.len; i++)
        hash = (hash ^ (unsigned char)path.ptr[i]) * 1099511628211u;
    return (uint32_t)((hash >> 20) % all->local_count);
}

struct agent *
agents_remote_for(const struct agents *all, const struct destination *d)
{
    struct agent *best = NULL;

    for (struct agent *a = LIST_FIRST(&all->list); a != NULL; a = LIST_NEXT(a, link)) {
        if (a->kind != QUEUE_AGENT_REMOTE || !agent_has_room(a))
            continue;
        if (a->peer_id == d->last_agent)
            return a;
        if (best == NULL || a->busy * best->slots < best->busy * a->slots)
            best = a;
    }
    return best;
}

bool
agents_remote_room(const struct agents *all)
{
    for (const struct agent *a = LIST_FIRST(&all->list); a != NULL; a = LIST_NEXT(a, link))
        if (a->kind == QUEUE_AGENT_REMOTE && agent_has_room(a))
            return true;
    return false;
}

struct agent *
agents_archive(const struct agents *all)
{
    for (struct agent *a = LIST_FIRST(&all->list); a != NULL; a = LIST_NEXT(a, link))
        if (a->kind == QUEUE_AGENT_ARCHIVE && agent_has_room(a))
            return a;
    return NULL;
}
