/*
 * lib/account/edit_unit.c - organisation units: add, change, move and remove, and who is in which.
 *
 * Names and values come from administrators. Changes only the database.
 */
#include <errno.h>

#include "lib/account/canonical.h"
#include "lib/account/contact.h"
#include "lib/account/edit_internal.h"
#include "lib/account/unit.h"

enum { CODE_EXISTS = 2, CODE_NO_SUCH = 2, CODE_FAILED = 3, CODE_NO_DOMAIN = 7 };

/* No entry of ours can have such a name, so that no rename but a domain's changes it. */
#define REF_TARGET "unit:"

static int
find_key(struct account_edit *edit, struct slice name, struct strbuf *key)
{
    switch (unit_key(edit->base, name, key)) {
    case ACCOUNT_FOUND:
        return 0;
    case ACCOUNT_TROUBLE:
        return account_fail_db(edit->result);
    case ACCOUNT_FOREIGN:
        return account_fail(edit->result, CODE_NO_DOMAIN,
                            "%.*s: expected UNIT@DOMAIN with a domain of ours", (int)name.len,
                            name.ptr);
    case ACCOUNT_UNKNOWN:
        break;
    }
    return account_fail(edit->result, ACCOUNT_BAD_PARAMETER,
                        "'%.*s' is no name that a unit can have: a short one without blanks; "
                        "full_name is what people see",
                        (int)name.len, name.ptr);
}

static int
find(struct account_edit *edit, struct slice name, struct strbuf *key, struct record *unit)
{
    if (find_key(edit, name, key) < 0)
        return -1;
    switch (unit_load(edit->base, strbuf_slice(key), unit)) {
    case ACCOUNT_FOUND:
        return 0;
    case ACCOUNT_UNKNOWN:
        return account_fail(edit->result, CODE_NO_SUCH, "%.*s: no such organisation unit",
                            (int)name.len, name.ptr);
    default:
        return account_fail_db(edit->result);
    }
}

static struct slice
domain_of(struct slice key)
{
    return slice_split(&key, '\0');
}

static struct slice
name_of(struct slice key)
{
    (void)slice_split(&key, '\0');
    return key;
}

static int
units_of(struct account_edit *edit, struct slice domain, struct edit_rows *rows)
{
    struct strbuf prefix = strbuf_new(CANONICAL_DOMAIN_MAX + 1);
    int rc;

    unit_key_of(domain, SLICE(""), &prefix);
    rc = edit_collect(edit, ACCOUNT_TABLE_UNITS, strbuf_slice(&prefix), rows);
    strbuf_free(&prefix);
    return rc;
}

/* ---- the tree ---- */

/* How many steps up from a unit to `top`: 0 for itself, -1: it is not below. */
static int
steps_to(struct account_base *base, struct slice key, struct slice top)
{
    struct record unit = record_new(ACCOUNT_UNIT);
    struct slice name = name_of(key);
    int steps = 0;

    while (steps >= 0 && !slice_eq(name, top)) {
        bool found = steps == 0 ? unit_load(base, key, &unit) == ACCOUNT_FOUND
                                : unit_up(base, domain_of(key), &unit);

        name = found ? record_get(&unit, UNIT_PARENT) : SLICE("");
        steps = name.len == 0 || steps >= UNIT_DEPTH_MAX ? -1 : steps + 1;
    }
    record_free(&unit);
    return steps;
}

/* Units from the top to this one, which need not be stored yet; -1: it would be below itself, or
 * below one that is not there. */
static int
depth_of(struct account_edit *edit, struct slice key, const struct record *unit)
{
    struct strbuf above = strbuf_new(ACCOUNT_KEY_MAX);
    struct record at = record_new(ACCOUNT_UNIT);
    struct slice parent = record_get(unit, UNIT_PARENT), domain = domain_of(key);
    int depth = 1;

    while (depth > 0 && parent.len > 0) {
        strbuf_clear(&above); /* `parent` may borrow from the record that goes with the load */
        unit_key_of(domain, parent, &above);
        parent = name_of(strbuf_slice(&above));
        if (slice_eq(parent, name_of(key)) || depth > 2 * UNIT_DEPTH_MAX)
            depth =
                account_fail(edit->result, CODE_FAILED, "parent: the unit would be below itself");
        else if (unit_load(edit->base, strbuf_slice(&above), &at) != ACCOUNT_FOUND)
            depth = account_fail(edit->result, CODE_FAILED, "parent: there is no unit %.*s@%.*s",
                                 (int)parent.len, parent.ptr, (int)domain.len, domain.ptr);
        else {
            depth++;
            parent = record_get(&at, UNIT_PARENT);
        }
    }
    record_free(&at);
    strbuf_free(&above);
    return depth;
}

/* The deepest below it, counted from it: 0 if there is none. */
static int
height_of(struct account_edit *edit, struct slice key)
{
    struct edit_rows rows;
    int highest = 0;

    if (units_of(edit, domain_of(key), &rows) < 0)
        return -1;
    for (size_t i = 0; i < rows.count; i++) {
        int steps = steps_to(edit->base, edit_key(&rows.rows[i]), name_of(key));

        if (steps > highest)
            highest = steps;
    }
    edit_rows_free(&rows);
    return highest;
}

/* What a unit has to be, new or changed. */
static int
check(struct account_edit *edit, struct slice key, struct record *unit, int height)
{
    struct strbuf parent = strbuf_new(CANONICAL_LOCAL_MAX);
    struct slice given = record_get(unit, UNIT_PARENT);
    int depth, rc = 0;

    if (record_get(unit, UNIT_FULL_NAME).len == 0)
        rc = account_fail(edit->result, ACCOUNT_BAD_PARAMETER, "full_name: a unit needs one");
    else if (given.len > 0 && canonical_local(given, &parent) < 0)
        rc = account_fail(edit->result, ACCOUNT_BAD_PARAMETER,
                          "parent: expected the name of a unit of the same domain");
    if (rc == 0)
        record_set(unit, UNIT_PARENT, strbuf_slice(&parent));
    if (rc == 0 && !edit->restoring) { /* those come in any order: looked at in the end */
        depth = depth_of(edit, key, unit);
        if (depth < 0)
            rc = -1;
        else if (depth + height > UNIT_DEPTH_MAX)
            rc = account_fail(edit->result, CODE_FAILED, "units would be more than %d deep",
                              UNIT_DEPTH_MAX);
    }
    strbuf_free(&parent);
    return rc;
}

/* ---- who is in it ---- */

static void
ref_target(struct slice key, struct strbuf *target)
{
    (void)strbuf_str(target, REF_TARGET);
    account_entry_address(key, target);
}

int
edit_unit_refs(struct account_edit *edit, struct slice key, const struct record *user, bool make)
{
    struct strbuf unit = strbuf_new(ACCOUNT_KEY_MAX), target = strbuf_new(ACCOUNT_KEY_MAX);
    int rc = 0;

    if (record_get(user, USER_UNIT).len > 0) {
        unit_key_of(domain_of(key), record_get(user, USER_UNIT), &unit);
        ref_target(strbuf_slice(&unit), &target);
        rc = (make ? edit_ref_put : edit_ref_del)(edit, strbuf_slice(&target), EDIT_REF_UNIT, key);
    }
    strbuf_free(&unit);
    strbuf_free(&target);
    return rc;
}

int
edit_unit_check_user(struct account_edit *edit, struct slice key, struct record *user)
{
    struct strbuf name = strbuf_new(CANONICAL_LOCAL_MAX), unit_at = strbuf_new(ACCOUNT_KEY_MAX);
    struct record unit = record_new(ACCOUNT_UNIT);
    struct slice given = record_get(user, USER_UNIT);
    enum account_found found = ACCOUNT_FOUND;
    int rc = 0;

    if (given.len > 0) {
        found = canonical_local(given, &name) < 0 ? ACCOUNT_UNKNOWN : ACCOUNT_FOUND;
        unit_key_of(domain_of(key), strbuf_slice(&name), &unit_at);
        if (found == ACCOUNT_FOUND)
            found = unit_load(edit->base, strbuf_slice(&unit_at), &unit);
    }
    if (found == ACCOUNT_TROUBLE)
        rc = account_fail_db(edit->result);
    else if (found != ACCOUNT_FOUND)
        rc =
            account_fail(edit->result, CODE_FAILED, "unit: there is no organisation unit %.*s@%.*s",
                         (int)given.len, given.ptr, (int)domain_of(key).len, key.ptr);
    else
        record_set(user, USER_UNIT, strbuf_slice(&name));
    record_free(&unit);
    strbuf_free(&name);
    strbuf_free(&unit_at);
    return rc;
}

/* The references of the users in a unit; each key's source begins behind the prefix. */
static int
users_in(struct account_edit *edit, struct slice key, struct strbuf *prefix, struct edit_rows *rows)
{
    ref_target(key, prefix);
    (void)strbuf_char(prefix, '\0');
    (void)strbuf_char(prefix, EDIT_REF_UNIT);
    return edit_collect(edit, ACCOUNT_TABLE_REFS, strbuf_slice(prefix), rows);
}

/* What is published of them follows. */
static int
publish_users(struct account_edit *edit, struct slice key)
{
    struct strbuf prefix = strbuf_new(ACCOUNT_KEY_MAX), address = strbuf_new(ACCOUNT_ADDRESS_MAX);
    struct account_hit hit = account_hit_new();
    struct edit_rows rows;
    int rc = users_in(edit, key, &prefix, &rows);

    for (size_t i = 0; i < rows.count && rc == 0; i++) {
        struct slice ref = edit_key(&rows.rows[i]), user = slice_sub(ref, prefix.len, ref.len);

        strbuf_clear(&address);
        account_entry_address(user, &address);
        if (account_find_exact(edit->base, strbuf_slice(&address), &hit) == ACCOUNT_FOUND)
            rc = edit_contact_follow(edit, &hit.domain, user, &hit.entry,
                                     edit_contact_before(&hit.domain, &hit.entry));
    }
    edit_rows_free(&rows);
    account_hit_free(&hit);
    strbuf_free(&prefix);
    strbuf_free(&address);
    return rc;
}

/* The unit is another: everybody in it and below it is somewhere else. */
static int
publish_below(struct account_edit *edit, struct slice key)
{
    struct edit_rows rows;
    int rc = units_of(edit, domain_of(key), &rows);

    for (size_t i = 0; i < rows.count && rc == 0; i++)
        if (steps_to(edit->base, edit_key(&rows.rows[i]), name_of(key)) >= 0)
            rc = publish_users(edit, edit_key(&rows.rows[i]));
    edit_rows_free(&rows);
    return rc;
}

/* ---- add, set and remove ---- */

static int
must_be_new(struct account_edit *edit, struct slice key, struct slice name)
{
    struct record unit = record_new(ACCOUNT_UNIT);
    enum account_found found = unit_load(edit->base, key, &unit);
    struct edit_rows rows = {0};
    int rc = 0;

    record_free(&unit);
    if (found == ACCOUNT_TROUBLE)
        return account_fail_db(edit->result);
    if (found == ACCOUNT_FOUND)
        return account_fail(edit->result, CODE_EXISTS, "%.*s exists already", (int)name.len,
                            name.ptr);
    if (!edit->restoring)
        rc = units_of(edit, domain_of(key), &rows);
    if (rc == 0 && rows.count >= UNITS_MAX)
        rc = account_fail(edit->result, CODE_FAILED, "a domain has at most %d units", UNITS_MAX);
    edit_rows_free(&rows);
    return rc;
}

int
edit_unit_add(struct account_edit *edit, struct slice name, const struct object_field *fields,
              uint32_t count)
{
    struct strbuf key = strbuf_new(ACCOUNT_KEY_MAX);
    struct record unit = record_new(ACCOUNT_UNIT);
    int rc = find_key(edit, name, &key);

    if (rc == 0)
        rc = must_be_new(edit, strbuf_slice(&key), name);
    if (rc == 0)
        rc = edit_apply(edit, &unit, fields, count);
    if (rc == 0)
        rc = check(edit, strbuf_slice(&key), &unit, 0);
    if (rc == 0)
        rc = edit_put_record(edit, ACCOUNT_TABLE_UNITS, strbuf_slice(&key), &unit);
    record_free(&unit);
    strbuf_free(&key);
    return rc;
}

int
edit_unit_set(struct account_edit *edit, struct slice name, const struct object_field *fields,
              uint32_t count)
{
    struct strbuf key = strbuf_new(ACCOUNT_KEY_MAX);
    struct record unit = record_new(ACCOUNT_UNIT);
    int rc = find(edit, name, &key, &unit), height = 0;

    if (rc == 0)
        rc = edit_apply(edit, &unit, fields, count);
    if (rc == 0)
        rc = height = height_of(edit, strbuf_slice(&key));
    if (rc >= 0)
        rc = check(edit, strbuf_slice(&key), &unit, height);
    if (rc == 0)
        rc = edit_put_record(edit, ACCOUNT_TABLE_UNITS, strbuf_slice(&key), &unit);
    if (rc == 0)
        rc = publish_below(edit, strbuf_slice(&key));
    record_free(&unit);
    strbuf_free(&key);
    return rc;
}

static int
must_be_empty(struct account_edit *edit, struct slice key)
{
    struct strbuf prefix = strbuf_new(ACCOUNT_KEY_MAX);
    struct slice name = name_of(key), domain = domain_of(key);
    struct edit_rows rows;
    int rc = users_in(edit, key, &prefix, &rows), height;

    if (rc == 0 && rows.count > 0)
        rc = account_fail(edit->result, CODE_FAILED,
                          "%zu users are in %.*s@%.*s: give them another unit first", rows.count,
                          (int)name.len, name.ptr, (int)domain.len, domain.ptr);
    edit_rows_free(&rows);
    strbuf_free(&prefix);
    if (rc < 0)
        return -1;
    height = height_of(edit, key);
    if (height <= 0)
        return height;
    return account_fail(edit->result, CODE_FAILED,
                        "there are units below %.*s@%.*s: remove or move them first", (int)name.len,
                        name.ptr, (int)domain.len, domain.ptr);
}

int
edit_unit_del(struct account_edit *edit, struct slice name)
{
    struct strbuf key = strbuf_new(ACCOUNT_KEY_MAX);
    struct record unit = record_new(ACCOUNT_UNIT);
    int rc = find(edit, name, &key, &unit);

    if (rc == 0)
        rc = must_be_empty(edit, strbuf_slice(&key));
    if (rc == 0)
        rc = edit_del_row(edit, ACCOUNT_TABLE_UNITS, strbuf_slice(&key));
    record_free(&unit);
    strbuf_free(&key);
    return rc;
}

/* ---- whole domains ---- */

int
edit_unit_domain_gone(struct account_edit *edit, struct slice domain)
{
    struct edit_rows rows;
    int rc = units_of(edit, domain, &rows);

    for (size_t i = 0; i < rows.count && rc == 0; i++)
        rc = edit_del_row(edit, ACCOUNT_TABLE_UNITS, edit_key(&rows.rows[i]));
    edit_rows_free(&rows);
    return rc;
}

int
edit_unit_domain_renamed(struct account_edit *edit, struct slice old_name, struct slice new_name)
{
    struct strbuf key = strbuf_new(ACCOUNT_KEY_MAX);
    struct edit_rows rows;
    int rc = units_of(edit, old_name, &rows);

    for (size_t i = 0; i < rows.count && rc == 0; i++) {
        strbuf_clear(&key);
        unit_key_of(new_name, name_of(edit_key(&rows.rows[i])), &key);
        rc = edit_del_row(edit, ACCOUNT_TABLE_UNITS, edit_key(&rows.rows[i]));
        if (rc == 0 && account_db_put(edit->base->db, ACCOUNT_TABLE_UNITS, strbuf_slice(&key),
                                      edit_value(&rows.rows[i])) < 0)
            rc = account_fail_db(edit->result);
    }
    edit_rows_free(&rows);
    strbuf_free(&key);
    return rc;
}

int
edit_unit_check_all(struct account_edit *edit)
{
    struct record unit = record_new(ACCOUNT_UNIT);
    struct edit_rows rows;
    int rc = edit_collect(edit, ACCOUNT_TABLE_UNITS, SLICE(""), &rows);

    for (size_t i = 0; i < rows.count && rc == 0; i++) {
        int depth = record_load(&unit, edit_value(&rows.rows[i])) < 0
                        ? account_fail_db(edit->result)
                        : depth_of(edit, edit_key(&rows.rows[i]), &unit);

        if (depth < 0)
            rc = -1;
        else if (depth > UNIT_DEPTH_MAX)
            rc = account_fail(edit->result, CODE_FAILED, "units are more than %d deep",
                              UNIT_DEPTH_MAX);
    }
    edit_rows_free(&rows);
    record_free(&unit);
    return rc;
}
