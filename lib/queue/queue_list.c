/*
 * lib/queue/queue_list.c - queued messages as objects. Files may vanish or be damaged meanwhile.
 */
#include "lib/queue/queue_list.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/ipc/object.h"
#include "lib/ipc/queue_manager.h"
#include "lib/queue/queue_log.h"

#define FIELDS_MAX 16
#define SHOW_RCPTS_MAX 1000
#define VALUE_MAX 60000

struct found {
    char id[QUEUE_ID_SIZE];
    enum spool_state state;
};

static const char *const statuses[SPOOL_STATES] = {
    [SPOOL_NEW] = "waiting for delivery",
    [SPOOL_ACTIVE] = "delivering",
    [SPOOL_DEFERRED] = "waiting for retry",
    [SPOOL_HOLD] = "on hold",
    [SPOOL_CORRUPT] = "damaged",
};

/* The values of one object under construction. */
struct row {
    struct object_field fields[FIELDS_MAX];
    struct strbuf values[FIELDS_MAX];
    uint32_t count;
};

static void
row_add(struct row *row, const char *name, struct slice value)
{
    struct strbuf *copy = &row->values[row->count];

    *copy = strbuf_new(VALUE_MAX);
    (void)strbuf_append(copy, slice_sub(value, 0, VALUE_MAX)); /* fits */
    row->fields[row->count] = (struct object_field){slice_of(name), strbuf_slice(copy)};
    row->count++;
}

static void
row_add_u64(struct row *row, const char *name, uint64_t value)
{
    char text[24];

    (void)snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
    row_add(row, name, slice_of(text));
}

static void
row_add_time(struct row *row, const char *name, int64_t ms)
{
    struct strbuf text = strbuf_new(64);

    if (ms > 0)
        (void)clock_rfc3339(ms, &text); /* fits */
    row_add(row, name, strbuf_slice(&text));
    strbuf_free(&text);
}

static void
row_finish(struct row *row, struct strbuf *objects)
{
    object_add(objects, row->fields, row->count);
    for (uint32_t i = 0; i < row->count; i++)
        strbuf_free(&row->values[i]);
    row->count = 0;
}

static bool
is_done(const struct queue_log *log, struct slice address)
{
    const struct queue_log_entry *e = queue_log_find(log, address);

    return e != NULL && e->kind == QUEUE_LOG_DONE;
}

static void
add_recipients(struct row *row, const struct queue_envelope *e, const struct queue_log *log)
{
    struct strbuf list = strbuf_new(VALUE_MAX);

    for (uint32_t i = 0, listed = 0; i < e->rcpt_count && listed < QUEUE_LIST_RCPTS; i++) {
        if (is_done(log, e->rcpts[i].address))
            continue;
        (void)strbuf_printf(&list, "%s%.*s", listed == 0 ? "" : " ", (int)e->rcpts[i].address.len,
                            e->rcpts[i].address.ptr); /* 50 addresses fit */
        listed++;
    }
    row_add(row, "recipients", strbuf_slice(&list));
    strbuf_free(&list);
}

static struct slice
last_reason(const struct queue_log *log)
{
    const struct queue_log_entry *last = NULL;

    for (uint32_t i = 0; i < log->rcpt_count; i++)
        if (log->rcpts[i].kind == QUEUE_LOG_WAIT &&
            (last == NULL || log->rcpts[i].time_ms > last->time_ms))
            last = &log->rcpts[i];
    return last == NULL ? SLICE("") : last->text;
}

/* Before the first attempt a message on hold is there because a filter wants it so. */
static struct slice
why_waiting(const struct found *f, const struct queue_envelope *e, const struct queue_log *log)
{
    return f->state == SPOOL_HOLD && log->rcpt_count == 0 ? e->hold_reason : last_reason(log);
}

static void
add_message(struct strbuf *objects, const struct found *f, const struct queue_envelope *e,
            const struct queue_log *log)
{
    struct row row = {.count = 0};

    row_add(&row, "id", slice_of(f->id));
    row_add(&row, "state", slice_of(spool_name(f->state)));
    row_add(&row, "status", slice_of(statuses[f->state]));
    row_add_time(&row, "received", e->received_ms);
    row_add_time(&row, "last_attempt", log->last_ms);
    row_add_time(&row, "next_attempt", f->state == SPOOL_DEFERRED ? log->next_ms : 0);
    row_add_u64(&row, "attempts", log->round);
    row_add_u64(&row, "size", e->content_size);
    row_add(&row, "sender", e->sender);
    add_recipients(&row, e, log);
    row_add_u64(&row, "recipient_count", e->rcpt_count);
    row_add(&row, "reason", why_waiting(f, e, log));
    row_finish(&row, objects);
}

/* What can be said of a message whose file cannot be read. */
static void
add_damaged(struct strbuf *objects, const struct found *f, int error)
{
    struct row row = {.count = 0};

    row_add(&row, "id", slice_of(f->id));
    row_add(&row, "state", slice_of(spool_name(f->state)));
    row_add(&row, "status", slice_of(statuses[SPOOL_CORRUPT]));
    row_add(&row, "reason", slice_of(error == EBADMSG ? "damaged queue file" : strerror(error)));
    row_finish(&row, objects);
}

static void
add_rcpt(struct strbuf *objects, const struct queue_rcpt *rcpt, struct slice address,
         const struct queue_log_entry *e)
{
    struct row row = {.count = 0};
    const char *status = "waiting";

    if (e != NULL && e->kind == QUEUE_LOG_DONE)
        status = e->outcome == QUEUE_DELIVERED ? "delivered" : "bounced";
    else if (e != NULL)
        status = "deferred";
    row_add(&row, "address", address);
    row_add(&row, "original", rcpt == NULL ? SLICE("") : rcpt->original);
    row_add(&row, "status", slice_of(status));
    row_add(&row, "dsn", e == NULL ? SLICE("") : e->dsn);
    row_add(&row, "reason", e == NULL ? SLICE("") : e->text);
    row_add(&row, "remote", e == NULL ? SLICE("") : e->remote);
    row_add_time(&row, "time", e == NULL ? 0 : e->time_ms);
    row_finish(&row, objects);
}

static bool
in_envelope(const struct queue_envelope *e, struct slice address)
{
    for (uint32_t i = 0; i < e->rcpt_count; i++)
        if (slice_eq(e->rcpts[i].address, address))
            return true;
    return false;
}

/* The envelope's recipients, then the addresses that they led to, from the log. */
static void
add_rcpts(struct strbuf *objects, const struct queue_envelope *e, const struct queue_log *log)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < e->rcpt_count && count < SHOW_RCPTS_MAX; i++, count++)
        add_rcpt(objects, &e->rcpts[i], e->rcpts[i].address,
                 queue_log_find(log, e->rcpts[i].address));
    for (uint32_t i = 0; i < log->rcpt_count && count < SHOW_RCPTS_MAX; i++) {
        if (in_envelope(e, log->rcpts[i].address))
            continue;
        add_rcpt(objects, NULL, log->rcpts[i].address, &log->rcpts[i]);
        count++;
    }
}

static void
describe(const struct spool *spool, const struct found *f, bool with_rcpts, struct strbuf *objects)
{
    int dirfd = spool->fds[f->state];
    struct queue_message *m = queue_message_open(dirfd, f->id);
    struct queue_log log;

    if (m == NULL) {
        if (errno != ENOENT) /* that one has moved on meanwhile */
            add_damaged(objects, f, errno);
        return;
    }
    (void)queue_log_load(dirfd, f->id, &log); /* unreadable: nothing is known of attempts */
    add_message(objects, f, queue_message_envelope(m), &log);
    if (with_rcpts)
        add_rcpts(objects, queue_message_envelope(m), &log);
    queue_log_free(&log);
    queue_message_close(&m);
}

static int
compare_found(const void *a, const void *b)
{
    return strcmp(((const struct found *)a)->id, ((const struct found *)b)->id);
}

/* Keeps the QUEUE_LIST_PAGE smallest ids behind the cursor, in order, with two halves to sort. */
struct page {
    struct found found[2 * QUEUE_LIST_PAGE];
    uint32_t count;
    bool more;
};

static void
page_cut(struct page *page)
{
    qsort(page->found, page->count, sizeof(page->found[0]), compare_found);
    if (page->count <= QUEUE_LIST_PAGE)
        return;
    page->count = QUEUE_LIST_PAGE;
    page->more = true;
}

static void
page_fill(struct page *page, const struct spool *spool, enum spool_state state, const char *cursor)
{
    struct spool_scan scan;
    const char *id;

    if (spool_scan_open(&scan, spool, state) < 0)
        return;
    while ((id = spool_scan_next(&scan)) != NULL) {
        if (strcmp(id, cursor) <= 0)
            continue;
        if (page->count == 2 * QUEUE_LIST_PAGE)
            page_cut(page);
        page->found[page->count].state = state;
        (void)snprintf(page->found[page->count++].id, QUEUE_ID_SIZE, "%s", id);
    }
    spool_scan_close(&scan);
}

bool
queue_list_page(const struct spool *spool, const char *cursor, struct strbuf *objects,
                char last[QUEUE_ID_SIZE])
{
    struct page *page = xcalloc(1, sizeof(*page));
    bool more;

    for (int state = SPOOL_NEW; state < SPOOL_STATES; state++)
        page_fill(page, spool, (enum spool_state)state, cursor);
    page_cut(page);
    for (uint32_t i = 0; i < page->count; i++) {
        if (objects->len > QUEUE_LIST_BYTES) {
            page->more = true;
            break;
        }
        describe(spool, &page->found[i], false, objects);
        memcpy(last, page->found[i].id, QUEUE_ID_SIZE);
    }
    more = page->more;
    xfree(&page);
    return more;
}

int
queue_list_show(const struct spool *spool, const char *id, struct strbuf *objects)
{
    struct found f;
    int state = queue_id_valid(slice_of(id)) ? spool_find(spool, id) : -1;

    if (state < 0) {
        errno = ENOENT;
        return -1;
    }
    f.state = (enum spool_state)state;
    (void)snprintf(f.id, sizeof(f.id), "%s", id);
    describe(spool, &f, true, objects);
    if (objects->len > 0)
        return 0;
    errno = ENOENT;
    return -1;
}
