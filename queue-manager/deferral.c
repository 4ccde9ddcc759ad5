/*
 * queue-manager/deferral.c - which deferred message is due when.
 */
#include "queue-manager/deferral.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/base/random.h"
#include "lib/log/log.h"

#define READ_PER_TURN 1000
#define READ_MS 5 /* of one turn: with cold disks a log takes long */
#define READ_STEP 16
#define EARLY_MS 1000 /* an entry this much before the log's time counts as on time */

struct deferrals {
    struct queue *queue;
    struct due_heap heap;
    struct spool_scan scan; /* over deferred/, at start and when the heap has run low */
    bool reading;
    int64_t read_from_ms; /* what is due earlier is in the heap already */
    uint64_t read_flush;  /* what was flushed since the reading began: due at once */
};

struct deferrals *
deferrals_new(struct queue *q, uint32_t max)
{
    struct deferrals *d = xcalloc(1, sizeof(*d));

    d->queue = q;
    due_heap_init(&d->heap, max);
    d->reading = spool_scan_open(&d->scan, &q->spool, SPOOL_DEFERRED) == 0;
    if (!d->reading)
        log_event(LOG_ERROR, "deferred_unreadable", KV_ERRNO());
    return d;
}

void
deferrals_free(struct deferrals **dp)
{
    if (*dp == NULL)
        return;
    spool_scan_close(&(*dp)->scan);
    due_heap_clear(&(*dp)->heap);
    xfree(dp);
}

void
deferrals_add(struct deferrals *d, const char *id, int64_t next_ms, uint64_t domains)
{
    due_heap_add(&d->heap, id, next_ms, domains);
}

/* What the log says; without a log, or with a damaged one, the message is due at once. */
static void
read_entry(const struct deferrals *d, const char *id, int64_t *next_ms, uint64_t *domains)
{
    struct queue_log log;

    *next_ms = 1;
    *domains = DUE_DOMAIN_ALL;
    if (queue_log_load(d->queue->spool.fds[SPOOL_DEFERRED], id, &log) < 0)
        return;
    if (log.next_ms > 1) {
        *next_ms = log.next_ms;
        *domains = DUE_DOMAIN_NONE;
    }
    for (uint32_t i = 0; i < log.rcpt_count; i++)
        if (log.rcpts[i].kind == QUEUE_LOG_WAIT)
            *domains = due_domain_join(*domains, due_domain(log.rcpts[i].address));
    queue_log_free(&log);
}

/* What did not fit is wanted soon: read it all again, and keep what is not here. */
static void
read_again(struct deferrals *d)
{
    d->reading = true;
    d->read_from_ms = d->heap.horizon_ms;
    d->read_flush = DUE_DOMAIN_NONE;
    d->heap.horizon_ms = DUE_NO_HORIZON;
}

static void
read_one(struct deferrals *d, const char *name)
{
    char id[QUEUE_ID_SIZE];
    int64_t next_ms;
    uint64_t domains;

    (void)snprintf(id, sizeof(id), "%s", name);
    read_entry(d, id, &next_ms, &domains);
    if (d->read_flush != DUE_DOMAIN_NONE && due_domain_matches(domains, d->read_flush))
        deferrals_add(d, id, 0, domains);
    else if (next_ms >= d->read_from_ms)
        deferrals_add(d, id, next_ms, domains);
}

bool
deferrals_read_some(struct deferrals *d)
{
    int64_t end_ms = clock_mono_ms() + READ_MS;

    if (!d->reading && d->heap.horizon_ms != DUE_NO_HORIZON && d->heap.count < d->heap.max / 4)
        read_again(d);
    for (int i = 0; d->reading && i < READ_PER_TURN; i++) {
        const char *id = spool_scan_next(&d->scan);

        d->reading = id != NULL;
        if (id != NULL)
            read_one(d, id);
        if (i % READ_STEP == READ_STEP - 1 && clock_mono_ms() >= end_ms)
            break;
    }
    return d->reading;
}

bool
deferrals_take_due(struct deferrals *d, int64_t now_ms, char id[QUEUE_ID_SIZE])
{
    while (d->heap.count > 0 && due_heap_next_ms(&d->heap) <= now_ms) {
        int64_t entry_ms, log_ms;
        uint64_t domains;

        due_heap_take(&d->heap, id, &entry_ms, &domains);
        if (entry_ms == 0) /* flushed: whatever the log says */
            return true;
        read_entry(d, id, &log_ms, &domains);
        if (log_ms <= now_ms + EARLY_MS)
            return true;
        /* deferred again since, and then entered again */
    }
    return false;
}

int64_t
deferrals_wait_ms(const struct deferrals *d, int64_t now_ms)
{
    int64_t next_ms;

    if (d->heap.count == 0)
        return -1;
    next_ms = due_heap_next_ms(&d->heap);
    return next_ms > now_ms ? next_ms - now_ms : 0;
}

uint32_t
deferrals_flush(struct deferrals *d, uint64_t domain)
{
    if (!d->reading && d->heap.horizon_ms != DUE_NO_HORIZON)
        read_again(d);
    if (d->reading && d->read_flush != DUE_DOMAIN_NONE && d->read_flush != domain)
        d->read_flush = DUE_DOMAIN_ALL;
    else if (d->reading)
        d->read_flush = domain;
    return due_heap_flush(&d->heap, domain);
}

bool
deferrals_are_waiting(const struct deferrals *d)
{
    return !d->reading && (d->heap.count == 0 || due_heap_next_ms(&d->heap) > 0);
}

int64_t
deferrals_oldest_ms(const struct deferrals *d)
{
    char id[QUEUE_ID_SIZE];
    int64_t ms;

    due_heap_oldest(&d->heap, id);
    ms = id[0] == '\0' ? 0 : queue_id_time_ms(id);
    return ms < 0 ? 0 : ms;
}

uint32_t
deferrals_count(const struct deferrals *d)
{
    return d->heap.count;
}

int64_t
deferral_next_ms(const struct queue_settings *settings, uint32_t round, int64_t now_ms,
                 int64_t received_ms)
{
    int64_t wait = settings->retry_interval_ms;
    int64_t end = received_ms + settings->lifetime_ms;
    int64_t next;

    for (uint32_t i = 1; i < round && wait < settings->retry_max_ms; i++)
        wait *= 2;
    if (wait > settings->retry_max_ms && settings->retry_max_ms >= settings->retry_interval_ms)
        wait = settings->retry_max_ms;
    next = now_ms + wait + (int64_t)(random_u64() % (uint64_t)(wait / 10 + 1));
    if (next > end && end > now_ms)
        next = end; /* one last attempt when the lifetime is over, then the bounce */
    return next;
}
