/*
 * imapd/list.c - LIST with its extensions, LSUB, NAMESPACE.
 */
#include "imapd/list.h"
#include "imapd/acl.h"
#include "imapd/command.h"
#include "imapd/folder_set.h"
#include "imapd/list_args.h"
#include "imapd/mailbox_name.h"
#include "imapd/metadata.h"
#include "imapd/special_use.h"
#include "imapd/status.h"
#include "imapd/updates.h"

static bool
matches(const struct list_args *args, struct slice name)
{
    for (size_t i = 0; i < args->pattern_count; i++)
        if (mailbox_name_match(name, args->patterns[i]))
            return true;
    return false;
}

/* Does the folder satisfy the selection options (RFC 5258 section 3.1, RFC 6154 section 2)? */
static bool
is_selected(const struct list_args *args, const struct folder *f)
{
    if (args->select_subscribed && !f->subscribed)
        return false;
    if (args->select_special_use && f->use == STORE_USE_NONE)
        return false;
    /* Without selection options: what is there, and the levels above it. */
    return args->select_subscribed || f->exists || f->has_children;
}

/* A child that satisfies the selection, but is not listed itself because no pattern matches it. */
static bool
has_selected_child(const struct list_args *args, const struct folder_set *all,
                   const struct folder *f)
{
    for (size_t i = 0; i < all->count; i++)
        if (folder_set_is_below(all->all[i].name, f->name) && is_selected(args, &all->all[i]) &&
            !matches(args, all->all[i].name))
            return true;
    return false;
}

static void
put_attribute(struct strbuf *out, size_t start, const char *name)
{
    (void)strbuf_str(out, out->len > start ? " \\" : "\\");
    (void)strbuf_str(out, name);
}

static void
put_attributes(const struct list_args *args, const struct folder *f, bool selectable,
               struct strbuf *out)
{
    size_t start = out->len;

    if (!f->exists)
        put_attribute(out, start, args->extended ? "NonExistent" : "Noselect");
    else if (!selectable)
        put_attribute(out, start, "Noselect");
    if (f->subscribed && (args->select_subscribed || args->return_subscribed))
        put_attribute(out, start, "Subscribed");
    put_attribute(out, start, f->has_children ? "HasChildren" : "HasNoChildren");
    if (special_use_name(f->use) != NULL)
        put_attribute(out, start, special_use_name(f->use));
}

/* Which selection options a folder below satisfies (RFC 5258 section 3.5, RFC 6154 section 2). */
static void
put_child_info(const struct list_args *args, struct strbuf *out)
{
    bool both = args->select_subscribed && args->select_special_use;

    (void)strbuf_printf(out, " (\"CHILDINFO\" (%s%s%s))",
                        args->select_subscribed ? "\"SUBSCRIBED\"" : "", both ? " " : "",
                        args->select_special_use ? "\"SPECIAL-USE\"" : "");
}

/* Why a folder is listed. */
struct listing {
    bool selected, child_selected;
    struct slice old_name; /* as it is sent; empty: none */
    bool no_access;
};

static void
send_folder(struct session *s, const struct list_args *args, const struct folder *f,
            const struct listing *why)
{
    struct strbuf line = strbuf_new(8192);
    bool selectable = f->exists;
    size_t longest;

    /* The STATUS goes first to know whether the folder can be selected (RFC 5819 section 2), but
     * its response must follow the LIST response: LIST is built after it and written before. */
    if (args->status_items != 0 && why->selected && f->exists)
        selectable = status_write(s, f->name, args->status_items, &line) == 0;
    (void)strbuf_str(&s->out, "* LIST (");
    put_attributes(args, f, selectable, &s->out);
    if (why->no_access)
        (void)strbuf_str(&s->out, " \\NoAccess"); /* RFC 5465 section 3.1 */
    (void)strbuf_str(&s->out, ") \"/\" ");
    mailbox_name_write(f->name, session_takes_utf8(s), &s->out);
    if (why->child_selected)
        put_child_info(args, &s->out);
    if (why->old_name.len > 0) /* RFC 9051 section 6.3.9.7 */
        (void)strbuf_printf(&s->out, " (\"OLDNAME\" (%.*s))", (int)why->old_name.len,
                            why->old_name.ptr);
    (void)strbuf_str(&s->out, "\r\n");
    if (args->return_myrights && f->exists)
        (void)acl_write_myrights(s, f->name, &s->out); /* else the client learns nothing of it */
    (void)strbuf_append(&s->out, strbuf_slice(&line));
    if (args->metadata.count > 0 && why->selected && f->exists) /* RFC 9590 section 3: likewise */
        (void)metadata_write(s, f->name, &args->metadata, &s->out, &longest);
    updates_put_out(s);
    strbuf_free(&line);
}

/* LIST "" "": the delimiter and the root (RFC 3501 section 6.3.8). */
static struct reply
send_root(struct session *s)
{
    (void)stream_write(s->stream, SLICE("* LIST (\\Noselect) \"/\" \"\"\r\n")); /* sticks */
    return reply_ok("List completed");
}

struct reply
list_list(struct session *s, struct parser *p, unsigned flags)
{
    struct list_args args;
    struct folder_set all;

    (void)flags;
    if (!list_args_parse(p, true, &args))
        return reply_bad(p->error);
    if (args.is_root_request)
        return send_root(s);
    if (folder_set_collect(s, &s->arena, &all) < 0)
        return reply_errno();
    for (size_t i = 0; i < all.count; i++) {
        const struct folder *f = &all.all[i];
        struct listing why = {.selected = false};

        if (!matches(&args, f->name))
            continue;
        why.selected = is_selected(&args, f);
        if (args.recursive_match)
            why.child_selected = has_selected_child(&args, &all, f);
        if (why.selected || why.child_selected)
            send_folder(s, &args, f, &why);
    }
    return reply_ok("List completed");
}

static bool
is_same_folder(struct slice a, struct slice b)
{
    const struct slice inbox = SLICE("INBOX"); /* in any case (RFC 9051 section 5.1) */

    if (slice_starts(a, inbox) && slice_starts_nocase(b, inbox))
        return slice_eq(slice_sub(a, inbox.len, a.len), slice_sub(b, inbox.len, b.len));
    return slice_eq(a, b);
}

int
list_send_selected(struct session *s, struct slice name, struct slice written)
{
    const struct list_args plain = {.extended = true};
    const struct listing selected = {.selected = true, .old_name = written};
    struct folder_set all;

    if (folder_set_collect(s, &s->arena, &all) < 0)
        return -1;
    for (size_t i = 0; i < all.count; i++)
        if (is_same_folder(all.all[i].name, name))
            send_folder(s, &plain, &all.all[i], &selected);
    return 0;
}

void
list_send_notice(struct session *s, const struct folder *f, struct slice old_name, bool no_access)
{
    const struct list_args args = {.extended = true, .return_subscribed = true};
    struct listing why = {.no_access = no_access};
    struct strbuf old = strbuf_new(8192);

    if (old_name.len > 0)
        mailbox_name_write(old_name, session_takes_utf8(s), &old);
    why.old_name = strbuf_slice(&old);
    send_folder(s, &args, f, &why);
    strbuf_free(&old);
}

/* ---- LSUB ---- */

static void
send_lsub(struct session *s, struct slice name, bool subscribed)
{
    (void)strbuf_printf(&s->out, "* LSUB (%s) \"/\" ", subscribed ? "" : "\\Noselect");
    mailbox_name_write(name, session_takes_utf8(s), &s->out);
    (void)strbuf_str(&s->out, "\r\n");
    updates_put_out(s);
}

/* A folder that is not subscribed stands for subscribed ones below it that "%" keeps from matching
 * (RFC 3501 section 6.3.9). */
static bool
stands_for_children(const struct list_args *args, const struct folder_set *all,
                    const struct folder *f)
{
    for (size_t i = 0; i < all->count; i++)
        if (all->all[i].subscribed && folder_set_is_below(all->all[i].name, f->name) &&
            !matches(args, all->all[i].name))
            return true;
    return false;
}

struct reply
list_lsub(struct session *s, struct parser *p, unsigned flags)
{
    struct list_args args;
    struct folder_set all;

    (void)flags;
    if (!list_args_parse(p, false, &args))
        return reply_bad(p->error);
    if (args.is_root_request)
        return reply_ok("Lsub completed");
    if (folder_set_collect(s, &s->arena, &all) < 0)
        return reply_errno();
    for (size_t i = 0; i < all.count; i++) {
        const struct folder *f = &all.all[i];

        if (matches(&args, f->name) && (f->subscribed || stands_for_children(&args, &all, f)))
            send_lsub(s, f->name, f->subscribed);
    }
    return reply_ok("Lsub completed");
}

struct reply
list_namespace(struct session *s, struct parser *p, unsigned flags)
{
    (void)flags;
    if (!parser_end(p))
        return reply_bad(p->error);
    (void)stream_write(
        s->stream,
        SLICE("* NAMESPACE ((\"\" \"/\")) ((\"~\" \"/\")) ((\"@\" \"/\"))\r\n")); /* sticks */
    return reply_ok("Namespace completed");
}
