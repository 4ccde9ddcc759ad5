/*
 * accountd/audit.c - the record of every change. Rows of ACCOUNT_TABLE_AUDIT are lists of pairs for
 * the log, keyed by a number that only grows.
 */
#include "accountd/audit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/account/query.h"
#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/log/line.h"
#include "lib/log/log.h"

enum {
    VALUE_MAX = 1000, /* bytes of a value in a line, as the log has it */
    ROW_MAX = 16384,
    PAIRS_MAX = 10,  /* in a line */
    SEND_MAX = 1000, /* lines in one go: the loop has other work */
    SNAPSHOT_MAX = RECORD_BYTES_MAX * 2
};

struct audit {
    struct account_base *base;
    struct query_row row;
    struct strbuf before; /* the object as it was, in the form of lib/ipc/object.h */
    uint64_t last, sent;  /* numbers */
};

struct number_key {
    char bytes[8]; /* big-endian: keys sort by number */
};

static struct number_key
to_key(uint64_t number)
{
    struct number_key key;

    for (size_t i = 0; i < sizeof(key.bytes); i++)
        key.bytes[i] = (char)(number >> (8 * (7 - i)));
    return key;
}

static uint64_t
from_key(struct slice key)
{
    uint64_t number = 0;

    for (size_t i = 0; i < key.len && i < 8; i++)
        number = number << 8 | (unsigned char)key.ptr[i];
    return number;
}

/* The clock, so that numbers grow although old rows are gone. */
static uint64_t
next_number(struct audit *audit)
{
    uint64_t now = (uint64_t)clock_real_us();

    audit->last = now > audit->last ? now : audit->last + 1;
    return audit->last;
}

struct audit *
audit_new(struct account_base *base)
{
    struct audit *audit = xcalloc(1, sizeof(*audit));
    struct account_rows *rows =
        account_db_rows(base->db, ACCOUNT_TABLE_AUDIT, SLICE(""), SLICE(""));
    struct slice key, value;

    audit->base = base;
    audit->row = query_row_new();
    audit->before = strbuf_new(SNAPSHOT_MAX);
    while (rows != NULL && account_rows_next(rows, &key, &value) == 1)
        audit->last = from_key(key);
    account_rows_close(&rows);
    return audit;
}

void
audit_free(struct audit **auditp)
{
    if (*auditp == NULL)
        return;
    query_row_free(&(*auditp)->row);
    strbuf_free(&(*auditp)->before);
    xfree(auditp);
}

/* ---- what an object is ---- */

/* Members, shares and codes are rows of a list: what was given says it all. */
static bool
has_own_row(const struct audit_event *event)
{
    return event->other_kind == NULL && event->kind != ACCOUNT_MEMBER &&
           event->kind != ACCOUNT_SHARE && event->kind != ACCOUNT_AUTH_CODE;
}

/* Into `out`; nothing: there is no such object. */
static int
snapshot(struct audit *audit, enum account_kind kind, struct slice name, struct strbuf *out)
{
    struct object_field fields[RECORD_PROPERTIES_MAX];
    struct account_result result = account_result_new();
    int rc = 0;

    strbuf_clear(out);
    if (query_show(audit->base, kind, name, &audit->row, &result) == 0)
        object_add(out, fields, query_fields(audit->base, &audit->row, fields));
    else if (result.code == ACCOUNT_DATABASE_ERROR)
        rc = -1;
    account_result_free(&result);
    return rc;
}

int
audit_before(struct audit *audit, const struct audit_event *event)
{
    strbuf_clear(&audit->before);
    return has_own_row(event) ? snapshot(audit, event->kind, event->name, &audit->before) : 0;
}

/* ---- lines: one for each property that is another now, or one that tells of the change alone ----
 */

struct change {
    struct audit *audit;
    const struct audit_event *event;
    uint64_t number; /* the same on all its lines */
    uint32_t lines;
    int rc;
};

static void
put_line(struct change *c, const char *property, struct slice before, struct slice after)
{
    const struct audit_event *event = c->event;
    struct strbuf row = strbuf_new(ROW_MAX), number = strbuf_new(24);
    struct object_field pairs[10];
    struct number_key key = to_key(c->lines == 0 ? c->number : next_number(c->audit));
    uint32_t count = 0;

    (void)strbuf_u64(&number, c->number);
    pairs[count++] = (struct object_field){SLICE("change"), strbuf_slice(&number)};
    pairs[count++] = (struct object_field){SLICE("who"), event->who};
    pairs[count++] = (struct object_field){SLICE("from"), event->from};
    pairs[count++] = (struct object_field){SLICE("verb"), event->verb};
    pairs[count++] = (struct object_field){
        SLICE("kind"),
        slice_of(event->other_kind != NULL ? event->other_kind : account_kind_name(event->kind))};
    pairs[count++] = (struct object_field){SLICE("name"), event->name};
    if (event->new_name.len > 0)
        pairs[count++] = (struct object_field){SLICE("new_name"), event->new_name};
    if (property != NULL) {
        pairs[count++] = (struct object_field){SLICE("property"), slice_of(property)};
        pairs[count++] = (struct object_field){SLICE("before"), slice_sub(before, 0, VALUE_MAX)};
        pairs[count++] = (struct object_field){SLICE("after"), slice_sub(after, 0, VALUE_MAX)};
    }
    object_add(&row, pairs, count);
    if (c->rc == 0 &&
        account_db_put(c->audit->base->db, ACCOUNT_TABLE_AUDIT,
                       slice_make(key.bytes, sizeof(key.bytes)), strbuf_slice(&row)) < 0)
        c->rc = -1;
    c->lines++;
    strbuf_free(&row);
    strbuf_free(&number);
}

/* Values that are not there are the defaults. */
static void
compare(struct change *c, struct slice before_data, struct slice after_data)
{
    static struct object_field before[OBJECT_FIELDS_MAX], after[OBJECT_FIELDS_MAX];
    int before_count = object_next(&before_data, before), after_count;
    size_t first, total = account_properties_of(c->event->kind, &first);

    after_count = object_next(&after_data, after);
    for (size_t id = first + 1; id < first + total; id++) { /* behind the name */
        const struct property *p = &account_properties[id];
        struct slice dflt = slice_of(p->dflt), old = dflt, new = dflt;

        if ((p->flags & (PROPERTY_SECRET | PROPERTY_GIVEN)) != 0)
            continue;
        if (before_count > 0)
            old = object_get(before, (uint32_t)before_count, p->name);
        if (after_count > 0)
            new = object_get(after, (uint32_t)after_count, p->name);
        if (!slice_eq(old, new))
            put_line(c, p->name, old, new);
    }
}

/* Secrets are in no snapshot: that one was given is all that is said. */
static void
tell_secrets(struct change *c)
{
    for (uint32_t i = 0; i < c->event->count; i++) {
        const char *near;
        int id = account_property_find(c->event->kind, c->event->fields[i].name, &near);

        if (id >= 0 && (account_properties[id].flags & PROPERTY_SECRET) != 0)
            put_line(c, account_properties[id].name, SLICE(""), SLICE("changed"));
    }
}

/* A group's come along with it and are rows of their own. */
static void
tell_members(struct change *c)
{
    for (uint32_t i = 0; i < c->event->count && c->event->kind == ACCOUNT_GROUP; i++)
        if (slice_eq(c->event->fields[i].name, SLICE("members")))
            put_line(c, "members", SLICE(""), c->event->fields[i].value);
}

/* What was given about a member or a share. */
static void
tell_given(struct change *c)
{
    for (uint32_t i = 0; i < c->event->count; i++) {
        char name[OBJECT_NAME_MAX + 1];

        (void)snprintf(name, sizeof(name), "%.*s", (int)c->event->fields[i].name.len,
                       c->event->fields[i].name.ptr);
        put_line(c, name, SLICE(""), c->event->fields[i].value);
    }
}

int
audit_after(struct audit *audit, const struct audit_event *event)
{
    struct change c = {.audit = audit, .event = event, .number = next_number(audit)};
    struct strbuf after = strbuf_new(SNAPSHOT_MAX);

    if (has_own_row(event)) {
        c.rc = snapshot(audit, event->kind, event->new_name.len > 0 ? event->new_name : event->name,
                        &after);
        if (c.rc == 0)
            compare(&c, strbuf_slice(&audit->before), strbuf_slice(&after));
        tell_secrets(&c);
        tell_members(&c);
    } else {
        tell_given(&c);
    }
    if (c.lines == 0)
        put_line(&c, NULL, SLICE(""), SLICE(""));
    strbuf_free(&after);
    return c.rc;
}

/* ---- to the log ---- */

static bool
send_line(struct slice row)
{
    static struct object_field fields[OBJECT_FIELDS_MAX];
    struct log_kv pairs[PAIRS_MAX + 1];
    char names[PAIRS_MAX][OBJECT_NAME_MAX + 1];
    int count = object_next(&row, fields);

    for (int i = 0; i < count && i < PAIRS_MAX; i++) {
        (void)snprintf(names[i], sizeof(names[i]), "%.*s", (int)fields[i].name.len,
                       fields[i].name.ptr);
        pairs[i] = KV_SLICE(names[i], fields[i].value);
    }
    pairs[count < 0 ? 0 : count < PAIRS_MAX ? count : PAIRS_MAX] = KV_END;
    return log_write_to(LOG_AUDIT, "changed", pairs);
}

void
audit_send(struct audit *audit)
{
    struct number_key from = to_key(audit->sent + 1);
    struct account_rows *rows = account_db_rows(audit->base->db, ACCOUNT_TABLE_AUDIT, SLICE(""),
                                                slice_make(from.bytes, sizeof(from.bytes)));
    struct slice key, value;

    for (int i = 0; rows != NULL && i < SEND_MAX && account_rows_next(rows, &key, &value) == 1;
         i++) {
        if (!send_line(value))
            break;
        audit->sent = from_key(key);
    }
    account_rows_close(&rows);
}

void
audit_forget_sent(struct audit *audit)
{
    struct account_db *db = audit->base->db;
    struct number_key keys[SEND_MAX];
    struct account_rows *rows = account_db_rows(db, ACCOUNT_TABLE_AUDIT, SLICE(""), SLICE(""));
    struct slice key, value;
    size_t count = 0;
    int rc = 0;

    while (rows != NULL && count < SEND_MAX && account_rows_next(rows, &key, &value) == 1 &&
           from_key(key) <= audit->sent)
        keys[count++] = to_key(from_key(key));
    account_rows_close(&rows);
    if (count == 0 || account_db_begin(db) < 0)
        return;
    for (size_t i = 0; i < count && rc == 0; i++)
        rc = account_db_del(db, ACCOUNT_TABLE_AUDIT,
                            slice_make(keys[i].bytes, sizeof(keys[i].bytes)));
    if (rc < 0)
        account_db_abort(db);
    else
        (void)account_db_commit_figures(db); /* else the same lines are removed next time */
}
