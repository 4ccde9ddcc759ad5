/*
 * acmed/ca.c - signs requests and has them sent; nonces, problems, waiting.
 *
 * Input: records of checked texts (lib/acme/answer.h), no byte of the network's.
 */
#include "acmed/ca.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "lib/base/clock.h"
#include "lib/base/mem.h"

enum {
    NONCES_MAX = 20,     /* refused ones in a row */
    WAIT_MAX_MS = 60000, /* between two looks at what is going on */
    ERROR_MAX = ACME_WORDS_MAX * 2
};

int
ca_fail(struct ca *ca, const char *format, ...)
{
    va_list args;

    strbuf_clear(&ca->error);
    va_start(args, format);
    (void)strbuf_vprintf(&ca->error, format, args); /* what does not fit is the server's text */
    va_end(args);
    if (ca->error.len == 0)
        (void)strbuf_str(&ca->error, "it failed, with too many words");
    return -1;
}

/* ---- one request ---- */

static void
keep_nonce(struct ca *ca)
{
    xfree(&ca->nonce); /* each is good for one request */
    if (ca->answer.text[ACME_NONCE].len > 0)
        ca->nonce = xslicedup(ca->answer.text[ACME_NONCE]);
}

/* The problem in the answer, in words. RFC 8555 section 6.6: when to come again. */
static int
refuse(struct ca *ca, const char *what)
{
    struct slice problem = ca->answer.text[ACME_PROBLEM], detail = ca->answer.text[ACME_DETAIL];

    (void)snprintf(ca->problem, sizeof(ca->problem), "%.*s", (int)problem.len, problem.ptr);
    if (ca->answer.retry_after_ms > 0)
        ca->not_before_ms = clock_real_ms() + ca->answer.retry_after_ms;
    if (problem.len == 0)
        return ca_fail(ca, "%s: the authority answers with HTTP status %u", what, ca->answer.http);
    return ca_fail(ca, "%s: the authority says %s: %.*s", what, ca->problem, (int)detail.len,
                   detail.ptr);
}

/* -1 without an error: a problem document, or a status, that says no. */
static int
request_once(struct ca *ca, const char *what, struct ask *ask)
{
    ask->options = ca->ask;
    ask->keys[0] = ca->key;
    ask->keys[1] = ca->other_key;
    ca->problem[0] = '\0';
    if (ask_server(ask, &ca->record, &ca->answer) < 0) {
        struct slice trouble = ca->answer.text[ACME_TROUBLE];

        return ca_fail(ca, "%s: %.*s", what, (int)trouble.len, trouble.ptr);
    }
    keep_nonce(ca);
    return ca->answer.http >= 200 && ca->answer.http < 300 ? 0 : refuse(ca, what);
}

int
ca_get(struct ca *ca, const char *what, struct slice url, enum acme_kind kind)
{
    struct ask ask = {.method = "GET", .url = url, .kind = kind};

    return request_once(ca, what, &ask);
}

static int
need_nonce(struct ca *ca)
{
    struct ask ask = {
        .method = "HEAD", .url = slice_of(ca->url[ACME_NEW_NONCE]), .kind = ACME_NOTHING};

    if (ca->nonce != NULL)
        return 0;
    if (request_once(ca, "new nonce", &ask) < 0)
        return -1;
    return ca->nonce == NULL ? ca_fail(ca, "new nonce: the authority gives none") : 0;
}

static int
post_once(struct ca *ca, const struct ca_request *request)
{
    struct strbuf body = strbuf_new(JWS_MAX);
    const struct jws_header header = {.url = request->url,
                                      .nonce = slice_of(ca->nonce),
                                      .kid = request->with_key ? SLICE("") : slice_of(ca->kid)};
    struct ask ask = {.method = "POST",
                      .url = request->url,
                      .kind = request->kind,
                      .challenge = request->challenge,
                      .csr = request->csr};
    int rc;

    if (jws_sign(ca->key, &header, request->payload, &body) < 0) {
        rc = ca_fail(ca, "%s: the request can't be signed", request->what);
    } else {
        ask.body = strbuf_slice(&body);
        rc = request_once(ca, request->what, &ask);
    }
    strbuf_free(&body);
    return rc;
}

int
ca_post(struct ca *ca, const struct ca_request *request)
{
    int rc = -1;

    for (int i = 0; i < NONCES_MAX; i++) { /* RFC 8555 section 6.5 */
        if (need_nonce(ca) < 0)
            return -1;
        rc = post_once(ca, request);
        if (rc == 0 || strcmp(ca->problem, "badNonce") != 0)
            break;
    }
    return rc;
}

void
ca_wait(const struct ca *ca, int64_t otherwise_ms)
{
    int64_t ms = ca->answer.retry_after_ms > 0 ? ca->answer.retry_after_ms : otherwise_ms;
    struct timespec time;

    if (ms > WAIT_MAX_MS)
        ms = WAIT_MAX_MS;
    time = (struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    while (nanosleep(&time, &time) < 0) /* a signal does not shorten it */
        continue;
}

/* ---- the directory ---- */

int
ca_open(struct ca *ca, const struct ask_options *ask, const char *directory)
{
    *ca = (struct ca){
        .ask = ask, .record = strbuf_new(ACME_RECORD_MAX), .error = strbuf_new(ERROR_MAX)};
    if (ca_get(ca, "directory", slice_of(directory), ACME_DIRECTORY) < 0)
        return -1;
    for (int i = ACME_NEW_NONCE; i <= ACME_TERMS; i++)
        if (ca->answer.text[i].len > 0)
            ca->url[i] = xslicedup(ca->answer.text[i]);
    ca->binding_required = ca->answer.binding_required;
    if (ca->url[ACME_NEW_NONCE] == NULL || ca->url[ACME_NEW_ACCOUNT] == NULL ||
        ca->url[ACME_NEW_ORDER] == NULL)
        return ca_fail(ca, "directory: %s is no ACME directory", directory);
    return 0;
}
