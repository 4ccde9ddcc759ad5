/*
 * lib/tls/https.h - one request by HTTP/1.1 (RFC 9110, RFC 9112), as a rule over TLS: a small text
 * comes, or goes.
 */
#ifndef POSTHORN_LIB_TLS_HTTPS_H
#define POSTHORN_LIB_TLS_HTTPS_H

#include "lib/base/strbuf.h"
#include "lib/tls/tls.h"

struct https_target {
    int fd;                  /* connected socket; taken over */
    struct tls_context *ctx; /* by which the certificate has to be good, for `host`; NULL: no TLS */
    const char *host, *path;
    const char
        *authority; /* host with port, where that is not 443 (RFC 9110 section 7.2); or NULL */
    int64_t deadline_mono_ms;
};

/* Both follow no redirect and return NULL, or what went wrong: a constant, or valid until the next
 * call of TLS. */

/* GET: only a 200 with text/plain counts. The body is appended to `body`, whose ceiling is its
 * limit. *distrusted (NULL: not wanted): it was the certificate. */
const char *https_get(const struct https_target *target, struct strbuf *body, bool *distrusted);
/* POST: any 2xx is a success; what the server says besides is not read. */
const char *https_post(const struct https_target *target, const char *type, struct slice body);

/* GET or POST, whatever type the answer has: only a 200 counts, and its body is appended to `body`,
 * whose ceiling is its limit. */
struct https_query {
    const char *method;
    const char *authorization; /* value of the field; "": none. A secret: the caller wipes it */
    const char *type;          /* of the body; NULL: there is none */
    const char *accept;        /* type of the answer; NULL: JSON */
    struct slice body;
};
const char *https_ask(const struct https_target *target, const struct https_query *query,
                      struct strbuf *body);
/* The same for a notice: any 2xx is a success. `fields` are whole header lines besides; the answer
 * is appended to `body` as far as there is room (an answer without its length: until the connection
 * ends), NULL: it is not read. */
const char *https_notify(const struct https_target *target, const struct https_query *query,
                         const char *fields, struct strbuf *body);

/* The same, with HEAD too, whatever status the answer has. */
struct https_answer {
    unsigned status;
    struct strbuf *body; /* appended to; its ceiling is the limit */
    /* each header field, as the server wrote it; borrowed */
    void (*field)(void *arg, struct slice name, struct slice value);
    void *arg;
};
const char *https_exchange(const struct https_target *target, const struct https_query *query,
                           struct https_answer *answer);

#endif
