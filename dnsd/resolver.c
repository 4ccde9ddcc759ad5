/*
 * dnsd/resolver.c - recursion, validation and cache: the one wrapper of libunbound.
 *
 * Input:  the [dns] settings, root hints and trust anchors; then whatever name servers send, which
 *         the library parses. It opens its files in resolver_new and only sockets afterwards.
 */
#include "dnsd/resolver.h"

#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unbound-event.h>
#include <unbound.h>
#include <unistd.h>

#include "lib/base/mem.h"
#include "lib/dns/name.h"
#include "lib/ipc/dnsd.h"
#include "lib/log/log.h"

#define ROOT_HINTS "/usr/share/dns/root.hints"

enum { CLASS_IN = 1 };

struct resolver {
    struct ub_ctx *ctx;
    bool closing;
};

struct asked {
    struct resolver *resolver;
    void (*done)(void *arg, const struct resolver_result *result);
    void *arg;
};

static void
check(int rc, const char *what, const char *value)
{
    if (rc != 0)
        errx(EX_CONFIG, "dns: %s %s: %s", what, value, ub_strerror(rc));
}

static void
set_option(struct resolver *r, const char *name, const char *value)
{
    check(ub_ctx_set_option(r->ctx, name, value), name, value);
}

static void
set_number(struct resolver *r, const char *name, uint64_t value)
{
    char text[24];

    (void)snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
    set_option(r, name, text);
}

/* "192.0.2.1", "2001:db8::1" or one of them with "@port": the part before '@' is an address. */
static bool
is_server(const char *text)
{
    struct strbuf reversed = strbuf_new(DNS_NAME_TEXT_MAX);
    struct slice all = slice_of(text);
    bool yes = dns_name_reverse(slice_split(&all, '@'), &reversed) == 0;

    strbuf_free(&reversed);
    return yes;
}

/* ---- [dns], in the order that the library wants: nothing may be set after local data ---- */

static void
set_limits(struct resolver *r, const struct conf *conf)
{
    uint64_t cache = conf_u64(conf, DNS_CACHE_SIZE), queries = conf_u64(conf, DNS_QUERIES_MAX);

    set_number(r, "msg-cache-size:", cache / 3);
    set_number(r, "rrset-cache-size:", cache * 2 / 3);     /* unbound's own advice: twice as much */
    set_number(r, "num-queries-per-thread:", queries * 5); /* question.c's slow ones too */
    set_number(r, "outgoing-range:", queries * 5);
    set_number(r, "outgoing-num-tcp:", 64);
    set_number(r, "edns-buffer-size:", 1232); /* never fragmented; longer answers come by TCP */
    set_option(r, "do-not-query-localhost:", "no"); /* a resolver or a test's zone on this host */
}

static void
set_servers(struct resolver *r, const struct conf *conf)
{
    size_t count = conf_list_count(conf, DNS_SERVERS);

    if (count == 0) {
        if (access(ROOT_HINTS, R_OK) == 0)
            set_option(r, "root-hints:", ROOT_HINTS);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        const char *server = conf_list_item(conf, DNS_SERVERS, i);

        if (strcmp(server, "system") == 0)
            check(ub_ctx_resolvconf(r->ctx, NULL), "servers =", server);
        else if (is_server(server))
            check(ub_ctx_set_fwd(r->ctx, server), "servers =", server);
        else
            errx(EX_CONFIG, "dns.servers: expected an address, address@port or system: %s", server);
    }
    /* the house's own resolver knows private addresses; the library would answer for it */
    set_option(r, "unblock-lan-zones:", "yes");
    set_option(r, "insecure-lan-zones:", "yes");
}

static void
set_stubs(struct resolver *r, const struct conf *conf)
{
    const char *zone = NULL;

    for (size_t i = 0; i < conf_list_count(conf, DNS_STUB); i++) {
        const char *item = conf_list_item(conf, DNS_STUB, i);

        if (!is_server(item))
            zone = item;
        else if (zone != NULL)
            check(ub_ctx_set_stub(r->ctx, zone, item, 0), "stub =", item);
        else
            errx(EX_CONFIG, "dns.stub: expected a zone before the server %s", item);
    }
}

static void
set_validation(struct resolver *r, const struct conf *conf)
{
    for (size_t i = 0; i < conf_list_count(conf, DNS_TRUST_ANCHOR); i++) {
        const char *file = conf_list_item(conf, DNS_TRUST_ANCHOR, i);

        if (access(file, R_OK) == 0)
            check(ub_ctx_add_ta_file(r->ctx, file), "trust_anchor =", file);
        else if (conf_is_set(conf, DNS_TRUST_ANCHOR))
            err(EX_NOINPUT, "dns.trust_anchor: %s", file);
        else
            log_event(LOG_WARN, "dns_not_validating", KV_STR("missing", file));
    }
    for (size_t i = 0; i < conf_list_count(conf, DNS_UNSIGNED); i++)
        set_option(r, "domain-insecure:", conf_list_item(conf, DNS_UNSIGNED, i));
}

/* The library answers for test., invalid. and private reverse zones by itself: a stub below them is
 * let through. */
static void
open_stub_zones(struct resolver *r, const struct conf *conf)
{
    for (size_t i = 0; i < conf_list_count(conf, DNS_STUB); i++) {
        const char *item = conf_list_item(conf, DNS_STUB, i);

        if (!is_server(item))
            check(ub_ctx_zone_add(r->ctx, item, "transparent"), "stub =", item);
    }
}

static void
set_hosts(struct resolver *r, const struct conf *conf)
{
    const char *name = NULL;

    for (size_t i = 0; i < conf_list_count(conf, DNS_HOSTS); i++) {
        const char *item = conf_list_item(conf, DNS_HOSTS, i);
        bool is_address = strchr(item, '@') == NULL && is_server(item);
        char *line;

        if (!is_address) {
            name = item;
            check(ub_ctx_zone_add(r->ctx, name, "transparent"), "hosts =", name);
            continue;
        }
        if (name == NULL)
            errx(EX_CONFIG, "dns.hosts: expected a name before the address %s", item);
        line = xasprintf("%s. IN %s %s", name, strchr(item, ':') != NULL ? "AAAA" : "A", item);
        check(ub_ctx_data_add(r->ctx, line), "hosts =", line);
        free(line);
    }
}

static void
ignore_result(void *arg, const struct resolver_result *result)
{
    (void)arg;
    (void)result;
}

struct resolver *
resolver_new(struct loop *loop, const struct conf *conf)
{
    struct resolver *r = xcalloc(1, sizeof(*r));

    r->ctx = ub_ctx_create_event(loop_event_base(loop));
    if (r->ctx == NULL)
        errx(EX_UNAVAILABLE, "libunbound does not start");
    set_limits(r, conf);
    set_servers(r, conf);
    set_stubs(r, conf);
    set_validation(r, conf);
    open_stub_zones(r, conf);
    set_hosts(r, conf);
    /* the first question makes the library read its files; this one asks nobody */
    resolver_ask(r, "localhost", DNS_A, ignore_result, NULL);
    return r;
}

void
resolver_free(struct resolver **resolverp)
{
    if (*resolverp == NULL)
        return;
    (*resolverp)->closing = true;
    ub_ctx_delete((*resolverp)->ctx); /* calls resolved() for all that is under way */
    xfree(resolverp);
}

static void
resolved(void *arg, int rcode, void *packet, int packet_len, int sec, char *why_bogus,
         int was_ratelimited)
{
    struct asked *asked = arg;
    struct resolver_result result = {
        .packet = slice_make(packet, packet != NULL && packet_len > 0 ? (size_t)packet_len : 0),
        .secure = sec == 2,
        .bogus = sec == 1,
        .why_bogus = why_bogus != NULL ? why_bogus : "",
    };

    (void)rcode; /* it is in the packet; without one there is nothing to know */
    (void)was_ratelimited;
    if (!asked->resolver->closing)
        asked->done(asked->arg, &result);
    free(asked);
}

void
resolver_ask(struct resolver *r, const char *name, uint16_t rr,
             void (*done)(void *arg, const struct resolver_result *result), void *arg)
{
    static const struct resolver_result none = {.why_bogus = ""};
    struct asked *asked = xcalloc(1, sizeof(*asked));
    int rc;

    asked->resolver = r;
    asked->done = done;
    asked->arg = arg;
    rc = ub_resolve_event(r->ctx, name, rr, CLASS_IN, asked, resolved, NULL);
    if (rc == 0)
        return;
    log_event(LOG_ERROR, "dns_not_asked", KV_STR("name", name), KV_STR("error", ub_strerror(rc)));
    free(asked);
    done(arg, &none);
}
