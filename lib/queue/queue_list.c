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
#include "lib/queue/queue_edit.h"
#include "lib/queue/queue_log.h"

#define FIELDS_MAX 20
#define SHOW_RCPTS_MAX 1000
#define VALUE_MAX 60000
#define OBJECT_MAX (1u << 20)

static const char *const statuses[SPOOL_STATES] = {
    [SPOOL_TMP] = "being written", [SPOOL_NEW] = "waiting for delivery",
    [SPOOL_ACTIVE] = "delivering", [SPOOL_DEFERRED] = "waiting for retry",
    [SPOOL_HOLD] = "on hold",      [SPOOL_CORRUPT] = "damaged",
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

/* In deferred/ a message may wait for its next attempt, for its time, or for its first turn. */
static const char *
status_of(const struct queue_found *f, const struct queue_log *log, int64_t not_before_ms)
{
    if (f->state == SPOOL_HOLD && queue_log_waits_for_approval(log))
        return "waiting for approval";
    if (f->state != SPOOL_DEFERRED)
        return statuses[f->state];
    if (not_before_ms > clock_real_ms())
        return "scheduled";
    return statuses[log->round == 0 ? SPOOL_NEW : SPOOL_DEFERRED];
}

static struct slice
reason_of(const struct queue_found *f, const struct queue_envelope *e, const struct queue_log *log,
          int64_t not_before_ms)
{
    bool scheduled = f->state == SPOOL_DEFERRED && not_before_ms > clock_real_ms();

    if (log->held && (scheduled || f->state == SPOOL_HOLD))
        return log->hold_reason;
    /* before the first attempt a message on hold is there because a filter wants it so */
    if (f->state == SPOOL_HOLD && log->rcpt_count == 0 && e->hold_reason.len > 0)
        return e->hold_reason;
    return scheduled ? SLICE("held until the time that the sender gave") : last_reason(log);
}

/* What `posthorn approval` shows; nothing of a message that needs none. */
static void
add_approval(struct row *row, const struct queue_envelope *e, const struct queue_approval *a)
{
    struct strbuf approvers = strbuf_new(VALUE_MAX);
    struct slice rest = a->approvers, address;
    uint8_t kinds;

    if (a->kinds == 0)
        return;
    while (queue_log_next_approver(&rest, &kinds, &address))
        if ((kinds & a->kinds & ~a->approved) != 0)
            (void)strbuf_printf(&approvers, "%s%.*s", approvers.len == 0 ? "" : " ",
                                (int)address.len, address.ptr); /* fits */
    row_add(row, "rule", a->rule);
    row_add_time(row, "asked", a->asked_ms);
    row_add_time(row, "deadline", a->deadline_ms);
    row_add(row, "approvers", strbuf_slice(&approvers));
    row_add(row, "approved_by", e->approved_by);
    strbuf_free(&approvers);
}

static void
add_message(struct strbuf *objects, const struct queue_found *f, const struct queue_envelope *e,
            const struct queue_log *log, const char *note)
{
    struct row row = {.count = 0};
    int64_t not_before_ms = queue_log_not_before(log, e->hold_until_ms);
    int64_t next_ms = not_before_ms > clock_real_ms() ? not_before_ms : log->next_ms;

    row_add(&row, "id", slice_of(f->id));
    row_add(&row, "state", slice_of(spool_name((enum spool_state)f->state)));
    row_add(&row, "status", slice_of(status_of(f, log, not_before_ms)));
    row_add_time(&row, "received", e->received_ms);
    row_add_time(&row, "last_attempt", log->last_ms);
    row_add_time(&row, "next_attempt", f->state == SPOOL_DEFERRED ? next_ms : 0);
    row_add_u64(&row, "attempts", log->round);
    row_add_u64(&row, "size", e->content_size);
    row_add(&row, "sender", e->sender);
    add_recipients(&row, e, log);
    row_add_u64(&row, "recipient_count", e->rcpt_count);
    row_add(&row, "reason", reason_of(f, e, log, not_before_ms));
    row_add(&row, "note", slice_of(note));
    add_approval(&row, e, &log->approval);
    row_finish(&row, objects);
}

/* What can be said of a message whose file cannot be read. */
static void
add_damaged(struct strbuf *objects, const struct queue_found *f, int error)
{
    struct row row = {.count = 0};

    row_add(&row, "id", slice_of(f->id));
    row_add(&row, "state", slice_of(spool_name((enum spool_state)f->state)));
    row_add(&row, "status", slice_of(statuses[SPOOL_CORRUPT]));
    row_add(&row, "reason", slice_of(error == EBADMSG ? "damaged queue file" : strerror(error)));
    row_finish(&row, objects);
}

/* False: there is no room for all of it, and nothing is added. */
static bool
add_rcpt(struct strbuf *objects, const struct queue_rcpt *rcpt, struct slice address,
         const struct queue_log_entry *e)
{
    struct strbuf object = strbuf_new(OBJECT_MAX);
    struct row row = {.count = 0};
    const char *status = "waiting";
    bool fits;

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
    row_finish(&row, &object);
    fits = !object.overflow && strbuf_append(objects, strbuf_slice(&object));
    strbuf_free(&object);
    return fits;
}

static bool
in_envelope(const struct queue_envelope *e, struct slice address)
{
    for (uint32_t i = 0; i < e->rcpt_count; i++)
        if (slice_eq(e->rcpts[i].address, address))
            return true;
    return false;
}

/* The envelope's recipients, then the addresses that they led to, from the log. False: there are
 * more than *count of them. */
static bool
add_rcpts(struct strbuf *objects, const struct queue_envelope *e, const struct queue_log *log,
          uint32_t *count)
{
    for (uint32_t i = 0; i < e->rcpt_count; i++, (*count)++)
        if (*count == SHOW_RCPTS_MAX || !add_rcpt(objects, &e->rcpts[i], e->rcpts[i].address,
                                                  queue_log_find(log, e->rcpts[i].address)))
            return false;
    for (uint32_t i = 0; i < log->rcpt_count; i++) {
        if (in_envelope(e, log->rcpts[i].address))
            continue;
        if (*count == SHOW_RCPTS_MAX ||
            !add_rcpt(objects, NULL, log->rcpts[i].address, &log->rcpts[i]))
            return false;
        (*count)++;
    }
    return true;
}

/* The message says if not all of its recipients are there: they take half of the room. */
static void
add_shown(struct strbuf *objects, const struct queue_found *f, const struct queue_envelope *e,
          const struct queue_log *log)
{
    struct strbuf rcpts = strbuf_new(objects->max / 2), note = strbuf_new(100);
    uint32_t count = 0;

    if (!add_rcpts(&rcpts, e, log, &count))
        (void)strbuf_printf(&note, "the first %u recipients are shown, there are more",
                            count); /* fits */
    add_message(objects, f, e, log, strbuf_cstr(&note));
    (void)strbuf_append(objects, strbuf_slice(&rcpts)); /* the caller's ceiling shows */
    strbuf_free(&rcpts);
    strbuf_free(&note);
}

static bool
passes_rcpts(const struct queue_filter *filter, const struct queue_envelope *e,
             const struct queue_log *log)
{
    if (filter->recipient.len == 0 && filter->domain.len == 0)
        return true;
    for (uint32_t i = 0; i < e->rcpt_count; i++) {
        struct slice address = e->rcpts[i].address;
        struct slice domain = slice_sub(address, slice_rindex(address, '@') + 1, address.len);

        if ((filter->recipient.len == 0 || slice_eq_nocase(address, filter->recipient)) &&
            (filter->domain.len == 0 || slice_eq_nocase(domain, filter->domain)) &&
            !is_done(log, address))
            return true;
    }
    return false;
}

static bool
passes(const struct queue_filter *filter, const struct queue_envelope *e,
       const struct queue_log *log)
{
    struct slice sender = e->sender.len > 0 ? e->sender : SLICE("<>");

    if (filter->sender.len > 0 && !slice_eq_nocase(sender, filter->sender))
        return false;
    if (filter->before_ms != 0 && e->received_ms >= filter->before_ms)
        return false;
    return passes_rcpts(filter, e, log);
}

static bool
is_any(const struct queue_filter *filter)
{
    return filter->sender.len + filter->recipient.len + filter->domain.len == 0;
}

static void
add_open(const struct queue_message *m, const struct queue_found *f,
         const struct queue_filter *filter, bool with_rcpts, struct strbuf *objects, int dirfd)
{
    struct queue_envelope edited;
    struct queue_log log;

    (void)queue_log_load(dirfd, f->id, &log); /* unreadable: nothing is known of attempts */
    queue_edit_apply(queue_message_envelope(m), &log, &edited);
    if (filter == NULL || passes(filter, &edited, &log)) {
        if (with_rcpts)
            add_shown(objects, f, &edited, &log);
        else
            add_message(objects, f, &edited, &log, "");
    }
    envelope_clear(&edited);
    queue_log_free(&log);
}

/* `f` is brought up to date if the message has moved since it was found. */
static void
describe(const struct spool *spool, struct queue_found *f, const struct queue_filter *filter,
         bool with_rcpts, struct strbuf *objects)
{
    struct queue_message *m = queue_message_open(spool->fds[f->state], f->id);
    int error = errno, state;

    if (m == NULL && error == ENOENT && (state = spool_find(spool, f->id)) >= 0) {
        f->state = (uint8_t)state;
        m = queue_message_open(spool->fds[f->state], f->id);
        error = errno;
    }
    if (m != NULL)
        add_open(m, f, filter, with_rcpts, objects, spool->fds[f->state]);
    else if (error != ENOENT && (filter == NULL || is_any(filter)))
        add_damaged(objects, f, error);
    queue_message_close(&m);
}

static int
compare_found(const void *a, const void *b)
{
    return strcmp(((const struct queue_found *)a)->id, ((const struct queue_found *)b)->id);
}

struct names {
    struct queue_found *found;
    size_t count, room;
};

static int
find_in(const struct spool *spool, enum spool_state state, const struct queue_filter *filter,
        struct names *names)
{
    struct spool_scan scan;
    const char *id;

    if (spool_scan_open(&scan, spool, state) < 0)
        return errno == EBADF ? 0 : -1; /* a state without a directory has no messages */
    while ((id = spool_scan_next(&scan)) != NULL) {
        /* A slot's id is older than its message. */
        if (filter->before_ms != 0 && queue_id_time_ms(id) >= filter->before_ms)
            continue;
        if (names->count == names->room) {
            names->room = names->room == 0 ? 1024 : names->room * 2;
            names->found = xreallocarray(names->found, names->room, sizeof(*names->found));
        }
        names->found[names->count].state = (uint8_t)state;
        (void)snprintf(names->found[names->count++].id, QUEUE_ID_SIZE, "%s", id);
    }
    spool_scan_close(&scan);
    return 0;
}

int
queue_list_find(const struct spool *spool, const struct queue_filter *filter,
                struct queue_found **found, size_t *count)
{
    struct names names = {.found = NULL};
    int rc = 0;

    for (int state = SPOOL_NEW; state < SPOOL_STATES && rc == 0; state++)
        if (filter->states == 0 || (filter->states & 1u << state) != 0)
            rc = find_in(spool, (enum spool_state)state, filter, &names);
    if (rc < 0)
        xfree(&names.found);
    else if (names.count > 1)
        qsort(names.found, names.count, sizeof(*names.found), compare_found);
    *found = names.found;
    *count = rc < 0 ? 0 : names.count;
    return rc;
}

bool
queue_list_add(const struct spool *spool, const struct queue_found *found,
               const struct queue_filter *filter, struct strbuf *objects)
{
    struct queue_found f = *found;
    size_t before = objects->len;

    describe(spool, &f, filter, false, objects);
    return objects->len > before;
}

int
queue_list_show(const struct spool *spool, const char *id, struct strbuf *objects)
{
    struct queue_found f;
    int state = queue_id_valid(slice_of(id)) ? spool_find(spool, id) : -1;

    if (state < 0) {
        errno = ENOENT;
        return -1;
    }
    f.state = (uint8_t)state;
    (void)snprintf(f.id, sizeof(f.id), "%s", id);
    describe(spool, &f, NULL, true, objects);
    if (objects->len > 0)
        return 0;
    errno = ENOENT;
    return -1;
}
