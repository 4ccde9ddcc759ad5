/*
 * authd/ldap_bind.c - has a password checked by a bind to a directory.
 *
 *   StartTLS -> bind as the account that may search -> search -> bind as the one entry found
 *
 * or, with a name to bind with, at once that bind. Input: the directory's answers, untrusted.
 */
#include "authd/ldap_bind.h"

#include "lib/auth/ldap_message.h"
#include "lib/base/mem.h"

enum { REQUEST_MAX = 16384, MESSAGES_MAX = 100 };

struct exchange {
    struct talk *talk;
    int32_t last_id;
    struct strbuf message; /* the last that came */
};

static int
fail(struct exchange *x, const char *trouble)
{
    (void)talk_no_verdict(x->talk, trouble);
    return -1;
}

/* The next message whole. */
static int
receive(struct exchange *x, struct ldap_response *response)
{
    size_t length = 0;

    strbuf_clear(&x->message);
    while (length == 0 || x->message.len < length) {
        size_t want = length == 0 ? 1 : length - x->message.len;
        struct slice bytes;

        if (stream_read_some(x->talk->stream, want < 4096 ? want : 4096, x->talk->deadline_mono_ms,
                             &bytes) != STREAM_OK)
            return fail(x, "the directory does not answer");
        if (!strbuf_append(&x->message, bytes) ||
            (length == 0 && ldap_message_length(strbuf_slice(&x->message), &length) < 0))
            return fail(x, "this is no message of LDAP");
    }
    if (ldap_response_decode(strbuf_slice(&x->message), response) < 0)
        return fail(x, "this is no message of LDAP");
    return 0;
}

/* Sends a request and reads up to its result; entries on the way go to each(). */
static int
ask(struct exchange *x, struct strbuf *request, int encoded,
    void (*each)(void *arg, struct slice dn), void *arg, int32_t *result)
{
    struct ldap_response response;
    int rc = encoded;

    if (rc < 0)
        (void)fail(x, "a name or password is too long");
    else
        (void)stream_write(x->talk->stream, strbuf_slice(request)); /* an error sticks */
    if (request->ptr != NULL)
        mem_wipe(request->ptr, request->cap);
    strbuf_clear(request);
    for (unsigned i = 0; rc == 0; i++) {
        if (i == MESSAGES_MAX)
            return fail(x, "the directory does not come to an end");
        rc = receive(x, &response);
        if (rc < 0 || response.id != x->last_id)
            continue; /* a notice (RFC 4511 section 4.4) has the id 0 */
        if (response.type == LDAP_RESPONSE_RESULT) {
            *result = response.result;
            return 0;
        }
        if (response.type == LDAP_RESPONSE_ENTRY && each != NULL)
            each(arg, response.dn);
    }
    return -1;
}

static int
start_tls(struct exchange *x)
{
    struct strbuf request = strbuf_new(REQUEST_MAX);
    int32_t result = -1;
    int rc = ask(x, &request, ldap_starttls_encode(&request, ++x->last_id), NULL, NULL, &result);

    strbuf_free(&request);
    if (rc == 0 && result != LDAP_RESULT_SUCCESS)
        rc = fail(x, "the directory refuses StartTLS");
    return rc < 0 ? -1 : talk_start_tls(x->talk);
}

static int
bind_as(struct exchange *x, struct slice name, struct slice password, int32_t *result)
{
    struct strbuf request = strbuf_new(REQUEST_MAX);
    int rc;

    (void)strbuf_room(&request, REQUEST_MAX); /* does not move and leave a copy */
    rc = ask(x, &request, ldap_bind_encode(&request, ++x->last_id, name, password), NULL, NULL,
             result);
    strbuf_free(&request);
    return rc;
}

struct entries {
    unsigned count;
    struct strbuf dn; /* of the first */
};

static void
take_entry(void *arg, struct slice dn)
{
    struct entries *entries = arg;

    if (entries->count++ == 0)
        (void)strbuf_append(&entries->dn, dn);
}

static int
search(struct exchange *x, const struct external_method *method, struct slice value,
       struct entries *entries)
{
    struct strbuf request = strbuf_new(REQUEST_MAX);
    int32_t result = -1;
    int rc = ask(x, &request,
                 ldap_search_encode(&request, ++x->last_id, method->base, method->attribute, value),
                 take_entry, entries, &result);

    strbuf_free(&request);
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
    struct exchange x = {.talk = t, .message = strbuf_new(LDAP_MESSAGE_MAX)};
    struct strbuf end = strbuf_new(64);
    enum password_verdict verdict = PASSWORD_NO_MEMORY;
    int rc = method->tls_at_once ? talk_start_tls(t) : start_tls(&x);

    if (rc == 0)
        verdict = method->attribute.len == 0 ? check_entry(&x, name, password)
                                             : find_and_check(&x, method, account, name, password);
    if (rc == 0 && ldap_unbind_encode(&end, ++x.last_id) == 0)
        (void)stream_write(t->stream, strbuf_slice(&end));
    strbuf_free(&end);
    strbuf_free(&x.message);
    return verdict;
}
