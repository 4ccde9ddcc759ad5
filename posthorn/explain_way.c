/*
 * posthorn/explain_way.c - how a message would leave for a remote address: the servers in their
 * order, what TLS each must have, and who signs. Asks dnsd, stsd (which may fetch a policy) and
 * keyd (which signs a message of one line, and keeps nothing); connects to no other server.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/ipc/keyd.h"
#include "lib/remote/route.h"
#include "lib/remote/tls_policy.h"
#include "lib/remote/ways.h"
#include "posthorn/explain.h"

enum { EXPLAIN_USERS_MAX = 500 };

struct way_out {
    struct explain *x;
    const struct remote_settings *settings;
};

/* ---- servers ---- */

static void
say_server(struct way_out *w, const struct tls_policy *tls, const struct smtp_peer *peer)
{
    if (tls->level == TLS_LEVEL_REFUSED)
        explain_say(w->x, "tls", "refused", tls_policy_setting(tls), tls->line, "%s",
                    tls->why.text);
    else
        explain_say(w->x, "tls", tls_policy_word(tls->level), tls_policy_setting(tls), tls->line,
                    "to %s, by %s", peer->host, tls->source);
}

/* `next_hop` empty: servers that the configuration names. */
static void
say_servers(struct way_out *w, const struct route *route, struct slice next_hop,
            const struct way *way)
{
    struct tls_policy *tls = xcalloc(1, sizeof(*tls));

    for (size_t i = 0; i < route->count && i < w->settings->max_addresses; i++)
        explain_say(w->x, "route", "try", way->setting, way->line, "%s, %s", route->peers[i].host,
                    route->peers[i].ip);
    tls_policy_begin(tls, w->settings, w->x->servers->dnsd, w->x->servers->stsd, next_hop,
                     TLS_REQUEST_NONE);
    for (size_t i = 0; i < route->count && i < w->settings->max_addresses; i++) {
        if (i > 0 && strcmp(route->peers[i].host, route->peers[i - 1].host) == 0)
            continue; /* another address of the same server */
        tls_policy_decide(tls, &route->peers[i]);
        say_server(w, tls, &route->peers[i]);
    }
    tls_policy_end(tls);
    free(tls);
}

static void
say_no_server(struct way_out *w, const struct smtp_verdict *why, enum mx_status status,
              const struct way *way)
{
    explain_say(w->x, "route", status == MX_NEVER ? "refused" : "put off", way->setting, way->line,
                "%s %s", why->dsn, why->text);
}

/* One of the ways of remote-deliver, which goes on to the next only where no server can be reached.
 */
static void
by_way(struct way_out *w, const struct way *way, struct slice domain)
{
    struct smtp_verdict why = {0};
    struct route route;
    enum mx_status status;

    if (way->after != CONF_NO_SETTING)
        explain_say(w->x, "route", "then", way->after, 0, "when none of these can be reached");
    if (way->hosts == NULL)
        status = route_by_dns(w->settings, w->x->servers->dnsd, domain, &route, &why);
    else
        status = route_by_hosts(w->settings, w->x->servers->dnsd, way->hosts, &route, &why);
    if (status == MX_FOUND)
        say_servers(w, &route, way->hosts == NULL ? domain : SLICE(""), way);
    else
        say_no_server(w, &why, status, way);
}

/* Mail that is fetched (ATRN) takes no way at all, whatever else is configured. */
static bool
is_fetched(struct explain *x, struct slice domain)
{
    const struct odmr_domain *found = odmr_table_find(x->rules->odmr, domain);
    bool fetched = found != NULL;
    struct strbuf users = strbuf_new(EXPLAIN_USERS_MAX);

    for (size_t i = 0; fetched && i < found->user_count; i++)
        if (!strbuf_printf(&users, "%s%s", i > 0 ? ", " : "", found->users[i]))
            break; /* that is enough to know where to look */
    if (fetched)
        explain_say(x, "route", "waits", QUEUE_ODMR_DOMAINS, found->line,
                    "until it is fetched with ATRN by %s", strbuf_cstr(&users));
    strbuf_free(&users);
    return fetched;
}

/* ---- signature ---- */

/* A message of which nothing but the author is known. */
static int
make_message(struct slice from)
{
    int fd = memfd_create("explain", MFD_CLOEXEC);
    struct strbuf text = strbuf_new(KEYD_ADDRESS_MAX + 16);

    (void)strbuf_printf(&text, "From: <%.*s>\r\n\r\n", (int)from.len, from.ptr);
    if (fd >= 0 && (text.overflow || write_all(fd, strbuf_slice(&text)) < 0)) {
        close_keep_errno(fd);
        fd = -1;
    }
    strbuf_free(&text);
    return fd;
}

static void
say_signature(struct explain *x, const struct keyd_signed *answer)
{
    if (answer->result == KEYD_DONE)
        explain_say(x, "dkim", "signed", DKIM_SIGN, 0, "by the keys of %.*s",
                    (int)answer->domain.len, answer->domain.ptr);
    else if (answer->result == KEYD_NO_KEY)
        explain_say(x, "dkim", "not signed", DKIM_WITHOUT_KEY, 0, "%.*s", (int)answer->reason.len,
                    answer->reason.ptr);
    else
        explain_say(x, "dkim", "put off", DKIM_ON_FAILURE, 0, "%.*s", (int)answer->reason.len,
                    answer->reason.ptr);
}

static void
ask_keyd(struct explain *x, const struct signing_settings *settings)
{
    struct strbuf frame = strbuf_new(KEYD_PAYLOAD_MAX);
    struct ipc_reply reply = {.fd = -1};
    struct keyd_signed answer;
    struct keyd_sign request = {.size = strlen("From: <>\r\n\r\n") + x->mail->from.len,
                                .user = x->mail->user,
                                .sender = x->mail->from};
    int fd = make_message(x->mail->from);

    if (fd >= 0 && keyd_sign_encode(&frame, &request) == 0 &&
        ipc_client_call(x->servers->keyd, &frame, fd, (int)settings->timeout_ms, &reply) == 0 &&
        reply.type == KEYD_SIGNED && keyd_signed_decode(reply.payload, &answer) == 0)
        say_signature(x, &answer);
    else
        explain_say(x, "dkim", "put off", DKIM_ON_FAILURE, 0, "keyd does not answer");
    close_keep_errno(reply.fd);
    close_keep_errno(fd);
    strbuf_free(&frame);
}

static void
signature(struct explain *x, const struct signing_settings *settings)
{
    if (!settings->sign)
        explain_say(x, "dkim", "not signed", DKIM_SIGN, 0, "no mail is");
    else if (!x->began_here)
        explain_say(x, "dkim", "not signed", DKIM_SIGN, 0, "it did not begin here");
    else
        ask_keyd(x, settings);
}

static const struct remote_settings *
settings_of(struct explain_rules *rules)
{
    if (rules->remote == NULL) {
        rules->remote = xcalloc(1, sizeof(*rules->remote));
        remote_settings_load(rules->remote, "posthorn", rules->conf, rules->inst);
        rules->remote->keep_order = true;
    }
    return rules->remote;
}

void
explain_way(struct explain *x, struct slice address, struct slice sender)
{
    struct way_out w = {.x = x, .settings = settings_of(x->rules)};
    struct slice domain = slice_sub(address, slice_rindex(address, '@') + 1, address.len);
    struct way ways[WAYS_MAX];
    size_t count = ways_for(w.settings, domain, ways);
    bool fetched = is_fetched(x, domain);

    for (size_t i = 0; i < count && !fetched; i++)
        by_way(&w, &ways[i], domain);
    if (sender.len > 0)
        explain_say(x, "sender", "replaced", CONF_NO_SETTING, 0, "by <%.*s> on this way",
                    (int)sender.len, sender.ptr);
    signature(x, &w.settings->signing);
}
