/*
 * lib/tlsrpt/outcome.c - words and codec of TLS outcomes. No I/O.
 */
#include "lib/tlsrpt/outcome.h"

#include "lib/mail/address.h"

const char *
outcome_policy_word(enum outcome_policy policy)
{
    static const char *const words[] = {
        [OUTCOME_NO_POLICY] = "no-policy-found", [OUTCOME_TLSA] = "tlsa", [OUTCOME_STS] = "sts"};

    return words[policy];
}

/* RFC 8460 section 4.3. */
const char *
outcome_result_word(enum outcome_result result)
{
    static const char *const words[] = {
        [OUTCOME_SUCCESS] = "success",
        [OUTCOME_NO_STARTTLS] = "starttls-not-supported",
        [OUTCOME_HOST_MISMATCH] = "certificate-host-mismatch",
        [OUTCOME_EXPIRED] = "certificate-expired",
        [OUTCOME_NOT_TRUSTED] = "certificate-not-trusted",
        [OUTCOME_VALIDATION] = "validation-failure",
        [OUTCOME_TLSA_INVALID] = "tlsa-invalid",
        [OUTCOME_DNSSEC_INVALID] = "dnssec-invalid",
        [OUTCOME_DANE_REQUIRED] = "dane-required",
        [OUTCOME_STS_FETCH] = "sts-policy-fetch-error",
        [OUTCOME_STS_INVALID] = "sts-policy-invalid",
        [OUTCOME_STS_WEBPKI] = "sts-webpki-invalid",
    };

    return words[result];
}

/* Whole lines alone: half a record says something else. */
static struct slice
cut_lines(struct slice text)
{
    if (text.len <= OUTCOME_POLICY_MAX)
        return text;
    text = slice_sub(text, 0, OUTCOME_POLICY_MAX);
    return slice_sub(text, 0, slice_rindex(text, '\n') < text.len ? slice_rindex(text, '\n') : 0);
}

void
outcome_write(struct writer *w, const struct outcome *o)
{
    writer_u8(w, o->policy);
    writer_u8(w, o->result);
    writer_bytes(w, slice_sub(o->domain, 0, OUTCOME_DOMAIN_MAX));
    writer_bytes(w, slice_sub(o->policy_domain, 0, OUTCOME_DOMAIN_MAX));
    writer_bytes(w, cut_lines(o->policy_text));
    writer_bytes(w, slice_sub(o->sending_ip, 0, OUTCOME_IP_MAX));
    writer_bytes(w, slice_sub(o->receiving_ip, 0, OUTCOME_IP_MAX));
    writer_bytes(w, slice_sub(o->mx_host, 0, OUTCOME_HOST_MAX));
    writer_bytes(w, slice_sub(o->mx_helo, 0, OUTCOME_HOST_MAX));
    writer_bytes(w, slice_sub(o->reason, 0, OUTCOME_REASON_MAX));
}

bool
outcome_read(struct reader *r, struct outcome *o)
{
    o->policy = reader_u8(r);
    o->result = reader_u8(r);
    o->domain = reader_bytes(r, OUTCOME_DOMAIN_MAX);
    o->policy_domain = reader_bytes(r, OUTCOME_DOMAIN_MAX);
    o->policy_text = reader_bytes(r, OUTCOME_POLICY_MAX);
    o->sending_ip = reader_bytes(r, OUTCOME_IP_MAX);
    o->receiving_ip = reader_bytes(r, OUTCOME_IP_MAX);
    o->mx_host = reader_bytes(r, OUTCOME_HOST_MAX);
    o->mx_helo = reader_bytes(r, OUTCOME_HOST_MAX);
    o->reason = reader_bytes(r, OUTCOME_REASON_MAX);
    return o->policy < OUTCOME_POLICIES && o->result < OUTCOME_RESULTS &&
           address_is_domain(o->domain, false) && address_is_domain(o->policy_domain, false);
}
