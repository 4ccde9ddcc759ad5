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

#define READ_PER_TURN 200
#define EARLY_MS 1000 /* an entry this much before the log's time counts as on time */

struct entry {
    int64_t next_ms; /* 0: flushed, due whatever the log says */
    uint64_t domains;
    char id[QUEUE_ID_SIZE];
};

struct deferrals {
    struct queue *queue;
    struct spool_scan scan; /* over deferred/, at start and after an overflow */
    bool reading;
    bool overflowed;
    struct entry *heap; /* the smallest first: heap[i] <= heap[2i+1], heap[2i+2] */
    uint32_t count, room;
};

struct deferrals *
deferrals_new(struct queue *q)
{
    struct deferrals *d = xcalloc(1, sizeof(*d));

    d->queue = q;
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
    xfree(&(*dp)->heap);
    xfree(dp);
}

static void
swap(struct entry *a, struct entry *b)
{
    struct entry held = *a;

    *a = *b;
    *b = held;
}

static void
sift_up(struct deferrals *d, uint32_t i)
{
    while (i > 0 && d->heap[i].next_ms < d->heap[(i - 1) / 2].next_ms) {
        swap(&d->heap[i], &d->heap[(i - 1) / 2]);
        i = (i - 1) / 2;
    }
}

static void
sift_down(struct deferrals *d, uint32_t i)
{
    for (;;) {
        uint32_t least = i, left = 2 * i + 1, right = 2 * i + 2;

        if (left < d->count && d->heap[left].next_ms < d->heap[least].next_ms)
            least = left;
        if (right < d->count && d->heap[right].next_ms < d->heap[least].next_ms)
            least = right;
        if (least == i)
            return;
        swap(&d->heap[i], &d->heap[least]);
        i = least;
    }
}

void
deferrals_add(struct deferrals *d, const char *id, int64_t next_ms, uint64_t domains)
{
    struct entry *e;

    if (d->count == DEFERRALS_MAX) {
        d->overflowed = true;
        return;
    }
    if (d->count == d->room) {
        d->room = d->room == 0 ? 64 : d->room * 2;
        d->heap = xreallocarray(d->heap, d->room, sizeof(*d->heap));
    }
    e = &d->heap[d->count++];
    e->next_ms = next_ms;
    e->domains = domains;
    (void)snprintf(e->id, sizeof(e->id), "%s", id);
    sift_up(d, d->count - 1);
}

uint64_t
deferral_domain_bit(struct slice address)
{
    size_t at = slice_rindex(address, '@');
    uint64_t hash = 14695981039346656037u; /* FNV-1a */

    for (size_t i = at == address.len ? 0 : at + 1; i < address.len; i++) {
        unsigned char c = (unsigned char)address.ptr[i];

        hash = (hash ^ (c >= 'A' && c <= 'Z' ? c + 32u : c)) * 1099511628211u;
    }
    return 1ull << (hash >> 58);
}

/* What the log says; without a log, or with a damaged one, the message is due at once. */
static void
read_entry(const struct deferrals *d, struct entry *e)
{
    struct queue_log log;

    e->next_ms = 1;
    e->domains = UINT64_MAX;
    if (queue_log_load(d->queue->spool.fds[SPOOL_DEFERRED], e->id, &log) < 0)
        return;
    if (log.next_ms > 1) {
        e->next_ms = log.next_ms;
        e->domains = 0;
    }
    for (uint32_t i = 0; i < log.rcpt_count; i++)
        if (log.rcpts[i].kind == QUEUE_LOG_WAIT)
            e->domains |= deferral_domain_bit(log.rcpts[i].address);
    queue_log_free(&log);
}

bool
deferrals_read_some(struct deferrals *d)
{
    if (!d->reading && d->overflowed && d->count < DEFERRALS_MAX / 2) {
        d->overflowed = false;
        d->count = 0; /* or those that are in already would be twice */
        d->reading = true;
    }
    for (int i = 0; d->reading && i < READ_PER_TURN; i++) {
        const char *id = spool_scan_next(&d->scan);
        struct entry e;

        d->reading = id != NULL;
        if (id == NULL)
            break;
        (void)snprintf(e.id, sizeof(e.id), "%s", id);
        read_entry(d, &e);
        deferrals_add(d, e.id, e.next_ms, e.domains);
    }
    return d->reading;
}

static struct entry
take_first(struct deferrals *d)
{
    struct entry first = d->heap[0];

    d->heap[0] = d->heap[--d->count];
    sift_down(d, 0);
    return first;
}

bool
deferrals_take_due(struct deferrals *d, int64_t now_ms, char id[QUEUE_ID_SIZE])
{
    while (d->count > 0 && d->heap[0].next_ms <= now_ms) {
        struct entry e = take_first(d);

        if (e.next_ms != 0)
            read_entry(d, &e);
        if (e.next_ms > now_ms + EARLY_MS) { /* deferred again since: the log knows better */
            deferrals_add(d, e.id, e.next_ms, e.domains);
            continue;
        }
        memcpy(id, e.id, QUEUE_ID_SIZE);
        return true;
    }
    return false;
}

int64_t
deferrals_wait_ms(const struct deferrals *d, int64_t now_ms)
{
    if (d->count == 0)
        return -1;
    return d->heap[0].next_ms > now_ms ? d->heap[0].next_ms - now_ms : 0;
}

uint32_t
deferrals_flush(struct deferrals *d, uint64_t domains)
{
    uint32_t flushed = 0;

    for (uint32_t i = 0; i < d->count; i++) {
        if ((d->heap[i].domains & domains) == 0)
            continue;
        d->heap[i].next_ms = 0;
        sift_up(d, i); /* what is before i stays a heap */
        flushed++;
    }
    return flushed;
}

uint32_t
deferrals_count(const struct deferrals *d)
{
    return d->count;
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
