/*
 * lib/account/unit.c - reading the tree of organisation units. Loops cannot be made, but each way
 * up ends all the same.
 */
#include "lib/account/unit.h"

#include <errno.h>

#include "lib/account/canonical.h"

#define BETWEEN " / "

void
unit_key_of(struct slice domain, struct slice name, struct strbuf *key)
{
    (void)strbuf_append(key, domain);
    (void)strbuf_char(key, '\0');
    (void)strbuf_append(key, name);
}

enum account_found
unit_key(struct account_base *base, struct slice name, struct strbuf *key)
{
    struct record record = record_new(ACCOUNT_DOMAIN);
    struct strbuf local = strbuf_new(CANONICAL_LOCAL_MAX), domain = strbuf_new(ACCOUNT_KEY_MAX);
    size_t at = slice_rindex(name, '@');
    enum account_found found = ACCOUNT_FOREIGN;

    if (at < name.len)
        found = account_find_domain(base, slice_sub(name, at + 1, name.len), &record, &domain);
    if (found == ACCOUNT_FOUND && (canonical_local(slice_sub(name, 0, at), &local) < 0 ||
                                   !canonical_local_usable(strbuf_slice(&local))))
        found = ACCOUNT_UNKNOWN;
    if (found == ACCOUNT_FOUND)
        unit_key_of(strbuf_slice(&domain), strbuf_slice(&local), key);
    record_free(&record);
    strbuf_free(&local);
    strbuf_free(&domain);
    return found;
}

enum account_found
unit_load(struct account_base *base, struct slice key, struct record *unit)
{
    struct slice bytes;

    if (account_db_get(base->db, ACCOUNT_TABLE_UNITS, key, &bytes) < 0)
        return errno == ENOENT ? ACCOUNT_UNKNOWN : ACCOUNT_TROUBLE;
    return record_load(unit, bytes) < 0 ? ACCOUNT_TROUBLE : ACCOUNT_FOUND;
}

bool
unit_up(struct account_base *base, struct slice domain, struct record *unit)
{
    struct strbuf key = strbuf_new(ACCOUNT_KEY_MAX);
    struct slice parent = record_get(unit, UNIT_PARENT);
    bool up = false;

    if (parent.len > 0) {
        unit_key_of(domain, parent, &key);
        up = unit_load(base, strbuf_slice(&key), unit) == ACCOUNT_FOUND;
    }
    strbuf_free(&key);
    return up;
}

void
unit_path(struct account_base *base, struct slice domain, const struct record *unit,
          struct strbuf *path)
{
    struct strbuf bytes = strbuf_new(RECORD_BYTES_MAX);
    struct record at = record_new(ACCOUNT_UNIT);
    struct strbuf names[UNIT_DEPTH_MAX];
    size_t depth = 0;

    record_save(unit, &bytes);
    if (record_load(&at, strbuf_slice(&bytes)) == 0)
        do {
            names[depth] = strbuf_new(OBJECT_VALUE_MAX);
            (void)strbuf_append(&names[depth++], record_get(&at, UNIT_FULL_NAME));
        } while (depth < UNIT_DEPTH_MAX && unit_up(base, domain, &at));
    while (depth-- > 0) {
        (void)strbuf_append(path, strbuf_slice(&names[depth]));
        (void)strbuf_str(path, depth > 0 ? BETWEEN : "");
        strbuf_free(&names[depth]);
    }
    record_free(&at);
    strbuf_free(&bytes);
}

void
unit_place(struct account_base *base, struct slice domain, struct slice name,
           struct strbuf *company, struct strbuf *department)
{
    struct strbuf key = strbuf_new(ACCOUNT_KEY_MAX);
    struct record unit = record_new(ACCOUNT_UNIT);
    int depth = 1;

    unit_key_of(domain, name, &key);
    if (unit_load(base, strbuf_slice(&key), &unit) == ACCOUNT_FOUND) {
        if (record_get(&unit, UNIT_PARENT).len > 0)
            (void)strbuf_append(department, record_get(&unit, UNIT_FULL_NAME));
        while (depth < UNIT_DEPTH_MAX && unit_up(base, domain, &unit))
            depth++;
        (void)strbuf_append(company, record_get(&unit, UNIT_FULL_NAME));
    }
    record_free(&unit);
    strbuf_free(&key);
}
