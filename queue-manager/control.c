/*
 * queue-manager/control.c - what the command line asks for (QUE-11 to QUE-13).
 *
 * A message in memory is only marked here; it leaves when its jobs are done. One that is not in
 * memory is moved or removed at once.
 */
#include "queue-manager/control.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/ipc/object.h"
#include "lib/log/log.h"
#include "lib/queue/queue_list.h"
#include "queue-manager/deferral.h"
#include "queue-manager/intake.h"
#include "queue-manager/message.h"
#include "queue-manager/round.h"
#include "queue-manager/schedule.h"
#include "queue-manager/sender.h"

enum { RESULT_OK, RESULT_BAD_REQUEST, RESULT_NOT_FOUND, RESULT_FAILED };

struct answer {
    uint32_t result;
    struct strbuf text, data;
    char cursor[QUEUE_ID_SIZE];
};

static void
say(struct answer *a, uint32_t result, const char *text)
{
    a->result = result;
    strbuf_clear(&a->text);
    (void)strbuf_str(&a->text, text); /* all of ours are short */
}

static void
say_count(struct answer *a, const char *what, uint64_t count)
{
    a->result = RESULT_OK;
    strbuf_clear(&a->text);
    (void)strbuf_printf(&a->text, "%s: %llu", what, (unsigned long long)count);
}

static void
run_list(struct queue *q, const struct queue_control *req, struct answer *a)
{
    char cursor[QUEUE_ID_SIZE] = "";

    if (req->cursor.len > 0 && !queue_id_valid(req->cursor)) {
        say(a, RESULT_BAD_REQUEST, "bad cursor");
        return;
    }
    (void)snprintf(cursor, sizeof(cursor), "%.*s", (int)req->cursor.len, req->cursor.ptr);
    if (!queue_list_page(&q->spool, cursor, &a->data, a->cursor))
        a->cursor[0] = '\0';
}

/* The id that a request names, checked. False: the answer says so. */
static bool
get_id(const struct queue_control *req, char id[QUEUE_ID_SIZE], struct answer *a)
{
    if (!queue_id_valid(req->name)) {
        say(a, RESULT_BAD_REQUEST, "not a queue id");
        return false;
    }
    (void)snprintf(id, QUEUE_ID_SIZE, "%.*s", (int)req->name.len, req->name.ptr);
    return true;
}

static void
run_show(struct queue *q, const struct queue_control *req, struct answer *a)
{
    char id[QUEUE_ID_SIZE];

    if (get_id(req, id, a) && queue_list_show(&q->spool, id, &a->data) < 0)
        say(a, RESULT_NOT_FOUND, "no such message in the queue");
}

static void
flush_one(struct queue *q, const char *id, struct answer *a)
{
    int state = spool_find(&q->spool, id);

    if (state == SPOOL_DEFERRED && intake_one(q->intake, id, SPOOL_DEFERRED) < 0)
        say(a, RESULT_FAILED, strerror(errno));
    else if (state == SPOOL_HOLD)
        say(a, RESULT_BAD_REQUEST, "the message is on hold: use release");
    else if (state < 0 || state == SPOOL_CORRUPT)
        say(a, RESULT_NOT_FOUND, "no such message in the queue");
    else
        say_count(a, "messages to be tried now", 1);
}

static void
run_flush(struct queue *q, const struct queue_control *req, struct answer *a)
{
    char id[QUEUE_ID_SIZE];
    bool all = req->name.len == 0 || slice_eq(req->name, SLICE("ALL"));

    schedule_flush(q->schedule);
    if (all || !queue_id_valid(req->name)) {
        uint64_t domain = all ? DUE_DOMAIN_ALL : due_domain(req->name);

        say_count(a, "messages to be tried now", deferrals_flush(q->deferrals, domain));
        intake_look(q->intake);
    } else if (get_id(req, id, a)) {
        flush_one(q, id, a);
    }
    log_event(LOG_INFO, "flush", KV_SLICE("name", req->name));
}

/* In memory: out of line, and the rest when the jobs are done. */
static void
mark(struct queue *q, struct message *m, enum message_fate fate, const char *reason)
{
    if (m->fate == MESSAGE_DELETE)
        return;
    m->fate = fate;
    m->reason = reason;
    schedule_withdraw(q->schedule, m, slice_of(reason));
    if (m->expanded && m->open_count == 0)
        rounds_end(q->rounds, m);
}

static int
hold_one(struct queue *q, const char *id)
{
    struct message *m = message_find(q, slice_of(id));
    int state = spool_find(&q->spool, id);

    if (m != NULL) {
        mark(q, m, MESSAGE_HOLD, "held by the administrator");
        return 0;
    }
    if (state != SPOOL_NEW && state != SPOOL_DEFERRED)
        return 1;
    log_event(LOG_INFO, "held", KV_STR("queue_id", id));
    return spool_move(&q->spool, id, (enum spool_state)state, SPOOL_HOLD, SPOOL_ENV | SPOOL_LOG);
}

static int
release_one(struct queue *q, const char *id)
{
    struct message *m = message_find(q, slice_of(id));

    if (m != NULL && m->fate == MESSAGE_HOLD && !m->finishing) {
        m->fate = MESSAGE_GO_ON;
        m->soon = true; /* what was taken out of line is deferred */
        return 0;
    }
    if (spool_find(&q->spool, id) != SPOOL_HOLD)
        return 1;
    log_event(LOG_INFO, "released", KV_STR("queue_id", id));
    if (spool_move(&q->spool, id, SPOOL_HOLD, SPOOL_DEFERRED, SPOOL_ENV | SPOOL_LOG) < 0)
        return -1;
    deferrals_add(q->deferrals, id, 0, DUE_DOMAIN_ALL);
    return 0;
}

static int
delete_one(struct queue *q, const char *id)
{
    struct message *m = message_find(q, slice_of(id));
    int state = spool_find(&q->spool, id);
    int rc;

    if (m != NULL) {
        mark(q, m, MESSAGE_DELETE, "deleted by the administrator");
        return 0;
    }
    if (state < 0)
        return 1;
    rc = spool_remove(&q->spool, (enum spool_state)state, id, SPOOL_ENV | SPOOL_LOG, NULL);
    if (rc == 0)
        log_event(LOG_INFO, "removed", KV_STR("queue_id", id),
                  KV_STR("reason", "deleted by the administrator"));
    return rc;
}

/* Every message of one state; the names are taken first, as the work moves them. */
static uint64_t
each_in(struct queue *q, enum spool_state state, int (*one)(struct queue *q, const char *id))
{
    struct spool_scan scan;
    const char *id;
    uint64_t count = 0;

    if (spool_scan_open(&scan, &q->spool, state) < 0)
        return 0;
    while ((id = spool_scan_next(&scan)) != NULL) {
        char copy[QUEUE_ID_SIZE];

        (void)snprintf(copy, sizeof(copy), "%s", id);
        count += one(q, copy) == 0;
    }
    spool_scan_close(&scan);
    return count;
}

static void
run_each(struct queue *q, const struct queue_control *req, struct answer *a,
         int (*one)(struct queue *q, const char *id), const enum spool_state *states,
         size_t state_count)
{
    char id[QUEUE_ID_SIZE];
    uint64_t count = 0;
    int rc;

    if (slice_eq(req->name, SLICE("ALL"))) {
        for (size_t i = 0; i < state_count; i++)
            count += each_in(q, states[i], one);
        say_count(a, "messages", count);
    } else if (get_id(req, id, a)) {
        rc = one(q, id);
        if (rc == 0)
            say_count(a, "messages", 1);
        else
            say(a, rc > 0 ? RESULT_NOT_FOUND : RESULT_FAILED,
                rc > 0 ? "no such message in the queue, or not in that state" : strerror(errno));
    }
    intake_look(q->intake);
    queue_wake(q);
}

static void
run_hold(struct queue *q, const struct queue_control *req, struct answer *a)
{
    static const enum spool_state states[] = {SPOOL_NEW, SPOOL_ACTIVE, SPOOL_DEFERRED};

    run_each(q, req, a, hold_one, states, ARRAY_LEN(states));
}

static void
run_release(struct queue *q, const struct queue_control *req, struct answer *a)
{
    static const enum spool_state states[] = {SPOOL_HOLD};

    run_each(q, req, a, release_one, states, ARRAY_LEN(states));
}

/* "ALL" leaves corrupt/ alone: what is there goes by name only. */
static void
run_delete(struct queue *q, const struct queue_control *req, struct answer *a)
{
    static const enum spool_state states[] = {SPOOL_NEW, SPOOL_ACTIVE, SPOOL_DEFERRED, SPOOL_HOLD};

    run_each(q, req, a, delete_one, states, ARRAY_LEN(states));
}

static void
add_figure(struct answer *a, const char *name, uint64_t value)
{
    char text[24];
    struct object_field fields[2];

    (void)snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
    fields[0] = (struct object_field){SLICE("name"), slice_of(name)};
    fields[1] = (struct object_field){SLICE("value"), slice_of(text)};
    object_add(&a->data, fields, 2);
}

static void
run_stats(struct queue *q, const struct queue_control *req, struct answer *a)
{
    struct schedule_figures f;

    (void)req;
    schedule_figures(q->schedule, &f);
    add_figure(a, "active", q->active_count);
    add_figure(a, "deferred", deferrals_count(q->deferrals) + senders_parked(q->senders));
    add_figure(a, "local_agents", f.local_agents);
    add_figure(a, "remote_agents", f.remote_agents);
    add_figure(a, "slots", f.slots);
    add_figure(a, "jobs", f.busy);
}

static const struct {
    const char *verb;
    void (*run)(struct queue *q, const struct queue_control *req, struct answer *a);
} verbs[] = {
    {"list", run_list},       {"show", run_show},     {"flush", run_flush}, {"hold", run_hold},
    {"release", run_release}, {"delete", run_delete}, {"stats", run_stats},
};

void
control_run(struct queue *q, const struct queue_control *req, uint32_t id, struct strbuf *out)
{
    struct answer a = {.result = RESULT_OK,
                       .text = strbuf_new(QUEUE_TEXT_MAX),
                       .data = strbuf_new(QUEUE_PAYLOAD_MAX - 2 * QUEUE_TEXT_MAX)};
    struct queue_control_reply reply;
    bool known = false;

    for (size_t i = 0; i < ARRAY_LEN(verbs) && !known; i++) {
        known = slice_eq(req->verb, slice_of(verbs[i].verb));
        if (known)
            verbs[i].run(q, req, &a);
    }
    if (!known)
        say(&a, RESULT_BAD_REQUEST, "unknown verb");
    reply = (struct queue_control_reply){.result = a.result,
                                         .text = strbuf_slice(&a.text),
                                         .cursor = slice_of(a.cursor),
                                         .data = strbuf_slice(&a.data)};
    (void)queue_control_reply_encode(out, id,
                                     &reply); /* the parts' ceilings are below the frame's */
    strbuf_free(&a.text);
    strbuf_free(&a.data);
}
