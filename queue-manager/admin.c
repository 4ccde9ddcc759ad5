/*
 * queue-manager/admin.c - what an administrator does to one message (QUE-10 to QUE-13).
 *
 * What is decided here is on record in the message's log (doc/queue.md), so that a restart knows
 * it. Addresses come from the command line and are checked like those of a client.
 */
#include "queue-manager/admin.h"

#include <errno.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/log/log.h"
#include "lib/mail/address.h"
#include "lib/queue/queue_edit.h"
#include "queue-manager/deferral.h"
#include "queue-manager/intake.h"
#include "queue-manager/message.h"
#include "queue-manager/round.h"
#include "queue-manager/schedule.h"

static const char not_found[] = "no such message in the queue, or not in that state";

/* In memory: out of line, and the rest when the jobs are done. */
static void
mark(struct queue *q, struct message *m, enum message_fate fate, struct slice reason)
{
    if (m->fate == MESSAGE_DELETE)
        return;
    m->fate = fate;
    xfree(&m->reason);
    m->reason = xslicedup(reason);
    schedule_withdraw(q->schedule, m, reason);
    if (m->expanded && m->open_count == 0)
        rounds_end(q->rounds, m);
}

/* Appends one record to the log of a message that is not in memory. 0, or -1 with errno. */
static int
append(struct queue *q, enum spool_state state, const char *id, const struct queue_log_entry *e,
       bool durable)
{
    struct strbuf record = strbuf_new(QUEUE_LOG_MAX);
    struct queue_log log;
    uint64_t length;
    int rc;

    if (queue_log_load(q->spool.fds[state], id, &log) < 0)
        return -1;
    length = log.bytes.len;
    queue_log_free(&log);
    queue_log_encode(&record, e);
    rc = queue_log_append(q->spool.fds[state], id, &length, strbuf_slice(&record), durable);
    strbuf_free(&record);
    return rc;
}

const char *
admin_retry(struct queue *q, const char *id)
{
    int state = spool_find(&q->spool, id);

    if (state == SPOOL_HOLD)
        return "the message is on hold: use release";
    if (state < 0 || state == SPOOL_CORRUPT)
        return not_found;
    if (state == SPOOL_DEFERRED && intake_one(q->intake, id, SPOOL_DEFERRED) < 0)
        return strerror(errno);
    return NULL;
}

/* One that had been approved has its release on record: held without a word of it, it would look
 * like one on its way out of hold/. A new message has no log that anybody would look at. */
const char *
admin_hold(struct queue *q, const char *id, struct slice reason)
{
    struct message *m = message_find(q, slice_of(id));
    int state = spool_find(&q->spool, id);
    struct queue_log_entry e = {.kind = QUEUE_LOG_HOLD, .time_ms = clock_real_ms()};

    reason = slice_sub(reason, 0, ADMIN_REASON_MAX);
    e.text = reason;
    if (m != NULL) {
        mark(q, m, MESSAGE_HOLD, reason);
        return NULL;
    }
    if (state != SPOOL_NEW && state != SPOOL_DEFERRED)
        return not_found;
    if (state == SPOOL_DEFERRED && append(q, SPOOL_DEFERRED, id, &e, true) < 0)
        return strerror(errno);
    if (spool_move(&q->spool, id, (enum spool_state)state, SPOOL_HOLD, SPOOL_ENV | SPOOL_LOG) < 0)
        return strerror(errno);
    if (state == SPOOL_NEW && append(q, SPOOL_HOLD, id, &e, false) < 0)
        log_event(LOG_WARN, "log_failed", KV_STR("queue_id", id), KV_ERRNO());
    log_event(LOG_INFO, "held", KV_STR("queue_id", id), KV_SLICE("reason", reason));
    return NULL;
}

static bool
waits_for_approval(const struct queue *q, const char *id)
{
    struct queue_log log;
    bool waits;

    if (queue_log_load(q->spool.fds[SPOOL_HOLD], id, &log) < 0)
        return false;
    waits = queue_log_waits_for_approval(&log);
    queue_log_free(&log);
    return waits;
}

/* Is the message in deferred/ there because it is not to go before a time? */
static bool
is_scheduled(const struct queue *q, const char *id)
{
    struct queue_message *m = queue_message_open(q->spool.fds[SPOOL_DEFERRED], id);
    struct queue_log log;
    bool is = false;

    if (m == NULL)
        return false;
    if (queue_log_load(q->spool.fds[SPOOL_DEFERRED], id, &log) == 0) {
        is = queue_log_not_before(&log, queue_message_envelope(m)->hold_until_ms) > clock_real_ms();
        queue_log_free(&log);
    }
    queue_message_close(&m);
    return is;
}

const char *
admin_release(struct queue *q, const char *id, int64_t at_ms)
{
    struct message *m = message_find(q, slice_of(id));
    int state = spool_find(&q->spool, id);
    struct queue_log_entry e = {.kind = QUEUE_LOG_GO, .time_ms = clock_real_ms()};
    bool later = at_ms > e.time_ms;

    if (m != NULL && m->fate == MESSAGE_HOLD && !m->finishing && !later) {
        m->fate = MESSAGE_GO_ON;
        m->soon = true; /* what was taken out of line is deferred */
        return NULL;
    }
    if (state != SPOOL_HOLD && (state != SPOOL_DEFERRED || (!later && !is_scheduled(q, id))))
        return not_found;
    if (state == SPOOL_HOLD && waits_for_approval(q, id))
        return "the message waits for approval: use 'posthorn approval approve' or 'refuse'";
    if (later)
        e = (struct queue_log_entry){.kind = QUEUE_LOG_HOLD,
                                     .time_ms = e.time_ms,
                                     .next_ms = at_ms,
                                     .text = SLICE("scheduled by the administrator")};
    if (append(q, (enum spool_state)state, id, &e, false) < 0 ||
        (state == SPOOL_HOLD &&
         spool_move(&q->spool, id, SPOOL_HOLD, SPOOL_DEFERRED, SPOOL_ENV | SPOOL_LOG) < 0))
        return strerror(errno);
    deferrals_add(q->deferrals, id, later ? at_ms : 0, later ? DUE_DOMAIN_NONE : DUE_DOMAIN_ALL);
    log_event(LOG_INFO, "released", KV_STR("queue_id", id), KV_I64("at_ms", later ? at_ms : 0));
    return NULL;
}

const char *
admin_delete(struct queue *q, const char *id)
{
    struct message *m = message_find(q, slice_of(id));
    int state = spool_find(&q->spool, id);

    if (m != NULL) {
        mark(q, m, MESSAGE_DELETE, SLICE("deleted by the administrator"));
        return NULL;
    }
    if (state < 0)
        return not_found;
    if (spool_remove(&q->spool, (enum spool_state)state, id, SPOOL_ENV | SPOOL_LOG, NULL) < 0)
        return strerror(errno);
    log_event(LOG_INFO, "removed", KV_STR("queue_id", id),
              KV_STR("reason", "deleted by the administrator"));
    return NULL;
}

/* ---- edit ---- */

static bool
has_rcpt(const struct queue_envelope *e, struct slice address)
{
    for (uint32_t i = 0; i < e->rcpt_count; i++)
        if (queue_edit_same(e->rcpts[i].address, address))
            return true;
    return false;
}

/* Why the change cannot be made to the recipients as they are now, or NULL. */
static const char *
refuse(const struct queue_envelope *now, const struct queue_log *log, struct slice removed,
       struct slice added)
{
    struct address address;

    if (log->edit_count >= QUEUE_EDITS_MAX)
        return "this message has been changed too often";
    if (removed.len > 0 && !has_rcpt(now, removed) && queue_log_find(log, removed) == NULL)
        return "the message has no such recipient";
    if (added.len == 0)
        return now->rcpt_count == 1 && has_rcpt(now, removed) ? "no recipient would be left: "
                                                                "delete the message instead"
                                                              : NULL;
    if (address_parse(added, now->smtputf8 ? ADDRESS_UTF8 : 0, &address) != ADDRESS_OK)
        return "the new recipient is not an address user@domain";
    if (has_rcpt(now, added))
        return "the message has that recipient already";
    return now->rcpt_count >= QUEUE_RCPTS_MAX ? "too many recipients" : NULL;
}

static const char *
edit_in(struct queue *q, enum spool_state state, const char *id, struct slice removed,
        struct slice added)
{
    struct queue_message *m = queue_message_open(q->spool.fds[state], id);
    struct queue_envelope now = {.rcpt_count = 0};
    struct queue_log log;
    const char *why = NULL;

    if (m == NULL || queue_log_load(q->spool.fds[state], id, &log) < 0) {
        why = strerror(errno);
        queue_message_close(&m);
        return why;
    }
    queue_edit_apply(queue_message_envelope(m), &log, &now);
    why = refuse(&now, &log, removed, added);
    if (why == NULL && append(q, state, id,
                              &(struct queue_log_entry){.kind = QUEUE_LOG_EDIT,
                                                        .time_ms = clock_real_ms(),
                                                        .address = removed,
                                                        .added = added},
                              true) < 0)
        why = strerror(errno);
    envelope_clear(&now);
    queue_log_free(&log);
    queue_message_close(&m);
    return why;
}

const char *
admin_edit(struct queue *q, const char *id, struct slice removed, struct slice added)
{
    int state = spool_find(&q->spool, id);
    const char *why;

    if (state == SPOOL_ACTIVE || state == SPOOL_NEW)
        return "the message is being delivered: hold it first";
    if (state != SPOOL_HOLD && state != SPOOL_DEFERRED)
        return not_found;
    if (removed.len == 0 && added.len == 0)
        return "nothing to change";
    why = edit_in(q, (enum spool_state)state, id, removed, added);
    if (why == NULL)
        log_event(LOG_INFO, "edited", KV_STR("queue_id", id), KV_SLICE("removed", removed),
                  KV_SLICE("added", added));
    return why;
}
