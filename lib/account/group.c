/*
 * lib/account/group.c - who is in a group, and who may send to it. Reads the database, changes
 * nothing.
 *
 * Membership is looked for from below, by the references that lead up from an address: a group of a
 * hundred thousand costs no more than one of three.
 */
#include "lib/account/group.h"

#include "lib/account/edit_internal.h"
#include "lib/account/listed.h"
#include "lib/base/map.h"
#include "lib/base/mem.h"

struct climb {
    struct account_base *base;
    struct slice group;
    struct map *seen;      /* addresses; the values are not NULL */
    struct strbuf *groups; /* NULL, or where all that are met are to go */
};

static int climb_from(struct climb *c, struct slice address, int depth);

/* One row "address\0" letter "source key" of the references: an alias of the address, or a group
 * that it is in. */
static int
climb_by(struct climb *c, struct slice row, size_t prefix_len, int depth)
{
    struct strbuf above = strbuf_new(ACCOUNT_ADDRESS_MAX);
    char letter = row.len > prefix_len ? row.ptr[prefix_len] : '\0';
    int rc = 0;

    if (letter == EDIT_REF_ALIAS || letter == EDIT_REF_MEMBER) {
        account_entry_address(slice_sub(row, prefix_len + 1, row.len), &above);
        if (c->groups != NULL && letter == EDIT_REF_MEMBER &&
            map_get(c->seen, strbuf_slice(&above)) == NULL) {
            if (c->groups->len > 0)
                (void)strbuf_char(c->groups, ' ');
            (void)strbuf_append(c->groups, strbuf_slice(&above));
        }
        rc = climb_from(c, strbuf_slice(&above), depth);
    }
    strbuf_free(&above);
    return rc;
}

/* Rows are read one by one with a look from the last one on: the way up reads others meanwhile. */
static int
climb_all(struct climb *c, struct slice prefix, int depth)
{
    struct strbuf from = strbuf_new(ACCOUNT_KEY_MAX);
    int rc = 0;

    for (bool more = true; more && rc == 0;) {
        struct account_rows *rows =
            account_db_rows(c->base->db, ACCOUNT_TABLE_REFS, prefix, strbuf_slice(&from));
        struct slice key, value;
        int got = rows == NULL ? -1 : account_rows_next(rows, &key, &value);

        if (got == 1) {
            strbuf_clear(&from);
            (void)strbuf_append(&from, key); /* a key fits */
        }
        account_rows_close(&rows);
        more = got == 1;
        rc = got == 1 ? climb_by(c, strbuf_slice(&from), prefix.len, depth) : got;
        (void)strbuf_char(&from, '\0'); /* the next key after it */
    }
    strbuf_free(&from);
    return rc;
}

static int
climb_from(struct climb *c, struct slice address, int depth)
{
    struct strbuf prefix;
    void **at;
    int rc;

    if (slice_eq(address, c->group))
        return 1;
    at = map_at(c->seen, address);
    if (at == NULL || *at != NULL || depth > ACCOUNT_NESTING_MAX)
        return 0;
    *at = c;
    prefix = strbuf_new(ACCOUNT_KEY_MAX);
    (void)strbuf_append(&prefix, address);
    (void)strbuf_char(&prefix, '\0');
    rc = prefix.overflow ? 0 : climb_all(c, strbuf_slice(&prefix), depth + 1);
    strbuf_free(&prefix);
    return rc;
}

static void
drop_nothing(void *value)
{
    (void)value;
}

int
group_has_member(struct account_base *base, struct slice group, struct slice address)
{
    struct climb c = {.base = base, .group = group, .seen = map_new(GROUP_WAYS_MAX)};
    int rc = slice_eq(group, address) ? 0 : climb_from(&c, address, 0);

    map_free(&c.seen, drop_nothing);
    return rc;
}

int
group_all_of(struct account_base *base, struct slice address, struct strbuf *groups)
{
    struct climb c = {
        .base = base, .group = SLICE(""), .seen = map_new(GROUP_WAYS_MAX), .groups = groups};
    int rc = climb_from(&c, address, 0);

    map_free(&c.seen, drop_nothing);
    return rc < 0 || groups->overflow ? -1 : 0;
}

int
group_takes_from(struct account_base *base, const struct account_hit *hit, struct slice sender)
{
    struct slice group = strbuf_slice(&hit->address);
    size_t at = slice_rindex(sender, '@');

    if (record_is(&hit->entry, GROUP_SEND, "anyone"))
        return 1;
    if (sender.len == 0)
        return 0;
    if (record_is(&hit->entry, GROUP_SEND, "domain"))
        return slice_eq(slice_sub(sender, at, sender.len),
                        slice_sub(group, slice_rindex(group, '@'), group.len));
    if (record_is(&hit->entry, GROUP_SEND, "senders"))
        return listed(record_get(&hit->entry, GROUP_SENDERS), sender);
    return group_has_member(base, group, sender);
}
