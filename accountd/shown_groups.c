/*
 * accountd/shown_groups.c - groups for the address book.
 */
#include "accountd/shown_groups.h"

#include "lib/account/group.h"
#include "lib/account/schema.h"
#include "lib/ipc/contacts.h"

enum { MEMBERS_BYTES_MAX = 48000 }; /* of one object: below OBJECT_VALUE_MAX */

static char
letter(const struct record *group, enum account_property id)
{
    struct slice value = record_get(group, id);

    return value.len > 0 ? value.ptr[0] : 'n';
}

/* u, g or o. */
static char
kind_of(struct account_base *base, struct slice address, struct account_hit *hit)
{
    if (account_find_exact(base, address, hit) != ACCOUNT_FOUND)
        return 'o';
    return hit->entry.kind == ACCOUNT_GROUP ? 'g' : 'u';
}

/* "domain\0local" of "domain\0local\0address". */
static struct slice
group_of(struct slice key)
{
    return slice_sub(key, 0, slice_rindex(key, '\0'));
}

static struct slice
member_of(struct slice key)
{
    return slice_sub(key, slice_rindex(key, '\0') + 1, key.len);
}

/* An object that is a group's name and a list. */
static void
put_list(struct slice group_key, const char *kind, struct slice members, struct strbuf *data)
{
    struct strbuf name = strbuf_new(ACCOUNT_ADDRESS_MAX);

    account_entry_address(group_key, &name);
    object_add(data,
               (const struct object_field[]){{SLICE("kind"), slice_of(kind)},
                                             {SLICE("name"), strbuf_slice(&name)},
                                             {SLICE("members"), members}},
               3);
    strbuf_free(&name);
}

void
shown_member_put(struct account_base *base, struct slice key, bool is_there, struct strbuf *data)
{
    struct strbuf word = strbuf_new(ACCOUNT_KEY_MAX);
    struct account_hit hit = account_hit_new();

    if (is_there)
        (void)strbuf_char(&word, kind_of(base, member_of(key), &hit));
    (void)strbuf_append(&word, member_of(key)); /* a key fits */
    put_list(group_of(key), is_there ? "member" : "member-gone", strbuf_slice(&word), data);
    account_hit_free(&hit);
    strbuf_free(&word);
}

/* Members of one group, gathered until the group ends or there are many. */
struct gathering {
    struct strbuf group_key, members;
};

static void
flush_members(struct gathering *g, struct strbuf *data)
{
    if (g->members.len > 0)
        put_list(strbuf_slice(&g->group_key), "members", strbuf_slice(&g->members), data);
    strbuf_clear(&g->members);
    strbuf_clear(&g->group_key);
}

static void
gather(struct gathering *g, struct slice key, char kind, struct strbuf *data)
{
    if (!slice_eq(group_of(key), strbuf_slice(&g->group_key)) ||
        g->members.len + key.len + 2 > g->members.max) {
        flush_members(g, data);
        (void)strbuf_append(&g->group_key, group_of(key)); /* a key fits */
    }
    if (g->members.len > 0)
        (void)strbuf_char(&g->members, ' ');
    (void)strbuf_char(&g->members, kind);
    (void)strbuf_append(&g->members, member_of(key));
}

int
shown_members_put(struct account_base *base, struct strbuf *key, size_t max, struct strbuf *data)
{
    struct account_rows *rows =
        account_db_rows(base->db, ACCOUNT_TABLE_MEMBERS, SLICE(""), strbuf_slice(key));
    struct gathering g = {strbuf_new(ACCOUNT_KEY_MAX), strbuf_new(MEMBERS_BYTES_MAX)};
    struct account_hit hit = account_hit_new();
    struct slice at, value;
    int rc = rows == NULL ? -1 : 1;

    for (size_t i = 0; rc == 1 && i < max && data->len < CONTACTS_PAGE_BYTES; i++) {
        rc = account_rows_next(rows, &at, &value);
        if (rc != 1 || slice_eq(at, strbuf_slice(key)))
            continue;
        strbuf_clear(key);
        (void)strbuf_append(key, at); /* a key fits */
        gather(&g, strbuf_slice(key), kind_of(base, member_of(strbuf_slice(key)), &hit), data);
    }
    flush_members(&g, data);
    account_rows_close(&rows);
    account_hit_free(&hit);
    strbuf_free(&g.group_key);
    strbuf_free(&g.members);
    return rc;
}

/* Those who may send, where they are listed, see what viewers see: as many as there is room for,
 * which is OBJECT_VALUE_MAX. */
static void
put_viewers(const struct record *group, struct strbuf *viewers)
{
    struct slice rest = record_get(group, GROUP_SENDERS), word;

    (void)strbuf_append(viewers, record_get(group, GROUP_VIEWERS)); /* a property's limit */
    if (!record_is(group, GROUP_SEND, "senders"))
        return;
    while ((word = property_next_word(&rest)).len > 0 &&
           viewers->len + 1 + word.len <= viewers->max) {
        (void)strbuf_char(viewers, ' ');
        (void)strbuf_append(viewers, word);
    }
}

static void
put_shown(const struct record *group, struct slice name, const char *shown, struct strbuf *data)
{
    struct strbuf viewers = strbuf_new(OBJECT_VALUE_MAX);

    put_viewers(group, &viewers);
    object_add(
        data,
        (const struct object_field[]){{SLICE("kind"), SLICE("group")},
                                      {SLICE("name"), name},
                                      {SLICE("full_name"), record_get(group, GROUP_FULL_NAME)},
                                      {SLICE("description"), record_get(group, GROUP_DESCRIPTION)},
                                      {SLICE("addresses"), name},
                                      {SLICE("created"), record_get(group, GROUP_CREATED)},
                                      {SLICE("shown"), slice_of(shown)},
                                      {SLICE("viewers"), strbuf_slice(&viewers)},
                                      {SLICE("managers"), record_get(group, GROUP_MANAGERS)}},
        9);
    strbuf_free(&viewers);
}

/* May anybody see it? */
static bool
is_shown(const struct record *group)
{
    return letter(group, GROUP_SHOWN_ALL) != 'n' || letter(group, GROUP_SHOWN_LISTED) != 'n' ||
           letter(group, GROUP_SHOWN_MEMBERS) != 'n' || record_get(group, GROUP_MANAGERS).len > 0;
}

void
shown_group_put(struct slice key, const struct record *group, struct strbuf *data)
{
    const char shown[] = {letter(group, GROUP_SHOWN_ALL), letter(group, GROUP_SHOWN_LISTED),
                          letter(group, GROUP_SHOWN_MEMBERS), '\0'};
    struct strbuf name = strbuf_new(ACCOUNT_ADDRESS_MAX);

    account_entry_address(key, &name);
    if (!is_shown(group)) /* its members are told all the same: it may be shown later */
        object_add(data,
                   (const struct object_field[]){{SLICE("kind"), SLICE("group")},
                                                 {SLICE("name"), strbuf_slice(&name)}},
                   2);
    else
        put_shown(group, strbuf_slice(&name), shown, data);
    strbuf_free(&name);
}

int
shown_group_next(struct account_base *base, struct strbuf *key, struct record *record,
                 size_t *looked_at, size_t max)
{
    struct account_rows *rows =
        account_db_rows(base->db, ACCOUNT_TABLE_ENTRIES, SLICE(""), strbuf_slice(key));
    struct slice at, value;
    int rc = rows == NULL ? -1 : 1;

    record->kind = ACCOUNT_USER;
    while (rc == 1 && record->kind != ACCOUNT_GROUP && *looked_at < max) {
        rc = account_rows_next(rows, &at, &value);
        if (rc != 1 || slice_eq(at, strbuf_slice(key)))
            continue;
        ++*looked_at;
        strbuf_clear(key);
        (void)strbuf_append(key, at); /* a key fits */
        if (record_load(record, value) < 0)
            record->kind = ACCOUNT_USER; /* damaged: not shown */
    }
    account_rows_close(&rows);
    if (rc == 1 && record->kind != ACCOUNT_GROUP)
        return SHOWN_GROUP_ENOUGH;
    return rc;
}

enum outcome
groups_of_request(struct request *request)
{
    struct strbuf groups = strbuf_new(CONTACTS_PAYLOAD_MAX - 1024),
                  out = strbuf_new(CONTACTS_PAYLOAD_MAX);
    enum outcome outcome = REQUEST_BAD;
    struct slice user;

    if (groups_of_decode(request->payload, &user) == 0) {
        if (group_all_of(&request->server->base, user, &groups) < 0)
            strbuf_clear(&groups); /* whoever cannot be told to be in one sees less */
        if (groups_of_reply_encode(&out, request->header.request_id, strbuf_slice(&groups)) == 0) {
            ipc_peer_send(request->peer, &out, -1);
            outcome = REQUEST_DONE;
        }
    }
    strbuf_free(&groups);
    strbuf_free(&out);
    return outcome;
}
