/*
 * imapd/quota.c - GETQUOTA, GETQUOTAROOT, SETQUOTA (RFC 9208).
 *
 * The quota root "" covers all folders of the user, "@News" those of that public folder, and
 * "~bob@d.test" all of another user's: that one is for administrators, as SETQUOTA is. Who is one
 * accountd says, by way of authd. An addition that would go over a limit is refused by the store
 * with EDQUOT, which reply_errno() makes NO [OVERQUOTA].
 */
#include <inttypes.h>

#include "imapd/command.h"
#include "imapd/mailbox_name.h"
#include "imapd/places.h"
#include "imapd/updates.h"
#include "lib/base/parse.h"
#include "lib/ipc/accountd.h"
#include "lib/ipc/authd_call.h"

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
put_root(struct session *s, struct slice root)
{
    if (root.len == 0)
        (void)strbuf_str(&s->out, "\"\"");
    else
        mailbox_name_write(root, session_takes_utf8(s), &s->out);
}

static struct slice
root_of(const struct target *target)
{
    return target->place == NULL ? SLICE("") : slice_of(target->place->name);
}

/* What is used rounds up and the limit down: a client that sees room really has some. */
static void
put_quota(struct session *s, struct slice root, const struct accountd_quota_reply *q)
{
    (void)strbuf_str(&s->out, "* QUOTA ");
    put_root(s, root);
    (void)strbuf_str(&s->out, " (");
    if (q->quota_bytes != 0)
        put_resource(&s->out, "STORAGE",
                     q->used_bytes / STORAGE_UNIT + (q->used_bytes % STORAGE_UNIT != 0),
                     q->quota_bytes / STORAGE_UNIT);
    if (q->quota_messages != 0)
        put_resource(&s->out, "MESSAGE", q->used_messages, q->quota_messages);
    (void)strbuf_str(&s->out, ")\r\n");
}

static int
put_quota_of(struct session *s, const struct target *target)
{
    struct accountd_quota_reply q = {.quota_bytes = target->options->quota_bytes,
                                     .quota_messages = target->options->quota_messages};

    if (store_usage(target->store, &q.used_bytes, &q.used_messages) < 0)
        return -1;
    put_quota(s, root_of(target), &q);
    return 0;
}

/* ---- what only administrators may ask ---- */

static struct reply
refuse(const struct accountd_quota_reply *q, struct reply refusal)
{
    if (q->result == ACCOUNTD_QUOTA_AWAY)
        return reply_no("UNAVAILABLE", "Quotas cannot be told now, try again later");
    if (q->result == ACCOUNTD_QUOTA_BEYOND)
        return reply_no("LIMIT", "The domain may not give that out");
    return refusal;
}

static struct reply
get_foreign(struct session *s, struct slice root)
{
    const struct accountd_quota ask = {.root = root};
    struct accountd_quota_reply q;

    if (root.len > ACCOUNTD_FOLDER_NAME_MAX)
        return reply_no("NONEXISTENT", "No such quota root");
    authd_call_quota(s->pool->auth, &ask, &q);
    if (q.result != ACCOUNTD_QUOTA_DONE)
        return refuse(&q, reply_no("NONEXISTENT", "No such quota root"));
    put_quota(s, root, &q);
    updates_put_out(s);
    return reply_ok("Getquota completed");
}

/* This session goes by the new limits at once, others of the user's when they log in again. */
static void
follow(struct session *s, struct slice root, const struct accountd_quota_reply *q)
{
    struct store_options *options = &s->store_options;
    struct store *store = s->store;
    struct target target;

    if (root.len > 0) {
        if (place_find(s, root, 0, &target) < 0 || target.place == NULL || target.place->single)
            return;
        options = &target.place->options;
        store = target.place->store;
    }
    options->quota_bytes = q->quota_bytes;
    options->quota_messages = q->quota_messages;
    if (store != NULL)
        store_set_quota(store, q->quota_bytes, q->quota_messages);
}

/* ---- the commands ---- */

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
    if (root.len > 0 && !place_is_foreign(root))
        return reply_no("NONEXISTENT", "No such quota root");
    if (place_find(s, root, RIGHT_READ, &target) < 0 || !is_root(&target, root))
        return get_foreign(s, root);
    if (put_quota_of(s, &target) < 0)
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
    put_root(s, root_of(&target));
    (void)strbuf_str(&s->out, "\r\n");
    if (put_quota_of(s, &target) < 0) {
        strbuf_clear(&s->out);
        return reply_errno();
    }
    updates_put_out(s);
    return reply_ok("Getquotaroot completed");
}

/* One limit of a setquota-list into `limits`. False: there is no such resource, or what counts for
 * us is no such limit: 0 would mean none (RFC 9208 section 4.1.3: "can't set that data"). */
static bool
take_limit(struct accountd_quota *limits, struct slice name, uint64_t value)
{
    if (value == 0)
        return false;
    if (slice_eq_nocase(name, SLICE("MESSAGE")))
        limits->messages = value;
    else if (slice_eq_nocase(name, SLICE("STORAGE")) && value <= INT64_MAX / STORAGE_UNIT)
        limits->bytes = value * STORAGE_UNIT;
    else
        return false;
    return true;
}

/* setquota-list (section 7): the resources that it does not name are without a limit. */
static bool
parse_limits(struct parser *p, struct accountd_quota *limits, bool *can_be_set)
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
        *can_be_set &= take_limit(limits, name, value);
        if (!parser_optional(p, ' '))
            return parser_char(p, ')');
    }
    return parser_fail(p, "Too many resources");
}

struct reply
quota_setquota(struct session *s, struct parser *p, unsigned flags)
{
    struct accountd_quota limits = {.set = true};
    struct accountd_quota_reply q;
    bool can_be_set = true;

    (void)flags;
    if (!parser_space(p) || !parser_mailbox(p, &limits.root) || !parser_space(p) ||
        !parse_limits(p, &limits, &can_be_set) || !parser_end(p))
        return reply_bad(p->error);
    if (!can_be_set)
        return reply_no("CANNOT", "Limits are STORAGE and MESSAGE, 1 or more");
    if (limits.root.len > ACCOUNTD_FOLDER_NAME_MAX)
        return reply_no("NOPERM", "Limits are set by the administrator");
    authd_call_quota(s->pool->auth, &limits, &q);
    if (q.result != ACCOUNTD_QUOTA_DONE)
        return refuse(&q, reply_no("NOPERM", "Limits are set by the administrator"));
    follow(s, limits.root, &q);
    put_quota(s, limits.root, &q);
    updates_put_out(s);
    return reply_ok("Setquota completed");
}
