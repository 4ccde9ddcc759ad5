/*
 * lib/tlsrpt/outcome.h - what became of TLS in one session with a mail server, in the words of
 * TLS-RPT (RFC 8460 sections 4.2 to 4.5).
 */
#ifndef POSTHORN_LIB_TLSRPT_OUTCOME_H
#define POSTHORN_LIB_TLSRPT_OUTCOME_H

#include "lib/ipc/frame.h"

#define OUTCOME_DOMAIN_MAX 253
#define OUTCOME_POLICY_MAX 4096 /* bytes of a policy; what is longer loses its last lines */
#define OUTCOME_IP_MAX 45
#define OUTCOME_HOST_MAX 255
#define OUTCOME_REASON_MAX 256

enum outcome_policy { OUTCOME_NO_POLICY, OUTCOME_TLSA, OUTCOME_STS, OUTCOME_POLICIES };

enum outcome_result {
    OUTCOME_SUCCESS,
    OUTCOME_NO_STARTTLS,
    OUTCOME_HOST_MISMATCH,
    OUTCOME_EXPIRED,
    OUTCOME_NOT_TRUSTED,
    OUTCOME_VALIDATION,
    OUTCOME_TLSA_INVALID,
    OUTCOME_DNSSEC_INVALID,
    OUTCOME_DANE_REQUIRED,
    OUTCOME_STS_FETCH,
    OUTCOME_STS_INVALID,
    OUTCOME_STS_WEBPKI,
    OUTCOME_RESULTS
};

/* Names are in lower case and A-labels; what is not known is empty. */
struct outcome {
    uint8_t policy, result;     /* enum outcome_policy, enum outcome_result */
    struct slice domain;        /* whose owner is to hear of it */
    struct slice policy_domain; /* the same, or the TLSA base domain (RFC 8460 section 1.1) */
    struct slice policy_text;   /* lines with LF between: as in "policy-string" */
    struct slice sending_ip, receiving_ip;
    struct slice mx_host, mx_helo;
    struct slice reason; /* of a failure */
};

const char *outcome_policy_word(enum outcome_policy policy); /* "no-policy-found" */
const char *outcome_result_word(enum outcome_result result); /* "starttls-not-supported" */

/* The fields in a frame; texts are cut to their limits. */
void outcome_write(struct writer *w, const struct outcome *o);
/* Borrows from the frame. False: the domain is none, or a field's value is unknown; what is too
 * long fails the reader. */
bool outcome_read(struct reader *r, struct outcome *o);

#endif
