/*
 * alertd/hook.c - posts a notice to a URL.
 *
 * Runs in a child that can open no path: it asks dnsd for addresses and talks to one server, which
 * the administrator has named. What that answers is looked at only for its status and, where it is
 * wanted, for a text.
 */
#include "alertd/hook.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/auth/digest.h"
#include "lib/base/clock.h"
#include "lib/base/encode.h"
#include "lib/base/mem.h"
#include "lib/ipc/client.h"
#include "lib/tls/https.h"

enum { HTTP_PORT = 80, HTTPS_PORT = 443 };
enum { TIME_MS = 20000, FIELDS_MAX = 200, ANSWER_MAX = 65536 };

/* "X-Posthorn-Signature: sha256=HEX": HMAC-SHA256 (RFC 2104) of the body. */
static void
sign(const struct hook *h, struct strbuf *fields)
{
    unsigned char mac[DIGEST_MAX];

    if (h->options->secret[0] == '\0')
        return;
    digest_hmac(DIGEST_SHA256, slice_of(h->options->secret), h->body, mac);
    (void)strbuf_str(fields, "X-Posthorn-Signature: sha256="); /* it fits */
    (void)hex_encode(slice_make(mac, digest_size(DIGEST_SHA256)), fields);
    (void)strbuf_str(fields, "\r\n");
}

static const char *
post(const struct hook *h, const struct https_target *target)
{
    struct strbuf fields = strbuf_new(FIELDS_MAX), answer = strbuf_new(ANSWER_MAX);
    const struct https_query query = {
        .method = "POST", .authorization = "", .type = h->type, .body = h->body};
    const char *trouble;

    sign(h, &fields);
    trouble =
        https_notify(target, &query, strbuf_cstr(&fields), h->expected.len > 0 ? &answer : NULL);
    if (trouble == NULL && h->expected.len > 0 &&
        slice_find(strbuf_slice(&answer), h->expected) == answer.len)
        trouble = "the answer is not the one that is expected";
    strbuf_free(&fields);
    strbuf_free(&answer);
    return trouble;
}

/* Host with port, where that is not the scheme's own (RFC 9110 section 7.2). free() it. */
static char *
authority_of(const struct web_url *url)
{
    unsigned port = url->is_tls ? HTTPS_PORT : HTTP_PORT;

    return url->port == port ? xslicedup(url->host)
                             : xasprintf("%.*s:%u", (int)url->host.len, url->host.ptr, url->port);
}

void
hook_run(void *arg, struct strbuf *reply)
{
    const struct hook *h = arg;
    struct ipc_client *dns = ipc_client_new(AT_FDCWD, DNSD_SOCKET, DNSD_PAYLOAD_MAX);
    struct https_target target = {.deadline_mono_ms = clock_mono_ms() + TIME_MS};
    struct dial_options web = h->options->web;
    const char *trouble = "the URL is damaged";
    char *host = NULL, *authority = NULL, *path = NULL;
    struct web_url url;

    if (web_url_parse(slice_of(h->url), &url) == 0) {
        host = xslicedup(url.host);
        authority = authority_of(&url);
        path = xslicedup(url.path);
        web.port = url.port;
        target.ctx = url.is_tls ? h->options->authorities : NULL;
        target.host = host;
        target.authority = authority;
        target.path = path;
        target.fd = dial_host(&web, dns, host, target.deadline_mono_ms, &trouble);
        if (target.fd >= 0)
            trouble = post(h, &target);
    }
    ipc_client_free(&dns);
    (void)strbuf_printf(reply, "%c%s", trouble == NULL ? HOOK_DONE : HOOK_FAILED,
                        trouble == NULL ? "" : trouble);
    free(host);
    free(authority);
    free(path);
}
