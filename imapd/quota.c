/*
 * imapd/quota.c - GETQUOTA, GETQUOTAROOT, SETQUOTA (RFC 9208).
 *
 * The quota root "" covers all folders of the user, "@News" those of that public folder. Limits are
 * the administrator's: SETQUOTA is refused, and QUOTASET is not announced. An addition that would
 * go over a limit is refused by the store with EDQUOT, which reply_errno() makes NO [OVERQUOTA].
 */
#include <inttypes.h>

#include "imapd/command.h"
#include "imapd/mailbox_name.h"
#include "imapd/places.h"
#include "imapd/updates.h"
#include "lib/base/parse.h"

enum {
    STORAGE_UNIT = 1024,   /* octets (RFC 9208 section 5.1) */
    RESOURCES_SET_MAX = 16 /* in one SETQUOTA */
};

static void
put_resource(struct strbuf *out, const char *name, uint64_t usage, uint64_t limit)
{
    if (out->ptr[out->len - 1] != '(')
        (void)strbuf_char(out, ' ');
    (void)strbuf_printf(out, "%s %" PRIu64 " %" PRIu64, name, usage, limit);
}

/* "" for the user's own folders; the name of a public folder for what is in it. */
static void
put_root(struct session *s, const struct target *target)
{
    if (target->place == NULL)
        (void)strbuf_str(&s->out, "\"\"");
    else
        mailbox_name_write(slice_of(target->place->name), session_takes_utf8(s), &s->out);
}

/* What is used rounds up and the limit down: a client that sees room really has some. */
static int
put_quota(struct session *s, const struct target *target)
{
    const struct store_options *limits = target->options;
    uint64_t bytes, messages;

    if (store_usage(target->store, &bytes, &messages) < 0)
        return -1;
    (void)strbuf_str(&s->out, "* QUOTA ");
    put_root(s, target);
    (void)strbuf_str(&s->out, " (");
    if (limits->quota_bytes != 0)
        put_resource(&s->out, "STORAGE", bytes / STORAGE_UNIT + (bytes % STORAGE_UNIT != 0),
                     limits->quota_bytes / STORAGE_UNIT);
    if (limits->quota_messages != 0)
        put_resource(&s->out, "MESSAGE", messages, limits->quota_messages);
    (void)strbuf_str(&s->out, ")\r\n");
    return 0;
}

/* Quotas belong to whole stores; a shared folder is part of its owner's, who alone sees it. */
static bool
is_root(const struct target *target, struct slice name)
{
    return name.len == 0 || (target->place != NULL && !target->place->single &&
                             slice_eq(name, slice_of(target->place->name)));
}

struct reply
quota_getquota(struct session *s, struct parser *p, unsigned flags)
{
    struct target target;
    struct slice root;

    (void)flags;
    if (!parser_space(p) || !parser_mailbox(p, &root) || !parser_end(p))
        return reply_bad(p->error);
    if ((root.len > 0 && !place_is_foreign(root)) || place_find(s, root, RIGHT_READ, &target) < 0 ||
        !is_root(&target, root))
        return reply_no("NONEXISTENT", "No such quota root");
    if (put_quota(s, &target) < 0)
        return reply_errno();
    updates_put_out(s);
    return reply_ok("Getquota completed");
}

/* The folder need not exist: a client asks where a new one would count (section 4.1.2). */
struct reply
quota_getquotaroot(struct session *s, struct parser *p, unsigned flags)
{
    struct target target;
    struct slice name;

    (void)flags;
    if (!parser_space(p) || !parser_mailbox(p, &name) || !parser_end(p))
        return reply_bad(p->error);
    if (!store_name_valid(name))
        return reply_no("CANNOT", "Mailbox name is not allowed");
    if (place_find(s, name, RIGHT_READ, &target) < 0)
        return reply_errno();
    (void)strbuf_str(&s->out, "* QUOTAROOT ");
    mailbox_name_write(name, session_takes_utf8(s), &s->out);
    if (target.place != NULL && target.place->single) { /* its root is not ours to see */
        (void)strbuf_str(&s->out, "\r\n");
        updates_put_out(s);
        return reply_ok("Getquotaroot completed");
    }
    (void)strbuf_char(&s->out, ' ');
    put_root(s, &target);
    (void)strbuf_str(&s->out, "\r\n");
    if (put_quota(s, &target) < 0) {
        strbuf_clear(&s->out);
        return reply_errno();
    }
    updates_put_out(s);
    return reply_ok("Getquotaroot completed");
}

/* setquota-list (section 7) */
static bool
parse_limits(struct parser *p)
{
    struct slice name, limit;
    uint64_t value;

    if (!parser_char(p, '('))
        return false;
    if (parser_optional(p, ')'))
        return true;
    for (int i = 0; i < RESOURCES_SET_MAX; i++) {
        if (!parser_atom(p, &name) || !parser_space(p) || !parser_atom(p, &limit))
            return false;
        if (parse_u64(limit, INT64_MAX, &value) < 0)
            return parser_fail(p, "Number expected");
        if (!parser_optional(p, ' '))
            return parser_char(p, ')');
    }
    return parser_fail(p, "Too many resources");
}

struct reply
quota_setquota(struct session *s, struct parser *p, unsigned flags)
{
    struct slice root;

    (void)flags, (void)s;
    if (!parser_space(p) || !parser_astring(p, &root) || !parser_space(p) || !parse_limits(p) ||
        !parser_end(p))
        return reply_bad(p->error);
    return reply_no("NOPERM", "Limits are set by the administrator");
}
