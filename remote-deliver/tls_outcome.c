/*
 * remote-deliver/tls_outcome.c - tells stsd what came of TLS with a server.
 *
 * No mail waits for this: what cannot be told is not told.
 */
#include "remote-deliver/tls_outcome.h"

#include "lib/base/encode.h"
#include "lib/ipc/client.h"
#include "lib/ipc/stsd.h"

enum { TELL_MS = 1000 };

/* RFC 8460 section 4.3.1. A certificate that fits no TLSA record is one that nobody vouches for. */
static enum outcome_result
result_of(const struct smtp_tls_result *r)
{
    switch (r->distrust) {
    case TLS_DISTRUST_NAME:
        return OUTCOME_HOST_MISMATCH;
    case TLS_DISTRUST_EXPIRED:
        return OUTCOME_EXPIRED;
    case TLS_DISTRUST_CHAIN:
        return OUTCOME_NOT_TRUSTED;
    case TLS_DISTRUST_NONE:
        break;
    }
    if (r->end == SMTP_TLS_ABSENT)
        return OUTCOME_NO_STARTTLS;
    return r->end == SMTP_TLS_STARTED ? OUTCOME_SUCCESS : OUTCOME_VALIDATION;
}

/* Section 4.5: "3 1 1 HEX" for each record. */
static void
put_tlsa(const struct dane *dane, struct strbuf *out)
{
    for (size_t i = 0; i < dane->count; i++) {
        const struct tls_tlsa *t = &dane->records[i];

        (void)strbuf_printf(out, "%s%u %u %u ", i == 0 ? "" : "\n", (unsigned)t->usage,
                            (unsigned)t->selector, (unsigned)t->matching);
        (void)hex_encode(t->data, out);
    }
}

static void
send_outcome(struct ipc_client *stsd, const struct outcome *o)
{
    struct strbuf frame = strbuf_new(STSD_PAYLOAD_MAX);

    if (stsd_outcome_encode(&frame, o) == 0)
        (void)ipc_client_send(stsd, &frame, -1, TELL_MS);
    strbuf_free(&frame);
}

static struct slice
reason_of(const struct tls_policy *p, const struct smtp_tls_result *r)
{
    if (p->level == TLS_LEVEL_REFUSED)
        return slice_of(p->why.text);
    return p->fault == OUTCOME_VALIDATION ? SLICE("the policy does not name the MX host")
                                          : slice_of(r->reason);
}

void
tls_outcome_tell(const struct tls_policy *p, const struct smtp_peer *peer,
                 const struct smtp_tls_result *r)
{
    struct strbuf tlsa = strbuf_new((size_t)2 * DANE_BYTES_MAX);
    struct outcome o = {.policy = (uint8_t)p->applied,
                        .result = (uint8_t)p->fault,
                        .domain = slice_of(p->policy_domain),
                        .policy_domain = slice_of(p->policy_domain),
                        .sending_ip = slice_of(r->local_ip),
                        .receiving_ip = slice_of(peer->ip),
                        .mx_host = slice_of(p->host),
                        .mx_helo = slice_of(r->helo),
                        .reason = reason_of(p, r)};

    if (!p->settings->tell_outcomes || !p->reported ||
        (p->level != TLS_LEVEL_REFUSED && r->end == SMTP_TLS_UNTRIED)) /* section 4.3.4 */
        return;
    if (p->fault == OUTCOME_SUCCESS)
        o.result = (uint8_t)result_of(r);
    if (o.result == OUTCOME_SUCCESS)
        o.reason = SLICE("");
    if (p->applied == OUTCOME_STS)
        o.policy_text = strbuf_slice(&p->sts.text);
    if (p->applied == OUTCOME_TLSA) {
        o.policy_domain = slice_of(p->dane.count > 0 ? p->dane.base : p->host);
        put_tlsa(&p->dane, &tlsa);
        o.policy_text = strbuf_slice(&tlsa);
    }
    send_outcome(p->stsd, &o);
    strbuf_free(&tlsa);
}
