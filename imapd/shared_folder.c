/*
 * imapd/shared_folder.c - CREATE, DELETE and RENAME of folders of another user (RFC 4314 section
 * 4).
 *
 * Input:  names from the client, untrusted. Whether the user may is said by authd, at the moment:
 *         the rights that came with the login may have been added to since.
 */
#include "imapd/shared_folder.h"

#include <errno.h>

#include "imapd/notify.h"
#include "imapd/places.h"
#include "lib/base/mem.h"
#include "lib/ipc/authd_call.h"
#include "lib/store/annotations.h"

bool
shared_folder_is(struct slice name)
{
    return name.len > 0 && name.ptr[0] == '~';
}

/* "~bob@d.test" is above bob's folders, and none. */
static bool
is_owner_alone(struct slice name)
{
    return slice_index(name, '/') == name.len || slice_index(name, '\0') < name.len;
}

static int
ask(struct session *s, const struct authd_folder_change *change,
    struct authd_folder_changed *changed)
{
    if (!is_owner_alone(change->name) && (change->to.len == 0 || !is_owner_alone(change->to)))
        return authd_call_folder_change(s->pool->auth, change, changed);
    errno = change->op == AUTHD_FOLDER_REMOVE ? ENOENT : EACCES;
    return -1;
}

/* The folders that were made with this name, down to where it ends. */
static void
note_made(struct session *s, struct slice name, const struct authd_folder_changed *changed)
{
    for (size_t at = (size_t)changed->there + 1; at <= name.len; at++)
        if (at == name.len || name.ptr[at] == '/')
            places_made(s, slice_sub(name, 0, at), changed->rights);
}

struct reply
shared_folder_create(struct session *s, struct slice name, enum store_use use)
{
    const struct authd_folder_change change = {.op = AUTHD_FOLDER_CREATE, .name = name};
    struct authd_folder_changed changed;

    if (use != STORE_USE_NONE)
        return reply_no("USEATTR", "Special uses are given by the owner alone");
    if (ask(s, &change, &changed) < 0)
        return reply_errno();
    if (changed.mailbox_id.len > 0) /* else another session was quick to delete it */
        (void)strbuf_printf(&s->code, "MAILBOXID (%.*s)", (int)changed.mailbox_id.len,
                            changed.mailbox_id.ptr); /* RFC 8474 section 4.1 */
    note_made(s, name, &changed);
    notify_changed(s, name, NOTIFY_MAILBOX_NAME);
    return (struct reply){REPLY_OK, s->code.len > 0 ? strbuf_cstr(&s->code) : NULL,
                          "Create completed, it can be selected after the next login"};
}

struct reply
shared_folder_delete(struct session *s, struct slice name)
{
    const struct authd_folder_change change = {.op = AUTHD_FOLDER_REMOVE, .name = name};
    const struct store *own = session_store(s);
    struct authd_folder_changed changed;

    if (ask(s, &change, &changed) < 0)
        return reply_errno();
    if (own != NULL) { /* what the user noted about it */
        char *id = xslicedup(changed.mailbox_id);

        annotations_forget(own, id);
        xfree(&id);
    }
    if (s->mailbox != NULL && mailbox_is_removed(s->mailbox))
        session_deselect(s);
    places_gone(s, name);
    notify_changed(s, name, NOTIFY_MAILBOX_NAME);
    return reply_ok("Delete completed");
}

struct reply
shared_folder_rename(struct session *s, struct slice from, struct slice to)
{
    const struct authd_folder_change change = {.op = AUTHD_FOLDER_RENAME, .name = from, .to = to};
    struct authd_folder_changed changed;

    if (ask(s, &change, &changed) < 0)
        return reply_errno();
    note_made(s, slice_sub(to, 0, slice_rindex(to, '/')), &changed);
    places_renamed(s, from, to);
    notify_changed(s, from, NOTIFY_MAILBOX_NAME);
    notify_changed(s, to, NOTIFY_MAILBOX_NAME);
    return reply_ok("Rename completed");
}
