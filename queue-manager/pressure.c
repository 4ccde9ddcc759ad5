/*
 * queue-manager/pressure.c - keeps watch over what would run out: room on the disks, and the length
 * of the queue.
 *
 * The mode of queue/trigger says at a start what was known before: who was told is not told again,
 * and a limit that was passed holds until there is an eighth more room. The
 * directories are counted, some names at a time, only when it matters: new/ while mail is not taken
 * up at once, deferred/ when what is in memory of it says too much.
 */
#include "queue-manager/pressure.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/log/log.h"
#include "lib/queue/queue_pressure.h"
#include "lib/store/store_dirs.h"
#include "queue-manager/deferral.h"
#include "queue-manager/disk_notice.h"
#include "queue-manager/intake.h"
#include "queue-manager/sender.h"

#define LOOK_MS 1000
#define HOLD_MS 60000
#define COUNT_MS 20 /* between two turns of counting */
#define COUNT_PER_TURN 5000

/* How many names a directory has, a turn at a time. */
struct count {
    struct spool_scan scan;
    bool going;
    uint32_t so_far; /* in the pass under way */
    uint32_t last;   /* by the last whole pass */
};

struct pressure {
    struct queue *queue;
    struct loop_timer *timer;
    enum disk_level levels[PRESSURE_PLACES_MAX];
    bool untold[PRESSURE_PLACES_MAX]; /* it is low, and the postmaster does not know yet */
    unsigned bits;                    /* enum queue_pressure, as smtpd sees them */
    struct count new;      /* counted while there is something that is not taken up at once */
    struct count deferred; /* counted when there seems to be too much */
    struct count hold;     /* counted from time to time, for the figures */
    int64_t hold_at_ms;    /* monotonic */
    bool deferred_known;   /* the last pass is not old */
    int64_t look_at_ms;    /* monotonic */
};

/* ---- places ---- */

/* Each file system once. */
static void
add_place(struct pressure_places *places, char *path)
{
    int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    struct disk_room room, other;
    bool known = fd < 0 || places->count == PRESSURE_PLACES_MAX || disk_room_of(fd, &room) < 0;

    for (size_t i = 0; i < places->count && !known; i++)
        known = disk_room_of(places->list[i].fd, &other) == 0 && other.id == room.id;
    if (known) {
        close_keep_errno(fd);
        xfree(&path);
        return;
    }
    places->list[places->count].path = path;
    places->list[places->count++].fd = fd;
}

void
pressure_places_open(struct pressure_places *places, const struct instance *inst)
{
    struct store_dirs dirs = {.main_fd = open(inst->store, O_PATH | O_DIRECTORY | O_CLOEXEC),
                              .others_fd = open(inst->stores, O_PATH | O_DIRECTORY | O_CLOEXEC)};
    struct store_dir_info *list = xcalloc(STORE_DIRS_MAX, sizeof(*list));
    int count = store_dirs_list(&dirs, 0, list);

    add_place(places, xstrdup(inst->queue));
    add_place(places, xstrdup(inst->store));
    for (int i = 1; i < count; i++) /* the first one is the main one */
        if (!list[i].missing)
            add_place(places, xasprintf("%s/%s", inst->stores, list[i].id));
    xfree(&list);
    close_keep_errno(dirs.main_fd);
    close_keep_errno(dirs.others_fd);
}

static void
look_at_place(struct pressure *p, size_t i)
{
    static const char *const names[] = {"disk_enough", "disk_low", "disk_full"};
    const struct queue_settings *s = &p->queue->settings;
    const char *path = s->places.list[i].path;
    enum disk_level before = p->levels[i];
    struct disk_room room;

    if (disk_room_of(s->places.list[i].fd, &room) < 0)
        return; /* it is as it was; who writes there will tell */
    p->levels[i] = disk_level_of(&s->disk, &room, before);
    if (p->levels[i] == DISK_ENOUGH)
        p->untold[i] = false;
    else if (before == DISK_ENOUGH)
        p->untold[i] = true;
    if (p->levels[i] != before)
        log_event(p->levels[i] == DISK_ENOUGH ? LOG_INFO : LOG_WARN, names[p->levels[i]],
                  KV_STR("place", path), KV_U64("free_bytes", room.bytes),
                  KV_U64("free_files", room.files));
    if (p->untold[i] && disk_notice_send(p->queue, path, &room) == 0)
        p->untold[i] = false; /* else the next look tries again */
}

/* ---- the queue's length ---- */

/* False: that was the last turn of the pass. */
static bool
count_some(struct count *c)
{
    const char *id = "";

    for (int i = 0; i < COUNT_PER_TURN && id != NULL; i++) {
        id = spool_scan_next(&c->scan);
        c->so_far += id != NULL;
    }
    c->going = id != NULL;
    if (!c->going) {
        c->last = c->so_far;
        c->so_far = 0;
    }
    return c->going;
}

static uint64_t
outside_deferred(const struct pressure *p)
{
    uint32_t in_new = p->new.so_far > p->new.last ? p->new.so_far : p->new.last;

    return (uint64_t)in_new + p->queue->active_count;
}

/* With the entries of messages that were deleted meanwhile: never too few. */
static uint64_t
deferred_at_most(const struct queue *q)
{
    return (uint64_t)deferrals_count(q->deferrals) + senders_parked(q->senders);
}

static uint64_t
waiting(const struct pressure *p)
{
    return outside_deferred(p) +
           (p->deferred_known ? p->deferred.last : deferred_at_most(p->queue));
}

static uint64_t
length_limit(const struct pressure *p)
{
    uint32_t max = p->queue->settings.messages_max;

    return (p->bits & QUEUE_PRESSURE_LENGTH) != 0 ? max - max / 20 : max;
}

static bool
seems_too_long(const struct pressure *p)
{
    return p->queue->settings.messages_max > 0 &&
           outside_deferred(p) + deferred_at_most(p->queue) > length_limit(p);
}

static bool
is_too_long(const struct pressure *p)
{
    return seems_too_long(p) && (p->deferred_known ? waiting(p) > length_limit(p)
                                                   : (p->bits & QUEUE_PRESSURE_LENGTH) != 0);
}

static void
begin_counts(struct pressure *p)
{
    if (p->queue->settings.messages_max == 0)
        return;
    if (intake_is_behind(p->queue->intake))
        p->new.going = true;
    else if (!p->new.going)
        p->new.last = 0;
    if (seems_too_long(p))
        p->deferred.going = true;
    else
        p->deferred_known = false;
}

static void
go_on_counting(struct pressure *p)
{
    if (p->new.going)
        (void)count_some(&p->new);
    else if (p->deferred.going && !count_some(&p->deferred))
        p->deferred_known = true;
    else if (p->hold.going)
        (void)count_some(&p->hold);
}

/* What waits, for the figures. */
static void
show_length(struct pressure *p, int64_t now_ms)
{
    const struct queue_counters *c = &p->queue->counters;

    if (now_ms >= p->hold_at_ms) {
        p->hold_at_ms = now_ms + HOLD_MS;
        p->hold.going = true;
    }
    atomic_store_explicit(c->waiting, deferred_at_most(p->queue), memory_order_relaxed);
    atomic_store_explicit(c->on_hold, p->hold.last, memory_order_relaxed);
}

/* ---- what follows ---- */

static unsigned
find_bits(const struct pressure *p)
{
    unsigned bits = is_too_long(p) ? QUEUE_PRESSURE_LENGTH : 0;

    for (size_t i = 0; i < p->queue->settings.places.count; i++) {
        if (p->levels[i] == DISK_FULL)
            bits |= QUEUE_PRESSURE_DISK;
        if (p->levels[i] != DISK_ENOUGH && !p->untold[i])
            bits |= QUEUE_PRESSURE_LOW;
    }
    return bits;
}

static void
tell_smtpd(struct pressure *p)
{
    unsigned bits = find_bits(p);
    bool stopped = (bits & QUEUE_PRESSURE_STOP) != 0,
         was_stopped = (p->bits & QUEUE_PRESSURE_STOP) != 0;

    if (bits == p->bits)
        return;
    if (queue_pressure_set(p->queue->spool.trigger_fd, bits) < 0) {
        log_event(LOG_ERROR, "pressure_not_told", KV_ERRNO());
        return; /* the next look tries again */
    }
    if (stopped && ((bits ^ p->bits) & QUEUE_PRESSURE_STOP) != 0)
        log_event(LOG_WARN, "intake_stopped",
                  KV_STR("reason", (bits & QUEUE_PRESSURE_DISK) != 0 ? "below disk.hard_limit or "
                                                                       "disk.hard_files"
                                                                     : "above queue.max_messages"),
                  KV_U64("messages", waiting(p)));
    else if (was_stopped && !stopped)
        log_event(LOG_INFO, "intake_resumed", KV_U64("messages", waiting(p)));
    p->bits = bits;
}

static void
look(void *arg)
{
    struct pressure *p = arg;
    int64_t now_ms = clock_mono_ms();

    if (now_ms >= p->look_at_ms) {
        p->look_at_ms = now_ms + LOOK_MS;
        for (size_t i = 0; i < p->queue->settings.places.count; i++)
            look_at_place(p, i);
        begin_counts(p);
        show_length(p, now_ms);
    }
    go_on_counting(p);
    tell_smtpd(p);
    now_ms = clock_mono_ms();
    if (p->new.going || p->deferred.going || p->hold.going)
        loop_timer_set(p->timer, COUNT_MS);
    else
        loop_timer_set(p->timer, p->look_at_ms > now_ms ? p->look_at_ms - now_ms : 0);
}

struct pressure *
pressure_new(struct queue *q)
{
    struct pressure *p = xcalloc(1, sizeof(*p));

    p->queue = q;
    if (spool_scan_open(&p->new.scan, &q->spool, SPOOL_NEW) < 0 ||
        spool_scan_open(&p->deferred.scan, &q->spool, SPOOL_DEFERRED) < 0 ||
        spool_scan_open(&p->hold.scan, &q->spool, SPOOL_HOLD) < 0) {
        spool_scan_close(&p->new.scan);
        spool_scan_close(&p->deferred.scan);
        xfree(&p);
        return NULL;
    }
    p->bits = queue_pressure_get(q->spool.trigger_fd);
    for (size_t i = 0; i < q->settings.places.count; i++)
        p->levels[i] = (p->bits & QUEUE_PRESSURE_DISK) != 0  ? DISK_FULL
                       : (p->bits & QUEUE_PRESSURE_LOW) != 0 ? DISK_LOW
                                                             : DISK_ENOUGH;
    p->timer = loop_timer_new(q->loop, look, p);
    look(p);
    return p;
}

void
pressure_free(struct pressure **pp)
{
    struct pressure *p = *pp;

    if (p == NULL)
        return;
    spool_scan_close(&p->new.scan);
    spool_scan_close(&p->deferred.scan);
    spool_scan_close(&p->hold.scan);
    loop_timer_free(&p->timer);
    xfree(pp);
}
