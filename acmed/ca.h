/*
 * acmed/ca.h - the certificate authority: signed requests to it, one after the other.
 *
 * Blocks; lives in the process of one job (acmed/clerk.h), the only one that has the account's key.
 */
#ifndef POSTHORN_ACMED_CA_H
#define POSTHORN_ACMED_CA_H

#include "acmed/ask.h"
#include "lib/acme/jws.h"

struct ca {
    const struct ask_options *ask;
    struct jws_key *key;
    struct jws_key *other_key;  /* while keys are changed; borrowed, or NULL */
    char *kid;                  /* the account's URL, or NULL */
    char *nonce;                /* of the last answer, or NULL */
    char *url[ACME_TEXT_COUNT]; /* of the directory: ACME_NEW_NONCE to ACME_TERMS, or NULL */
    bool binding_required;
    struct strbuf record;      /* the last answer */
    struct acme_answer answer; /* borrows from it, until the next request */
    struct strbuf error;       /* what went wrong, one line */
    char problem[64];          /* type of a problem (RFC 8555 section 6.7), or "" */
    int64_t not_before_ms;     /* real time: the authority wants no request before; or 0 */
};

/* Each returns 0, or -1 with a line in ca->error. */

/* Reads the directory. What it holds is there until the process ends, which serves one job. */
int ca_open(struct ca *ca, const struct ask_options *ask, const char *directory);

struct ca_request {
    const char *what; /* for the error: "new order" */
    struct slice url;
    struct slice payload; /* JSON, or "" to get something (RFC 8555 section 6.3) */
    bool with_key;        /* signed with the public key in place of the account's URL */
    enum acme_kind kind;
    const char *challenge;
    struct slice csr;
};
/* The answer, of a status 2xx, is in ca->answer. A refused nonce is replaced. */
int ca_post(struct ca *ca, const struct ca_request *request);
/* The same without a signature. */
int ca_get(struct ca *ca, const char *what, struct slice url, enum acme_kind kind);
/* Waits as long as the answer says, or `otherwise_ms`. */
void ca_wait(const struct ca *ca, int64_t otherwise_ms);
/* Sets the error. Returns -1. */
__attribute__((format(printf, 2, 3))) int ca_fail(struct ca *ca, const char *format, ...);

#endif
