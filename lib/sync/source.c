/*
 * lib/sync/source.c - a directory elsewhere: the administrator's words for it. No I/O.
 */
#include "lib/sync/source.h"

#include "lib/account/schema.h"
#include "lib/ldap/filter_text.h"

#define FILTER_BYTES_MAX 8192

/* ---- layouts ---- */

struct layout {
    const char *name, *user_filter, *group_filter, *map;
};

/* RFC 2798, 4519, 4530 and 2307; for Active Directory the names of its schema. There the groups
 * that mail is sent to are those that have an address. */
static const struct layout layouts[] = {
    {"ldap", "(|(objectClass=inetOrgPerson)(objectClass=posixAccount))",
     "(|(objectClass=groupOfNames)(objectClass=groupOfUniqueNames)(objectClass=posixGroup))",
     "address=uid;id=entryUUID;full_name=displayName,cn;"
     "group.address=cn;group.id=entryUUID;group.full_name=description;"
     "group.member=member,uniqueMember,memberUid"},
    {"ad", "(&(objectClass=user)(!(objectClass=computer)))", "(&(objectClass=group)(mail=*))",
     "address=sAMAccountName;id=objectGUID;full_name=displayName,cn;disabled=userAccountControl;"
     "alias=proxyAddresses;member_of=memberOf;"
     "group.address=mail;group.id=objectGUID;group.full_name=displayName,cn;group.member=member;"
     "group.member_of=memberOf"},
};

static const struct layout *
find_layout(struct slice name)
{
    for (size_t i = 0; i < ARRAY_LEN(layouts); i++)
        if (slice_eq(name, slice_of(layouts[i].name)))
            return &layouts[i];
    return NULL;
}

/* ---- the map ---- */

static bool
is_name_of_group(struct slice name)
{
    static const char *const names[] = {"address",     "id",     "full_name",
                                        "description", "member", "member_of"};

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (slice_eq(name, slice_of(names[i])))
            return true;
    return false;
}

/* What the directory may set is what the domain's administrator may; not what we say ourselves. */
static bool
is_name_of_user(struct slice name)
{
    static const char *const own[] = {"address", "id", "disabled", "alias", "member_of"};
    static const char *const not [] = {"status", "sync_id", "sync_disabled", "auth",
                                       "representatives"};
    const char *near;
    int id;

    for (size_t i = 0; i < ARRAY_LEN(own); i++)
        if (slice_eq(name, slice_of(own[i])))
            return true;
    for (size_t i = 0; i < ARRAY_LEN(not ); i++)
        if (slice_eq(name, slice_of(not [i])))
            return false;
    id = account_property_find(ACCOUNT_USER, name, &near);
    return id >= 0 && (account_properties[id].flags &
                       (PROPERTY_GIVEN | PROPERTY_SECRET | PROPERTY_ABOVE)) == 0;
}

static bool
are_attributes(struct slice list)
{
    while (list.len > 0) {
        struct slice name = slice_split(&list, ',');

        if (name.len == 0 || name.len > 100)
            return false;
        for (size_t i = 0; i < name.len; i++) {
            char c = name.ptr[i];

            if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '-' || c == '.' || c == ';'))
                return false;
        }
    }
    return true;
}

/* One NAME=ATTRIBUTES; a row of that name is replaced if `replace`, else it stays. */
static const char *
take_row(struct slice word, struct sync_source *out, bool replace)
{
    struct sync_row row = {.of_group = false};
    size_t at;

    row.attributes = word;
    row.name = slice_trim(slice_split(&row.attributes, '='));
    row.attributes = slice_trim(row.attributes);
    if (slice_index(word, '=') == word.len || !are_attributes(row.attributes))
        return "expected NAME=ATTRIBUTE[,ATTRIBUTE...], separated by ';'";
    row.of_group = slice_starts(row.name, SLICE("group."));
    if (row.of_group)
        row.name = slice_sub(row.name, sizeof("group.") - 1, row.name.len);
    if (!(row.of_group ? is_name_of_group(row.name) : is_name_of_user(row.name)))
        return "expected address, id, disabled, alias, member_of, a property of mailboxes, or "
               "group. with address, id, full_name, description, member, member_of";
    for (at = 0; at < out->count; at++)
        if (out->rows[at].of_group == row.of_group && slice_eq(out->rows[at].name, row.name))
            break;
    if (at < out->count && !replace)
        return "a name stands there twice";
    if (at == SYNC_ROWS_MAX)
        return "there are too many names";
    out->rows[at] = row;
    out->count += at == out->count;
    return NULL;
}

/* All of them have to be asked for: what is not looks as if no entry had it. */
static bool
are_too_many(const struct sync_source *source, bool of_group)
{
    size_t count = 0;

    for (size_t i = 0; i < source->count; i++) {
        struct slice list = source->rows[i].attributes;

        for (; source->rows[i].of_group == of_group && list.len > 0; count++)
            (void)slice_split(&list, ',');
    }
    return count > SYNC_ATTRIBUTES_MAX;
}

static const char *
take_map(struct slice map, struct sync_source *out, bool replace)
{
    const char *wrong = NULL;

    while (map.len > 0 && wrong == NULL) {
        struct slice word = slice_trim(slice_split(&map, ';'));

        if (word.len > 0)
            wrong = take_row(word, out, replace);
    }
    if (wrong == NULL && (are_too_many(out, false) || are_too_many(out, true)))
        wrong = "there are too many attributes";
    return wrong;
}

const char *
sync_map_wrong(struct slice map)
{
    struct sync_source scratch = {.count = 0};

    return map.len > SYNC_MAP_MAX ? "the map is too long" : take_map(map, &scratch, false);
}

/* ---- the others ---- */

static const char *
read_url(struct slice url, struct external_method *server)
{
    if (external_parse(url, server) != NULL || server->kind != EXTERNAL_LDAP ||
        server->attribute.len > 0 || slice_index(server->name, '%') < server->name.len ||
        slice_index(server->name, '=') == server->name.len)
        return "expected ldap[s]://HOST[:PORT]/BASE, such as ldaps://dc.example.org/dc=example,"
               "dc=org";
    return NULL;
}

const char *
sync_url_wrong(struct slice url)
{
    struct external_method server;

    return read_url(url, &server);
}

const char *
sync_filter_wrong(struct slice filter)
{
    struct strbuf out = strbuf_new(FILTER_BYTES_MAX);
    const char *wrong = ldap_filter_text_encode(filter, &out);

    strbuf_free(&out);
    return wrong;
}

const char *
sync_source_read(const struct sync_given *given, struct sync_source *out)
{
    const struct layout *layout = find_layout(given->layout);
    const char *wrong = read_url(given->url, &out->server);

    out->count = 0;
    if (wrong == NULL && layout == NULL)
        wrong = "expected ldap or ad as layout";
    if (wrong == NULL)
        wrong = take_map(slice_of(layout->map), out, false);
    if (wrong == NULL && (wrong = sync_map_wrong(given->map)) == NULL)
        wrong = take_map(given->map, out, true);
    if (wrong != NULL)
        return wrong;
    out->user_filter =
        given->user_filter.len > 0 ? given->user_filter : slice_of(layout->user_filter);
    out->group_filter =
        given->group_filter.len > 0 ? given->group_filter : slice_of(layout->group_filter);
    wrong = sync_filter_wrong(out->user_filter);
    return wrong != NULL ? wrong : sync_filter_wrong(out->group_filter);
}

size_t
sync_source_attributes(const struct sync_source *source, bool of_group,
                       struct slice names[SYNC_ATTRIBUTES_MAX])
{
    size_t count = 0;

    for (size_t i = 0; i < source->count; i++) {
        struct slice list = source->rows[i].attributes;

        while (source->rows[i].of_group == of_group && list.len > 0 && count < SYNC_ATTRIBUTES_MAX)
            names[count++] = slice_split(&list, ',');
    }
    return count;
}
