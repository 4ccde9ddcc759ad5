/*
 * lib/oper/alerts.c - alerts, and messages to all users: alertd is asked. What alertd answers is
 * checked like everybody's answer; values of the request may come from the network.
 */
#include "lib/account/canonical.h"
#include "lib/base/clock.h"
#include "lib/base/parse.h"
#include "lib/oper/alertd_call.h"
#include "lib/oper/oper.h"

enum { ASK_MS = 10000, SILENCE_USUAL_MS = 4 * 3600 * 1000 };

#define SILENCE_MAX_MS (UINT64_C(365) * 86400000)

static void
take_rows(struct oper *op, struct slice data)
{
    static struct object_field fields[OBJECT_FIELDS_MAX];
    int count;

    while ((count = object_next(&data, fields)) > 0)
        oper_list_row(op, fields, (uint32_t)count);
    if (count < 0)
        oper_fail(op, OPER_AWAY, "alertd's answer is damaged");
}

/* Its answer's objects become this one's. */
static void
ask_alertd(struct oper *op, struct strbuf *request, int timeout_ms,
           void (*take)(struct oper *op, struct slice data))
{
    struct alertd_reply reply;
    struct alertd_call *call = alertd_call_ask(op->inst, request, timeout_ms, &reply);

    if (call == NULL)
        oper_fail(op, OPER_AWAY, "alertd does not answer; is the service 'alert' running?");
    else if (reply.result != 0)
        oper_fail_line(op, OPER_REFUSED, reply.text);
    else if (take != NULL)
        take(op, reply.data);
    alertd_call_free(&call);
}

static void
control(struct oper *op, const struct alertd_control *what, int timeout_ms,
        void (*take)(struct oper *op, struct slice data))
{
    struct strbuf request = strbuf_new(ALERTD_REQUEST_MAX);

    if (alertd_control_encode(&request, what) < 0)
        oper_fail(op, OPER_BAD, "the name is too long");
    else
        ask_alertd(op, &request, timeout_ms, take);
    strbuf_free(&request);
}

/* ---- alerts ---- */

void
oper_alerts_list(struct oper *op)
{
    control(op, &(struct alertd_control){.verb = SLICE("list")}, ASK_MS, take_rows);
}

void
oper_alerts_test(struct oper *op)
{
    control(op, &(struct alertd_control){.verb = SLICE("test")}, OPER_WAIT_MS, take_rows);
    if (op->result == 0)
        oper_tell(op, SLICE(""), SLICE(""), SLICE(""));
}

void
oper_alerts_report(struct oper *op)
{
    control(op, &(struct alertd_control){.verb = SLICE("report")}, OPER_WAIT_MS, NULL);
    if (op->result == 0)
        oper_tell(op, SLICE(""), SLICE(""), SLICE(""));
}

void
oper_alerts_silence(struct oper *op)
{
    struct alertd_control what = {.verb = SLICE("silence"), .name = op->request->name};
    struct slice time = oper_field(op, "time");
    uint64_t ms = SILENCE_USUAL_MS;

    if (time.len > 0 && !slice_eq(time, SLICE("0")) &&
        (parse_duration_ms(time, SILENCE_MAX_MS, &ms) < 0 || ms == 0)) {
        oper_fail(op, OPER_BAD, "time: expected one like 30m or 4h, at most a year");
        return;
    }
    what.time_ms = slice_eq(time, SLICE("0")) ? 0 : clock_real_ms() + (int64_t)ms;
    control(op, &what, ASK_MS, NULL);
    if (op->result == 0)
        oper_tell(op, SLICE("time"), SLICE(""), time.len > 0 ? time : SLICE("4h"));
}

/* ---- messages to all users ---- */

/* Of all, those of one domain. accountd has judged by the domain that is named here. */
static void
take_broadcasts(struct oper *op, struct slice data)
{
    static struct object_field fields[OBJECT_FIELDS_MAX];
    struct strbuf domain = strbuf_new(CANONICAL_DOMAIN_MAX);
    struct slice within = oper_field(op, "within");
    int count = 0;

    if (within.len > 0 && canonical_domain(within, &domain) < 0)
        oper_fail(op, OPER_UNKNOWN, "within: that is no domain");
    while (op->result == 0 && (count = object_next(&data, fields)) > 0)
        if (within.len == 0 ||
            slice_eq(object_get(fields, (uint32_t)count, "domain"), strbuf_slice(&domain)))
            oper_list_row(op, fields, (uint32_t)count);
    if (count < 0)
        oper_fail(op, OPER_AWAY, "alertd's answer is damaged");
    strbuf_free(&domain);
}

void
oper_broadcasts_list(struct oper *op)
{
    control(op, &(struct alertd_control){.verb = SLICE("broadcasts")}, ASK_MS, take_broadcasts);
}

/* alertd writes the line of the audit log: it knows whether that id begins now. */
static void
send_message(struct oper *op, struct slice id, struct slice domain)
{
    struct strbuf request = strbuf_new(ALERTD_REQUEST_MAX);
    const struct alertd_broadcast message = {.id = id,
                                             .domain = domain,
                                             .who = op->request->actor,
                                             .from = op->request->origin,
                                             .subject = oper_field(op, "subject"),
                                             .is_html =
                                                 slice_eq(oper_field(op, "html"), SLICE("yes")),
                                             .content = oper_field(op, "content")};
    const struct object_field made = {SLICE("id"), id};

    if (alertd_broadcast_encode(&request, &message) < 0)
        oper_fail(op, OPER_BAD, "subject or content is too long");
    else
        ask_alertd(op, &request, ASK_MS, NULL);
    if (op->result == 0)
        object_add(&op->data, &made, 1);
    strbuf_free(&request);
}

void
oper_broadcasts_send(struct oper *op)
{
    struct strbuf domain = strbuf_new(CANONICAL_DOMAIN_MAX);
    struct slice named = oper_field(op, "domain"), subject = oper_field(op, "subject");
    struct slice content = oper_field(op, "content"), id = op->request->name;

    if (named.len > 0 && canonical_domain(named, &domain) < 0)
        oper_fail(op, OPER_UNKNOWN, "domain: that is no domain");
    else if (!alertd_broadcast_id_valid(id))
        oper_fail(op, OPER_BAD, "id: expected at most %d letters, digits and '-'",
                  ALERTD_BROADCAST_ID_MAX);
    else if (subject.len == 0 || slice_index(subject, '\n') < subject.len ||
             !parse_is_utf8(subject))
        oper_fail(op, OPER_BAD, "subject: expected one line of UTF-8");
    else if (content.len == 0 || !parse_is_utf8(content))
        oper_fail(op, OPER_BAD, "content: it is empty, or no UTF-8");
    else
        send_message(op, id, strbuf_slice(&domain));
    strbuf_free(&domain);
}
