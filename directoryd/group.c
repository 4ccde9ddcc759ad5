/*
 * directoryd/group.c - what somebody may see of a group. No I/O.
 *
 * Members come as words: a letter (u mailbox or alias, g group, o elsewhere) and the address.
 */
#include "directoryd/group.h"

#include "lib/ldap/dn.h"

enum sight { SIGHT_NONE, SIGHT_GROUP, SIGHT_MEMBERS };
enum { TO_ALL, TO_LISTED, TO_MEMBERS, SHOWN_LETTERS };

static enum sight
sight_of(struct slice shown, size_t at)
{
    if (at >= shown.len)
        return SIGHT_NONE;
    return shown.ptr[at] == 'm' ? SIGHT_MEMBERS : shown.ptr[at] == 'g' ? SIGHT_GROUP : SIGHT_NONE;
}

/* By the address, or by the @domain it is of. */
static bool
is_listed(struct slice list, struct slice user)
{
    struct slice domain = slice_sub(user, slice_rindex(user, '@'), user.len);

    while (list.len > 0) {
        struct slice word = slice_split(&list, ' ');

        if (slice_eq(word, user) || slice_eq(word, domain))
            return true;
    }
    return false;
}

/* Is NAME@BOOK one of the words? */
static bool
is_among(const struct ldap_entry *group, struct slice groups)
{
    while (groups.len > 0) {
        struct slice word = slice_split(&groups, ' ');
        size_t at = slice_rindex(word, '@');

        if (slice_eq(slice_sub(word, 0, at), group->name) &&
            slice_eq_nocase(slice_sub(word, at + 1, word.len), group->book))
            return true;
    }
    return false;
}

/* Nobody is let see it. */
static bool
is_hidden(const struct ldap_entry *group)
{
    struct slice shown = ldap_entry_field(group, LDAP_FIELD_SHOWN);

    for (size_t i = 0; i < SHOWN_LETTERS; i++)
        if (sight_of(shown, i) != SIGHT_NONE)
            return false;
    return ldap_entry_field(group, LDAP_FIELD_MANAGERS).len == 0;
}

static enum sight
look(const struct ldap_entry *group, const struct group_viewer *viewer)
{
    struct slice shown = ldap_entry_field(group, LDAP_FIELD_SHOWN), user = viewer->user;
    enum sight sight = sight_of(shown, TO_ALL);

    if (is_hidden(group))
        return SIGHT_NONE;
    if (viewer->sees_all)
        return SIGHT_MEMBERS;
    if (user.len == 0)
        return sight;
    if (is_listed(ldap_entry_field(group, LDAP_FIELD_MANAGERS), user))
        return SIGHT_MEMBERS;
    if (sight_of(shown, TO_LISTED) > sight &&
        is_listed(ldap_entry_field(group, LDAP_FIELD_VIEWERS), user))
        sight = sight_of(shown, TO_LISTED);
    if (sight_of(shown, TO_MEMBERS) > sight && is_among(group, viewer->groups))
        sight = sight_of(shown, TO_MEMBERS);
    return sight;
}

/* Names of entries with a line end behind each; others to `outside`. */
static void
put_members(struct slice words, const char *base, enum group_members how, struct strbuf *names,
            struct strbuf *outside)
{
    while (words.len > 0 && (how == GROUP_ALL_MEMBERS || names->len == 0)) {
        struct slice word = slice_split(&words, ' '), address = slice_sub(word, 1, word.len);
        size_t at = slice_rindex(address, '@');

        if (word.len < 2)
            continue;
        if (word.ptr[0] == 'o') {
            if (how == GROUP_ONE_MEMBER)
                continue;
            if (outside->len > 0)
                (void)strbuf_char(outside, ' ');
            (void)strbuf_append(outside, address);
            continue;
        }
        ldap_dn_put_rdn(names, word.ptr[0] == 'g' ? "cn" : "uid", slice_sub(address, 0, at));
        (void)strbuf_char(names, ',');
        ldap_dn_put_rdn(names, "ou", slice_sub(address, at + 1, address.len));
        (void)strbuf_printf(names, ",%s\n", base);
    }
}

static void
add_members(struct slice words, const char *base, enum group_members how, struct strbuf *fields)
{
    struct strbuf names = strbuf_new(LDAP_FIELDS_BYTES_MAX),
                  outside = strbuf_new(LDAP_FIELDS_BYTES_MAX);

    put_members(words, base, how, &names, &outside);
    if (!names.overflow && !outside.overflow) { /* else there are too many to show them */
        (void)ldap_fields_add(fields, LDAP_FIELD_MEMBERS, strbuf_slice(&names));
        (void)ldap_fields_add(fields, LDAP_FIELD_OUTSIDE, strbuf_slice(&outside));
    }
    strbuf_free(&names);
    strbuf_free(&outside);
}

bool
group_show(const struct ldap_entry *group, const struct group_viewer *viewer, const char *base,
           enum group_members how, struct strbuf *fields)
{
    enum sight sight = look(group, viewer);
    struct slice rest = group->fields, value;
    enum ldap_field field;

    if (sight == SIGHT_NONE)
        return false;
    while (ldap_fields_next(&rest, &field, &value) == 1) {
        if (field < LDAP_FIELD_MEMBERS)
            (void)ldap_fields_add(fields, field, value); /* no more than there was */
        else if (field == LDAP_FIELD_MEMBERS && sight == SIGHT_MEMBERS)
            add_members(value, base, how, fields);
    }
    return true;
}
