/*
 * lib/account/expiring.c - users whose password has to be changed before long. Reads the database,
 * changes nothing.
 */
#include "lib/account/expiring.h"

#include "lib/account/password_rules.h"

#define DAY_MS INT64_C(86400000)

struct search {
    struct account_base *base;
    const struct expiring_stages *stages;
    int64_t since_ms, until_ms;
    struct record domain; /* of the entries at hand */
    struct strbuf domain_name;
    bool domain_known;
    struct strbuf address;
};

/* Entries of a domain follow each other: it is read once. */
static const struct record *
domain_of(struct search *s, struct slice key)
{
    struct slice name = slice_sub(key, 0, slice_index(key, '\0')), value;

    if (!slice_eq(name, strbuf_slice(&s->domain_name))) {
        strbuf_clear(&s->domain_name);
        s->domain_known = strbuf_append(&s->domain_name, name) &&
                          account_db_get(s->base->db, ACCOUNT_TABLE_DOMAINS, name, &value) == 0 &&
                          record_load(&s->domain, value) == 0 && s->domain.kind == ACCOUNT_DOMAIN;
    }
    return s->domain_known ? &s->domain : NULL;
}

/* The stage that has begun last, in days; 0: none has in this time. */
static unsigned
stage_of(const struct search *s, int64_t end_ms)
{
    unsigned found = 0;

    for (size_t i = 0; i < s->stages->count; i++) {
        unsigned days = s->stages->days[i];
        int64_t begin = end_ms - (int64_t)days * DAY_MS;

        if (begin > s->since_ms && begin <= s->until_ms && (found == 0 || days < found))
            found = days;
    }
    return found;
}

static bool
is_due(struct search *s, struct slice key, const struct record *entry, struct expiring_user *user)
{
    const struct record *domain = entry->kind == ACCOUNT_USER ? domain_of(s, key) : NULL;

    if (domain == NULL || account_user_state(entry, s->until_ms) != ACCOUNT_NORMAL ||
        password_state_of(domain, entry, s->until_ms) != PASSWORD_STATE_GOOD)
        return false;
    user->end_ms = password_end_ms(domain, entry);
    if (user->end_ms == 0)
        return false;
    user->days = stage_of(s, user->end_ms);
    if (user->days == 0)
        return false;
    strbuf_clear(&s->address);
    account_entry_address(key, &s->address);
    user->address = strbuf_slice(&s->address);
    user->full_name = record_get(entry, USER_FULL_NAME);
    user->sender = record_get(domain, DOMAIN_SYSTEM_SENDER);
    return true;
}

int
expiring_some(struct account_base *base, const struct expiring_stages *stages, int64_t since_ms,
              int64_t until_ms, struct slice from, size_t max,
              void (*each)(void *arg, const struct expiring_user *user), void *arg,
              struct strbuf *next)
{
    struct account_rows *rows = account_db_rows(base->db, ACCOUNT_TABLE_ENTRIES, SLICE(""), from);
    struct search s = {.base = base,
                       .stages = stages,
                       .since_ms = since_ms,
                       .until_ms = until_ms,
                       .domain = record_new(ACCOUNT_DOMAIN),
                       .domain_name = strbuf_new(ACCOUNT_KEY_MAX),
                       .address = strbuf_new(ACCOUNT_ADDRESS_MAX)};
    struct record entry = record_new(ACCOUNT_USER);
    size_t looked = 0, found = 0;
    struct expiring_user user;
    struct slice key, value;
    int rc = rows == NULL ? -1 : 1;

    strbuf_clear(next);
    while (rc == 1 && (rc = account_rows_next(rows, &key, &value)) == 1) {
        if (looked++ == EXPIRING_STEP || found == max) {
            (void)strbuf_append(next, key); /* a key fits */
            rc = 0;
        } else if (record_load(&entry, value) < 0) {
            rc = -1;
        } else if (is_due(&s, key, &entry, &user)) {
            each(arg, &user);
            found++;
        }
    }
    if (rows != NULL)
        account_rows_close(&rows);
    record_free(&entry);
    record_free(&s.domain);
    strbuf_free(&s.domain_name);
    strbuf_free(&s.address);
    return rc;
}
