/*
 * imapd/folder.c - CREATE, DELETE, RENAME, SUBSCRIBE, UNSUBSCRIBE.
 */
#include <errno.h>

#include "imapd/acl.h"
#include "imapd/command.h"
#include "imapd/mailbox_name.h"
#include "imapd/notify.h"
#include "imapd/places.h"
#include "imapd/shared_folder.h"
#include "imapd/special_use.h"
#include "lib/base/mem.h"
#include "lib/mail/utf8_nfc.h"
#include "lib/store/annotations.h"

/* "(USE (\Drafts))" (RFC 6154 section 3, RFC 4466 section 2.2). One use a folder. */
static bool
parse_use(struct parser *p, enum store_use *use, bool *supported)
{
    struct slice name;
    unsigned count = 0;

    if (!parser_char(p, '(') || !parser_word(p, "USE"))
        return parser_fail(p, "Unknown parameter");
    if (!parser_space(p) || !parser_char(p, '('))
        return false;
    while (parser_optional(p, '\\')) {
        if (!parser_atom(p, &name))
            return false;
        *use = special_use_find(name);
        *supported = *supported && *use != STORE_USE_NONE && ++count == 1;
        if (!parser_optional(p, ' '))
            break;
    }
    if (!parser_char(p, ')'))
        return false;
    return parser_char(p, ')'); /* of USE, of the parameters */
}

/* "A/B/" declares that A/B will have children: we need no such declaration (section 6.3.3). */
static struct slice
without_delimiter(struct slice name)
{
    if (name.len > 1 && name.ptr[name.len - 1] == '/')
        name.len--;
    return name;
}

/* The folder that somebody else's begins with is made and removed by its owner alone: EACCES. */
static bool
is_root(const struct target *target)
{
    bool is = target->place != NULL && slice_eq(target->name, SLICE("INBOX"));

    if (is)
        errno = EACCES;
    return is;
}

/* Names that a client writes in UTF-8 are Net-Unicode (RFC 9051 section 6.3.4): none may look like
 * another one that it is not. */
static bool
is_net_unicode(const struct session *s, struct slice name)
{
    return mailbox_name_allowed(name) && (!session_takes_utf8(s) || utf8_is_nfc(name));
}

/* "A/B/C" below the folder A makes A/B, too: those who may use A may use both. Names that end
 * before a '/' of `name` and have no folder yet, as bits: there are at most STORE_DEPTH_MAX of
 * them. */
static uint32_t
missing_parents(struct store *store, struct slice name)
{
    struct mailbox_info info;
    uint32_t missing = 0;
    unsigned level = 0;

    for (size_t at = 0; at < name.len && level < STORE_DEPTH_MAX; at++)
        if (name.ptr[at] == '/' && mailbox_status(store, slice_sub(name, 0, at), &info) < 0 &&
            errno == ENOENT)
            missing |= UINT32_C(1) << level++;
        else if (name.ptr[at] == '/')
            level++;
    return missing;
}

static void
tell_created(struct session *s, struct slice name, uint32_t missing)
{
    unsigned level = 0;

    for (size_t at = 0; at < name.len && level < STORE_DEPTH_MAX; at++)
        if (name.ptr[at] == '/' && (missing >> level++ & 1) != 0)
            acl_folder_created(s, slice_sub(name, 0, at));
}

struct reply
folder_create(struct session *s, struct parser *p, unsigned flags)
{
    enum store_use use = STORE_USE_NONE;
    struct target target;
    struct mailbox_info info;
    struct slice name;
    bool supported = true;
    uint32_t missing;

    (void)flags;
    if (!parser_space(p) || !parser_mailbox(p, &name) ||
        (parser_optional(p, ' ') && !parse_use(p, &use, &supported)) || !parser_end(p))
        return reply_bad(p->error);
    if (!supported)
        return reply_no("USEATTR", "This special use is not supported");
    name = without_delimiter(name);
    if (!is_net_unicode(s, name))
        return reply_no("CANNOT", "Mailbox name has unusual characters");
    if (shared_folder_is(name))
        return shared_folder_create(s, name, use);
    if (place_find(s, name, RIGHT_CREATE, &target) < 0 || is_root(&target))
        return reply_errno();
    missing = target.place == NULL ? missing_parents(target.store, name) : 0;
    if (store_create(target.store, target.name, use) < 0)
        return reply_errno();
    tell_created(s, name, missing);
    acl_folder_created(s, name);
    notify_changed(s, name, NOTIFY_MAILBOX_NAME);
    if (mailbox_status(target.store, target.name, &info) <
        0) /* another session was quick to delete it */
        return reply_ok("Create completed");
    (void)strbuf_printf(&s->code, "MAILBOXID (%s)", info.mailbox_id); /* RFC 8474 section 4.1 */
    return (struct reply){REPLY_OK, strbuf_cstr(&s->code), "Create completed"};
}

/* Removes it with its annotations. What the user noted about somebody else's folder is kept in the
 * user's own store. */
static int
remove_folder(struct session *s, const struct target *target)
{
    const struct store *own = session_store(s);
    struct mailbox_info info;

    if (target->place == NULL || own == NULL)
        return store_remove(target->store, target->name);
    if (mailbox_status(target->store, target->name, &info) < 0 ||
        store_remove(target->store, target->name) < 0)
        return -1;
    annotations_forget(own, info.mailbox_id);
    return 0;
}

struct reply
folder_delete(struct session *s, struct parser *p, unsigned flags)
{
    struct target target;
    struct slice name;

    (void)flags;
    if (!parser_space(p) || !parser_mailbox(p, &name) || !parser_end(p))
        return reply_bad(p->error);
    if (slice_eq(name, SLICE("INBOX")))
        return reply_no("CANNOT", "INBOX cannot be deleted");
    if (!s->store_options.may_remove)
        return reply_no("NOPERM", "This user may not remove mail");
    if (shared_folder_is(name))
        return shared_folder_delete(s, name);
    if (place_find(s, name, RIGHT_DELETE_FOLDER, &target) < 0 || is_root(&target) ||
        remove_folder(s, &target) < 0)
        return reply_errno();
    acl_folder_removed(s, name);
    notify_changed(s, name, NOTIFY_MAILBOX_NAME);
    if (s->mailbox != NULL && mailbox_is_removed(s->mailbox))
        session_deselect(s); /* our own doing: no reason to hang up */
    return reply_ok("Delete completed");
}

/* The selected mailbox has another name now. INBOX stays what it is: only its messages move. */
static void
rename_selected(struct session *s, struct slice from, struct slice to)
{
    struct slice name = slice_of(s->mailbox_name), rest = slice_sub(name, from.len, name.len);
    char *renamed;

    if (s->mailbox_name == NULL || slice_eq(from, SLICE("INBOX")) || !slice_starts(name, from) ||
        (rest.len > 0 && rest.ptr[0] != '/'))
        return;
    renamed = xasprintf("%.*s%.*s", (int)to.len, to.ptr, (int)rest.len, rest.ptr);
    xfree(&s->mailbox_name);
    s->mailbox_name = renamed;
}

struct reply
folder_rename(struct session *s, struct parser *p, unsigned flags)
{
    struct target old, new;
    struct slice from, to;
    struct reply reply;
    uint32_t missing;

    (void)flags;
    if (!parser_space(p) || !parser_mailbox(p, &from) || !parser_space(p) ||
        !parser_mailbox(p, &to) || !parser_end(p))
        return reply_bad(p->error);
    if (!s->store_options.may_remove && slice_eq(from, SLICE("INBOX")))
        return reply_no("NOPERM", "This user may not remove mail");
    if (!is_net_unicode(s, to))
        return reply_no("CANNOT", "Mailbox name has unusual characters");
    to = without_delimiter(to);
    if (shared_folder_is(from) && shared_folder_is(to)) {
        reply = shared_folder_rename(s, from, to);
        if (reply.kind == REPLY_OK)
            rename_selected(s, from, to);
        return reply;
    }
    if (shared_folder_is(to))
        return reply_no("NOPERM", "A folder cannot move from one user to another");
    /* Who may not remove mail may still give a folder another name. */
    if (place_find(s, from, s->store_options.may_remove ? RIGHT_DELETE_FOLDER : 0, &old) < 0 ||
        is_root(&old) || place_find(s, to, RIGHT_CREATE, &new) < 0)
        return reply_errno();
    if (old.store != new.store)
        return reply_no("CANNOT", "A folder cannot move from one user to another");
    missing = new.place == NULL ? missing_parents(new.store, to) : 0;
    if (store_rename(old.store, old.name, new.name) < 0)
        return reply_errno();
    tell_created(s, to, missing);
    if (slice_eq(from, SLICE("INBOX"))) /* its messages went into a new folder, no more */
        acl_folder_created(s, to);
    else
        acl_folder_renamed(s, from, to);
    rename_selected(s, from, to);
    notify_changed(s, from, NOTIFY_MAILBOX_NAME);
    notify_changed(s, to, NOTIFY_MAILBOX_NAME);
    return reply_ok("Rename completed");
}

static struct reply
subscribe(struct session *s, struct parser *p, bool on)
{
    struct target target;
    struct store *store;
    struct slice name;

    if (!parser_space(p) || !parser_mailbox(p, &name) || !parser_end(p))
        return reply_bad(p->error);
    if (on && place_is_foreign(name) &&
        place_find(s, without_delimiter(name), RIGHT_LOOKUP, &target) < 0)
        return reply_errno();
    store = session_store(s);
    if (store == NULL || store_subscribe(store, without_delimiter(name), on) < 0)
        return reply_errno();
    notify_changed(s, without_delimiter(name), NOTIFY_SUBSCRIPTION_CHANGE);
    return reply_ok("Completed");
}

struct reply
folder_subscribe(struct session *s, struct parser *p, unsigned flags)
{
    (void)flags;
    return subscribe(s, p, true);
}

struct reply
folder_unsubscribe(struct session *s, struct parser *p, unsigned flags)
{
    (void)flags;
    return subscribe(s, p, false);
}
