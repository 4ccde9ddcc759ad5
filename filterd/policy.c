/*
 * filterd/policy.c - asks a policy service by Postfix's SMTPD_POLICY_README protocol.
 *
 * A request is lines of name=value and an empty one; values come from clients and are cut at line
 * ends. A connection serves many requests; one that broke while it was idle is made again once.
 */
#include "filterd/policy.h"

#include <stdio.h>
#include <string.h>

#include "filterd/link.h"
#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/log/log.h"

enum { REQUEST_MAX = 65536, REST_MS = 1000 };

struct policy {
    struct loop *loop;
    struct endpoint *endpoint;
    const struct facts *facts;
    struct link *link;
    struct loop_task *later; /* answers where nothing is asked */
    bool asked, at_data, connected, reused;
    void (*answered)(void *arg, const struct policy_answer *answer);
    void *arg;
};

static void connect_and_ask(struct policy *p);

/* ---- the question ---- */

static void
put(struct strbuf *out, const char *name, struct slice value)
{
    (void)strbuf_printf(out, "%s=", name); /* overflow is remembered and seen at the end */
    for (size_t i = 0; i < value.len; i++)
        if (value.ptr[i] != '\n' && value.ptr[i] != '\r' && value.ptr[i] != '\0')
            (void)strbuf_char(out, value.ptr[i]);
    (void)strbuf_char(out, '\n');
}

static void
put_number(struct strbuf *out, const char *name, uint64_t value)
{
    (void)strbuf_printf(out, "%s=%llu\n", name, (unsigned long long)value);
}

static void
put_transaction(struct strbuf *out, const struct facts *f, bool at_data)
{
    struct slice one = f->rcpt_count == 1 ? f->first_rcpt : SLICE("");

    put(out, "protocol_state", at_data ? SLICE("END-OF-MESSAGE") : SLICE("RCPT"));
    put(out, "protocol_name", f->helo.is_extended ? SLICE("ESMTP") : SLICE("SMTP"));
    put(out, "helo_name", f->helo.name);
    put(out, "queue_id", f->content.queue_id);
    put(out, "sender", f->mail.sender);
    put(out, "recipient", at_data ? one : f->rcpt.address);
    put_number(out, "recipient_count", at_data ? f->rcpt_count : 0);
    put_number(out, "size", at_data ? f->content.size : f->mail.size);
    put(out, "instance", slice_of(f->instance));
}

static void
put_session(struct strbuf *out, const struct facts *f)
{
    put(out, "client_address", f->connect.client_ip);
    put(out, "client_name", f->client_name);
    put(out, "reverse_client_name", f->reverse_name);
    put_number(out, "client_port", f->connect.client_port);
    put(out, "server_address", f->connect.local_ip);
    put_number(out, "server_port", f->connect.local_port);
    put(out, "sasl_method", f->mail.auth_method);
    put(out, "sasl_username", f->mail.auth_user);
    put(out, "sasl_sender", SLICE(""));
    put(out, "encryption_protocol", f->helo.tls_version);
    put(out, "encryption_cipher", f->helo.tls_cipher);
    put_number(out, "encryption_keysize", f->helo.tls_bits);
    put(out, "ccert_subject", SLICE("")); /* clients show no certificate */
    put(out, "ccert_issuer", SLICE(""));
    put(out, "ccert_fingerprint", SLICE(""));
    put(out, "ccert_pubkey_fingerprint", SLICE(""));
    put(out, "etrn_domain", SLICE(""));
    put(out, "stress", SLICE(""));
    put(out, "policy_context", f->connect.is_submission ? SLICE("submission") : SLICE("smtp"));
}

/* ---- answers ---- */

static void
answer(struct policy *p, const struct policy_answer *found)
{
    p->asked = false;
    if (p->link != NULL)
        link_deadline(p->link, 0);
    p->answered(p->arg, found); /* may ask again, may free */
}

static void
answer_by_default(struct policy *p)
{
    struct policy_answer found = {.action = POLICY_REFUSE, .text = SLICE("")};

    switch (p->endpoint->action) {
    case FILTER_ACCEPT:
        found.action = POLICY_DUNNO;
        break;
    case FILTER_TEMPFAIL:
        found.outcome = outcome_away;
        break;
    case FILTER_REJECT:
        found.outcome = outcome_away_for_good;
        break;
    case FILTER_QUARANTINE:
        found.action = POLICY_HOLD;
        found.text = SLICE("a policy service is not available");
        break;
    }
    answer(p, &found);
}

static void
fail(struct policy *p, const char *why)
{
    bool again = p->asked && p->reused && p->connected;

    link_close(&p->link);
    if (!p->connected)
        p->endpoint->rests_until_ms = clock_mono_ms() + REST_MS;
    p->connected = p->reused = false;
    if (again) {
        connect_and_ask(p);
        return;
    }
    log_event(LOG_WARN, "filter_failed", KV_STR("filter", p->endpoint->name), KV_STR("reason", why),
              KV_SLICE("session", p->facts->connect.session_id));
    if (p->asked)
        answer_by_default(p);
}

static void
run_later(void *arg)
{
    answer_by_default(arg);
}

/* ---- the link ---- */

static void
send_question(struct policy *p)
{
    struct strbuf out = strbuf_new(REQUEST_MAX);
    bool sent;

    put(&out, "request", SLICE("smtpd_access_policy"));
    put_transaction(&out, p->facts, p->at_data);
    put_session(&out, p->facts);
    (void)strbuf_char(&out, '\n');
    sent = link_send(p->link, &out);
    strbuf_free(&out);
    if (sent)
        link_deadline(p->link, p->endpoint->command_ms);
    else
        fail(p, "takes nothing");
}

static void
connected(void *arg)
{
    struct policy *p = arg;

    p->connected = true;
    send_question(p);
}

static void
drained(void *arg)
{
    (void)arg; /* the answer is what we wait for */
}

static void
input(void *arg, struct slice *bytes)
{
    struct policy *p = arg;
    size_t len = policy_answer_len(*bytes);
    struct policy_answer found;

    if (len == 0 && bytes->len <= POLICY_ANSWER_MAX)
        return;
    p->reused = false; /* what it says is no reason to ask again */
    if (!p->asked || len == 0 || len != bytes->len || len > POLICY_ANSWER_MAX ||
        policy_answer_parse(*bytes, &found) < 0) {
        fail(p, "answers what is not of the protocol");
        return;
    }
    *bytes = slice_sub(*bytes, len, bytes->len);
    answer(p, &found);
}

static void
broken(void *arg, const char *why)
{
    fail(arg, why);
}

static const struct link_ops link_ops = {connected, input, drained, broken};

static void
connect_and_ask(struct policy *p)
{
    p->link = link_new(p->loop, p->endpoint, &link_ops, p);
    link_deadline(p->link, p->endpoint->connect_ms);
}

struct policy *
policy_new(struct loop *loop, struct endpoint *endpoint, const struct facts *facts)
{
    struct policy *p = xcalloc(1, sizeof(*p));

    p->loop = loop;
    p->endpoint = endpoint;
    p->facts = facts;
    p->later = loop_task_new(loop, run_later, p);
    return p;
}

void
policy_free(struct policy **policyp)
{
    if (*policyp == NULL)
        return;
    link_close(&(*policyp)->link);
    loop_task_free(&(*policyp)->later);
    xfree(policyp);
}

void
policy_ask(struct policy *p, bool at_data,
           void (*answered)(void *arg, const struct policy_answer *answer), void *arg)
{
    p->asked = true;
    p->at_data = at_data;
    p->answered = answered;
    p->arg = arg;
    p->reused = p->link != NULL;
    if (p->link != NULL)
        send_question(p);
    else if (clock_mono_ms() < p->endpoint->rests_until_ms)
        loop_task_schedule(p->later);
    else
        connect_and_ask(p);
}
