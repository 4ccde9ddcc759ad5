/*
 * authd/folder_change.c - folders of another user that a session makes, removes and renames.
 *
 * The session has no way to the store that such a folder is in. Three steps: accountd says which
 * folders the user has now and with which rights (those of the login may be taken by then);
 * local-deliver does it; accountd lets the rights follow. From the second on it goes to its end,
 * also when the session does not wait for it.
 *
 * Input:  frames of a session that may be in an attacker's hands. Who asks is said here, by the
 *         login that was proved on this channel; the owner's directory is accountd's word. Names
 *         are checked by the store.
 */
#include "authd/folder_change.h"

#include <errno.h>
#include <stdlib.h>

#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/ipc/local_deliver.h"
#include "lib/log/log.h"
#include "lib/mail/imap_rights.h"

/* Together below AUTHD_TIMEOUT_MS; local-deliver waits 10 s for a lock. */
enum { ACCOUNTS_TIMEOUT_MS = 5000, STORE_TIMEOUT_MS = 15000, REQUEST_MAX = 8192 };

struct folder_change {
    struct session *s;
    uint8_t op;      /* enum authd_folder_op */
    char *name, *to; /* "~bob@d.test/Work"; to: RENAME, else "" */
    char *path;      /* bob's store */
    uint32_t rights; /* on the folder above a new one, */
    size_t there;    /* which ends here in the new one's name; those between are made, too */
    struct store_ctl_reply done;
};

/* ---- names ---- */

static struct slice
owner_of(struct slice name)
{
    return slice_sub(name, 1, slice_index(name, '/'));
}

static struct slice
folder_of(struct slice name)
{
    return slice_sub(name, slice_index(name, '/') + 1, name.len);
}

static struct slice
above(struct slice name)
{
    return slice_sub(name, 0, slice_rindex(name, '/'));
}

/* The folder that is made, or gets this name. */
static struct slice
made_by(const struct folder_change *change)
{
    return slice_of(change->op == AUTHD_FOLDER_RENAME ? change->to : change->name);
}

/* The nearest folder above it, in the owner's words. */
static struct slice
parent_of(const struct folder_change *change)
{
    return folder_of(slice_sub(made_by(change), 0, change->there));
}

/* ---- the end ---- */

static void
finish(struct folder_change *change, int error)
{
    struct strbuf frame = strbuf_new(AUTHD_PAYLOAD_MAX);
    struct session *s = change->s;
    const struct authd_folder_changed changed = {
        .error = (uint32_t)error,
        .rights = change->rights,
        .there = (uint32_t)change->there,
        .mailbox_id = slice_of(change->done.mailbox_id),
    };

    if (session_release(s)) {
        assert_always(authd_folder_changed_encode(&frame, s->request_id, &changed) == 0);
        s->state = SESSION_IDLE;
        ipc_peer_send(s->peer, &frame, -1);
    }
    strbuf_free(&frame);
    free(change->name);
    free(change->to);
    free(change->path);
    free(change);
}

/* ---- third: the rights follow ---- */

/* The session has the folders between `there` and the end of `name`, too. */
static void
note_made(struct folder_change *change, struct slice name)
{
    for (size_t at = change->there + 1; at <= name.len; at++)
        if (at == name.len || name.ptr[at] == '/')
            folder_grants_made(&change->s->grants, slice_of(change->path), slice_sub(name, 0, at),
                               change->rights);
}

/* Said in the owner's name: it is done, whoever has which rights by now. */
static void
tell_accounts(struct folder_change *change, uint8_t op, struct slice name, struct slice who,
              void (*then)(void *arg, const struct frame_header *header, struct slice payload,
                           int fd))
{
    struct strbuf request = strbuf_new(REQUEST_MAX);
    const struct accountd_acl acl = {.op = op,
                                     .actor = owner_of(name),
                                     .owner = owner_of(name),
                                     .folder = folder_of(name),
                                     .who = who};

    assert_always(accountd_acl_encode(&request, ACCOUNTD_ACL, &acl) == 0);
    ipc_async_call(change->s->server->accounts, &request, ACCOUNTS_TIMEOUT_MS, then, change);
    strbuf_free(&request);
}

static void
check_followed(const struct folder_change *change, const struct frame_header *header,
               struct slice payload)
{
    struct accountd_acl_reply reply = {.result = ACCOUNTD_ACL_AWAY};
    struct accountd_acl_entry *entries = xcalloc(ACCOUNTD_ACL_MAX, sizeof(*entries));

    if (header == NULL || header->type != ACCOUNTD_ACL_REPLY ||
        accountd_acl_reply_decode(payload, &reply, entries) < 0 || reply.result != 0)
        log_event(LOG_WARN, "rights_not_followed", KV_STR("folder", change->name),
                  KV_STR("to", change->to));
    xfree(&entries);
}

static void
rights_followed(void *arg, const struct frame_header *header, struct slice payload, int fd)
{
    struct folder_change *change = arg;

    close_keep_errno(fd);
    check_followed(change, header, payload);
    finish(change, 0);
}

/* The folders between are noted when accountd has them: a check of the session's rights that is
 * under way would not find them. */
static void
parents_followed(void *arg, const struct frame_header *header, struct slice payload, int fd)
{
    struct folder_change *change = arg;

    note_made(change, above(made_by(change)));
    rights_followed(arg, header, payload, fd);
}

static void
rename_followed(void *arg, const struct frame_header *header, struct slice payload, int fd)
{
    struct folder_change *change = arg;
    struct slice parent = above(slice_of(change->to));

    if (parent.len == change->there) {
        rights_followed(arg, header, payload, fd);
        return;
    }
    close_keep_errno(fd);
    check_followed(change, header, payload);
    tell_accounts(change, ACCOUNTD_ACL_CREATE, parent, parent_of(change), parents_followed);
}

static void
follow(struct folder_change *change)
{
    struct slice name = slice_of(change->name);

    if (change->op == AUTHD_FOLDER_CREATE)
        tell_accounts(change, ACCOUNTD_ACL_CREATE, name, parent_of(change), rights_followed);
    else if (change->op == AUTHD_FOLDER_REMOVE)
        tell_accounts(change, ACCOUNTD_ACL_DROP, name, SLICE(""), rights_followed);
    else
        tell_accounts(change, ACCOUNTD_ACL_RENAME, name, folder_of(slice_of(change->to)),
                      rename_followed);
}

/* ---- second: local-deliver does it ---- */

/* The session keeps what it had, under its new name; watch.c compares with this list. */
static void
note_grants(struct folder_change *change)
{
    struct folder_grants *grants = &change->s->grants;
    struct slice name = slice_of(change->name);

    if (change->op == AUTHD_FOLDER_CREATE)
        note_made(change, name);
    else if (change->op == AUTHD_FOLDER_REMOVE)
        folder_grants_gone(grants, name);
    else
        folder_grants_renamed(grants, name, slice_of(change->to));
}

static void
store_changed(void *arg, const struct frame_header *header, struct slice payload, int fd)
{
    struct folder_change *change = arg;

    close_keep_errno(fd);
    if (header == NULL || header->type != STORE_CTL_REPLY ||
        store_ctl_reply_decode(payload, &change->done) < 0)
        change->done = (struct store_ctl_reply){.error = EBUSY};
    if (change->done.error != 0) {
        finish(change, (int)change->done.error);
        return;
    }
    log_event(LOG_INFO, "folder_changed", KV_STR("user", change->s->user), KV_U64("op", change->op),
              KV_STR("folder", change->name), KV_STR("to", change->to));
    note_grants(change);
    follow(change);
}

static void
ask_store(struct folder_change *change)
{
    static const uint16_t types[] = {[AUTHD_FOLDER_CREATE] = STORE_FOLDER_CREATE,
                                     [AUTHD_FOLDER_REMOVE] = STORE_FOLDER_REMOVE,
                                     [AUTHD_FOLDER_RENAME] = STORE_FOLDER_RENAME};
    struct strbuf request = strbuf_new(STORE_CTL_PAYLOAD_MAX);
    struct store_ctl ctl = {.path = slice_of(change->path),
                            .folder = folder_of(slice_of(change->name))};

    if (change->op == AUTHD_FOLDER_RENAME)
        ctl.new_folder = folder_of(slice_of(change->to));
    if (change->op != AUTHD_FOLDER_REMOVE)
        ctl.parent = parent_of(change);
    if (ctl.folder.len > STORE_DIR_MAX || ctl.new_folder.len > STORE_DIR_MAX) {
        finish(change, EINVAL);
    } else {
        assert_always(store_ctl_encode(&request, types[change->op], &ctl) == 0);
        ipc_async_call(change->s->server->stores, &request, STORE_TIMEOUT_MS, store_changed,
                       change);
    }
    strbuf_free(&request);
}

/* ---- first: may the user? ---- */

/* The shared folder of that name that the user has now, or NULL. */
static const struct accountd_folder *
find(const struct accountd_folder *folders, uint32_t count, struct slice name)
{
    for (uint32_t i = 0; i < count; i++)
        if (folders[i].dir.len > 0 && slice_eq(folders[i].name, name))
            return &folders[i];
    return NULL;
}

/* Of the folder itself, or NULL with errno, which tells no more than the user may know (RFC 4314
 * section 6). */
static const struct accountd_folder *
find_removable(const struct accountd_folder *folders, uint32_t count, struct slice name)
{
    const struct accountd_folder *folder = find(folders, count, name);

    if (folder != NULL && (folder->rights & RIGHT_DELETE_FOLDER) != 0)
        return folder;
    errno = folder != NULL && (folder->rights & RIGHT_LOOKUP) != 0 ? EACCES : ENOENT;
    return NULL;
}

/* Of the nearest folder above a new one that the user has: local-deliver will say whether there is
 * a nearer one. The error is the same whatever there is. */
static const struct accountd_folder *
find_parent(const struct accountd_folder *folders, uint32_t count, struct slice name)
{
    const struct accountd_folder *folder = NULL;

    while (folder == NULL && slice_index(name, '/') < name.len) {
        name = above(name);
        folder = find(folders, count, name);
    }
    if (folder != NULL && (folder->rights & RIGHT_CREATE) != 0)
        return folder;
    errno = EACCES;
    return NULL;
}

/* RFC 4314 section 4: "k" on the nearest existing one above, "x" on the folder itself, both for
 * RENAME. Returns 0 with the owner's store in change->path, or an errno value. */
static int
judge(struct folder_change *change, const struct accountd_folder *folders, uint32_t count)
{
    const struct accountd_folder *folder = NULL, *parent = NULL;
    bool makes = change->op != AUTHD_FOLDER_REMOVE, removes = change->op != AUTHD_FOLDER_CREATE;

    if (change->op == AUTHD_FOLDER_REMOVE && (change->s->rights & ACCOUNTD_MAY_REMOVE_MAIL) == 0)
        return EACCES;
    if (removes && (folder = find_removable(folders, count, slice_of(change->name))) == NULL)
        return errno;
    if (makes && (parent = find_parent(folders, count, made_by(change))) == NULL)
        return errno;
    if (folder != NULL && parent != NULL && !slice_eq(folder->path, parent->path))
        return EACCES; /* from one owner to another */
    if (parent != NULL) {
        change->rights = parent->rights;
        change->there = parent->name.len;
    }
    change->path = xslicedup((folder != NULL ? folder : parent)->path);
    return 0;
}

static void
rights_came(void *arg, const struct frame_header *header, struct slice payload, int fd)
{
    struct accountd_folder folders[ACCOUNTD_FOLDERS_MAX];
    struct folder_change *change = arg;
    uint32_t count;
    int error = EBUSY;

    close_keep_errno(fd);
    if (change->s->peer != NULL && header != NULL && header->type == ACCOUNTD_FOLDERS_REPLY &&
        accountd_folders_reply_decode(payload, folders, &count) == 0)
        error = judge(change, folders, count);
    if (error == 0 && !store_path_valid(slice_of(change->path)))
        error = EINVAL;
    if (error != 0)
        finish(change, error);
    else
        ask_store(change);
}

/* "~owner/folder" without a NUL? */
static bool
is_shared_name(struct slice name)
{
    return name.len > 0 && name.ptr[0] == '~' && slice_index(name, '/') < name.len &&
           slice_index(name, '\0') == name.len;
}

int
folder_change_ask(struct session *s, struct slice payload)
{
    struct authd_folder_change asked;
    struct folder_change *change;
    struct strbuf request;

    if (s->state != SESSION_IDLE || s->service != SERVICE_IMAP || s->user == NULL ||
        authd_folder_change_decode(payload, &asked) < 0 || !is_shared_name(asked.name) ||
        (asked.op == AUTHD_FOLDER_RENAME && !is_shared_name(asked.to)))
        return -1;
    change = xcalloc(1, sizeof(*change));
    change->s = s;
    change->op = asked.op;
    change->name = xslicedup(asked.name);
    change->to = xslicedup(asked.to);
    request = strbuf_new(REQUEST_MAX);
    assert_always(accountd_folders_encode(&request, slice_of(s->user)) == 0);
    s->state = SESSION_WORKING;
    session_hold(s);
    ipc_async_call(s->server->accounts, &request, ACCOUNTS_TIMEOUT_MS, rights_came, change);
    strbuf_free(&request);
    return 0;
}
