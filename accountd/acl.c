/*
 * accountd/acl.c - ACL: what users share with each other.
 *
 * Requests come from sessions by way of authd, which vouches for who asks and for nothing else:
 * whether that one may is decided here, names and rights are checked by lib/account.
 */
#include "accountd/acl.h"

#include "accountd/changes.h"
#include "accountd/folders.h"
#include "lib/account/share.h"
#include "lib/base/arena.h"
#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/log/log.h"

struct operation {
    struct server *server;
    struct accountd_acl acl;
    struct account_edit edit;
    struct account_result result;
    struct arena arena;
    struct accountd_acl_entry *entries; /* GET */
    uint32_t count;
};

/* ---- reading ---- */

static int
take_entry(void *arg, const struct share *share)
{
    struct operation *op = arg;

    if (op->count == ACCOUNTD_ACL_MAX)
        return -1;
    op->entries[op->count++] =
        (struct accountd_acl_entry){arena_copy(&op->arena, share->grantee), share->rights};
    return 0;
}

static void
get(struct operation *op)
{
    op->entries = xcalloc(ACCOUNTD_ACL_MAX, sizeof(*op->entries));
    if (share_each_of_folder(&op->server->base, op->acl.owner, op->acl.folder, take_entry, op) < 0)
        (void)account_fail_db(&op->result);
}

/* ---- changing ---- */

/* From the top down: each has the rights of the one above it. */
static int
inherit(struct operation *op)
{
    struct slice folder = op->acl.folder, there = op->acl.who;

    if (there.len > 0 &&
        (!slice_starts(folder, there) || folder.len == there.len || folder.ptr[there.len] != '/'))
        return account_fail(&op->result, ACCOUNT_BAD_PARAMETER, "that is not above the folder");
    for (size_t at = there.len + 1; there.len > 0 && at < folder.len; at++)
        if (folder.ptr[at] == '/' &&
            account_share_inherit(&op->edit, op->acl.owner, slice_sub(folder, 0, at)) < 0)
            return -1;
    return account_share_inherit(&op->edit, op->acl.owner, folder);
}

static int
run(struct operation *op)
{
    const struct accountd_acl *acl = &op->acl;

    switch ((enum accountd_acl_op)acl->op) {
    case ACCOUNTD_ACL_SET:
        return account_share_set(&op->edit, acl->owner, acl->folder, acl->who, acl->rights);
    case ACCOUNTD_ACL_ADD:
        return account_share_change(&op->edit, acl->owner, acl->folder, acl->who, RIGHTS_ADD,
                                    acl->rights);
    case ACCOUNTD_ACL_REMOVE:
        return account_share_change(&op->edit, acl->owner, acl->folder, acl->who, RIGHTS_REMOVE,
                                    acl->rights);
    case ACCOUNTD_ACL_RENAME:
        return account_share_rename(&op->edit, acl->owner, acl->folder, acl->who);
    case ACCOUNTD_ACL_DROP:
        return account_share_drop(&op->edit, acl->owner, acl->folder);
    case ACCOUNTD_ACL_CREATE:
        return inherit(op);
    case ACCOUNTD_ACL_GET:
        break;
    }
    return account_fail(&op->result, ACCOUNT_BAD_PARAMETER, "no such operation");
}

/* The owner may all; others what the right "a" lets them (RFC 4314 section 4). */
static int
check_actor(struct operation *op)
{
    const struct accountd_acl *acl = &op->acl;
    uint32_t rights;

    if (slice_eq(acl->actor, acl->owner))
        return 0;
    if (share_rights(&op->server->base, acl->owner, acl->folder, acl->actor, &rights) < 0)
        return account_fail_db(&op->result);
    if (acl->op <= ACCOUNTD_ACL_REMOVE && (rights & RIGHT_ADMIN) != 0)
        return 0;
    return account_fail(&op->result, ACCOUNT_BAD_PARAMETER, "that takes the right a");
}

static void
change(struct operation *op)
{
    struct account_db *db = op->server->base.db;

    if (account_db_begin(db) < 0) {
        (void)account_fail_db(&op->result);
        return;
    }
    if (run(op) < 0) {
        account_db_abort(db);
    } else if (account_db_commit(db) < 0) {
        (void)account_fail_db(&op->result);
    } else {
        log_event(LOG_INFO, "acl", KV_U64("op", op->acl.op), KV_SLICE("owner", op->acl.owner),
                  KV_SLICE("actor", op->acl.actor), KV_SLICE("folder", op->acl.folder),
                  KV_SLICE("who", op->acl.who), KV_U64("rights", op->acl.rights));
        if (op->acl.op != ACCOUNTD_ACL_ADD || share_denies(op->acl.who))
            changes_folders(op->server);
    }
    server_changed(op->server);
}

/* A folder of which nothing is shared may come and go without a transaction. */
static bool
changes_nothing(struct operation *op)
{
    return op->acl.op >= ACCOUNTD_ACL_RENAME && !folders_exist(op->server);
}

enum outcome
acl_request(struct request *rq)
{
    struct operation op = {.server = rq->server, .result = account_result_new()};
    struct strbuf out = strbuf_new(ACCOUNTD_PAYLOAD_MAX);
    struct accountd_acl_reply reply;
    enum outcome outcome = REQUEST_BAD;

    op.edit = (struct account_edit){
        .base = &rq->server->base, .now_ms = clock_real_ms(), .result = &op.result};
    if (accountd_acl_decode(rq->payload, &op.acl) == 0 && op.acl.owner.len > 0 &&
        op.acl.actor.len > 0) {
        if (check_actor(&op) == 0 && op.acl.op == ACCOUNTD_ACL_GET)
            get(&op);
        else if (op.result.code == 0 && !changes_nothing(&op))
            change(&op);
        reply = (struct accountd_acl_reply){.result = op.result.code,
                                            .text = strbuf_slice(&op.result.text),
                                            .entries = op.entries,
                                            .count = op.count};
        if (accountd_acl_reply_encode(&out, ACCOUNTD_ACL_REPLY, rq->header.request_id, &reply) ==
            0) { /* its limits are below the frame's */
            ipc_peer_send(rq->peer, &out, -1);
            outcome = REQUEST_DONE;
        }
    }
    xfree(&op.entries);
    arena_free(&op.arena);
    account_result_free(&op.result);
    strbuf_free(&out);
    return outcome;
}
