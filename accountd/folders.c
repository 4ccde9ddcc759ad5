/*
 * accountd/folders.c - FOLDERS: which folders of others a user may open, and with which rights.
 *
 * authd asks after the proof and opens each of them itself: the session never sees a path. Reads
 * the database, changes nothing.
 */
#include "accountd/folders.h"

#include <errno.h>
#include <string.h>

#include "accountd/parking.h"
#include "accountd/store.h"
#include "lib/account/public.h"
#include "lib/account/share.h"
#include "lib/base/arena.h"
#include "lib/log/log.h"
#include "lib/store/folder_name.h"

struct folders {
    struct slice user;
    struct server *server;
    struct arena arena;
    struct accountd_folder list[ACCOUNTD_FOLDERS_MAX];
    uint32_t count;
    bool full;
};

static struct slice
kept(struct folders *f, struct strbuf *text)
{
    struct slice copy = arena_copy(&f->arena, strbuf_slice(text));

    strbuf_free(text);
    return copy;
}

/* The next free place, or NULL. */
static struct accountd_folder *
next(struct folders *f)
{
    f->full |= f->count == ACCOUNTD_FOLDERS_MAX;
    return f->full ? NULL : &f->list[f->count++];
}

static int
add_public(void *arg, struct slice address, const struct record *folder)
{
    struct folders *f = arg;
    uint32_t rights = public_rights(folder, f->user);
    struct strbuf name, path;
    struct accountd_folder *out;

    if (rights == 0)
        return 0;
    out = next(f);
    if (out == NULL)
        return -1;
    name = strbuf_new(ACCOUNTD_FOLDER_NAME_MAX);
    path = strbuf_new(ACCOUNT_PATH_MAX);
    (void)strbuf_char(&name, '@'); /* IMP-09; both fit */
    (void)strbuf_append(&name, record_get(folder, PUBLIC_FOLDER));
    account_entry_path(ACCOUNT_PUBLIC, address, &path);
    *out = (struct accountd_folder){
        .name = kept(f, &name),
        .path = kept(f, &path),
        .rights = rights,
        .quota_bytes = record_u64(folder, PUBLIC_QUOTA_BYTES),
        .quota_messages = record_u64(folder, PUBLIC_QUOTA_MESSAGES),
    };
    return 0;
}

/* Is this entry of the list that folder, given by another way? */
static bool
is_share(const struct accountd_folder *listed, const struct share *share)
{
    struct slice name = listed->name;

    return name.len == share->owner.len + share->folder.len + 2 && name.ptr[0] == '~' &&
           slice_starts(slice_sub(name, 1, name.len), share->owner) &&
           slice_ends(name, share->folder);
}

/* Nobody may do to a user's mail what that user may not, and it counts for that user. */
static void
hold_to_owner(const struct account_hit *owner, struct accountd_folder *folder)
{
    uint32_t may = account_user_rights(&owner->entry);

    if ((may & ACCOUNTD_MAY_CHANGE_MAIL) == 0)
        folder->rights &= ~(RIGHTS_ON_MESSAGES | RIGHT_CREATE | RIGHT_DELETE_FOLDER);
    if ((may & ACCOUNTD_MAY_REMOVE_MAIL) == 0)
        folder->rights &= ~(uint32_t)(RIGHT_DELETE_MESSAGE | RIGHT_EXPUNGE | RIGHT_DELETE_FOLDER);
    folder->quota_bytes = record_u64(&owner->entry, USER_QUOTA_BYTES);
    folder->quota_messages = record_u64(&owner->entry, USER_QUOTA_MESSAGES);
}

static int
deny_share(void *arg, const struct share *share)
{
    struct folders *f = arg;

    for (uint32_t i = 0; i < f->count && share_denies(share->grantee); i++)
        if (is_share(&f->list[i], share))
            f->list[i].rights &= ~share->rights;
    return 0;
}

static int
add_share(void *arg, const struct share *share)
{
    struct folders *f = arg;
    struct account_hit *owner = &f->server->hit;
    struct strbuf name, path, dir;
    struct accountd_folder *out;

    if (slice_eq(share->owner, f->user) || share_denies(share->grantee))
        return 0; /* a folder given to all is still one's own */
    if (account_find_exact(&f->server->base, share->owner, owner) != ACCOUNT_FOUND)
        return 0; /* shares go with their owners: a base that failed tells so elsewhere */
    for (uint32_t i = 0; i < f->count; i++)
        if (is_share(&f->list[i], share)) {
            f->list[i].rights |= share->rights;
            hold_to_owner(owner, &f->list[i]);
            return 0;
        }
    dir = strbuf_new(STORE_NAME_MAX);
    if (folder_name_to_dir(share->folder, &dir) < 0) {
        strbuf_free(&dir);
        return 0; /* no folder can have that name */
    }
    out = next(f);
    if (out == NULL) {
        strbuf_free(&dir);
        return -1;
    }
    name = strbuf_new(ACCOUNTD_FOLDER_NAME_MAX);
    path = strbuf_new(ACCOUNT_PATH_MAX);
    (void)strbuf_char(&name, '~'); /* all of it fits */
    (void)strbuf_append(&name, share->owner);
    (void)strbuf_char(&name, '/');
    (void)strbuf_append(&name, share->folder);
    account_store_path(share->owner, &path);
    *out = (struct accountd_folder){.name = kept(f, &name),
                                    .path = kept(f, &path),
                                    .dir = kept(f, &dir),
                                    .rights = share->rights};
    hold_to_owner(owner, out);
    return 0;
}

/* What was given or denied to the user by name, by domain and like anyone. */
static int
each_share(struct account_base *base, struct folders *f,
           int (*each)(void *arg, const struct share *share))
{
    struct slice domain = slice_sub(f->user, slice_rindex(f->user, '@'), f->user.len);

    if (share_each_of_grantee(base, f->user, each, f) < 0 ||
        share_each_of_grantee(base, domain, each, f) < 0)
        return -1;
    return share_each_of_grantee(base, SHARE_ANYONE, each, f);
}

static int
add_shares(struct account_base *base, struct folders *f)
{
    uint32_t kept = 0;

    if (each_share(base, f, add_share) < 0 || each_share(base, f, deny_share) < 0)
        return -1;
    for (uint32_t i = 0; i < f->count; i++)
        if (f->list[i].rights != 0)
            f->list[kept++] = f->list[i];
    f->count = kept;
    return 0;
}

/* A directory that is about to be made or moved: who logs in right after `public add` shall see it.
 */
static bool
wait_for_store(struct request *rq, const struct folders *f)
{
    const struct store *store = rq->server->store;

    for (uint32_t i = 0; i < f->count; i++)
        if (store_is_making(store, f->list[i].path) || store_is_moving(store, f->list[i].path))
            return parking_add(rq->server->parking, rq, f->list[i].path);
    return false;
}

enum outcome
folders_request(struct request *rq)
{
    struct strbuf out = strbuf_new(ACCOUNTD_PAYLOAD_MAX);
    struct folders f = {.server = rq->server};
    enum outcome outcome = REQUEST_DONE;

    if (accountd_folders_decode(rq->payload, &f.user) < 0)
        return REQUEST_BAD;
    if (public_each(&rq->server->base, add_public, &f) < 0 ||
        add_shares(&rq->server->base, &f) < 0) {
        log_event(LOG_ERROR, "folders_unreadable", KV_ERRNO());
        f.count = 0; /* the user's own mail does not depend on them */
    } else if (!rq->waited && wait_for_store(rq, &f)) {
        outcome = REQUEST_PARKED;
        goto out;
    }
    if (f.full)
        log_event(LOG_WARN, "too_many_folders", KV_SLICE("user", f.user), KV_U64("shown", f.count));
    if (accountd_folders_reply_encode(&out, rq->header.request_id, f.list, f.count) < 0)
        outcome = REQUEST_BAD; /* 256 short rows fit */
    else
        ipc_peer_send(rq->peer, &out, -1);
out:
    strbuf_free(&out);
    arena_free(&f.arena);
    return outcome;
}

/* What one grantee was given: the user by name, all of the domain, or anyone. */
static int
stop_at_first(void *arg, struct slice address, const struct record *folder)
{
    (void)address, (void)folder;
    *(bool *)arg = true;
    return -1;
}

static int
shares_exist(struct server *server, bool *exist)
{
    struct account_rows *rows =
        account_db_rows(server->base.db, ACCOUNT_TABLE_SHARES, SLICE(""), SLICE(""));
    struct slice key, value;
    int rc = rows == NULL ? -1 : account_rows_next(rows, &key, &value);

    account_rows_close(&rows);
    *exist = rc == 1;
    return rc;
}

bool
folders_exist(struct server *server)
{
    uint64_t generation = account_db_generation(server->base.db);

    if (server->folders_known && generation == server->folders_generation)
        return server->folders_exist;
    server->folders_exist = false;
    if (public_each(&server->base, stop_at_first, &server->folders_exist) < 0 ||
        (!server->folders_exist && shares_exist(server, &server->folders_exist) < 0))
        return true; /* in doubt they ask */
    server->folders_generation = generation;
    server->folders_known = true;
    return server->folders_exist;
}
