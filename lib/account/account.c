/*
 * lib/account/account.c - the account base: finding who an address belongs to.
 *
 * Addresses come from the network: anything may be in them. Reads the database, changes nothing.
 */
#include "lib/account/account.h"

#include <errno.h>

#include "lib/account/canonical.h"
#include "lib/base/clock.h"
#include "lib/base/parse.h"
#include "lib/ipc/accountd.h"

#define PRIMARY_KEY SLICE("primary")
#define LOGIN_MAX 1024 /* bytes of a login name with its domain, as typed */

int
account_base_init(struct account_base *base, struct account_db *db, const char *separator,
                  const char *postmaster)
{
    *base = (struct account_base){.db = db,
                                  .separator = separator[0],
                                  .postmaster = postmaster,
                                  .primary = strbuf_new(CANONICAL_DOMAIN_MAX)};
    return account_base_refresh(base);
}

void
account_base_free(struct account_base *base)
{
    strbuf_free(&base->primary);
}

int
account_base_refresh(struct account_base *base)
{
    struct slice name;

    strbuf_clear(&base->primary);
    if (account_db_get(base->db, ACCOUNT_TABLE_META, PRIMARY_KEY, &name) < 0)
        return errno == ENOENT ? 0 : -1;
    return strbuf_append(&base->primary, name) ? 0 : -1;
}

struct account_hit
account_hit_new(void)
{
    return (struct account_hit){.address = strbuf_new(ACCOUNT_ADDRESS_MAX),
                                .key = strbuf_new(ACCOUNT_ADDRESS_MAX),
                                .domain = record_new(ACCOUNT_DOMAIN),
                                .entry = record_new(ACCOUNT_USER)};
}

void
account_hit_free(struct account_hit *hit)
{
    strbuf_free(&hit->address);
    strbuf_free(&hit->key);
    record_free(&hit->domain);
    record_free(&hit->entry);
}

/* ---- keys and paths ---- */

static void
split(struct slice address, struct slice *local, struct slice *domain)
{
    size_t at = slice_rindex(address, '@');

    *local = slice_sub(address, 0, at);
    *domain = slice_sub(address, at + 1, address.len);
}

void
account_entry_key(struct slice address, struct strbuf *key)
{
    struct slice local, domain;

    split(address, &local, &domain);
    (void)strbuf_append(key, domain); /* both are bounded: they fit */
    (void)strbuf_char(key, '\0');
    (void)strbuf_append(key, local);
}

void
account_entry_address(struct slice key, struct strbuf *address)
{
    struct slice local = key;
    struct slice domain = slice_split(&local, '\0');

    (void)strbuf_append(address, local);
    (void)strbuf_char(address, '@');
    (void)strbuf_append(address, domain);
}

/* ---- finding ---- */

static enum account_found
not_there(enum account_found answer)
{
    return errno == ENOENT || errno == ENAMETOOLONG ? answer : ACCOUNT_TROUBLE;
}

enum account_found
account_find_domain(struct account_base *base, struct slice domain, struct record *record,
                    struct strbuf *name)
{
    size_t mark = name->len;
    struct slice bytes;

    if (canonical_domain(domain, name) < 0)
        return ACCOUNT_FOREIGN;
    if (account_db_get(base->db, ACCOUNT_TABLE_DOMAINS,
                       slice_sub(strbuf_slice(name), mark, name->len), &bytes) < 0)
        return not_there(ACCOUNT_FOREIGN);
    if (record_load(record, bytes) < 0)
        return ACCOUNT_TROUBLE;
    if (record->kind == ACCOUNT_DOMAIN)
        return ACCOUNT_FOUND;
    strbuf_truncate(name, mark);
    if (!strbuf_append(name, record_get(record, DOMAIN_ALIAS_TARGET)) ||
        account_db_get(base->db, ACCOUNT_TABLE_DOMAINS,
                       slice_sub(strbuf_slice(name), mark, name->len), &bytes) < 0 ||
        record_load(record, bytes) < 0)
        return ACCOUNT_TROUBLE; /* an alias always has its domain */
    return ACCOUNT_FOUND;
}

/* hit->address holds the canonical address: loads its entry. */
static enum account_found
load_entry(struct account_base *base, struct account_hit *hit)
{
    struct slice bytes;

    strbuf_clear(&hit->key);
    account_entry_key(strbuf_slice(&hit->address), &hit->key);
    if (account_db_get(base->db, ACCOUNT_TABLE_ENTRIES, strbuf_slice(&hit->key), &bytes) < 0)
        return not_there(ACCOUNT_UNKNOWN);
    return record_load(&hit->entry, bytes) < 0 ? ACCOUNT_TROUBLE : ACCOUNT_FOUND;
}

static enum account_found
find_form(struct account_base *base, struct slice address,
          int (*canonical)(struct slice address, struct strbuf *out), struct account_hit *hit)
{
    enum account_found found;
    struct slice local, domain;
    size_t at;

    strbuf_clear(&hit->address);
    if (canonical(address, &hit->address) < 0) {
        /* An address that we could not hold: still ours if its domain is. */
        split(address, &local, &domain);
        if (domain.len == 0)
            return ACCOUNT_FOREIGN;
        found = account_find_domain(base, domain, &hit->domain, &hit->address);
        return found == ACCOUNT_FOUND ? ACCOUNT_UNKNOWN : found;
    }
    at = slice_rindex(strbuf_slice(&hit->address), '@');
    strbuf_truncate(&hit->address, at + 1);
    split(address, &local, &domain);
    found = account_find_domain(base, domain, &hit->domain, &hit->address);
    return found == ACCOUNT_FOUND ? load_entry(base, hit) : found;
}

/* A name in an old form goes before another that is the same today: each keeps its own mail. */
enum account_found
account_find_exact(struct account_base *base, struct slice address, struct account_hit *hit)
{
    enum account_found found;

    if (base->old_names && !parse_is_ascii(address)) {
        found = find_form(base, address, canonical_address_old, hit);
        if (found == ACCOUNT_FOUND || found == ACCOUNT_TROUBLE)
            return found;
    }
    return find_form(base, address, canonical_address, hit);
}

/* user+tag@domain in hit->address: tries user@domain, and leaves the whole if that is not there. */
static enum account_found
find_without_tag(struct account_base *base, struct account_hit *hit)
{
    struct strbuf whole = strbuf_new(ACCOUNT_ADDRESS_MAX);
    struct slice local, domain;
    enum account_found found = ACCOUNT_UNKNOWN;
    size_t tag;

    (void)strbuf_append(&whole, strbuf_slice(&hit->address));
    split(strbuf_slice(&whole), &local, &domain);
    tag = slice_index(local, base->separator);
    if (tag > 0 && tag < local.len) {
        strbuf_clear(&hit->address);
        (void)strbuf_append(&hit->address, slice_sub(local, 0, tag));
        (void)strbuf_char(&hit->address, '@');
        (void)strbuf_append(&hit->address, domain);
        found = load_entry(base, hit);
    }
    if (found == ACCOUNT_UNKNOWN) {
        strbuf_clear(&hit->address);
        (void)strbuf_append(&hit->address, strbuf_slice(&whole));
    }
    strbuf_free(&whole);
    return found;
}

/* The mailbox that the configuration names for postmaster; bare names are of the primary domain. */
static void
postmaster_address(const struct account_base *base, struct strbuf *address)
{
    struct slice name = slice_of(base->postmaster);

    (void)strbuf_append(address, name); /* one that is too long is found nowhere */
    if (slice_index(name, '@') == name.len) {
        (void)strbuf_char(address, '@');
        (void)strbuf_append(address, strbuf_slice(&base->primary));
    }
}

static enum account_found
find_postmaster(struct account_base *base, struct account_hit *hit)
{
    struct strbuf address = strbuf_new(ACCOUNT_ADDRESS_MAX);
    enum account_found found;

    postmaster_address(base, &address);
    found = account_find_exact(base, strbuf_slice(&address), hit);
    strbuf_free(&address);
    return found;
}

bool
account_is_postmaster(const struct account_base *base, struct slice address)
{
    struct strbuf given = strbuf_new(ACCOUNT_ADDRESS_MAX),
                  canonical = strbuf_new(ACCOUNT_ADDRESS_MAX);
    bool is;

    postmaster_address(base, &given);
    is = canonical_address(strbuf_slice(&given), &canonical) == 0 &&
         slice_eq(strbuf_slice(&canonical), address);
    strbuf_free(&given);
    strbuf_free(&canonical);
    return is;
}

bool
account_postmaster_is_within(const struct account_base *base, struct slice domain)
{
    struct strbuf canonical = strbuf_new(CANONICAL_DOMAIN_MAX);
    struct slice local, given;
    bool is;

    split(slice_of(base->postmaster), &local, &given);
    is = canonical_domain(given, &canonical) == 0 && slice_eq(strbuf_slice(&canonical), domain);
    strbuf_free(&canonical);
    return is;
}

/* Notices come from postmaster at our host, which need not be a mail domain: answers get home. */
static bool
is_our_postmaster(const struct account_base *base, struct slice address)
{
    struct slice local, domain;

    split(address, &local, &domain);
    return base->hostname != NULL && slice_eq_nocase(local, SLICE("postmaster")) &&
           slice_eq_nocase(domain, slice_of(base->hostname));
}

enum account_found
account_find(struct account_base *base, struct slice address, struct account_hit *hit)
{
    enum account_found found;
    struct slice local, domain;

    if (slice_eq_nocase(address, SLICE("postmaster"))) /* RFC 5321 section 4.5.1 */
        return find_postmaster(base, hit);
    found = account_find_exact(base, address, hit);
    if (found == ACCOUNT_FOREIGN && is_our_postmaster(base, address))
        return find_postmaster(base, hit);
    if (found != ACCOUNT_UNKNOWN)
        return found;
    if (base->separator != '\0') {
        found = find_without_tag(base, hit);
        if (found != ACCOUNT_UNKNOWN)
            return found;
    }
    split(address, &local, &domain);
    return slice_eq_nocase(local, SLICE("postmaster")) ? find_postmaster(base, hit) : found;
}

enum account_found
account_find_login(struct account_base *base, struct slice name, struct account_hit *hit)
{
    return account_find_login_in(base, name, strbuf_slice(&base->primary), hit);
}

enum account_found
account_find_login_in(struct account_base *base, struct slice name, struct slice domain,
                      struct account_hit *hit)
{
    struct strbuf address = strbuf_new(LOGIN_MAX);
    enum account_found found;

    (void)strbuf_append(&address, name);
    if (slice_index(name, '@') == name.len) {
        (void)strbuf_char(&address, '@');
        (void)strbuf_append(&address, domain);
    }
    found =
        address.overflow ? ACCOUNT_UNKNOWN : account_find_exact(base, strbuf_slice(&address), hit);
    if (found == ACCOUNT_FOUND && hit->entry.kind == ACCOUNT_ALIAS) {
        strbuf_clear(&address);
        (void)strbuf_append(&address, record_get(&hit->entry, ALIAS_TARGET));
        found = account_find_exact(base, strbuf_slice(&address), hit);
    }
    strbuf_free(&address);
    if (found == ACCOUNT_FOUND && hit->entry.kind != ACCOUNT_USER)
        return ACCOUNT_UNKNOWN;
    return found;
}

/* ---- what a user may ---- */

/* Less than 0: the day is over; 0: it is today. */
static int
compare_day(struct slice day, int64_t now_ms)
{
    struct strbuf today = strbuf_new(64);
    int order = clock_rfc3339(now_ms, &today)
                    ? slice_cmp(day, slice_sub(strbuf_slice(&today), 0, day.len))
                    : 0;

    strbuf_free(&today);
    return order;
}

static bool
is_past(struct slice last_day, int64_t now_ms)
{
    return compare_day(last_day, now_ms) < 0;
}

bool
account_user_replies(const struct record *user, int64_t now_ms)
{
    struct slice from = record_get(user, USER_AUTO_REPLY_FROM),
                 until = record_get(user, USER_AUTO_REPLY_UNTIL);

    return record_bool(user, USER_AUTO_REPLY) && record_bool(user, USER_REPLY_RIGHT) &&
           (from.len == 0 || compare_day(from, now_ms) <= 0) &&
           (until.len == 0 || !is_past(until, now_ms));
}

enum account_state
account_user_state(const struct record *user, int64_t now_ms)
{
    struct slice expires = record_get(user, USER_EXPIRES);

    if (record_is(user, USER_STATUS, "disabled") || record_is(user, USER_STATUS, "pending"))
        return ACCOUNT_DISABLED;
    if (expires.len > 0 && is_past(expires, now_ms))
        return ACCOUNT_DISABLED;
    return record_is(user, USER_STATUS, "suspended") ? ACCOUNT_SUSPENDED : ACCOUNT_NORMAL;
}

uint32_t
account_user_rights(const struct record *user)
{
    static const struct {
        enum account_property property;
        uint32_t right;
    } rights[] = {
        {USER_SMTP, ACCOUNTD_MAY_SMTP},
        {USER_POP3, ACCOUNTD_MAY_POP3},
        {USER_IMAP, ACCOUNTD_MAY_IMAP},
        {USER_WEB, ACCOUNTD_MAY_WEB},
        {USER_FTP, ACCOUNTD_MAY_FTP},
        {USER_REMOVE_MAIL, ACCOUNTD_MAY_REMOVE_MAIL},
        {USER_CHANGE_MAIL, ACCOUNTD_MAY_CHANGE_MAIL},
        {USER_NETDISK, ACCOUNTD_MAY_NETDISK},
        {USER_PUSH, ACCOUNTD_MAY_PUSH},
        {USER_PROFILE_RIGHT, ACCOUNTD_MAY_CHANGE_PROFILE},
        {USER_FETCH_RIGHT, ACCOUNTD_MAY_FETCH_POP3},
        {USER_CONTACTS, ACCOUNTD_MAY_CONTACTS},
        {USER_ARCHIVE_QUERY, ACCOUNTD_MAY_ARCHIVE_QUERY},
        {USER_CALENDAR, ACCOUNTD_MAY_CALENDAR},
        {USER_NOTES, ACCOUNTD_MAY_NOTES},
        {USER_NOTIFY, ACCOUNTD_MAY_NOTIFY},
        {USER_SHORT_MESSAGES, ACCOUNTD_MAY_SHORT_MESSAGES},
        {USER_POP3_MARKS_SEEN, ACCOUNTD_POP3_MARKS_SEEN},
        {USER_POP3_DELAYED, ACCOUNTD_POP3_DELAYED},
    };
    uint32_t all = 0;

    for (size_t i = 0; i < ARRAY_LEN(rights); i++)
        if (record_bool(user, rights[i].property))
            all |= rights[i].right;
    return all;
}

struct slice
account_user_access(const struct record *user, struct slice service)
{
    static const struct {
        const char *service;
        enum account_property id;
    } lists[] = {{"smtp", USER_SMTP_ACCESS},
                 {"pop3", USER_POP3_ACCESS},
                 {"imap", USER_IMAP_ACCESS},
                 {"ldap", USER_LDAP_ACCESS}};

    for (size_t i = 0; i < ARRAY_LEN(lists); i++)
        if (slice_eq(service, slice_of(lists[i].service)))
            return record_is(user, lists[i].id, "none") ? SLICE("") : record_get(user, lists[i].id);
    return SLICE("");
}
