/*
 * accountd/operation_read.c - ADMIN: the verbs that change nothing.
 */
#include "accountd/operation.h"

#include <errno.h>
#include <string.h>

#include "accountd/parking.h"
#include "accountd/recount.h"
#include "accountd/store.h"
#include "accountd/usage.h"
#include "accountd/visits.h"
#include "accountd/weak.h"
#include "lib/account/transfer.h"
#include "lib/base/clock.h"
#include "lib/base/parse.h"

#define PAGE_BYTES (1u << 20)
#define PAGE_BYTES_ACTOR (256u << 10) /* by way of authd, whose answers are shorter */
#define PAGE_ROWS 20000
#define USAGE_FRESH_MS 2000

struct listing {
    struct operation *op;
    uint32_t count;
    uint64_t limit;
};

static void
set_value(struct object_field *fields, uint32_t count, enum account_property id, struct slice value)
{
    for (uint32_t i = 0; i < count; i++)
        if (slice_eq(fields[i].name, slice_of(account_properties[id].name)))
            fields[i].value = value;
}

/* The last visit, in the place of what the record does not have. `time` is its memory, as is
 * `visit`. One of an account that was there before by that name is none. */
static void
fill_visit(struct operation *op, const struct query_row *row, struct object_field *fields,
           uint32_t count, struct visit *visit, struct strbuf *time)
{
    if (row->kind != ACCOUNT_USER || !visits_last(op->server, strbuf_slice(&row->name), visit))
        return;
    (void)clock_rfc3339(visit->time_ms, time); /* it fits */
    strbuf_truncate(time, strlen("2026-11-23T10:00:00"));
    (void)strbuf_char(time, 'Z');
    if (slice_cmp(strbuf_slice(time), record_get(&row->record, USER_CREATED)) < 0)
        return;
    set_value(fields, count, USER_LAST_VISIT, strbuf_slice(time));
    set_value(fields, count, USER_LAST_SERVICE, slice_of(visit->service));
    set_value(fields, count, USER_LAST_ADDRESS, slice_of(visit->address));
}

static void
append_object(struct operation *op, const struct query_row *row)
{
    struct object_field fields[RECORD_PROPERTIES_MAX + 2];
    struct strbuf path = strbuf_new(ACCOUNT_PATH_MAX), bytes = strbuf_new(32),
                  messages = strbuf_new(32), time = strbuf_new(40);
    struct visit visit;
    uint32_t count = query_fields(&op->server->base, row, fields);
    const struct usage_entry *usage;

    fill_visit(op, row, fields, count, &visit, &time);
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
    strbuf_free(&time);
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

int
operation_list(struct operation *op)
{
    const struct query query = {.kind = op->kind, .within = operation_field(op, "within")};
    struct listing listing = {.op = op, .limit = ACCOUNTD_OBJECTS_MAX};

    if (operation_field(op, "limit").len > 0 &&
        parse_u64(operation_field(op, "limit"), ACCOUNTD_OBJECTS_MAX, &listing.limit) < 0)
        return account_fail(&op->result, ACCOUNT_BAD_PARAMETER, "limit: expected at most %d",
                            ACCOUNTD_OBJECTS_MAX);
    (void)strbuf_append(&op->cursor, op->admin.cursor); /* both have the same limit */
    return query_list(&op->server->base, &query, &op->cursor, PAGE_ROWS, list_row, &listing,
                      &op->result);
}

int
operation_show(struct operation *op)
{
    struct query_row row = query_row_new();
    int rc = query_show(&op->server->base, op->kind, op->admin.name, &row, &op->result);

    if (rc == 0)
        append_object(op, &row);
    query_row_free(&row);
    return rc;
}

/* Sessions remove mail without telling us: the store is asked unless it was a moment ago, or is
 * about to make the mailbox, which holds nothing. */
static bool
ask_usage(struct operation *op, struct slice user)
{
    struct server *server = op->server;
    struct strbuf path = strbuf_new(ACCOUNT_PATH_MAX);
    const struct usage_entry *usage;
    bool asked = false;

    account_store_path(user, &path);
    if (store_is_making(server->store, strbuf_slice(&path)))
        usage_set(server->usage, strbuf_slice(&path), 0, 0);
    usage = usage_get(server->usage, strbuf_slice(&path));
    if ((usage == NULL || clock_mono_ms() - usage->known_ms > USAGE_FRESH_MS) &&
        !op->request->waited && server->store != NULL &&
        parking_add(server->parking, op->request, strbuf_slice(&path))) {
        store_ask_usage(server->store, strbuf_slice(&path));
        asked = true;
    }
    strbuf_free(&path);
    return asked;
}

/* What `show` tells of a mailbox, with what it holds now (DIR-36). */
int
operation_status(struct operation *op)
{
    struct query_row row = query_row_new();
    int rc = op->kind == ACCOUNT_USER
                 ? query_show(&op->server->base, op->kind, op->admin.name, &row, &op->result)
                 : account_fail(&op->result, ACCOUNT_BAD_PARAMETER, "only a user has a status");

    if (rc == 0)
        op->is_parked = ask_usage(op, strbuf_slice(&row.name));
    if (rc == 0 && !op->is_parked)
        append_object(op, &row);
    query_row_free(&row);
    return rc;
}

/* May the administrator change what is in the domain? Everything, for "". */
int
operation_manages(struct operation *op)
{
    int rc =
        account_admin_manages(&op->server->base, op->admin.name, operation_field(op, "domain"));

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
int
operation_check(struct operation *op)
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

int
operation_export(struct operation *op)
{
    (void)strbuf_append(&op->cursor, op->admin.cursor); /* both have the same limit */
    return transfer_export(&op->server->base, &op->cursor, &op->data, &op->result);
}

/* Any name that the mailbox's owner could log in with. */
int
operation_recount(struct operation *op)
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

/* Does the user have a word of the dictionary as password? */
int
operation_weak(struct operation *op)
{
    op->is_answered_later =
        weak_begin(op->request, op->admin.name, op->admin.cursor, &op->result) == 0;
    return op->is_answered_later ? 0 : -1;
}

/* May authd look whether a password is this user's? The text is the mailbox. */
int
operation_authenticate(struct operation *op)
{
    struct server *server = op->server;
    enum account_found found = account_find_login(&server->base, op->admin.name, &server->hit);

    if (found == ACCOUNT_TROUBLE)
        return account_fail_db(&op->result);
    if (op->kind != ACCOUNT_USER || found != ACCOUNT_FOUND)
        return account_fail(&op->result, 2, "%.*s: no such mailbox", (int)op->admin.name.len,
                            op->admin.name.ptr);
    if (record_is(&server->hit.entry, USER_AUTH, "external"))
        return account_fail(&op->result, 3, "%s: its password is kept elsewhere",
                            strbuf_cstr(&server->hit.address));
    strbuf_clear(&op->result.text);
    (void)strbuf_append(&op->result.text, strbuf_slice(&server->hit.address)); /* it fits */
    return 0;
}
