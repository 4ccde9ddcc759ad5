/*
 * queue-manager/line_up.c - puts the targets of a message in line: each into the lane of the agent
 * or the destination that it is for.
 */
#include <stdlib.h>

#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "queue-manager/message.h"
#include "queue-manager/odmr.h"
#include "queue-manager/schedule_private.h"

#define NO_ARCHIVE_MS 5000

bool
line_up_archive_is_away(const struct schedule *s)
{
    return s->agents.archive_count == 0 &&
           clock_mono_ms() - s->agents.archive_since_ms > NO_ARCHIVE_MS;
}

void
line_up_local(struct schedule *s, struct message *m)
{
    uint32_t counts[AGENTS_LOCAL_MAX] = {0};
    uint32_t *indices[AGENTS_LOCAL_MAX] = {NULL};

    if (s->agents.local_count == 0)
        return;
    for (uint32_t i = 0; i < m->target_count; i++)
        if (m->targets[i].kind == TARGET_MAILBOX && m->targets[i].state == TARGET_WAITING)
            counts[agents_local_of(&s->agents, m->targets[i].path)]++;
    for (uint32_t l = 0; l < s->agents.local_count; l++) {
        if (counts[l] > 0)
            indices[l] = arena_alloc(&m->arena, counts[l] * sizeof(uint32_t));
        counts[l] = 0;
    }
    for (uint32_t i = 0; i < m->target_count; i++) {
        uint32_t l;

        if (m->targets[i].kind != TARGET_MAILBOX || m->targets[i].state != TARGET_WAITING)
            continue;
        l = agents_local_of(&s->agents, m->targets[i].path);
        indices[l][counts[l]++] = i;
    }
    for (uint32_t l = 0; l < s->agents.local_count; l++)
        if (counts[l] > 0)
            lane_add(&s->agents.locals[l]->lane, m, indices[l], counts[l]);
}

struct routed {
    struct destination *destination;
    uint32_t index;
};

static int
compare_routed(const void *a, const void *b)
{
    const struct routed *x = a, *y = b;

    if (x->destination != y->destination)
        return x->destination < y->destination ? -1 : 1;
    return x->index < y->index ? -1 : x->index > y->index;
}

/* Who has little in this line may always add to it: the line is as long as others have made it. */
static bool
is_crowded(const struct schedule *s, const struct destination *d, const struct message *m)
{
    const struct queue *q = s->queue;
    uint32_t waiting = destinations_waiting(s->destinations);

    if (q->target_count > QUEUE_TARGETS_ALL / 2 && waiting > 0)
        return true;
    return (d->lane.share_count >= q->settings.active_max / 2 ||
            waiting >= q->settings.active_max / 4 * 3) &&
           lane_count_of(&d->lane, m) >= SENDER_FEW;
}

static void
defer_run(struct message *m, const struct routed *run, uint32_t count, struct slice dsn,
          struct slice why)
{
    for (uint32_t i = 0; i < count; i++)
        message_set_outcome(m, &m->targets[run[i].index], TARGET_DEFERRED, dsn, why, SLICE(""));
}

static void
defer_dead(struct message *m, const struct routed *run, uint32_t count)
{
    struct strbuf why = strbuf_new(QUEUE_TEXT_MAX);

    destination_describe_rest(run[0].destination, &why);
    defer_run(m, run, count, SLICE("4.4.1"), strbuf_slice(&why));
    strbuf_free(&why);
}

/* One destination's targets of a message: in line, unless it is dead or its line is too long, or
 * its mail is fetched and nobody is there to do it. */
static void
line_up_run(struct schedule *s, struct message *m, const struct routed *run, uint32_t count)
{
    struct destination *d = run[0].destination;
    uint32_t *indices;

    if (odmr_keeps(s->queue, d)) {
        defer_run(m, run, count, SLICE("4.4.1"), SLICE("it waits until it is fetched (ATRN)"));
        return;
    }
    if (d->fetch_number == 0 && destination_is_dead(d)) {
        defer_dead(m, run, count);
        return;
    }
    if (is_crowded(s, d, m)) {
        m->overflow = true; /* what is slow shall not fill the memory: soon again */
        d->fetch_crowded = true;
        defer_run(m, run, count, SLICE("4.4.5"),
                  SLICE("too much mail waits for remote destinations"));
        return;
    }
    indices = arena_alloc(&m->arena, count * sizeof(uint32_t));
    for (uint32_t i = 0; i < count; i++)
        indices[i] = run[i].index;
    lane_add(&d->lane, m, indices, count);
    if (d->fetch_number == 0)
        destinations_line_up(s->destinations, d);
}

static void
line_up_remote(struct schedule *s, struct message *m)
{
    struct routed *routed;
    uint32_t count = 0, from = 0;

    for (uint32_t i = 0; i < m->target_count; i++)
        count += m->targets[i].kind == TARGET_REMOTE && m->targets[i].state == TARGET_WAITING;
    if (count == 0)
        return;
    routed = xreallocarray(NULL, count, sizeof(*routed));
    count = 0;
    for (uint32_t i = 0; i < m->target_count; i++) {
        const struct target *t = &m->targets[i];

        if (t->kind == TARGET_REMOTE && t->state == TARGET_WAITING)
            routed[count++] =
                (struct routed){destinations_get(s->destinations, destination_name(t->address)), i};
    }
    qsort(routed, count, sizeof(*routed), compare_routed);
    for (uint32_t i = 1; i <= count; i++)
        if (i == count || routed[i].destination != routed[from].destination) {
            line_up_run(s, m, &routed[from], i - from);
            from = i;
        }
    xfree(&routed);
}

/* There is one at most, the last target. */
static void
line_up_archive(struct schedule *s, struct message *m)
{
    uint32_t *index;
    struct target *t;

    for (uint32_t i = 0; i < m->target_count; i++) {
        t = &m->targets[i];
        if (t->kind != TARGET_ARCHIVE || t->state != TARGET_WAITING)
            continue;
        if (line_up_archive_is_away(s) ||
            s->archive.share_count >= s->queue->settings.active_max / 2) {
            m->overflow = true;
            message_set_outcome(m, t, TARGET_DEFERRED, SLICE("4.3.2"),
                                SLICE("the archive is not written now"), SLICE(""));
            continue;
        }
        index = arena_alloc(&m->arena, sizeof(*index));
        *index = i;
        lane_add(&s->archive, m, index, 1);
    }
}

void
schedule_message(struct schedule *s, struct message *m)
{
    line_up_local(s, m);
    line_up_remote(s, m);
    line_up_archive(s, m);
    queue_wake(s->queue);
}
