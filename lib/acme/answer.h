/*
 * lib/acme/answer.h - what an ACME server answers (RFC 8555, RFC 9773), from JSON and header fields
 * to a record of checked texts.
 *
 * A process without any right reads the JSON and hands the record over; the one that has the
 * account's key reads the record alone, and checks each text in it again: an URL has the characters
 * of one, a token those of base64url, words for people are printable ASCII.
 */
#ifndef POSTHORN_LIB_ACME_ANSWER_H
#define POSTHORN_LIB_ACME_ANSWER_H

#include <stdint.h>

#include "lib/base/strbuf.h"

#define ACME_NAMES_MAX 100 /* hosts of one certificate, and so authorizations of an order */
#define ACME_BODY_MAX 65536u
#define ACME_RECORD_MAX (256u << 10)
#define ACME_TOKEN_MAX 256
#define ACME_WORDS_MAX 600

/* What the body is expected to be; an error has a problem document in its place (section 6.7). */
enum acme_kind {
    ACME_NOTHING, /* whatever it is, it is not looked at */
    ACME_DIRECTORY,
    ACME_ORDER,
    ACME_AUTHORIZATION,
    ACME_RENEWAL_INFO,
    ACME_CHAIN, /* not JSON: see lib/acme/issued.h */
};

enum acme_status {             /* section 7.1.6 */
                   ACME_OTHER, /* none, or one that ends it: deactivated, expired, revoked */
                   ACME_PENDING,
                   ACME_READY,
                   ACME_PROCESSING,
                   ACME_VALID,
                   ACME_INVALID,
};

enum acme_text {
    ACME_TROUBLE, /* why there is no answer at all */
    ACME_NONCE,
    ACME_LOCATION,
    ACME_PROBLEM, /* "badNonce"; of another name space: "other" */
    ACME_DETAIL,  /* of the problem, or of the error in an order or challenge */
    ACME_NEW_NONCE,
    ACME_NEW_ACCOUNT,
    ACME_NEW_ORDER,
    ACME_REVOKE_CERT,
    ACME_KEY_CHANGE,
    ACME_RENEWAL_URL,
    ACME_TERMS,
    ACME_FINALIZE,
    ACME_CERTIFICATE,
    ACME_HOST, /* that an authorization is for */
    ACME_CHALLENGE,
    ACME_TOKEN,
    ACME_EXPLANATION,
    ACME_PEM,     /* the chain */
    ACME_CERT_ID, /* RFC 9773 section 4.1 */
    ACME_SERIAL,
    ACME_TEXT_COUNT
};

struct acme_answer {
    unsigned http; /* status; 0: there is no answer */
    enum acme_status status;
    bool binding_required;    /* of a directory: externalAccountRequired */
    int64_t retry_after_ms;   /* from now on; 0: nothing was said */
    int64_t start_ms, end_ms; /* window of a renewal, or validity of a certificate; real time */
    struct slice text[ACME_TEXT_COUNT];
    struct slice authorizations[ACME_NAMES_MAX];
    size_t authorization_count;
};

/* A header field of the answer, which is borrowed. */
void acme_answer_field(struct acme_answer *answer, struct slice name, struct slice value,
                       int64_t now_ms);
/* Reads the body by what answer->http and `kind` say, and appends the record. `challenge`: type of
 * the one that is wanted of an authorization. What is wrong with the body becomes ACME_TROUBLE. */
void acme_answer_read(struct acme_answer *answer, enum acme_kind kind, const char *challenge,
                      struct slice body, struct strbuf *record);
/* Appends the record of an answer that is complete. 0, or -1: it is too large. */
int acme_answer_write(const struct acme_answer *answer, struct strbuf *record);
/* Texts borrow from the record. 0, or -1: it is damaged, or a text is not of its form. */
int acme_answer_parse(struct slice record, struct acme_answer *answer);

/* Appends `words` from anybody as what people may read in a log. */
void acme_answer_tame(struct slice words, struct strbuf *out);

#endif
