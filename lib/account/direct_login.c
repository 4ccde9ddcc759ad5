/*
 * lib/account/direct_login.c - the domain that a client belongs to by where it connected.
 *
 * Words come from administrators and from clients; both are brought into one form before they are
 * compared.
 */
#include "lib/account/direct_login.h"

#include <errno.h>

#include "lib/account/canonical.h"
#include "lib/account/edit_internal.h"
#include "lib/base/cidr.h"

enum { KEY_MAX = 8 + CANONICAL_DOMAIN_MAX, CODE_TAKEN = 2 };

static const enum account_property properties[] = {DOMAIN_LOGIN_HOST, DOMAIN_LOGIN_IP};

static void
key_of(struct slice word, struct strbuf *key)
{
    *key = strbuf_new(KEY_MAX);
    (void)strbuf_append(key, SLICE("login\0")); /* a word in its one form fits */
    (void)strbuf_append(key, word);
}

/* An address or a host name in its one form. -1: it is none. */
static int
canonical_word(enum account_property id, struct slice given, struct strbuf *out)
{
    char text[INET6_ADDRSTRLEN];
    struct cidr net;

    if (id == DOMAIN_LOGIN_HOST)
        return cidr_parse(given, &net) == 0 ? -1 : canonical_domain(given, out);
    if (cidr_parse(given, &net) < 0 || net.bits != 128)
        return -1;
    ip_text(&net.net, text);
    return strbuf_str(out, text) ? 0 : -1;
}

static bool
names(const struct record *domain, enum account_property id, struct slice word)
{
    return edit_has_word(record_get(domain, id), word);
}

/* The domain that has the word. ENOENT: none. */
static int
owner_of(struct account_base *base, enum account_property id, struct slice word,
         struct strbuf *domain)
{
    struct record record = record_new(ACCOUNT_DOMAIN);
    struct strbuf key, name = strbuf_new(CANONICAL_DOMAIN_MAX);
    struct slice value;
    int rc;

    key_of(word, &key);
    rc = account_db_get(base->db, ACCOUNT_TABLE_META, strbuf_slice(&key), &value);
    if (rc == 0 && !strbuf_append(&name, value)) {
        errno = EBADMSG;
        rc = -1;
    }
    if (rc == 0)
        rc = account_db_get(base->db, ACCOUNT_TABLE_DOMAINS, strbuf_slice(&name), &value);
    if (rc == 0)
        rc = record_load(&record, value);
    if (rc == 0 && (record.kind != ACCOUNT_DOMAIN || !names(&record, id, word))) {
        errno = ENOENT;
        rc = -1;
    }
    if (rc == 0)
        (void)strbuf_append(domain, strbuf_slice(&name)); /* the caller has made room */
    strbuf_free(&key);
    strbuf_free(&name);
    record_free(&record);
    return rc;
}

int
direct_login_find(struct account_base *base, struct slice host, struct slice ip,
                  struct strbuf *domain)
{
    const struct slice given[] = {host, ip};

    for (size_t i = 0; i < ARRAY_LEN(properties) && domain->len == 0; i++) {
        struct strbuf word = strbuf_new(CANONICAL_DOMAIN_MAX);
        int rc = 0;

        if (given[i].len > 0 && canonical_word(properties[i], given[i], &word) == 0)
            rc = owner_of(base, properties[i], strbuf_slice(&word), domain);
        strbuf_free(&word);
        if (rc < 0 && errno != ENOENT)
            return -1;
    }
    return 0;
}

/* ---- changing ---- */

static int
put_word(struct account_edit *edit, enum account_property id, struct slice word,
         struct slice domain)
{
    struct strbuf owner = strbuf_new(CANONICAL_DOMAIN_MAX), key;
    int rc = 0;

    key_of(word, &key);
    if (owner_of(edit->base, id, word, &owner) < 0)
        rc = errno == ENOENT ? 0 : account_fail_db(edit->result);
    else if (!slice_eq(strbuf_slice(&owner), domain))
        rc =
            account_fail(edit->result, CODE_TAKEN, "%s: %.*s leads to %s already",
                         account_properties[id].name, (int)word.len, word.ptr, strbuf_cstr(&owner));
    if (rc == 0 &&
        account_db_put(edit->base->db, ACCOUNT_TABLE_META, strbuf_slice(&key), domain) < 0)
        rc = account_fail_db(edit->result);
    strbuf_free(&owner);
    strbuf_free(&key);
    return rc;
}

static int
put_words(struct account_edit *edit, enum account_property id, struct slice domain,
          struct record *record)
{
    struct strbuf all = strbuf_new(DIRECT_LOGIN_WORDS_MAX * (CANONICAL_DOMAIN_MAX + 1));
    struct slice rest = record_get(record, id), given;
    int rc = 0;

    while (rc == 0 && (given = property_next_word(&rest)).len > 0) {
        struct strbuf word = strbuf_new(CANONICAL_DOMAIN_MAX);

        if (canonical_word(id, given, &word) < 0)
            rc = account_fail(edit->result, ACCOUNT_BAD_PARAMETER, "%s: expected %s, not '%.*s'",
                              account_properties[id].name,
                              id == DOMAIN_LOGIN_IP ? "IP addresses" : "host names", (int)given.len,
                              given.ptr);
        else
            rc = put_word(edit, id, strbuf_slice(&word), domain);
        if (all.len > 0)
            (void)strbuf_char(&all, ' ');
        (void)strbuf_append(&all, strbuf_slice(&word)); /* the schema's limit is the buffer's */
        strbuf_free(&word);
    }
    if (rc == 0)
        record_set(record, id, strbuf_slice(&all));
    strbuf_free(&all);
    return rc;
}

int
direct_login_put(struct account_edit *edit, struct slice domain, struct record *record)
{
    int rc = 0;

    for (size_t i = 0; i < ARRAY_LEN(properties) && rc == 0; i++)
        rc = put_words(edit, properties[i], domain, record);
    return rc;
}
