/*
 * smtpd/xclient.c - XCLIENT: the session goes on as one of another client's; XFORWARD: the log
 * names another client. Both are for peers that smtp.xclient_hosts and smtp.xforward_hosts list,
 * by the address that the session has at that time: a proxy that passes on what its client sends
 * loses the right with the ADDR that it has given.
 */
#include "smtpd/xclient.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "lib/log/log.h"
#include "smtpd/command.h"
#include "smtpd/xattr.h"

static bool
is_listed(const struct session *s, const struct networks *list)
{
    return list->count > 0 && networks_have_text(list, slice_of(s->pool->client_ip));
}

static void
announce(struct session *s, const char *verb, unsigned which)
{
    struct strbuf names = strbuf_new(200);

    xattrs_list(which, &names);
    (void)stream_printf(s->stream, "250-%s%s\r\n", verb, strbuf_cstr(&names)); /* errors stick */
    strbuf_free(&names);
}

void
xclient_announce(struct session *s)
{
    if (!s->is_lmtp && is_listed(s, &s->settings->xclient_hosts))
        announce(s, "XCLIENT", XATTR_OF_XCLIENT);
    if (is_listed(s, &s->settings->xforward_hosts))
        announce(s, "XFORWARD", XATTR_OF_XFORWARD);
}

static bool
may_run(struct session *s, const struct networks *list, struct slice args, unsigned allowed,
        struct xattrs *attrs)
{
    struct refusal why = {550, "5.7.0", "insufficient authorization"};

    if (is_listed(s, list) && xattrs_parse(args, allowed, attrs, &why) == 0)
        return true;
    session_error(s, why.code, why.dsn, "%s", why.text);
    return false;
}

/* ---- XCLIENT ---- */

static bool
has(const struct xattrs *a, enum xattr_name name)
{
    return (a->given & XATTR_BIT(name)) != 0;
}

static uint16_t
port_in(const struct xattrs *a, enum xattr_name name)
{
    uint64_t port = 0; /* not available */

    (void)parse_u64(slice_of(a->values[name]), UINT16_MAX, &port); /* the parser has looked at it */
    return (uint16_t)port;
}

static void
copy_ip(char out[INET6_ADDRSTRLEN], const char *value)
{
    size_t len = strnlen(value, INET6_ADDRSTRLEN - 1); /* the parser has made it: it fits */

    memcpy(out, value[0] == '\0' ? "0.0.0.0" : value, value[0] == '\0' ? 8 : len + 1);
}

static void
set_addresses(struct session *s, const struct xattrs *a)
{
    if (has(a, XATTR_ADDR)) {
        copy_ip(s->pool->client_ip, a->values[XATTR_ADDR]);
        s->is_trusted = reception_trusts(&s->settings->rules, slice_of(s->pool->client_ip));
    }
    if (has(a, XATTR_PORT))
        s->pool->client_port = port_in(a, XATTR_PORT);
    if (has(a, XATTR_DESTADDR))
        copy_ip(s->pool->local_ip, a->values[XATTR_DESTADDR]);
    if (has(a, XATTR_DESTPORT))
        s->pool->local_port = port_in(a, XATTR_DESTPORT);
}

/* With HELO the client need not say it again. */
static enum session_state
set_hello(struct session *s, const struct xattrs *a)
{
    if (has(a, XATTR_PROTO))
        s->is_extended = slice_eq_nocase(slice_of(a->values[XATTR_PROTO]), SLICE("ESMTP"));
    if (!has(a, XATTR_HELO) || a->values[XATTR_HELO][0] == '\0')
        return ST_NEW;
    memcpy(s->helo, a->values[XATTR_HELO], sizeof(s->helo));
    return ST_GREETED;
}

static void
log_xclient(const struct xattrs *a)
{
    log_event(LOG_INFO, "xclient", KV_STR("name", a->values[XATTR_NAME]),
              KV_STR("addr", a->values[XATTR_ADDR]), KV_STR("port", a->values[XATTR_PORT]),
              KV_STR("helo", a->values[XATTR_HELO]), KV_STR("login", a->values[XATTR_LOGIN]));
}

/* What earlier XCLIENTs said stays, unless this one says otherwise. */
enum session_state
xclient_run(struct session *s, struct slice args)
{
    struct xattrs a = {0};
    enum session_state next;

    if (s->speaks_for != NULL)
        a = *s->speaks_for;
    if (!may_run(s, &s->settings->xclient_hosts, args, XATTR_OF_XCLIENT, &a))
        return s->state;
    if (s->speaks_for == NULL)
        s->speaks_for = xmalloc(sizeof(*s->speaks_for));
    *s->speaks_for = a;
    log_xclient(&a);
    session_forget(s);
    xfree(&s->auth_user);
    s->user_proved = false;
    if (a.values[XATTR_LOGIN][0] != '\0')
        s->auth_user = xstrdup(a.values[XATTR_LOGIN]);
    set_addresses(s, &a);
    session_greet(s, false);
    next = set_hello(s, &a);
    if (next == ST_GREETED && !s->filter.shut && filter_helo(s) != NULL)
        return ST_NEW; /* it has to say another name */
    return next;
}

/* ---- XFORWARD ---- */

enum session_state
xforward_run(struct session *s, struct slice args)
{
    struct xattrs a = {0};

    if (s->forwarded != NULL)
        a = *s->forwarded;
    if (!may_run(s, &s->settings->xforward_hosts, args, XATTR_OF_XFORWARD, &a))
        return s->state;
    if (s->forwarded == NULL)
        s->forwarded = xmalloc(sizeof(*s->forwarded));
    *s->forwarded = a;
    session_reply(s, 250, "2.0.0", "ok");
    return s->state;
}

void
xclient_log_forwarded(const struct session *s, const char *queue_id)
{
    const struct xattrs *a = s->forwarded;

    if (a == NULL)
        return;
    log_event(LOG_INFO, "forwarded", KV_STR("queue_id", queue_id),
              KV_STR("name", a->values[XATTR_NAME]), KV_STR("addr", a->values[XATTR_ADDR]),
              KV_STR("port", a->values[XATTR_PORT]), KV_STR("proto", a->values[XATTR_PROTO]),
              KV_STR("helo", a->values[XATTR_HELO]), KV_STR("ident", a->values[XATTR_IDENT]),
              KV_STR("source", a->values[XATTR_SOURCE]));
}

void
xclient_forget(struct session *s)
{
    xfree(&s->forwarded);
}
