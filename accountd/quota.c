/*
 * accountd/quota.c - QUOTA: administrators set quotas from their own mailbox.
 *
 * Requests come from sessions by way of authd, which vouches for who asks and for nothing else.
 * Whether that one administers what the root names is decided here; who does not is told no more
 * than that, be there such a mailbox or not.
 */
#include "accountd/quota.h"

#include <inttypes.h>
#include <stdio.h>

#include "accountd/audit.h"
#include "accountd/parking.h"
#include "accountd/store.h"
#include "accountd/usage.h"
#include "lib/account/edit.h"
#include "lib/account/manages.h"
#include "lib/account/public.h"
#include "lib/base/clock.h"
#include "lib/log/log.h"

enum { REPLY_MAX = 512, NUMBER_MAX = 24 };

struct operation {
    struct request *rq;
    struct accountd_quota quota;
    enum account_kind kind; /* USER or PUBLIC */
    struct strbuf address;  /* canonical: of the root */
    struct strbuf path, admin;
};

/* ---- what a root means ---- */

static int
compare_folder(void *arg, struct slice address, const struct record *folder)
{
    struct operation *op = arg;
    struct slice root = op->quota.root;

    if (!slice_eq(record_get(folder, PUBLIC_FOLDER), slice_sub(root, 1, root.len)))
        return 0;
    (void)strbuf_append(&op->address, address);
    return -1;
}

static void
find_mailbox(struct operation *op, struct slice address)
{
    struct account_hit *hit = &op->rq->server->hit;

    if (account_find_exact(&op->rq->server->base, address, hit) == ACCOUNT_FOUND &&
        hit->entry.kind == ACCOUNT_USER)
        (void)strbuf_append(&op->address, strbuf_slice(&hit->address));
}

/* Fills in kind and address; no address: there is no such root. */
static void
find_root(struct operation *op)
{
    struct slice root = op->quota.root;

    op->kind = ACCOUNT_USER;
    if (root.len == 0) {
        find_mailbox(op, op->quota.actor);
    } else if (root.ptr[0] == '~') {
        find_mailbox(op, slice_sub(root, 1, root.len));
    } else if (root.ptr[0] == '@') {
        op->kind = ACCOUNT_PUBLIC;
        (void)public_each(&op->rq->server->base, compare_folder, op); /* trouble: none was found */
    }
}

static bool
may_manage(struct operation *op)
{
    struct slice address = strbuf_slice(&op->address);
    struct slice domain = slice_sub(address, slice_rindex(address, '@') + 1, address.len);

    return address.len > 0 &&
           account_manages(&op->rq->server->base, op->quota.actor, domain, &op->admin) == 1;
}

/* ---- the change ---- */

static int
set_limits(struct operation *op, struct account_result *result)
{
    char bytes[NUMBER_MAX], messages[NUMBER_MAX];
    struct account_edit edit = {
        .base = &op->rq->server->base, .now_ms = clock_real_ms(), .result = result};
    struct object_field fields[2];

    (void)snprintf(bytes, sizeof(bytes), "%" PRIu64, op->quota.bytes);
    (void)snprintf(messages, sizeof(messages), "%" PRIu64, op->quota.messages);
    fields[0] = (struct object_field){SLICE("quota_bytes"), slice_of(bytes)};
    fields[1] = (struct object_field){SLICE("quota_messages"), slice_of(messages)};
    return account_set(&edit, op->kind, strbuf_slice(&op->address), fields, 2);
}

/* The change, and the record of it. */
static int
set_audited(struct operation *op, struct account_result *result)
{
    struct audit *audit = op->rq->server->audit;
    const struct audit_event event = {.who = strbuf_slice(&op->admin),
                                      .from = op->quota.actor, /* by IMAP, from his mailbox */
                                      .verb = SLICE("set"),
                                      .kind = op->kind,
                                      .name = strbuf_slice(&op->address)};

    if (audit_before(audit, &event) < 0)
        return account_fail_db(result);
    if (set_limits(op, result) < 0)
        return -1;
    return audit_after(audit, &event) < 0 ? account_fail_db(result) : 0;
}

/* One transaction. */
static enum accountd_quota_result
change(struct operation *op)
{
    struct account_db *db = op->rq->server->base.db;
    struct account_result result = account_result_new();
    bool done = false, refused;

    if (account_db_begin(db) == 0) {
        if (set_audited(op, &result) < 0)
            account_db_abort(db);
        else
            done = account_db_commit(db) == 0;
    }
    log_event(done ? LOG_INFO : LOG_ERROR, done ? "quota_set" : "quota_not_set",
              KV_SLICE("admin", strbuf_slice(&op->admin)), KV_SLICE("by", op->quota.actor),
              KV_SLICE("name", strbuf_slice(&op->address)), KV_U64("bytes", op->quota.bytes),
              KV_U64("messages", op->quota.messages),
              KV_SLICE("error", strbuf_slice(&result.text)));
    audit_send(op->rq->server->audit);
    server_changed(op->rq->server);
    refused = result.code != 0 && result.code != ACCOUNT_DATABASE_ERROR;
    account_result_free(&result);
    if (refused)
        return ACCOUNTD_QUOTA_BEYOND;
    return done ? ACCOUNTD_QUOTA_DONE : ACCOUNTD_QUOTA_AWAY;
}

/* ---- the answer ---- */

static bool
read_limits(struct operation *op, struct accountd_quota_reply *reply)
{
    struct account_hit *hit = &op->rq->server->hit;
    bool is_public = op->kind == ACCOUNT_PUBLIC;

    if (account_find_exact(&op->rq->server->base, strbuf_slice(&op->address), hit) != ACCOUNT_FOUND)
        return false;
    reply->quota_bytes = record_u64(&hit->entry, is_public ? PUBLIC_QUOTA_BYTES : USER_QUOTA_BYTES);
    reply->quota_messages =
        record_u64(&hit->entry, is_public ? PUBLIC_QUOTA_MESSAGES : USER_QUOTA_MESSAGES);
    return true;
}

/* With the usage known: changes what is to be changed, and says what holds then. */
static void
serve(struct operation *op, struct accountd_quota_reply *reply)
{
    static const struct usage_entry nothing;
    const struct server *server = op->rq->server;
    struct slice path = strbuf_slice(&op->path);
    const struct usage_entry *usage =
        store_is_making(server->store, path) ? &nothing : usage_get(server->usage, path);

    reply->result = ACCOUNTD_QUOTA_AWAY;
    if (usage == NULL)
        return;
    reply->used_bytes = usage->bytes;
    reply->used_messages = usage->messages;
    if (op->quota.set) {
        reply->result = (uint8_t)change(op);
        if (reply->result != ACCOUNTD_QUOTA_DONE)
            return;
    }
    reply->result = ACCOUNTD_QUOTA_AWAY;
    if (read_limits(op, reply))
        reply->result = ACCOUNTD_QUOTA_DONE;
}

/* The store is asked first: sessions remove mail without telling us. A mailbox that is still to be
 * made holds nothing, and its making would wake us before the answer. */
static bool
waits_for_usage(struct operation *op)
{
    struct server *server = op->rq->server;

    if (op->rq->waited || server->store == NULL ||
        store_is_making(server->store, strbuf_slice(&op->path)) ||
        !parking_add(server->parking, op->rq, strbuf_slice(&op->path)))
        return false;
    store_ask_usage(server->store, strbuf_slice(&op->path));
    return true;
}

static enum outcome
run(struct operation *op)
{
    struct accountd_quota_reply reply = {.result = ACCOUNTD_QUOTA_REFUSED};
    struct strbuf out = strbuf_new(REPLY_MAX);

    find_root(op);
    if (may_manage(op)) {
        account_entry_path(op->kind, strbuf_slice(&op->address), &op->path);
        if (waits_for_usage(op)) {
            strbuf_free(&out);
            return REQUEST_PARKED;
        }
        serve(op, &reply);
    }
    (void)accountd_quota_reply_encode(&out, ACCOUNTD_QUOTA_REPLY, op->rq->header.request_id,
                                      &reply); /* numbers: it fits */
    ipc_peer_send(op->rq->peer, &out, -1);
    strbuf_free(&out);
    return REQUEST_DONE;
}

enum outcome
quota_request(struct request *rq)
{
    struct operation op = {.rq = rq,
                           .address = strbuf_new(ACCOUNT_ADDRESS_MAX),
                           .path = strbuf_new(ACCOUNT_PATH_MAX),
                           .admin = strbuf_new(ACCOUNT_KEY_MAX)};
    enum outcome outcome = REQUEST_BAD;

    if (accountd_quota_decode(rq->payload, &op.quota) == 0 && op.quota.actor.len > 0)
        outcome = run(&op);
    strbuf_free(&op.address);
    strbuf_free(&op.path);
    strbuf_free(&op.admin);
    return outcome;
}
