/*
 * accountd/contacts.c - CONTACTS: directoryd's copy of the public contacts, groups and units.
 *
 * Numbers begin with the clock, so that what an accountd before this one gave out is older than
 * what we know. directoryd is asked by who reads the network: its questions are untrusted.
 */
#include "accountd/contacts.h"

#include <stdlib.h>
#include <string.h>

#include "accountd/shown_groups.h"
#include "accountd/watchers.h"
#include "lib/account/contact.h"
#include "lib/account/query.h"
#include "lib/account/unit.h"
#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/ipc/contacts.h"
#include "lib/ldap/entry.h"
#include "lib/log/log.h"

enum {
    KEPT_MAX = 4096,     /* changes; a transaction with more means: read everything */
    WATCHERS_MAX = 8,    /* directoryds: one, and older ones that still have sessions */
    PAGE_ROWS = 5000,    /* looked at for one page */
    PAGE_MEMBERS = 1000, /* likewise: each is looked up */
    REPLY_MAX = CONTACTS_PAYLOAD_MAX + 4096
};

_Static_assert(LDAP_UNITS_DEEP_MAX >= UNIT_DEPTH_MAX, "names of entries have room for all units");

/* The table's letter and the row's key. */
struct change {
    uint64_t number;
    char *row;
    size_t len;
};

struct contacts {
    struct server *server;
    struct account_db_observer observer;
    uint64_t first, last; /* numbers: what we know lies above `first` */
    struct change kept[KEPT_MAX];
    size_t next; /* place of the next change: the oldest one's */
    /* of the transaction under way */
    struct change pending[KEPT_MAX];
    size_t pending_count;
    bool pending_is_too_much;
    struct watcher watchers[WATCHERS_MAX];
};

/* ---- objects ---- */

struct page {
    struct contacts *contacts;
    struct strbuf data;
    struct strbuf name;
    struct record record;
};

static struct page
page_new(struct contacts *c)
{
    return (struct page){.contacts = c,
                         .data = strbuf_new(CONTACTS_PAYLOAD_MAX - 1024),
                         .name = strbuf_new(ACCOUNT_KEY_MAX),
                         .record = record_new(ACCOUNT_CONTACT)};
}

static void
page_free(struct page *page)
{
    strbuf_free(&page->data);
    strbuf_free(&page->name);
    record_free(&page->record);
}

/* Who belongs to a company itself, to none of its departments, is in that organisational unit (RFC
 * 4519 section 2.20) all the same. True: that was put in, no property says so. */
static bool
put_top_unit(struct page *page, struct slice key)
{
    struct record *contact = &page->record, user;
    struct slice value;
    bool belongs;

    if (!record_bool(contact, CONTACT_OF_USER) || record_get(contact, CONTACT_DEPARTMENT).len > 0 ||
        account_db_get(page->contacts->server->base.db, ACCOUNT_TABLE_ENTRIES, key, &value) < 0)
        return false;
    user = record_new(ACCOUNT_USER);
    belongs = record_load(&user, value) == 0 && user.kind == ACCOUNT_USER &&
              record_get(&user, USER_UNIT).len > 0;
    if (belongs)
        record_set(contact, CONTACT_DEPARTMENT, record_get(contact, CONTACT_COMPANY));
    record_free(&user);
    return belongs;
}

static void
put_contact(struct page *page, struct slice key)
{
    struct object_field fields[RECORD_PROPERTIES_MAX + 3];
    size_t first, total = account_properties_of(ACCOUNT_CONTACT, &first);
    bool companys_own = put_top_unit(page, key);
    uint32_t count = 0;

    fields[count++] = (struct object_field){SLICE("kind"), SLICE("contact")};
    fields[count++] = (struct object_field){SLICE("name"), strbuf_slice(&page->name)};
    for (size_t i = 0; i < total; i++)
        if (page->record.values[i].ptr != NULL)
            fields[count++] = (struct object_field){slice_of(account_properties[first + i].name),
                                                    page->record.values[i]};
    if (companys_own)
        fields[count++] = (struct object_field){SLICE(CONTACTS_COMPANYS_OWN), SLICE("yes")};
    object_add(&page->data, fields, count);
}

static void
put_domain(struct page *page, struct slice name)
{
    const struct object_field fields[] = {
        {SLICE("kind"), SLICE("domain")},
        {SLICE("name"), name},
        {slice_of(account_properties[DOMAIN_CONTACTS_OWN].name),
         record_get(&page->record, DOMAIN_CONTACTS_OWN)},
    };

    object_add(&page->data, fields, ARRAY_LEN(fields));
}

static void
put_gone(struct page *page, const char *kind)
{
    const struct object_field fields[] = {{SLICE("kind"), slice_of(kind)},
                                          {SLICE("name"), strbuf_slice(&page->name)}};

    object_add(&page->data, fields, ARRAY_LEN(fields));
}

static void
put_group(struct page *page, struct slice key, bool is_there)
{
    if (is_there) {
        shown_group_put(key, &page->record, &page->data);
        return;
    }
    account_entry_address(key, &page->name);
    put_gone(page, "group-gone");
}

static void
put_unit(struct page *page, struct slice key, bool is_there)
{
    static const enum account_property ids[] = {UNIT_FULL_NAME, UNIT_DESCRIPTION, UNIT_PARENT};
    struct object_field fields[2 + ARRAY_LEN(ids)] = {{SLICE("kind"), SLICE("unit")}};

    account_entry_address(key, &page->name);
    if (!is_there) {
        put_gone(page, "unit-gone");
        return;
    }
    fields[1] = (struct object_field){SLICE("name"), strbuf_slice(&page->name)};
    for (size_t i = 0; i < ARRAY_LEN(ids); i++)
        fields[2 + i] = (struct object_field){slice_of(account_properties[ids[i]].name),
                                              record_get(&page->record, ids[i])};
    object_add(&page->data, fields, ARRAY_LEN(fields));
}

/* An object about the row; `value` is what is there now, with a NULL pointer: nothing. */
static void
put_row(struct page *page, char table, struct slice key, struct slice value)
{
    bool is_there = value.ptr != NULL && record_load(&page->record, value) == 0;

    strbuf_clear(&page->name);
    if (table == ACCOUNT_TABLE_MEMBERS) {
        shown_member_put(&page->contacts->server->base, key, value.ptr != NULL, &page->data);
    } else if (table == ACCOUNT_TABLE_ENTRIES) {
        put_group(page, key, is_there && page->record.kind == ACCOUNT_GROUP);
    } else if (table == ACCOUNT_TABLE_UNITS) {
        put_unit(page, key, is_there && page->record.kind == ACCOUNT_UNIT);
    } else if (table == ACCOUNT_TABLE_CONTACTS) {
        account_entry_address(key, &page->name);
        if (is_there && page->record.kind == ACCOUNT_CONTACT)
            put_contact(page, key);
        else
            put_gone(page, "gone");
    } else if (is_there && page->record.kind == ACCOUNT_DOMAIN) {
        put_domain(page, key);
    } else { /* domain aliases are not domains: saying that they are gone is right, too */
        (void)strbuf_char(&page->name, '@');
        (void)strbuf_append(&page->name, key);
        put_gone(page, "gone");
    }
}

/* ---- answers ---- */

static void
send(struct ipc_peer *peer, uint32_t request_id, const struct contacts_reply *reply)
{
    struct strbuf out = strbuf_new(REPLY_MAX);

    if (contacts_reply_encode(&out, request_id, reply) == 0)
        ipc_peer_send(peer, &out, -1);
    else
        ipc_peer_close(peer); /* a page's limits are below this */
    strbuf_free(&out);
}

/* What changed since `known`, which is not everything that we know. */
static void
answer_changes(struct contacts *c, struct ipc_peer *peer, uint32_t request_id, uint64_t known)
{
    struct page page = page_new(c);
    struct contacts_reply reply = {.number = known};
    struct account_db *db = c->server->base.db;

    for (size_t i = 0; i < KEPT_MAX && page.data.len < CONTACTS_PAGE_BYTES; i++) {
        const struct change *change = &c->kept[(c->next + i) % KEPT_MAX];
        struct slice key = slice_make(change->row + 1, change->len - 1), value;

        if (change->number <= known)
            continue;
        if (account_db_get(db, (enum account_table)change->row[0], key, &value) < 0)
            value = slice_make(NULL, 0);
        put_row(&page, change->row[0], key, value);
        reply.number = change->number;
    }
    reply.data = strbuf_slice(&page.data);
    send(peer, request_id, &reply);
    page_free(&page);
}

static void
put_cursor(struct strbuf *cursor, char table, struct slice key)
{
    strbuf_clear(cursor);
    (void)strbuf_char(cursor, table);
    (void)strbuf_append(cursor, key); /* both fit */
}

/* Of groups: there are many others among these rows. */
static int
fill_groups(struct page *page, struct strbuf *cursor)
{
    struct account_base *base = &page->contacts->server->base;
    struct strbuf key = strbuf_new(CONTACTS_CURSOR_MAX);
    size_t looked_at = 0;
    int rc = 1;

    (void)strbuf_append(&key, slice_sub(strbuf_slice(cursor), 1, cursor->len));
    while (rc == 1 && page->data.len < CONTACTS_PAGE_BYTES) {
        rc = shown_group_next(base, &key, &page->record, &looked_at, PAGE_ROWS);
        if (rc == 1)
            shown_group_put(strbuf_slice(&key), &page->record, &page->data);
    }
    if (rc == 0)
        put_cursor(cursor, ACCOUNT_TABLE_MEMBERS, SLICE(""));
    else
        put_cursor(cursor, ACCOUNT_TABLE_ENTRIES, strbuf_slice(&key));
    strbuf_free(&key);
    return rc < 0 ? -1 : 0;
}

static int
fill_members(struct page *page, struct strbuf *cursor)
{
    struct strbuf key = strbuf_new(CONTACTS_CURSOR_MAX);
    int rc;

    (void)strbuf_append(&key, slice_sub(strbuf_slice(cursor), 1, cursor->len));
    rc = shown_members_put(&page->contacts->server->base, &key, PAGE_MEMBERS, &page->data);
    if (rc == 0)
        put_cursor(cursor, ACCOUNT_TABLE_CONTACTS, SLICE(""));
    else
        put_cursor(cursor, ACCOUNT_TABLE_MEMBERS, strbuf_slice(&key));
    strbuf_free(&key);
    return rc < 0 ? -1 : 0;
}

static int
fill_rows(struct page *page, struct strbuf *cursor)
{
    char table = cursor->len == 0 ? (char)ACCOUNT_TABLE_DOMAINS : cursor->ptr[0];
    struct slice last = slice_sub(strbuf_slice(cursor), 1, cursor->len), key, value;
    struct account_rows *rows = account_db_rows(page->contacts->server->base.db,
                                                (enum account_table)table, SLICE(""), last);
    struct strbuf at = strbuf_new(CONTACTS_CURSOR_MAX);
    size_t looked_at = 0;
    int rc = rows == NULL ? -1 : 1;

    (void)strbuf_append(&at, last);
    while (rc == 1 && looked_at++ < PAGE_ROWS && page->data.len < CONTACTS_PAGE_BYTES) {
        rc = account_rows_next(rows, &key, &value);
        if (rc != 1 || slice_eq(key, strbuf_slice(&at)))
            continue;
        strbuf_clear(&at);
        (void)strbuf_append(&at, key);
        put_row(page, table, strbuf_slice(&at), value);
    }
    account_rows_close(&rows);
    strbuf_clear(cursor);
    if (rc == 1)
        put_cursor(cursor, table, strbuf_slice(&at));
    else if (rc == 0 && table == ACCOUNT_TABLE_DOMAINS)
        put_cursor(cursor, ACCOUNT_TABLE_UNITS, SLICE(""));
    else if (rc == 0 && table == ACCOUNT_TABLE_UNITS)
        put_cursor(cursor, ACCOUNT_TABLE_ENTRIES, SLICE(""));
    strbuf_free(&at);
    return rc < 0 ? -1 : 0;
}

/* A page of everything, behind `cursor`: the table's letter and the last key. Tables in the order
 * DOMAINS, UNITS, ENTRIES, MEMBERS, CONTACTS. -1: that is no cursor, or the database failed. */
static int
fill_page(struct page *page, struct strbuf *cursor)
{
    switch (cursor->len == 0 ? (char)ACCOUNT_TABLE_DOMAINS : cursor->ptr[0]) {
    case ACCOUNT_TABLE_DOMAINS:
    case ACCOUNT_TABLE_UNITS:
    case ACCOUNT_TABLE_CONTACTS:
        return fill_rows(page, cursor);
    case ACCOUNT_TABLE_ENTRIES:
        return fill_groups(page, cursor);
    case ACCOUNT_TABLE_MEMBERS:
        return fill_members(page, cursor);
    default:
        return -1;
    }
}

static enum outcome
answer_everything(struct contacts *c, struct request *rq, struct slice from)
{
    struct page page = page_new(c);
    struct strbuf cursor = strbuf_new(CONTACTS_CURSOR_MAX);
    enum outcome outcome = REQUEST_DONE;

    (void)strbuf_append(&cursor, from); /* the decoder's limit is the buffer's */
    if (fill_page(&page, &cursor) < 0)
        outcome = REQUEST_BAD; /* it asks again */
    else
        send(rq->peer, rq->header.request_id,
             &(struct contacts_reply){.number = c->last,
                                      .everything = true,
                                      .cursor = strbuf_slice(&cursor),
                                      .data = strbuf_slice(&page.data)});
    page_free(&page);
    strbuf_free(&cursor);
    return outcome;
}

/* With all places taken one watcher gives way: its connection is closed, and it asks again. */
static void
watch(struct contacts *c, const struct watcher *watcher)
{
    struct ipc_server *ipc = c->server->ipc;
    struct ipc_peer *peer;
    size_t at = watchers_place(c->watchers, WATCHERS_MAX, ipc, watcher->peer_id);

    if (at == WATCHERS_MAX) {
        at = 0;
        peer = ipc_server_peer(ipc, c->watchers[at].peer_id);
        if (peer != NULL)
            ipc_peer_close(peer);
    }
    c->watchers[at] = *watcher;
}

enum outcome
contacts_request(struct request *rq)
{
    struct contacts *c = rq->server->contacts;
    struct contacts_query query;
    struct watcher watcher = {ipc_peer_id(rq->peer), rq->header.request_id, 0};

    if (c == NULL || contacts_query_decode(rq->payload, &query) < 0)
        return REQUEST_BAD;
    watcher.known = query.known;
    if (query.cursor.len > 0 || query.known < c->first || query.known > c->last)
        return answer_everything(c, rq, query.cursor);
    if (query.known < c->last)
        answer_changes(c, rq->peer, rq->header.request_id, query.known);
    else
        watch(c, &watcher);
    return REQUEST_DONE;
}

/* ---- changes ---- */

static bool
is_of_interest(enum account_table table)
{
    return table == ACCOUNT_TABLE_CONTACTS || table == ACCOUNT_TABLE_DOMAINS ||
           table == ACCOUNT_TABLE_ENTRIES || table == ACCOUNT_TABLE_MEMBERS ||
           table == ACCOUNT_TABLE_UNITS;
}

/* Again what was noted last? */
static bool
is_noted(const struct contacts *c, enum account_table table, struct slice key)
{
    const struct change *last = c->pending_count > 0 ? &c->pending[c->pending_count - 1] : NULL;

    return last != NULL && last->row[0] == (char)table &&
           slice_eq(slice_make(last->row + 1, last->len - 1), key);
}

static void
row_changed(void *arg, enum account_table table, struct slice key)
{
    struct contacts *c = arg;
    struct change *change;

    if (!is_of_interest(table) || is_noted(c, table, key))
        return;
    if (c->pending_count == KEPT_MAX || key.len > ACCOUNT_KEY_MAX) {
        c->pending_is_too_much = true;
        return;
    }
    change = &c->pending[c->pending_count++];
    change->len = key.len + 1;
    change->row = xmalloc(change->len);
    change->row[0] = (char)table;
    if (key.len > 0)
        memcpy(change->row + 1, key.ptr, key.len);
}

static void
keep(struct contacts *c, struct change *change)
{
    struct change *place = &c->kept[c->next];

    if (place->row != NULL && place->number > c->first)
        c->first = place->number; /* who knows less cannot be told that one */
    free(place->row);
    *place = *change;
    place->number = ++c->last;
    change->row = NULL;
    c->next = (c->next + 1) % KEPT_MAX;
}

static void
wake(struct contacts *c)
{
    for (size_t i = 0; i < WATCHERS_MAX && c->server->ipc != NULL; i++) {
        struct watcher watcher = c->watchers[i];
        struct ipc_peer *peer = NULL;

        c->watchers[i].peer_id = 0;
        if (watcher.peer_id != 0)
            peer = ipc_server_peer(c->server->ipc, watcher.peer_id);
        if (peer == NULL)
            continue;
        if (watcher.known < c->first) /* nothing can be told: an empty answer, and it asks again */
            send(peer, watcher.request_id, &(struct contacts_reply){.number = watcher.known});
        else
            answer_changes(c, peer, watcher.request_id, watcher.known);
    }
}

/* Mailboxes and aliases change all the time. What is not there any more may have been a group. */
static bool
concerns_directory(struct contacts *c, const struct change *change)
{
    struct record record;
    struct slice value;
    bool does = true;

    if (change->row[0] != (char)ACCOUNT_TABLE_ENTRIES ||
        account_db_get(c->server->base.db, ACCOUNT_TABLE_ENTRIES,
                       slice_make(change->row + 1, change->len - 1), &value) < 0)
        return true;
    record = record_new(ACCOUNT_USER);
    does = record_load(&record, value) == 0 && record.kind == ACCOUNT_GROUP;
    record_free(&record);
    return does;
}

static void
transaction_ended(void *arg, bool committed)
{
    struct contacts *c = arg;
    bool changed = c->pending_count > 0 || c->pending_is_too_much;

    if (committed && c->pending_is_too_much)
        c->first = ++c->last;
    for (size_t i = 0; i < c->pending_count; i++) {
        if (committed && !c->pending_is_too_much && concerns_directory(c, &c->pending[i]))
            keep(c, &c->pending[i]);
        xfree(&c->pending[i].row);
    }
    c->pending_count = 0;
    c->pending_is_too_much = false;
    if (committed && changed)
        wake(c);
}

struct contacts *
contacts_new(struct server *server)
{
    struct contacts *c = xcalloc(1, sizeof(*c));

    c->server = server;
    c->first = c->last = (uint64_t)clock_real_us();
    c->observer = (struct account_db_observer){row_changed, transaction_ended, c};
    account_db_observe(server->base.db, &c->observer);
    return c;
}

void
contacts_free(struct contacts **contactsp)
{
    struct contacts *c = *contactsp;

    if (c == NULL)
        return;
    account_db_observe(c->server->base.db, NULL);
    for (size_t i = 0; i < KEPT_MAX; i++)
        free(c->kept[i].row);
    xfree(contactsp);
}

void
contacts_replaced(struct contacts *c)
{
    c->pending_is_too_much = true; /* a row that is there again may have been of another kind */
}

uint64_t
contacts_last(const struct contacts *c)
{
    return c->last;
}

bool
contacts_changed_since(const struct contacts *c, struct slice name, uint64_t number)
{
    struct strbuf row = strbuf_new(ACCOUNT_KEY_MAX + 1);
    bool changed = number < c->first;

    (void)strbuf_char(&row, ACCOUNT_TABLE_CONTACTS);
    if (contact_key(&c->server->base, name, &row) != ACCOUNT_FOUND)
        strbuf_clear(&row); /* the edit says what is wrong with it */
    for (size_t i = 0; i < KEPT_MAX && !changed; i++)
        changed = c->kept[i].row != NULL && c->kept[i].number > number &&
                  slice_eq(slice_make(c->kept[i].row, c->kept[i].len), strbuf_slice(&row));
    strbuf_free(&row);
    return changed;
}
