/*
 * lib/oper/sync.c - synchronisation of a domain with a directory: syncd is asked to begin, and how
 * the last one ended. accountd has judged by the domain that the request names.
 */
#include <stdio.h>

#include "lib/account/canonical.h"
#include "lib/base/clock.h"
#include "lib/oper/oper.h"
#include "lib/oper/sync_call.h"

enum { ASK_MS = 20000, TIME_MAX = 40, NUMBER_MAX = 24 };

/* 0, or -1 and the answer says why. `fields`: the request's, or the domain alone. */
static int
encode(struct oper *op, enum sync_type type, const char *field, struct strbuf *out)
{
    struct strbuf domain = strbuf_new(CANONICAL_DOMAIN_MAX);
    struct sync_request request = {
        .dry_run = slice_eq(oper_field(op, "dry_run"), SLICE("yes")),
        .adopt = slice_eq(oper_field(op, "adopt"), SLICE("yes")),
        .force = slice_eq(oper_field(op, "force"), SLICE("yes")),
    };
    int rc = canonical_domain(oper_field(op, field), &domain);

    request.domain = strbuf_slice(&domain);
    if (rc == 0)
        rc = sync_request_encode_as(out, type, &request);
    if (rc < 0)
        oper_fail(op, OPER_BAD, "a domain is to be named");
    strbuf_free(&domain);
    return rc;
}

static void
away(struct oper *op)
{
    oper_fail(op, OPER_AWAY, "syncd does not answer; is the service 'sync' running?");
}

/* "" if there is none. */
static struct slice
number_of(uint64_t run, char room[NUMBER_MAX])
{
    (void)snprintf(room, NUMBER_MAX, "%llu", (unsigned long long)run);
    return run == 0 ? SLICE("") : slice_of(room);
}

static void
answer_started(struct oper *op, uint64_t run)
{
    char room[NUMBER_MAX];

    object_add(&op->data, &(const struct object_field){SLICE("run"), number_of(run, room)}, 1);
    oper_tell(op, SLICE("domain"), SLICE(""), oper_field(op, "domain"));
}

void
oper_sync_run(struct oper *op)
{
    struct strbuf request = strbuf_new(SYNC_REQUEST_MAX);
    struct sync_call *call = NULL;
    struct sync_reply reply;

    if (encode(op, SYNC_START, "domain", &request) == 0) {
        call = sync_call_ask(op->inst, &request, ASK_MS, &reply, NULL);
        if (call == NULL)
            away(op);
        else if (reply.result != SYNC_WHOLE)
            oper_fail_line(op, OPER_REFUSED, reply.text);
        else
            answer_started(op, reply.run);
    }
    sync_call_free(&call);
    strbuf_free(&request);
}

/* NULL, and the answer says why. */
static struct sync_call *
ask_report(struct oper *op, const char *field, struct sync_report *report)
{
    struct strbuf request = strbuf_new(SYNC_REQUEST_MAX);
    struct sync_call *call = NULL;

    if (encode(op, SYNC_REPORT, field, &request) == 0) {
        call = sync_call_ask(op->inst, &request, ASK_MS, NULL, report);
        if (call == NULL)
            away(op);
    }
    strbuf_free(&request);
    return call;
}

void
oper_sync_show(struct oper *op)
{
    static const char *const outcomes[] = {
        [SYNC_WHOLE] = "whole", [SYNC_REFUSALS] = "refusals", [SYNC_NOTHING] = "nothing"};
    struct strbuf began = strbuf_new(TIME_MAX), ended = strbuf_new(TIME_MAX);
    struct sync_report report;
    struct sync_call *call = ask_report(op, "domain", &report);
    char room[NUMBER_MAX];

    if (call != NULL && report.has_ended) {
        (void)clock_rfc3339(report.began_ms, &began); /* both fit */
        (void)clock_rfc3339(report.ended_ms, &ended);
    }
    if (call != NULL)
        object_add(&op->data,
                   (const struct object_field[]){
                       {SLICE("domain"), oper_field(op, "domain")},
                       {SLICE("under_way"), report.is_under_way ? SLICE("yes") : SLICE("no")},
                       {SLICE("began"), strbuf_slice(&began)},
                       {SLICE("ended"), strbuf_slice(&ended)},
                       {SLICE("dry_run"), report.dry_run ? SLICE("yes") : SLICE("no")},
                       {SLICE("outcome"),
                        report.has_ended ? slice_of(outcomes[report.result]) : SLICE("")},
                       {SLICE("said"), report.text},
                       {SLICE("run"), number_of(report.run, room)},
                   },
                   8);
    sync_call_free(&call);
    strbuf_free(&began);
    strbuf_free(&ended);
}

void
oper_sync_rows(struct oper *op)
{
    static struct object_field fields[OBJECT_FIELDS_MAX];
    struct sync_report report;
    struct sync_call *call = ask_report(op, "within", &report);
    int count = 0;

    while (call != NULL && (count = object_next(&report.data, fields)) > 0)
        oper_list_row(op, fields, (uint32_t)count);
    if (count < 0)
        oper_fail(op, OPER_AWAY, "syncd's answer is damaged");
    sync_call_free(&call);
}
