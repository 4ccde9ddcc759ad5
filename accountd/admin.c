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
#include "accountd/changes.h"
#include "accountd/recount.h"
#include "accountd/server.h"
#include "accountd/usage.h"
#include "lib/account/canonical.h"
#include "lib/account/contact.h"
#include "lib/account/edit.h"
#include "lib/account/permit.h"
#include "lib/account/query.h"
#include "lib/account/share.h"
#include "lib/account/transfer.h"
#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "lib/log/log.h"

#define PAGE_BYTES (1u << 20)
#define PAGE_BYTES_ACTOR (256u << 10) /* by way of authd, whose answers are shorter */
#define PAGE_ROWS 20000
#define FRESH_KEY SLICE("fresh") /* there while the base is as `setup` left it */

/* One operation under way. */
struct operation {
    struct request *request;
    struct server *server;
    struct accountd_admin admin;
    struct object_field fields[OBJECT_FIELDS_MAX];
    enum account_kind kind;
    struct account_result result;
    struct account_edit edit;
    struct account_actor actor; /* with op->admin.actor */
    struct strbuf name;         /* with the primary domain where none was given */
    struct strbuf data, cursor; /* of the reply */
    bool is_answered_later;
};

static struct slice
field(const struct operation *op, const char *name)
{
    return object_get(op->fields, op->admin.field_count, name);
}

/* ---- reading ---- */

struct listing {
    struct operation *op;
    uint32_t count;
    uint64_t limit;
};

static void
append_object(struct operation *op, const struct query_row *row)
{
    struct object_field fields[RECORD_PROPERTIES_MAX + 2];
    struct strbuf path = strbuf_new(ACCOUNT_PATH_MAX), bytes = strbuf_new(32),
                  messages = strbuf_new(32);
    uint32_t count = query_fields(&op->server->base, row, fields);
    const struct usage_entry *usage;

    if (account_has_store(row->kind)) {
        account_entry_path(row->kind, strbuf_slice(&row->name), &path);
        usage = usage_get(op->server->usage, strbuf_slice(&path));
        if (usage != NULL) {
            (void)strbuf_u64(&bytes, usage->bytes);
            (void)strbuf_u64(&messages, usage->messages);
        }
        fields[count++] = (struct object_field){SLICE("used_bytes"), strbuf_slice(&bytes)};
        fields[count++] = (struct object_field){SLICE("used_messages"), strbuf_slice(&messages)};
    }
    object_add(&op->data, fields, count);
    strbuf_free(&path);
    strbuf_free(&bytes);
    strbuf_free(&messages);
}

static size_t
page_bytes(const struct operation *op)
{
    return op->admin.actor.len > 0 ? PAGE_BYTES_ACTOR : PAGE_BYTES;
}

static int
list_row(void *arg, const struct query_row *row)
{
    struct listing *listing = arg;

    if (listing->op->admin.actor.len > 0 && !account_permit_row(&listing->op->actor, row))
        return 0;
    if (listing->count >= listing->limit || listing->op->data.len >= page_bytes(listing->op))
        return -1;
    listing->count++;
    append_object(listing->op, row);
    return 0;
}

static int
run_list(struct operation *op)
{
    const struct query query = {.kind = op->kind, .within = field(op, "within")};
    struct listing listing = {.op = op, .limit = ACCOUNTD_OBJECTS_MAX};

    if (field(op, "limit").len > 0 &&
        parse_u64(field(op, "limit"), ACCOUNTD_OBJECTS_MAX, &listing.limit) < 0)
        return account_fail(&op->result, ACCOUNT_BAD_PARAMETER, "limit: expected at most %d",
                            ACCOUNTD_OBJECTS_MAX);
    (void)strbuf_append(&op->cursor, op->admin.cursor); /* both have the same limit */
    return query_list(&op->server->base, &query, &op->cursor, PAGE_ROWS, list_row, &listing,
                      &op->result);
}

static int
run_show(struct operation *op)
{
    struct query_row row = query_row_new();
    int rc = query_show(&op->server->base, op->kind, op->admin.name, &row, &op->result);

    if (rc == 0)
        append_object(op, &row);
    query_row_free(&row);
    return rc;
}

/* May the administrator change what is in the domain? Everything, for "". */
static int
run_manages(struct operation *op)
{
    int rc = account_admin_manages(&op->server->base, op->admin.name, field(op, "domain"));

    if (rc > 0)
        return 0;
    if (rc < 0 && errno != ENOENT)
        return account_fail_db(&op->result);
    if (rc < 0)
        return account_fail(&op->result, ACCOUNT_BAD_PARAMETER, "%.*s: no such administrator",
                            (int)op->admin.name.len, op->admin.name.ptr);
    return account_fail(&op->result, ACCOUNTD_NOT_MANAGED, "another administrator's domain");
}

/* ADM-22: 0 free, 2 mailbox, 3 user alias, 4 group. */
static int
run_check(struct operation *op)
{
    switch (account_find_exact(&op->server->base, op->admin.name, &op->server->hit)) {
    case ACCOUNT_TROUBLE:
        return account_fail_db(&op->result);
    case ACCOUNT_FOREIGN:
        return account_fail(&op->result, ACCOUNT_BAD_PARAMETER, "no such domain");
    case ACCOUNT_UNKNOWN:
        return 0;
    case ACCOUNT_FOUND:
        break;
    }
    switch (op->server->hit.entry.kind) {
    case ACCOUNT_USER:
        return account_fail(&op->result, 2, "there is a mailbox of that name");
    case ACCOUNT_ALIAS:
        return account_fail(&op->result, 3, "there is an alias of that name");
    case ACCOUNT_PUBLIC:
        return account_fail(&op->result, 2, "there is a public folder of that name");
    default:
        return account_fail(&op->result, 4, "there is a group of that name");
    }
}

static int
run_export(struct operation *op)
{
    (void)strbuf_append(&op->cursor, op->admin.cursor); /* both have the same limit */
    return transfer_export(&op->server->base, &op->cursor, &op->data, &op->result);
}

/* Any name that the mailbox's owner could log in with. */
static int
run_recount(struct operation *op)
{
    struct server *server = op->server;

    switch (account_find_login(&server->base, op->admin.name, &server->hit)) {
    case ACCOUNT_TROUBLE:
        return account_fail_db(&op->result);
    case ACCOUNT_FOREIGN:
    case ACCOUNT_UNKNOWN:
        return account_fail(&op->result, 2, "%.*s: no such mailbox", (int)op->admin.name.len,
                            op->admin.name.ptr);
    case ACCOUNT_FOUND:
        break;
    }
    if (server->store == NULL)
        return account_fail(&op->result, 3,
                            "the mail server is not running, and nobody else may open the store; "
                            "the command is: posthorn start");
    recount_begin(op->request, strbuf_slice(&server->hit.address));
    op->is_answered_later = true;
    return 0;
}

/* ---- changing ---- */

static int
run_add(struct operation *op)
{
    if (op->kind == ACCOUNT_MEMBER)
        return account_member_add(&op->edit, op->admin.name, field(op, "member"));
    return account_add(&op->edit, op->kind, op->admin.name, op->fields, op->admin.field_count);
}

static int
run_del(struct operation *op)
{
    if (op->kind == ACCOUNT_MEMBER)
        return account_member_del(&op->edit, op->admin.name, field(op, "member"));
    return account_del(&op->edit, op->kind, op->admin.name);
}

static int
run_set(struct operation *op)
{
    if (op->kind == ACCOUNT_MEMBER)
        return account_members_set(&op->edit, op->admin.name, field(op, "members"));
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
    if (imap_rights_parse_change(field(op, "rights"), &change, &rights) < 0)
        return account_fail(&op->result, ACCOUNT_BAD_PARAMETER,
                            "rights: expected letters of l r s w i p k x t e a, with + or - in "
                            "front to change what is there");
    return account_share_change(&op->edit, strbuf_slice(&op->server->hit.address),
                                field(op, "folder"), field(op, "member"), change, rights);
}

static int
run_grant(struct operation *op)
{
    if (op->kind == ACCOUNT_SHARE)
        return grant_share(op);
    return account_public_grant(&op->edit, op->admin.name, field(op, "right"), field(op, "member"));
}

static int
run_rename(struct operation *op)
{
    return account_rename(&op->edit, op->kind, op->admin.name, field(op, "new_name"));
}

static int
run_passwd(struct operation *op)
{
    return account_password(&op->edit, op->kind, op->admin.name, SLICE(""), field(op, "password"));
}

/* Whole books of contacts (LDP-05). */
static int
of_contacts(struct operation *op, int (*run)(struct account_edit *edit, struct slice book))
{
    if (op->kind != ACCOUNT_CONTACT)
        return account_fail(&op->result, ACCOUNT_BAD_PARAMETER, "this is not done with a %s",
                            account_kind_name(op->kind));
    return run(&op->edit, field(op, "book"));
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
    return account_db_put(op->server->base.db, ACCOUNT_TABLE_META, FRESH_KEY, SLICE("1")) < 0
               ? account_fail_db(&op->result)
               : 0;
}

/* ---- import: begin, text in parts, commit ---- */

static int
run_import_begin(struct operation *op)
{
    struct import *import = &op->server->import;

    if (import->peer_id != 0)
        return account_fail(&op->result, 3, "another import is under way: try again later");
    import->peer_id = ipc_peer_id(op->request->peer);
    import->replace = slice_eq(field(op, "replace"), SLICE("yes"));
    import->text = strbuf_new(TRANSFER_TEXT_MAX);
    return 0;
}

static void
end_import(struct import *import)
{
    if (import->text.ptr != NULL)
        mem_wipe(import->text.ptr, import->text.cap);
    strbuf_free(&import->text);
    import->peer_id = 0;
}

void
admin_peer_gone(struct server *server, uint64_t peer_id)
{
    if (server->import.peer_id == peer_id)
        end_import(&server->import);
}

static bool
is_importing(const struct operation *op)
{
    return op->server->import.peer_id == ipc_peer_id(op->request->peer);
}

static int
run_import_data(struct operation *op)
{
    if (!is_importing(op))
        return account_fail(&op->result, ACCOUNT_BAD_PARAMETER, "no import is under way");
    if (!strbuf_append(&op->server->import.text, field(op, "text")))
        return account_fail(&op->result, ACCOUNT_BAD_PARAMETER, "the text is longer than %u MiB",
                            TRANSFER_TEXT_MAX >> 20);
    return 0;
}

/* An empty base, or one that is as `setup` left it, gives way without --replace. */
static int
make_room(struct operation *op)
{
    struct account_db *db = op->server->base.db;
    struct slice value;

    if (!op->server->import.replace && op->server->base.primary.len > 0 &&
        account_db_get(db, ACCOUNT_TABLE_META, FRESH_KEY, &value) < 0)
        return account_fail(&op->result, 2,
                            "the account base is not empty: --replace puts the imported one in its "
                            "place");
    return account_clear(&op->edit);
}

static int
run_import_commit(struct operation *op)
{
    int rc;

    if (!is_importing(op))
        return account_fail(&op->result, ACCOUNT_BAD_PARAMETER, "no import is under way");
    rc = make_room(op);
    if (rc == 0)
        rc = transfer_import(&op->edit, strbuf_slice(&op->server->import.text));
    end_import(&op->server->import);
    return rc;
}

/* ---- dispatch ---- */

enum { VERB_CHANGES = 1, VERB_KEEPS_FRESH = 2, VERB_ANY_KIND = 4 };

static const struct {
    const char *name;
    unsigned flags;
    int (*run)(struct operation *op);
} verbs[] = {
    {"list", 0, run_list},
    {"show", 0, run_show},
    {"check", 0, run_check},
    {"manages", 0, run_manages},
    {"recount", 0, run_recount},
    {"add", VERB_CHANGES, run_add},
    {"del", VERB_CHANGES, run_del},
    {"set", VERB_CHANGES, run_set},
    {"rename", VERB_CHANGES, run_rename},
    {"grant", VERB_CHANGES, run_grant},
    {"passwd", VERB_CHANGES, run_passwd},
    {"repair", VERB_CHANGES, run_repair},
    {"clear", VERB_CHANGES, run_clear},
    {"fresh", VERB_CHANGES | VERB_KEEPS_FRESH | VERB_ANY_KIND, run_fresh},
    {"export", VERB_ANY_KIND, run_export},
    {"import-begin", VERB_ANY_KIND, run_import_begin},
    {"import-data", VERB_ANY_KIND, run_import_data},
    {"import-commit", VERB_CHANGES | VERB_ANY_KIND, run_import_commit},
};

/* May this have taken a right on a folder from somebody? What a user may not do with the own mail
 * others may not either. */
static bool
takes_rights(const struct operation *op)
{
    static const char *const verbs_that_take[] = {"del", "rename", "grant"};

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
    if ((op->kind == ACCOUNT_USER || op->kind == ACCOUNT_DOMAIN) &&
        !slice_eq(op->admin.verb, SLICE("add")) && !slice_eq(op->admin.verb, SLICE("fresh")))
        tell_of_user(op);
}

/* The local command line is known by its user. */
static struct slice
actor_name(const struct operation *op, char *uid, size_t size)
{
    if (op->admin.actor.len > 0)
        return op->admin.actor;
    (void)snprintf(uid, size, "uid %lu", (unsigned long)ipc_peer_uid(op->request->peer));
    return slice_of(uid);
}

/* The change, and the record of it. */
static int
run_audited(struct operation *op, int (*run)(struct operation *op))
{
    struct audit *audit = op->server->audit;
    char uid[32];
    const struct audit_event event = {.who = actor_name(op, uid, sizeof(uid)),
                                      .from = op->admin.origin.len > 0 ? op->admin.origin
                                                                       : SLICE("local"),
                                      .verb = op->admin.verb,
                                      .kind = op->kind,
                                      .name = op->admin.name,
                                      .new_name = field(op, "new_name"),
                                      .fields = op->fields,
                                      .count = op->admin.field_count};

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

    if (account_db_begin(db) < 0) {
        (void)account_fail_db(&op->result);
        return;
    }
    if (run_audited(op, run) < 0) {
        account_db_abort(db);
    } else if (((flags & VERB_KEEPS_FRESH) == 0 &&
                account_db_del(db, ACCOUNT_TABLE_META, FRESH_KEY) < 0 && errno != ENOENT)) {
        (void)account_fail_db(&op->result);
        account_db_abort(db);
    } else if (account_db_commit(db) < 0) {
        (void)account_fail_db(&op->result);
    } else {
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
    const struct account_wish wish = {.verb = op->admin.verb,
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

static void
run_verb(struct operation *op)
{
    int kind = account_kind_find(op->admin.kind);

    for (size_t i = 0; i < ARRAY_LEN(verbs); i++) {
        if (!slice_eq(op->admin.verb, slice_of(verbs[i].name)))
            continue;
        if (kind < 0 && (verbs[i].flags & VERB_ANY_KIND) == 0)
            break;
        op->kind = kind < 0 ? ACCOUNT_DOMAIN : (enum account_kind)kind;
        if (op->admin.actor.len > 0 && may_act(op) < 0)
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

enum outcome
request_admin(struct request *request)
{
    struct operation *op = xcalloc(1, sizeof(*op));
    enum outcome outcome = REQUEST_BAD;

    op->request = request;
    op->server = request->server;
    op->result = account_result_new();
    op->data = strbuf_new(ACCOUNTD_PAYLOAD_MAX - ACCOUNTD_TEXT_MAX);
    op->cursor = strbuf_new(QUERY_CURSOR_MAX + 64);
    op->edit = (struct account_edit){
        .base = &op->server->base, .now_ms = clock_real_ms(), .result = &op->result};
    op->actor = account_actor_new();
    op->name = strbuf_new(ACCOUNTD_ADDRESS_MAX + CANONICAL_DOMAIN_MAX);
    if (accountd_admin_decode(request->payload, &op->admin, op->fields) == 0 &&
        (op->admin.actor.len > 0 || server_is_trusted(request))) {
        complete_name(op);
        run_verb(op);
        outcome = op->is_answered_later ? REQUEST_DONE : reply(op);
    }
    account_result_free(&op->result);
    strbuf_free(&op->data);
    strbuf_free(&op->cursor);
    strbuf_free(&op->name);
    account_actor_free(&op->actor);
    xfree(&op);
    return outcome;
}
