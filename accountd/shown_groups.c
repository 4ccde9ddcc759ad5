/*
 * accountd/shown_groups.c - groups for the address book.
 */
#include "accountd/shown_groups.h"

#include "lib/account/group.h"
#include "lib/account/schema.h"
#include "lib/ipc/contacts.h"

enum { MEMBERS_BYTES_MAX = 24000 }; /* with the names of entries they become longer */

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

/* The members' rows one by one: between them others are read. False: they are too many. */
static bool
put_members(struct account_base *base, struct slice group_key, struct strbuf *members)
{
    struct strbuf prefix = strbuf_new(ACCOUNT_KEY_MAX),
                  from = strbuf_new((size_t)2 * ACCOUNT_KEY_MAX);
    struct account_hit hit = account_hit_new();
    struct slice key, value, address;
    int rc = 1;

    (void)strbuf_append(&prefix, group_key);
    (void)strbuf_char(&prefix, '\0');
    while (rc == 1 && !members->overflow) {
        struct account_rows *rows = account_db_rows(base->db, ACCOUNT_TABLE_MEMBERS,
                                                    strbuf_slice(&prefix), strbuf_slice(&from));

        rc = rows == NULL ? -1 : account_rows_next(rows, &key, &value);
        strbuf_clear(&from);
        if (rc == 1)
            (void)strbuf_append(&from, key); /* a key fits */
        account_rows_close(&rows);
        if (rc != 1)
            break;
        address = slice_sub(strbuf_slice(&from), prefix.len, from.len);
        if (members->len > 0)
            (void)strbuf_char(members, ' ');
        (void)strbuf_char(members, kind_of(base, address, &hit));
        (void)strbuf_append(members, address);
        (void)strbuf_char(&from, '\0'); /* the next key after it */
    }
    account_hit_free(&hit);
    strbuf_free(&prefix);
    strbuf_free(&from);
    return rc == 0 && !members->overflow;
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
put_shown(struct account_base *base, struct slice key, const struct record *group,
          struct slice name, const char *shown, struct strbuf *data)
{
    struct strbuf members = strbuf_new(MEMBERS_BYTES_MAX), viewers = strbuf_new(OBJECT_VALUE_MAX);
    bool all = put_members(base, key, &members);

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
                                      {SLICE("managers"), record_get(group, GROUP_MANAGERS)},
                                      {SLICE("members"), all ? strbuf_slice(&members) : SLICE("")}},
        10);
    strbuf_free(&members);
    strbuf_free(&viewers);
}

bool
shown_group_is(const struct record *group)
{
    return letter(group, GROUP_SHOWN_ALL) != 'n' || letter(group, GROUP_SHOWN_LISTED) != 'n' ||
           letter(group, GROUP_SHOWN_MEMBERS) != 'n' || record_get(group, GROUP_MANAGERS).len > 0;
}

void
shown_group_put(struct account_base *base, struct slice key, const struct record *group,
                struct strbuf *data)
{
    const char shown[] = {letter(group, GROUP_SHOWN_ALL), letter(group, GROUP_SHOWN_LISTED),
                          letter(group, GROUP_SHOWN_MEMBERS), '\0'};
    struct strbuf name = strbuf_new(ACCOUNT_ADDRESS_MAX);

    account_entry_address(key, &name);
    if (!shown_group_is(group))
        object_add(data,
                   (const struct object_field[]){{SLICE("kind"), SLICE("group-gone")},
                                                 {SLICE("name"), strbuf_slice(&name)}},
                   2);
    else
        put_shown(base, key, group, strbuf_slice(&name), shown, data);
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
