/*
 * accountd/request.c - what the other programs ask: RCPT, SPEND, UNSPEND, EXPAND, LOGIN, REHASH,
 * MISSING, SENDER.
 *
 * Requests are untrusted: smtpd relays what strangers type. Each is answered from the database at
 * once, or parked until the store has said what a mailbox holds.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "accountd/flow.h"
#include "accountd/folders.h"
#include "accountd/mass_mail.h"
#include "accountd/means.h"
#include "accountd/parking.h"
#include "accountd/rcpt_policy.h"
#include "accountd/server.h"
#include "accountd/store.h"
#include "accountd/usage.h"
#include "lib/account/canonical.h"
#include "lib/account/direct_login.h"
#include "lib/account/edit.h"
#include "lib/account/expand.h"
#include "lib/account/listed.h"
#include "lib/account/manages.h"
#include "lib/account/password_rules.h"
#include "lib/account/public.h"
#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/log/log.h"
#include "lib/mail/address.h"
#include "lib/mail/imap_rights.h"

#define REPLY_MAX 16384
#define TEXT_MAX 200
#define USAGE_FRESH_MS 2000 /* a full mailbox is not asked for more often */

/* ---- RCPT ---- */

static struct accountd_allowance
allowance(const struct flow_allowance *a)
{
    return (struct accountd_allowance){
        .max = a->max, .limit = slice_of(a->limit), .for_now = a->for_now};
}

static enum outcome
answer_rcpt(struct request *rq, enum accountd_verdict verdict, uint16_t code, const char *dsn,
            const char *text)
{
    const struct accountd_allowance none = {.max = ACCOUNTD_NO_LIMIT};
    const struct flow_allowances *a = rq->counted ? &rq->allowances : NULL;
    struct strbuf out = strbuf_new(REPLY_MAX);
    const struct accountd_rcpt_reply reply = {.verdict = (uint8_t)verdict,
                                              .code = code,
                                              .dsn = slice_of(dsn),
                                              .text = slice_of(text),
                                              .counted = a != NULL && verdict <= ACCOUNTD_FOREIGN,
                                              .rcpts = a == NULL ? none : allowance(&a->rcpts),
                                              .class_rcpts =
                                                  a == NULL ? none : allowance(&a->class_rcpts),
                                              .bytes = a == NULL ? none : allowance(&a->bytes)};

    (void)accountd_rcpt_reply_encode(&out, rq->header.request_id, &reply); /* short: it fits */
    ipc_peer_send(rq->peer, &out, -1);
    strbuf_free(&out);
    return REQUEST_DONE;
}

static enum outcome
rcpt_trouble(struct request *rq)
{
    return answer_rcpt(rq, ACCOUNTD_DEFERRED, 451, "4.3.0", "account base failed, try again later");
}

static enum outcome
sending_blocked(struct request *rq)
{
    return answer_rcpt(rq, ACCOUNTD_REFUSED, 550, "5.7.1",
                       "sending is blocked for your mailbox, ask your postmaster");
}

static enum outcome
rcpt_local(struct request *rq)
{
    return answer_rcpt(rq, ACCOUNTD_LOCAL, 0, "", "");
}

static bool
fits(const struct usage_entry *usage, uint64_t size, uint64_t quota_bytes, uint64_t quota_messages)
{
    if (quota_bytes != 0 && (usage->bytes >= quota_bytes || size > quota_bytes - usage->bytes))
        return false;
    return quota_messages == 0 || usage->messages < quota_messages;
}

/* What is known may be old (a session removes mail without telling us): before a mailbox is called
 * full the store is asked. */
static enum outcome
rcpt_quota(struct request *rq, uint64_t size, const struct account_hit *hit)
{
    struct server *server = rq->server;
    bool is_public = hit->entry.kind == ACCOUNT_PUBLIC;
    uint64_t quota_bytes =
        record_u64(&hit->entry, is_public ? PUBLIC_QUOTA_BYTES : USER_QUOTA_BYTES);
    uint64_t quota_messages =
        record_u64(&hit->entry, is_public ? PUBLIC_QUOTA_MESSAGES : USER_QUOTA_MESSAGES);
    struct strbuf path = strbuf_new(ACCOUNT_PATH_MAX);
    const struct usage_entry *usage;
    enum outcome outcome;
    bool full, doubtful;

    if (quota_bytes == 0 && quota_messages == 0)
        return rcpt_local(rq);
    if (quota_bytes != 0 && size > quota_bytes)
        return answer_rcpt(rq, ACCOUNTD_REFUSED, 552, "5.2.2",
                           "message is larger than the mailbox may be");
    account_entry_path(hit->entry.kind, strbuf_slice(&hit->address), &path);
    usage = usage_get(server->usage, strbuf_slice(&path));
    full = usage != NULL && !fits(usage, size, quota_bytes, quota_messages);
    doubtful = usage == NULL || (full && clock_mono_ms() - usage->known_ms > USAGE_FRESH_MS);
    if (doubtful && !rq->waited && server->store != NULL &&
        parking_add(server->parking, rq, strbuf_slice(&path))) {
        store_ask_usage(server->store, strbuf_slice(&path));
        outcome = REQUEST_PARKED;
    } else if (full) {
        outcome = answer_rcpt(rq, ACCOUNTD_DEFERRED, 452, "4.2.2", "mailbox is full");
    } else { /* also without an answer: delivery looks at the quota once more */
        outcome = rcpt_local(rq);
    }
    strbuf_free(&path);
    return outcome;
}

static enum outcome
rcpt_user(struct request *rq, uint64_t size, const struct account_hit *hit)
{
    if (account_user_state(&hit->entry, clock_real_ms()) == ACCOUNT_DISABLED)
        return answer_rcpt(rq, ACCOUNTD_REFUSED, 550, "5.2.1", "mailbox is disabled");
    if (record_get(&hit->entry, USER_FORWARD).len > 0 &&
        record_bool(&hit->entry, USER_FORWARD_RIGHT) &&
        !record_bool(&hit->entry, USER_FORWARD_KEEP))
        return rcpt_local(rq);
    return rcpt_quota(rq, size, hit);
}

static enum outcome
rcpt_alias(struct request *rq, uint64_t size)
{
    struct server *server = rq->server;
    enum account_found found = account_find_exact(
        &server->base, record_get(&server->hit.entry, ALIAS_TARGET), &server->second_hit);

    if (found != ACCOUNT_FOUND || server->second_hit.entry.kind != ACCOUNT_USER)
        return rcpt_trouble(rq); /* an alias always has its mailbox */
    return rcpt_user(rq, size, &server->second_hit);
}

/* IMP-12: those with the right to write, known by their login, and nobody else. */
static enum outcome
rcpt_public(struct request *rq, const struct accountd_rcpt *rcpt)
{
    if ((public_rights(&rq->server->hit.entry, rcpt->auth_user) & RIGHT_POST) == 0)
        return answer_rcpt(rq, ACCOUNTD_REFUSED, 550, "5.7.1",
                           "you may not write to this public folder");
    return rcpt_quota(rq, rcpt->size, &rq->server->hit);
}

/* The domain has no such mailbox. An address that a forward of ours has made takes bounces for some
 * weeks; one like it that we have not made is refused whatever the domain does with unknown ones.
 */
static enum outcome
rcpt_unknown(struct request *rq, const struct accountd_rcpt *rcpt)
{
    const struct account_base *base = &rq->server->base;
    struct strbuf sender = strbuf_new(ADDRESS_MAX);
    enum srs_found found = base->srs == NULL
                               ? SRS_NONE
                               : srs_reverse(base->srs, rcpt->address, clock_real_ms(), &sender);

    strbuf_free(&sender);
    if (found == SRS_GOOD && rcpt->sender.len > 0)
        return answer_rcpt(rq, ACCOUNTD_REFUSED, 550, "5.7.1",
                           "this address takes bounces of forwarded mail alone");
    if (found == SRS_EXPIRED)
        return answer_rcpt(rq, ACCOUNTD_REFUSED, 550, "5.1.1",
                           "this address took bounces of forwarded mail, and its time is over");
    if (found == SRS_FORGED ||
        (found == SRS_NONE && record_is(&rq->server->hit.domain, DOMAIN_UNKNOWN, "bounce")))
        return answer_rcpt(rq, ACCOUNTD_REFUSED, 550, "5.1.1", "no such mailbox");
    return rcpt_local(rq);
}

static enum outcome
rcpt_found(struct request *rq, const struct accountd_rcpt *rcpt)
{
    switch (rq->server->hit.entry.kind) {
    case ACCOUNT_USER:
        return rcpt_user(rq, rcpt->size, &rq->server->hit);
    case ACCOUNT_ALIAS:
        return rcpt_alias(rq, rcpt->size);
    case ACCOUNT_PUBLIC:
        return rcpt_public(rq, rcpt);
    default:
        return rcpt_local(rq);
    }
}

enum outcome
request_rcpt(struct request *rq)
{
    struct server *server = rq->server;
    struct rcpt_refusal refusal;
    struct accountd_rcpt rcpt;
    enum account_found found;

    if (accountd_rcpt_decode(rq->payload, &rcpt) < 0)
        return REQUEST_BAD;
    if (mass_mail_is_blocked(server, rcpt.auth_user))
        return sending_blocked(rq);
    found = account_find(&server->base, rcpt.address, &server->hit);
    if (found == ACCOUNT_TROUBLE)
        return rcpt_trouble(rq);
    if (!rcpt_policy(server, &rcpt, found, &refusal))
        return answer_rcpt(rq, refusal.code >= 500 ? ACCOUNTD_REFUSED : ACCOUNTD_DEFERRED,
                           refusal.code, refusal.dsn, refusal.text);
    rq->allowances = flow_any;
    rq->counted =
        rcpt.auth_user.len > 0 && (flow_allowances_of(server->flow, &server->sender_hit,
                                                      found == ACCOUNT_FOREIGN, &rq->allowances) ||
                                   mass_mail_counts(server->mass_mail));
    if (found == ACCOUNT_FOREIGN)
        return answer_rcpt(rq, ACCOUNTD_FOREIGN, 0, "", "");
    return found == ACCOUNT_UNKNOWN ? rcpt_unknown(rq, &rcpt) : rcpt_found(rq, &rcpt);
}

/* ---- SPEND ---- */

enum outcome
request_spend(struct request *rq)
{
    struct server *server = rq->server;
    struct accountd_spend spend;
    struct flow_message message;
    enum account_found found;
    const char *limit = NULL, *hold = "";
    char text[TEXT_MAX];

    if (accountd_spend_decode(rq->payload, &spend) < 0)
        return REQUEST_BAD;
    found = account_find_exact(&server->base, spend.auth_user, &server->sender_hit);
    if (found == ACCOUNT_TROUBLE || server->flow == NULL)
        return rcpt_trouble(rq);
    message = (struct flow_message){spend.local_rcpts, spend.remote_rcpts, spend.bytes};
    if (found == ACCOUNT_FOUND &&
        flow_spend(server->flow, &server->sender_hit, &message, &limit) < 0)
        return rcpt_trouble(rq);
    /* Only what goes on counts: a client tries again what was put off. */
    if (limit == NULL && found == ACCOUNT_FOUND &&
        mass_mail_look(server, strbuf_slice(&server->sender_hit.address), &spend, &hold) < 0) {
        flow_unspend(server->flow, &server->sender_hit, &message);
        return sending_blocked(rq);
    }
    if (limit == NULL)
        return answer_rcpt(rq, ACCOUNTD_LOCAL, 0, "", hold);
    (void)snprintf(text, sizeof(text), "more than your mailbox may send (%s)", limit);
    return answer_rcpt(rq, ACCOUNTD_DEFERRED, 452, "4.7.1", text);
}

enum outcome
request_unspend(struct request *rq)
{
    struct server *server = rq->server;
    struct accountd_spend spend;
    bool held;

    if (accountd_unspend_decode(rq->payload, &spend, &held) < 0)
        return REQUEST_BAD;
    if (server->flow == NULL ||
        account_find_exact(&server->base, spend.auth_user, &server->sender_hit) != ACCOUNT_FOUND)
        return REQUEST_DONE;
    flow_unspend(server->flow, &server->sender_hit,
                 &(struct flow_message){spend.local_rcpts, spend.remote_rcpts, spend.bytes});
    mass_mail_unlook(server, strbuf_slice(&server->sender_hit.address), &spend, held);
    return REQUEST_DONE;
}

/* ---- EXPAND ---- */

static int
expand_one(void *arg, uint32_t i, const struct accountd_recipient *recipient)
{
    expansion_add(arg, (uint16_t)i, recipient);
    return 0;
}

/* A mailbox among the targets whose directory is about to move: nothing may be delivered there. */
static struct slice
moving_target(const struct server *server, const struct accountd_target *targets, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (targets[i].kind == ACCOUNTD_TO_MAILBOX &&
            store_is_moving(server->store, targets[i].path))
            return targets[i].path;
    return SLICE("");
}

static void
defer_moving(const struct server *server, struct accountd_target *targets, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (targets[i].kind == ACCOUNTD_TO_MAILBOX &&
            store_is_moving(server->store, targets[i].path)) {
            targets[i].kind = ACCOUNTD_TO_FAILURE;
            targets[i].dsn = SLICE("4.2.0");
            targets[i].text = SLICE("mailbox is being moved");
        }
}

enum outcome
request_expand(struct request *rq)
{
    struct server *server = rq->server;
    struct expansion *expansion = expansion_new(&server->base, clock_real_ms());
    struct strbuf out = strbuf_new(ACCOUNTD_PAYLOAD_MAX + FRAME_HEADER);
    enum outcome outcome = REQUEST_DONE;
    struct accountd_target *targets;
    struct slice moving;
    uint32_t count;

    if (accountd_expand_decode(rq->payload, expand_one, expansion) < 0) {
        outcome = REQUEST_BAD;
        goto out;
    }
    targets = expansion_targets(expansion, &count);
    moving = moving_target(server, targets, count);
    if (moving.len > 0 && !rq->waited && parking_add(server->parking, rq, moving)) {
        outcome = REQUEST_PARKED;
        goto out;
    }
    defer_moving(server, targets, count);
    if (accountd_expand_reply_encode(&out, rq->header.request_id, targets, count) < 0)
        outcome = REQUEST_BAD; /* expand.c's own limits are below this */
    else
        ipc_peer_send(rq->peer, &out, -1);
out:
    strbuf_free(&out);
    expansion_free(&expansion);
    return outcome;
}

/* ---- LOGIN and REHASH ---- */

static void
fill_login(struct server *server, const struct accountd_login *login, struct slice path,
           struct accountd_login_reply *reply)
{
    const struct account_hit *hit = &server->hit;

    const int64_t now_ms = clock_real_ms();

    if (account_user_state(&hit->entry, now_ms) != ACCOUNT_NORMAL)
        reply->state = ACCOUNTD_LOGIN_DISABLED;
    else
        reply->state = password_state_of(&hit->domain, &hit->entry, now_ms) == PASSWORD_STATE_GOOD
                           ? ACCOUNTD_LOGIN_OK
                           : ACCOUNTD_LOGIN_PASSWORD;
    reply->user = strbuf_slice(&hit->address);
    reply->path = path;
    reply->password = record_get(&hit->entry, USER_PASSWORD);
    reply->rights = account_user_rights(&hit->entry) |
                    (means_more(server, hit) ? (uint32_t)ACCOUNTD_MORE_MEANS : 0);
    reply->quota_bytes = record_u64(&hit->entry, USER_QUOTA_BYTES);
    reply->quota_messages = record_u64(&hit->entry, USER_QUOTA_MESSAGES);
    reply->full_name = record_get(&hit->entry, USER_FULL_NAME);
    reply->has_folders = folders_exist(server);
    reply->place = record_get(&hit->entry, USER_MAILBOX_PATH);
    reply->access = account_user_access(&hit->entry, login->service);
    reply->password_changed = record_get(&hit->entry, USER_PASSWORD_CHANGED);
}

/* A bare name is of the domain that the client has connected to. */
static enum account_found
find_login(struct server *server, const struct accountd_login *login)
{
    struct strbuf domain = strbuf_new(CANONICAL_DOMAIN_MAX);
    enum account_found found = ACCOUNT_TROUBLE;
    bool is_bare = slice_index(login->name, '@') == login->name.len;

    if (!is_bare)
        found = account_find_login(&server->base, login->name, &server->hit);
    else if (direct_login_find(&server->base, login->host, login->local_ip, &domain) == 0)
        found = account_find_login_in(
            &server->base, login->name,
            strbuf_slice(domain.len > 0 ? &domain : &server->base.primary), &server->hit);
    strbuf_free(&domain);
    return found;
}

enum outcome
request_login(struct request *rq)
{
    struct server *server = rq->server;
    struct strbuf out = strbuf_new(REPLY_MAX), path = strbuf_new(ACCOUNT_PATH_MAX);
    struct accountd_login_reply reply = {.state = ACCOUNTD_LOGIN_UNKNOWN};
    enum outcome outcome = REQUEST_DONE;
    struct accountd_login login;
    enum account_found found;

    if (accountd_login_decode(rq->payload, &login) < 0)
        return REQUEST_BAD;
    found = find_login(server, &login);
    if (found == ACCOUNT_FOUND) {
        account_store_path(strbuf_slice(&server->hit.address), &path);
        fill_login(server, &login, strbuf_slice(&path), &reply);
        if (store_is_moving(server->store, strbuf_slice(&path))) {
            if (!rq->waited && parking_add(server->parking, rq, strbuf_slice(&path)))
                outcome = REQUEST_PARKED;
            reply.state = ACCOUNTD_LOGIN_LATER; /* not before its mail is there */
        }
    } else if (found == ACCOUNT_TROUBLE) {
        reply.state = ACCOUNTD_LOGIN_LATER;
    } else if (slice_index(strbuf_slice(&server->hit.address), '@') < server->hit.address.len) {
        reply.user = strbuf_slice(&server->hit.address);
    }
    if (outcome == REQUEST_DONE) {
        (void)accountd_login_reply_encode(&out, rq->header.request_id, &reply); /* it fits */
        ipc_peer_send(rq->peer, &out, -1);
        mem_wipe(out.ptr, out.cap);
    }
    strbuf_free(&out);
    strbuf_free(&path);
    return outcome;
}

/* Those who administer have no mailbox by that name: only the record counts. */
enum outcome
request_admin_login(struct request *rq)
{
    struct strbuf out = strbuf_new(REPLY_MAX);
    struct accountd_login_reply reply = {.state = ACCOUNTD_LOGIN_UNKNOWN};
    struct account_actor actor = account_actor_new();
    struct slice name;

    if (accountd_admin_login_decode(rq->payload, &name) < 0) {
        account_actor_free(&actor);
        return REQUEST_BAD;
    }
    if (slice_starts(name, SLICE(ACCOUNTD_LOCAL_ACTOR)))
        reply.state = ACCOUNTD_LOGIN_UNKNOWN; /* typed by a client: authd knows its own */
    else if (account_actor_load(&rq->server->base, name, &actor) == 0)
        reply = (struct accountd_login_reply){
            .state = ACCOUNTD_LOGIN_OK,
            .password = record_get(&actor.record, ADMIN_PASSWORD),
            .rights = record_is(&actor.record, ADMIN_TOTP, "yes") ? ACCOUNTD_HAS_TOTP : 0};
    else if (errno != ENOENT)
        reply.state = ACCOUNTD_LOGIN_LATER;
    reply.user = strbuf_slice(&actor.name);
    (void)accountd_login_reply_encode(&out, rq->header.request_id, &reply); /* it fits */
    ipc_peer_send(rq->peer, &out, -1);
    mem_wipe(out.ptr, out.cap);
    strbuf_free(&out);
    account_actor_free(&actor);
    return REQUEST_DONE;
}

static enum outcome
answer_ok(struct request *rq)
{
    struct strbuf out = strbuf_new(REPLY_MAX);
    struct writer w = frame_begin(&out, ACCOUNTD_OK, rq->header.request_id);

    (void)frame_end(&w); /* an empty frame fits */
    ipc_peer_send(rq->peer, &out, -1);
    strbuf_free(&out);
    return REQUEST_DONE;
}

/* The reply is OK also when the record was changed meanwhile: there is nothing left to do. */
enum outcome
request_rehash(struct request *rq)
{
    struct server *server = rq->server;
    struct account_result result = account_result_new();
    struct account_edit edit = {
        .base = &server->base, .now_ms = clock_real_ms(), .result = &result};
    struct accountd_rehash rehash;

    if (accountd_rehash_decode(rq->payload, &rehash) < 0 || rehash.old_record.len == 0) {
        account_result_free(&result);
        return REQUEST_BAD;
    }
    if (account_db_begin(server->base.db) == 0) {
        if (account_password(&edit, ACCOUNT_USER, rehash.user, rehash.old_record,
                             rehash.new_record) < 0)
            account_db_abort(server->base.db);
        else if (account_db_commit(server->base.db) == 0)
            log_event(LOG_INFO, "rehashed", KV_SLICE("user", rehash.user));
    }
    server_changed(server);
    account_result_free(&result);
    return answer_ok(rq);
}

/* ---- MISSING ---- */

/* Only the base says where a user lives: a path of yesterday is not made again. */
enum outcome
request_missing(struct request *rq)
{
    struct server *server = rq->server;
    struct strbuf path = strbuf_new(ACCOUNT_PATH_MAX);
    struct accountd_missing report;

    if (accountd_missing_decode(rq->payload, &report) < 0)
        return REQUEST_BAD;
    if (server->store != NULL &&
        account_find_exact(&server->base, report.user, &server->hit) == ACCOUNT_FOUND &&
        account_has_store(server->hit.entry.kind)) {
        account_entry_path(server->hit.entry.kind, strbuf_slice(&server->hit.address), &path);
        if (slice_eq(strbuf_slice(&path), report.path))
            store_make(server->store, report.path);
    }
    strbuf_free(&path);
    return REQUEST_DONE;
}

/* ---- SENDER ---- */

/* Is the entry that was found for the sender address (server->hit) this user's own? */
static bool
belongs_to(struct server *server, struct slice auth_user)
{
    struct slice owner = strbuf_slice(&server->hit.address);

    if (server->hit.entry.kind == ACCOUNT_ALIAS)
        owner = record_get(&server->hit.entry, ALIAS_TARGET);
    return account_find_login(&server->base, auth_user, &server->second_hit) == ACCOUNT_FOUND &&
           slice_eq(strbuf_slice(&server->second_hit.address), owner);
}

/* Do those that the address is of say that the user may use it (SMTP-17, DIR-56)? */
static bool
may_send_for(struct server *server, struct slice auth_user)
{
    const struct record *entry = &server->hit.entry;

    if (entry->kind != ACCOUNT_GROUP && entry->kind != ACCOUNT_USER)
        return false;
    return listed(record_get(entry, entry->kind == ACCOUNT_GROUP ? GROUP_REPRESENTATIVES
                                                                 : USER_REPRESENTATIVES),
                  auth_user);
}

enum outcome
request_sender(struct request *rq)
{
    struct server *server = rq->server;
    struct accountd_sender sender;

    if (accountd_sender_decode(rq->payload, &sender) < 0)
        return REQUEST_BAD;
    if (sender.sender.len == 0)
        return rcpt_local(rq); /* the null reverse path is nobody's */
    switch (account_find(&server->base, sender.sender, &server->hit)) {
    case ACCOUNT_FOREIGN:
        return answer_rcpt(rq, ACCOUNTD_FOREIGN, 0, "", "");
    case ACCOUNT_TROUBLE:
        return rcpt_trouble(rq);
    case ACCOUNT_UNKNOWN:
        return answer_rcpt(rq, ACCOUNTD_REFUSED, 550, "5.1.8", "sender is no address of ours");
    case ACCOUNT_FOUND:
        break;
    }
    if (sender.auth_user.len > 0 && !may_send_for(server, sender.auth_user) &&
        !belongs_to(server, sender.auth_user))
        return answer_rcpt(rq, ACCOUNTD_REFUSED, 553, "5.7.1", "sender address is not yours");
    return rcpt_local(rq);
}
