/*
 * queue-manager/control.c - what the command line asks for: its words, checked, to admin.c.
 */
#include "queue-manager/control.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "lib/ipc/object.h"
#include "lib/log/log.h"
#include "lib/mail/address.h"
#include "queue-manager/admin.h"
#include "queue-manager/approval.h"
#include "queue-manager/deadline.h"
#include "queue-manager/deferral.h"
#include "queue-manager/intake.h"
#include "queue-manager/notice.h"
#include "queue-manager/schedule.h"
#include "queue-manager/sender.h"

enum { RESULT_OK, RESULT_BAD_REQUEST, RESULT_NOT_DONE };

struct answer {
    uint32_t result, count;
    struct strbuf text, data;
};

static void
say(struct answer *a, uint32_t result, const char *text)
{
    a->result = result;
    strbuf_clear(&a->text);
    (void)strbuf_str(&a->text, text); /* all of ours are short */
}

/* Runs `one` for each id; the answer has the reason of the last one that failed. */
static void
each_id(struct queue *q, const struct queue_control *req, struct answer *a,
        const char *(*one)(struct queue *q, const char *id, const struct queue_control *req))
{
    struct slice rest = req->names;

    if (rest.len == 0)
        say(a, RESULT_BAD_REQUEST, "no queue id");
    while (rest.len > 0) {
        struct slice name = slice_split(&rest, ' ');
        char id[QUEUE_ID_SIZE];
        const char *why;

        if (!queue_id_valid(name)) {
            say(a, RESULT_BAD_REQUEST, "not a queue id");
            continue;
        }
        (void)snprintf(id, sizeof(id), "%.*s", (int)name.len, name.ptr);
        why = one(q, id, req);
        if (why != NULL)
            say(a, RESULT_NOT_DONE, why);
        else
            a->count++;
    }
    intake_look(q->intake);
    queue_wake(q);
}

static const char *
retry_one(struct queue *q, const char *id, const struct queue_control *req)
{
    (void)req;
    return admin_retry(q, id);
}

static const char *
hold_one(struct queue *q, const char *id, const struct queue_control *req)
{
    return admin_hold(q, id, req->text.len > 0 ? req->text : SLICE("held by the administrator"));
}

static const char *
release_one(struct queue *q, const char *id, const struct queue_control *req)
{
    return admin_release(q, id, req->time_ms);
}

static const char *
delete_one(struct queue *q, const char *id, const struct queue_control *req)
{
    (void)req;
    return admin_delete(q, id);
}

static const char *
edit_one(struct queue *q, const char *id, const struct queue_control *req)
{
    return admin_edit(q, id, req->removed, req->added);
}

/* The administrator may decide everything, and does so in the postmaster's name. */
static const char *
decide_one(struct queue *q, const char *id, const struct queue_control *req)
{
    char postmaster[NOTICE_ADDRESS_SIZE];
    struct approval_verdict verdict = {.approve = slice_eq(req->verb, SLICE("approve")),
                                       .kinds = APPROVAL_KINDS_ALL,
                                       .by = notice_postmaster(q, postmaster),
                                       .words = req->text,
                                       .way = "command line"};

    switch (approval_decide_on(q, id, &verdict)) {
    case APPROVAL_DONE:
        return NULL;
    case APPROVAL_NOTHING:
        return "no such message waits for approval";
    case APPROVAL_TROUBLE:
        break;
    }
    return strerror(errno);
}

static void
run_flush(struct queue *q, const struct queue_control *req, struct answer *a)
{
    bool all = req->names.len == 0 || slice_eq(req->names, SLICE("ALL"));
    /* A domain has a dot or a bracket, as no id has. */
    bool domain = !all && (slice_index(req->names, '.') < req->names.len ||
                           slice_index(req->names, '[') < req->names.len);

    schedule_flush(q->schedule, domain ? req->names : SLICE(""));
    log_event(LOG_INFO, "flush", KV_SLICE("name", slice_sub(req->names, 0, ADDRESS_DOMAIN_MAX)));
    if (!all && !domain) {
        each_id(q, req, a, retry_one);
        return;
    }
    a->count = deferrals_flush(q->deferrals, all ? DUE_DOMAIN_ALL : due_domain(req->names));
    intake_look(q->intake);
}

static void
run_hold(struct queue *q, const struct queue_control *req, struct answer *a)
{
    each_id(q, req, a, hold_one);
}

static void
run_release(struct queue *q, const struct queue_control *req, struct answer *a)
{
    each_id(q, req, a, release_one);
}

static void
run_delete(struct queue *q, const struct queue_control *req, struct answer *a)
{
    each_id(q, req, a, delete_one);
}

static void
run_edit(struct queue *q, const struct queue_control *req, struct answer *a)
{
    each_id(q, req, a, edit_one);
}

static void
run_decide(struct queue *q, const struct queue_control *req, struct answer *a)
{
    each_id(q, req, a, decide_one);
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
    add_figure(a, "received", atomic_load(q->counters.received));
    add_figure(a, "delivered", atomic_load(q->counters.delivered));
    add_figure(a, "attempts_deferred", atomic_load(q->counters.deferred));
    add_figure(a, "bounced", atomic_load(q->counters.bounced));
    add_figure(a, "notices", atomic_load(q->counters.notices));
}

static void
run_age(struct queue *q, const struct queue_control *req, struct answer *a)
{
    int64_t oldest = deferrals_oldest_ms(q->deferrals);

    (void)req;
    for (size_t i = 0; i < QUEUE_TABLE_SIZE; i++)
        for (const struct message *m = q->table[i]; m != NULL; m = m->table_next) {
            int64_t born = deadline_born_ms(m);

            if (oldest == 0 || born < oldest)
                oldest = born;
        }
    add_figure(a, "oldest", oldest < 0 ? 0 : (uint64_t)oldest);
}

bool
control_is_question(const struct queue_control *req)
{
    return slice_eq(req->verb, SLICE("stats")) || slice_eq(req->verb, SLICE("age"));
}

static const struct {
    const char *verb;
    void (*run)(struct queue *q, const struct queue_control *req, struct answer *a);
} verbs[] = {
    {"flush", run_flush},    {"hold", run_hold},     {"release", run_release},
    {"delete", run_delete},  {"edit", run_edit},     {"stats", run_stats},
    {"approve", run_decide}, {"refuse", run_decide}, {"age", run_age},
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
                                         .count = a.count,
                                         .text = strbuf_slice(&a.text),
                                         .data = strbuf_slice(&a.data)};
    (void)queue_control_reply_encode(out, id,
                                     &reply); /* the parts' ceilings are below the frame's */
    strbuf_free(&a.text);
    strbuf_free(&a.data);
}
