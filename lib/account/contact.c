/*
 * lib/account/contact.c - public contacts: their names, and which profiles are among them.
 *
 * Names come from administrators and, by ldapd, from the network. Reads the database, changes
 * nothing.
 */
#include "lib/account/contact.h"

#include "lib/account/canonical.h"

enum account_found
contact_book(struct account_base *base, struct slice book, struct strbuf *name)
{
    struct record record;
    enum account_found found;

    if (slice_eq_nocase(book, SLICE(CONTACT_OUTSIDE)))
        return strbuf_str(name, CONTACT_OUTSIDE) ? ACCOUNT_FOUND : ACCOUNT_FOREIGN;
    record = record_new(ACCOUNT_DOMAIN);
    found = account_find_domain(base, book, &record, name);
    record_free(&record);
    return found;
}

enum account_found
contact_key(struct account_base *base, struct slice name, struct strbuf *key)
{
    size_t at = slice_rindex(name, '@'), start = key->len;
    struct slice local = slice_sub(name, 0, at);
    enum account_found found;

    if (at >= name.len)
        return ACCOUNT_FOREIGN;
    found = contact_book(base, slice_sub(name, at + 1, name.len), key);
    if (found != ACCOUNT_FOUND)
        return found;
    (void)strbuf_char(key, '\0');
    at = key->len;
    if (canonical_local(local, key) == 0 &&
        canonical_local_usable(slice_sub(strbuf_slice(key), at, key->len)))
        return ACCOUNT_FOUND;
    strbuf_truncate(key, start);
    return ACCOUNT_UNKNOWN;
}

bool
contact_is_published(const struct record *domain, const struct record *user)
{
    if (record_is(user, USER_STATUS, "disabled") || record_is(user, USER_STATUS, "pending"))
        return false;
    return record_is(domain, DOMAIN_PUBLISH_USERS, "all") ||
           (record_is(domain, DOMAIN_PUBLISH_USERS, "choice") && record_bool(user, USER_PUBLISH));
}
