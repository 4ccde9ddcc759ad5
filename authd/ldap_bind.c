/*
 * authd/ldap_bind.c - has a password checked by a bind to a directory.
 *
 *   StartTLS -> bind as the account that may search -> search -> bind as the one entry found
 *
 * or, with a name to bind with, at once that bind. Input: the directory's answers, untrusted.
 */
#include "authd/ldap_bind.h"

#include "lib/ldap/client.h"
#include "lib/ldap/dn.h"

enum { FILTER_MAX = 8192, ENTRIES_MAX = 2, SEARCH_SECONDS = 10 };

struct exchange {
    struct talk *talk;
    struct ldap_client client;
};

static int
fail(struct exchange *x, const char *trouble)
{
    (void)talk_no_verdict(x->talk, trouble);
    return -1;
}

/* What the client says of it. */
static int
passed(struct exchange *x, int rc)
{
    return rc < 0 ? fail(x, x->client.trouble) : 0;
}

static int
start_tls(struct exchange *x)
{
    int rc = passed(x, ldap_client_starttls(&x->client));

    if (rc == 0 && x->client.result != LDAP_RESULT_SUCCESS)
        rc = fail(x, "the directory refuses StartTLS");
    return rc < 0 ? -1 : talk_start_tls(x->talk);
}

static int
bind_as(struct exchange *x, struct slice name, struct slice password, int32_t *result)
{
    int rc = passed(x, ldap_client_bind(&x->client, name, password));

    *result = x->client.result;
    return rc;
}

struct entries {
    unsigned count;
    struct strbuf dn; /* of the first */
};

static int
take_entry(void *arg, const struct ldap_response *entry)
{
    struct entries *entries = arg;

    if (entries->count++ == 0)
        (void)strbuf_append(&entries->dn, entry->dn);
    return 0;
}

static int
search(struct exchange *x, const struct external_method *method, struct slice value,
       struct entries *entries)
{
    struct strbuf filter = strbuf_new(FILTER_MAX);
    struct ldap_entry_each each = {.run = take_entry, .arg = entries};
    struct ldap_wanted wanted = {
        .base = method->base, .size_max = ENTRIES_MAX, .time_max = SEARCH_SECONDS};
    int32_t result;
    int rc = ldap_call_equal(&filter, method->attribute, value);

    wanted.filter = strbuf_slice(&filter);
    rc = rc < 0 ? fail(x, "the name is too long")
                : passed(x, ldap_client_search(&x->client, &wanted, &each));
    strbuf_free(&filter);
    result = x->client.result;
    if (rc == 0 && result != LDAP_RESULT_SUCCESS && result != LDAP_RESULT_SIZE_LIMIT)
        rc = fail(x, result == LDAP_RESULT_NO_SUCH_OBJECT ? "there is no such base to search below"
                                                          : "the directory refuses to search");
    return rc;
}

static enum password_verdict
check_entry(struct exchange *x, struct slice dn, struct slice password)
{
    int32_t result = -1;

    if (bind_as(x, dn, password, &result) < 0)
        return PASSWORD_NO_MEMORY;
    if (result == LDAP_RESULT_SUCCESS)
        return PASSWORD_RIGHT;
    if (result == LDAP_RESULT_INVALID_CREDENTIALS || result == LDAP_RESULT_NO_SUCH_OBJECT)
        return PASSWORD_WRONG;
    return talk_no_verdict(x->talk, "the directory cannot check passwords now");
}

static enum password_verdict
find_and_check(struct exchange *x, const struct external_method *method,
               const struct outside_account *account, struct slice name, struct slice password)
{
    struct entries entries = {.dn = strbuf_new(LDAP_DN_MAX)};
    enum password_verdict verdict = PASSWORD_NO_MEMORY;
    int32_t result = LDAP_RESULT_SUCCESS;
    int rc = 0;

    if (account != NULL)
        rc = bind_as(x, slice_of(account->name), slice_of(account->password), &result);
    if (rc == 0 && result != LDAP_RESULT_SUCCESS)
        rc = fail(x, "the directory refuses the account of auth.outside_accounts");
    if (rc == 0)
        rc = search(x, method, name, &entries);
    if (rc == 0 && entries.count > 1)
        (void)fail(x, "more than one entry is the user's");
    else if (rc == 0 && entries.count == 0)
        verdict = PASSWORD_WRONG;
    else if (rc == 0)
        verdict = check_entry(x, strbuf_slice(&entries.dn), password);
    strbuf_free(&entries.dn);
    return verdict;
}

enum password_verdict
ldap_bind_check(struct talk *t, const struct external_method *method,
                const struct outside_account *account, struct slice name, struct slice password)
{
    struct exchange x = {.talk = t, .client = ldap_client_new(t->stream, t->deadline_mono_ms)};
    enum password_verdict verdict = PASSWORD_NO_MEMORY;
    int rc = method->tls_at_once ? talk_start_tls(t) : start_tls(&x);

    if (rc == 0)
        verdict = method->attribute.len == 0 ? check_entry(&x, name, password)
                                             : find_and_check(&x, method, account, name, password);
    ldap_client_end(&x.client);
    return verdict;
}
