/*
 * accountd/admin.c - ADMIN: the operations of the command line, each one transaction.
 *
 * Requests come from root or the suite's owner, who may do everything, or from authd, which says
 * for which administrator: what he may do is decided here (lib/account/permit). Values are checked
 * by lib/account. Every change is written down (accountd/audit).
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "accountd/audit.h"
#include "accountd/blocks.h"
#include "accountd/changes.h"
#include "accountd/doings.h"
#include "accountd/greetings.h"
#include "accountd/judge.h"
#include "accountd/new_password.h"
#include "accountd/operation.h"
#include "accountd/own_password.h"
#include "accountd/renames.h"
#include "accountd/totp.h"
#include "accountd/visits.h"
#include "lib/account/auth_code.h"
#include "lib/account/canonical.h"
#include "lib/account/contact.h"
#include "lib/account/dictionary.h"
#include "lib/account/edit.h"
#include "lib/account/share.h"
#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "lib/log/log.h"
#include "lib/oper/kinds.h"

/* ---- changing ---- */

/* The answer has the code: nobody will ever tell it again. */
static int
add_code(struct operation *op)
{
    struct auth_code_made made;
    int rc = account_code_add(&op->edit, op->admin.name, op->fields, op->admin.field_count, &made);
    const struct object_field fields[] = {{SLICE("user"), op->admin.name},
                                          {SLICE("id"), slice_of(made.id)},
                                          {SLICE("code"), slice_of(made.text)}};

    if (rc == 0)
        object_add(&op->data, fields, ARRAY_LEN(fields));
    mem_wipe(&made, sizeof(made));
    return rc;
}

/* A group together with its members, which are no property of it: in one transaction, so that
 * whoever was not answered finds all of it or nothing. */
static int
with_members(struct operation *op,
             int (*run)(struct account_edit *edit, enum account_kind kind, struct slice name,
                        const struct object_field *fields, uint32_t count))
{
    struct object_field own[OBJECT_FIELDS_MAX];
    const struct object_field *members = NULL;
    uint32_t count = 0;

    for (uint32_t i = 0; i < op->admin.field_count; i++)
        if (slice_eq(op->fields[i].name, SLICE("members")))
            members = &op->fields[i];
        else
            own[count++] = op->fields[i];
    if (run(&op->edit, op->kind, op->admin.name, own, count) < 0)
        return -1;
    return members == NULL ? 0 : account_members_set(&op->edit, op->admin.name, members->value);
}

static int
run_add(struct operation *op)
{
    if (op->kind == ACCOUNT_AUTH_CODE)
        return add_code(op);
    if (op->kind == ACCOUNT_MEMBER)
        return account_member_add(&op->edit, op->admin.name, operation_field(op, "member"));
    if (op->kind == ACCOUNT_GROUP)
        return with_members(op, account_add);
    if (account_add(&op->edit, op->kind, op->admin.name, op->fields, op->admin.field_count) < 0)
        return -1;
    return op->kind == ACCOUNT_USER && greetings_add(op->server, op->admin.name) < 0
               ? account_fail_db(&op->result)
               : 0;
}

static int
run_del(struct operation *op)
{
    if (op->kind == ACCOUNT_AUTH_CODE)
        return account_code_del(&op->edit, op->admin.name, operation_field(op, "id"));
    if (op->kind == ACCOUNT_MEMBER)
        return account_member_del(&op->edit, op->admin.name, operation_field(op, "member"));
    return account_del(&op->edit, op->kind, op->admin.name);
}

static int
run_set(struct operation *op)
{
    if (op->kind == ACCOUNT_MEMBER)
        return account_members_set(&op->edit, op->admin.name, operation_field(op, "members"));
    if (op->kind == ACCOUNT_GROUP)
        return with_members(op, account_set);
    return account_set(&op->edit, op->kind, op->admin.name, op->fields, op->admin.field_count);
}

/* A folder of that user's. */
static int
grant_share(struct operation *op)
{
    enum rights_change change;
    uint32_t rights;

    if (account_find_exact(&op->server->base, op->admin.name, &op->server->hit) != ACCOUNT_FOUND ||
        op->server->hit.entry.kind != ACCOUNT_USER)
        return account_fail(&op->result, 2, "%.*s: no such mailbox", (int)op->admin.name.len,
                            op->admin.name.ptr);
    if (imap_rights_parse_change(operation_field(op, "rights"), &change, &rights) < 0)
        return account_fail(&op->result, ACCOUNT_BAD_PARAMETER,
                            "rights: expected letters of l r s w i p k x t e a, with + or - in "
                            "front to change what is there");
    return account_share_change(&op->edit, strbuf_slice(&op->server->hit.address),
                                operation_field(op, "folder"), operation_field(op, "member"),
                                change, rights);
}

static int
run_grant(struct operation *op)
{
    if (op->kind == ACCOUNT_SHARE)
        return grant_share(op);
    if (op->kind != ACCOUNT_PUBLIC) /* whose right was looked at */
        return account_fail(&op->result, ACCOUNT_BAD_PARAMETER, "this is not done with a %s",
                            account_kind_name(op->kind));
    return account_public_grant(&op->edit, op->admin.name, operation_field(op, "right"),
                                operation_field(op, "member"));
}

static int
run_defaults(struct operation *op)
{
    if (op->kind != ACCOUNT_USER)
        return account_fail(&op->result, ACCOUNT_BAD_PARAMETER, "this is not done with a %s",
                            account_kind_name(op->kind));
    return account_take_defaults(&op->edit, op->admin.name, operation_field(op, "properties"));
}

static int
run_rename(struct operation *op)
{
    struct slice new_name = operation_field(op, "new_name");
    int rc = account_rename(&op->edit, op->kind, op->admin.name, new_name);

    return rc == 0 && op->kind == ACCOUNT_ADMIN ? totp_renamed(op, op->admin.name, new_name) : rc;
}

static int
run_passwd(struct operation *op)
{
    op->edit.by_owner = op->by_owner || slice_eq(operation_field(op, "own"), SLICE("yes"));
    return account_password(&op->edit, op->kind, op->admin.name, SLICE(""),
                            operation_field(op, "password"));
}

/* A part of a file: words of the dictionary, a line each. */
static int
run_words(struct operation *op)
{
    struct strbuf count = strbuf_new(32);
    uint64_t first = 1, added = 0;
    int rc;

    (void)parse_u64(operation_field(op, "first_line"), UINT32_MAX,
                    &first); /* else the first part */
    rc = dictionary_import(&op->edit, operation_field(op, "text"), first, &added);
    (void)strbuf_u64(&count, added);
    if (rc == 0)
        object_add(&op->data, &(const struct object_field){SLICE("added"), strbuf_slice(&count)},
                   1);
    strbuf_free(&count);
    return rc;
}

/* Whole books of contacts (LDP-05). */
static int
of_contacts(struct operation *op, int (*run)(struct account_edit *edit, struct slice book))
{
    if (op->kind != ACCOUNT_CONTACT)
        return account_fail(&op->result, ACCOUNT_BAD_PARAMETER, "this is not done with a %s",
                            account_kind_name(op->kind));
    return run(&op->edit, operation_field(op, "book"));
}

static int
run_repair(struct operation *op)
{
    return of_contacts(op, contact_repair);
}

static int
run_clear(struct operation *op)
{
    return of_contacts(op, contact_clear);
}

/* The end of `setup`: an import may replace this base without being asked twice. */
static int
run_fresh(struct operation *op)
{
    return account_db_put(op->server->base.db, ACCOUNT_TABLE_META, OPERATION_FRESH_KEY,
                          SLICE("1")) < 0
               ? account_fail_db(&op->result)
               : 0;
}

/* ---- dispatch ---- */

enum {
    VERB_CHANGES = 1,
    VERB_KEEPS_FRESH = 2,
    VERB_ANY_KIND = 4,
    VERB_RENAMES = 8,
    VERB_NAMES = 16
};

static const struct {
    const char *name;
    unsigned flags;
    int (*run)(struct operation *op);
} verbs[] = {
    {"list", 0, operation_list},
    {"show", 0, operation_show},
    {"status", 0, operation_status},
    {"recent", 0, operation_recent},
    {"sums", 0, operation_sums},
    {"check", 0, operation_check},
    {"manages", 0, operation_manages},
    {"recount", 0, operation_recount},
    {"weak", 0, operation_weak},
    {"authenticate", 0, operation_authenticate},
    {"add", VERB_CHANGES, run_add},
    {"del", VERB_CHANGES | VERB_NAMES, run_del},
    {"set", VERB_CHANGES, run_set},
    {"defaults", VERB_CHANGES, run_defaults},
    {"rename", VERB_CHANGES | VERB_RENAMES | VERB_NAMES, run_rename},
    {"grant", VERB_CHANGES, run_grant},
    {"passwd", VERB_CHANGES, run_passwd},
    {"totp-new", VERB_CHANGES, operation_totp_new},
    {"totp-confirm", VERB_CHANGES, operation_totp_confirm},
    {"totp-clear", VERB_CHANGES, operation_totp_clear},
    {"totp-seal", VERB_CHANGES, operation_totp_seal},
    {"words", VERB_CHANGES, run_words},
    {"repair", VERB_CHANGES, run_repair},
    {"clear", VERB_CHANGES, run_clear},
    {"fresh", VERB_CHANGES | VERB_KEEPS_FRESH | VERB_ANY_KIND, run_fresh},
    {"export", VERB_ANY_KIND, operation_export},
    {"import-begin", VERB_ANY_KIND, operation_import_begin},
    {"import-data", VERB_ANY_KIND, operation_import_data},
    {"import-commit", VERB_CHANGES | VERB_ANY_KIND | VERB_NAMES, operation_import_commit},
};

/* May this have taken a right on a folder from somebody? What a user may not do with the own mail
 * others may not either. */
static bool
takes_rights(const struct operation *op)
{
    static const char *const verbs_that_take[] = {"del", "rename", "grant", "defaults"};

    if (slice_eq(op->admin.verb, SLICE("set")))
        return op->kind == ACCOUNT_PUBLIC || op->kind == ACCOUNT_USER;
    for (size_t i = 0; i < ARRAY_LEN(verbs_that_take); i++)
        if (slice_eq(op->admin.verb, slice_of(verbs_that_take[i])))
            return true;
    return false;
}

/* The user or domain that was changed, in the form that sessions know. */
static void
tell_of_user(struct operation *op)
{
    struct server *server = op->server;
    struct strbuf domain = strbuf_new(ACCOUNT_ADDRESS_MAX);

    if (op->kind == ACCOUNT_DOMAIN) {
        (void)strbuf_char(&domain, '@');
        if (canonical_domain(op->admin.name, &domain) == 0)
            changes_user(server, strbuf_slice(&domain));
    } else if (account_find_exact(&server->base, op->admin.name, &server->hit) <= ACCOUNT_UNKNOWN) {
        changes_user(server, strbuf_slice(&server->hit.address));
    }
    strbuf_free(&domain);
}

/* Whoever watches looks again at the sessions that this may concern. */
static void
tell(struct operation *op)
{
    if (slice_eq(op->admin.verb, SLICE("import-commit"))) {
        changes_everybody(op->server);
        return;
    }
    if (takes_rights(op))
        changes_folders(op->server);
    if ((op->kind == ACCOUNT_USER || op->kind == ACCOUNT_DOMAIN || op->kind == ACCOUNT_AUTH_CODE) &&
        !slice_eq(op->admin.verb, SLICE("add")) && !slice_eq(op->admin.verb, SLICE("fresh")))
        tell_of_user(op);
}

/* The local command line is known by its user. */
static struct slice
actor_name(const struct operation *op, char *uid, size_t size)
{
    if (op->by_sync)
        return SLICE("synchronisation");
    if (op->admin.actor.len > 0)
        return op->admin.actor;
    (void)snprintf(uid, size, "uid %lu", (unsigned long)ipc_peer_uid(op->request->peer));
    return slice_of(uid);
}

/* `uid` is its memory. */
static struct audit_event
event_of(const struct operation *op, char *uid, size_t size)
{
    return (struct audit_event){.who = actor_name(op, uid, size),
                                .from =
                                    op->admin.origin.len > 0 ? op->admin.origin : SLICE("local"),
                                .verb = op->admin.verb,
                                .kind = op->kind,
                                .name = op->admin.name,
                                .new_name = operation_field(op, "new_name"),
                                .fields = op->fields,
                                .count = op->admin.field_count};
}

/* The change, and the record of it. */
static int
run_audited(struct operation *op, int (*run)(struct operation *op))
{
    struct audit *audit = op->server->audit;
    char uid[32];
    const struct audit_event event = event_of(op, uid, sizeof(uid));

    if (audit_before(audit, &event) < 0)
        return account_fail_db(&op->result);
    if (run(op) < 0)
        return -1;
    return audit_after(audit, &event) < 0 ? account_fail_db(&op->result) : 0;
}

/* A transaction around one verb: all of it or nothing. */
static void
change(struct operation *op, unsigned flags, int (*run)(struct operation *op))
{
    struct account_db *db = op->server->base.db;

    if ((flags & VERB_RENAMES) != 0)
        renames_begin(op->server);
    if ((flags & VERB_NAMES) != 0)
        visits_write(op->server->visits);
    if (account_db_begin(db) < 0) {
        (void)account_fail_db(&op->result);
        return;
    }
    if (run_audited(op, run) < 0) {
        account_db_abort(db);
    } else if (((flags & VERB_KEEPS_FRESH) == 0 &&
                account_db_del(db, ACCOUNT_TABLE_META, OPERATION_FRESH_KEY) < 0 &&
                errno != ENOENT)) {
        (void)account_fail_db(&op->result);
        account_db_abort(db);
    } else if (account_db_commit(db) < 0) {
        (void)account_fail_db(&op->result);
    } else {
        if ((flags & VERB_RENAMES) != 0)
            renames_done(op->server);
        tell(op);
        log_event(LOG_INFO, "account_changed", KV_SLICE("verb", op->admin.verb),
                  KV_SLICE("kind", op->admin.kind), KV_SLICE("name", op->admin.name));
        if (op->server->ipc != NULL) /* standalone: the running suite's accountd will */
            audit_send(op->server->audit);
    }
    server_changed(op->server);
}

/* ---- on behalf of an administrator ---- */

static int
may_act(struct operation *op)
{
    const struct account_wish wish = {.password_checked = op->edit.password_checked,
                                      .verb = op->admin.verb,
                                      .kind = op->kind,
                                      .name = op->admin.name,
                                      .fields = op->fields,
                                      .count = op->admin.field_count};

    if (account_actor_load(&op->server->base, op->admin.actor, &op->actor) == 0)
        return account_permit(&op->server->base, &op->actor, &wish, &op->result);
    if (errno != ENOENT)
        return account_fail_db(&op->result);
    return account_fail(&op->result, ACCOUNTD_NO_RIGHT, "%.*s: no such administrator",
                        (int)op->admin.actor.len, op->admin.actor.ptr);
}

/* Blocks are of the whole server, and in no account. */
static void
run_block(struct operation *op)
{
    char uid[32];
    struct audit_event event = event_of(op, uid, sizeof(uid));

    event.other_kind = "block";
    blocks_admin(op->server, &op->admin, &event, &op->data, &op->cursor, &op->result);
    if (op->server->ipc != NULL) /* standalone: the running suite's accountd will */
        audit_send(op->server->audit);
}

/* "user@" is of the primary domain (ADM-20). */
static void
complete_name(struct operation *op)
{
    struct slice given = op->admin.name;

    if (given.len == 0 || given.ptr[given.len - 1] != '@')
        return;
    (void)strbuf_append(&op->name, given); /* both fit: the decoder's limits */
    (void)strbuf_append(&op->name, strbuf_slice(&op->server->base.primary));
    op->admin.name = strbuf_slice(&op->name);
}

static enum outcome
reply(struct operation *op)
{
    struct strbuf out = strbuf_new(ACCOUNTD_PAYLOAD_MAX + FRAME_HEADER);
    const struct accountd_admin_reply answer = {.result = op->result.code,
                                                .text = strbuf_slice(&op->result.text),
                                                .cursor = strbuf_slice(&op->cursor),
                                                .data = strbuf_slice(&op->data)};
    enum outcome outcome = REQUEST_DONE;

    if (op->data.overflow ||
        accountd_admin_reply_encode(&out, op->request->header.request_id, &answer) < 0)
        outcome = REQUEST_BAD; /* a page's limits are below this */
    else
        ipc_peer_send(op->request->peer, &out, -1);
    strbuf_free(&out);
    return outcome;
}

static struct operation *
operation_new(struct request *request)
{
    struct operation *op = xcalloc(1, sizeof(*op));

    op->request = request;
    op->server = request->server;
    op->result = account_result_new();
    op->data = strbuf_new(ACCOUNTD_PAYLOAD_MAX - ACCOUNTD_TEXT_MAX);
    op->cursor = strbuf_new(QUERY_CURSOR_MAX + 64);
    op->edit = (struct account_edit){
        .base = &op->server->base, .now_ms = clock_real_ms(), .result = &op->result};
    op->actor = account_actor_new();
    op->name = strbuf_new(ACCOUNTD_ADDRESS_MAX + CANONICAL_DOMAIN_MAX);
    op->by_owner = request->header.type == ACCOUNTD_OWN_PASSWORD;
    op->by_sync = request->header.type == ACCOUNTD_SYNC;
    return op;
}

static void
operation_free(struct operation *op)
{
    account_result_free(&op->result);
    if (op->data.ptr != NULL)
        mem_wipe(op->data.ptr, op->data.len);
    strbuf_free(&op->data);
    strbuf_free(&op->cursor);
    strbuf_free(&op->name);
    account_actor_free(&op->actor);
    xfree(&op);
}

/* ---- with a password in the clear: new_password.c makes a record of it first ---- */

static void run_verb(struct operation *op);

static void
run_hashed(struct request *request, struct slice record)
{
    struct operation *op = operation_new(request);
    struct slice password;

    (void)accountd_admin_decode(request->payload, &op->admin, op->fields); /* as it did before */
    password = operation_field(op, NEW_PASSWORD_FIELD);
    for (uint32_t i = 0; i < op->admin.field_count; i++)
        if (slice_eq(op->fields[i].name, SLICE(NEW_PASSWORD_FIELD)))
            op->fields[i] = (struct object_field){SLICE("password"), record};
    op->edit.password_checked = true;
    complete_name(op);
    run_verb(op);
    if (op->by_owner && op->result.code == 0)
        own_password_tell(op, password);
    if (reply(op) == REQUEST_BAD)
        ipc_peer_close(request->peer);
    operation_free(op);
}

static void
refuse_password(struct request *request, struct account_result *result)
{
    struct operation *op = operation_new(request);

    (void)account_fail(&op->result, result->code, "%s", strbuf_cstr(&result->text));
    (void)reply(op); /* a line of text fits */
    operation_free(op);
}

/* Has the operation a password in the clear? Then it is under way, or refused. */
static bool
hash_first(struct operation *op)
{
    static const struct new_password_handler handler = {run_hashed, refuse_password};

    if (operation_field(op, NEW_PASSWORD_FIELD).len == 0 ||
        (op->kind != ACCOUNT_USER && op->kind != ACCOUNT_ADMIN))
        return false;
    op->is_answered_later =
        new_password_begin(op->request, &op->admin, op->kind, &handler, &op->result) == 0;
    return true;
}

/* ---- dispatch ---- */

static void
run_verb(struct operation *op)
{
    int kind = account_kind_find(op->admin.kind);

    if (slice_eq(op->admin.kind, SLICE("block"))) {
        run_block(op);
        return;
    }
    if (oper_kind_find(op->admin.kind) >= 0) {
        (void)judge(&op->server->base, &op->actor, &op->admin, &op->result); /* which has it */
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(verbs); i++) {
        if (!slice_eq(op->admin.verb, slice_of(verbs[i].name)))
            continue;
        if (kind < 0 && (verbs[i].flags & VERB_ANY_KIND) == 0)
            break;
        op->kind = kind < 0 ? ACCOUNT_DOMAIN : (enum account_kind)kind;
        if (op->admin.actor.len > 0 && !op->by_owner && may_act(op) < 0)
            return;
        if (hash_first(op))
            return;
        if ((verbs[i].flags & VERB_CHANGES) != 0)
            change(op, verbs[i].flags, verbs[i].run);
        else
            (void)verbs[i].run(op); /* a failure is in the result */
        return;
    }
    (void)account_fail(&op->result, ACCOUNT_BAD_PARAMETER, "there is no operation '%.*s %.*s'",
                       (int)op->admin.kind.len, op->admin.kind.ptr, (int)op->admin.verb.len,
                       op->admin.verb.ptr);
}

enum outcome
request_admin(struct request *request)
{
    struct operation *op = operation_new(request);
    enum outcome outcome = REQUEST_BAD;

    if (accountd_admin_decode(request->payload, &op->admin, op->fields) == 0 &&
        (op->admin.actor.len > 0 || op->by_sync || server_is_trusted(request))) {
        complete_name(op);
        run_verb(op);
        if (op->is_parked)
            outcome = REQUEST_PARKED;
        else
            outcome = op->is_answered_later ? REQUEST_DONE : reply(op);
    }
    operation_free(op);
    return outcome;
}
