/*
 * accountd/new_password.c - from a password in the clear to its record, or to why not.
 *
 *   rules and dictionary, at once -> the present and the old records, a hash each -> the new record
 *   -> the request runs as if the record had come with it
 *
 * Holds the request with the password meanwhile and wipes it. Number and size of what waits are
 * bounded by the pool.
 */
#include "accountd/new_password.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "lib/account/dictionary.h"
#include "lib/account/password_rules.h"
#include "lib/auth/hash_worker.h"
#include "lib/base/mem.h"
#include "lib/log/log.h"

enum {
    QUEUE_MAX = 256,
    PATIENCE_MS = 30000,
    OLD_MAX = 2 * PASSWORD_RECORD_MAX + 2 /* the present record and the old ones */
};

TAILQ_HEAD(attempt_list, attempt);

struct new_passwords {
    struct hash_pool *pool;
    int workers[HASH_WORKERS_MAX];
    unsigned width;
    struct attempt_list attempts;
};

/* One request that waits for hashes. */
struct attempt {
    TAILQ_ENTRY(attempt) link;
    struct server *server;
    const struct new_password_handler *handler;
    uint64_t peer_id;
    struct frame_header header;
    char *payload; /* secret */
    size_t payload_len;
    struct slice password; /* in the payload */
    struct strbuf old;     /* records that it may not be, the next one at old_at */
    size_t old_at;
    const char *scheme;
    struct hash_job *job;
};

/* ---- the workers ---- */

struct new_passwords *
new_passwords_new(const struct daemon *daemon)
{
    struct new_passwords *p = xcalloc(1, sizeof(*p));
    const struct password_policy policy = password_policy_from(daemon->conf);

    TAILQ_INIT(&p->attempts);
    p->width = hash_workers_width(daemon->conf);
    hash_workers_start(daemon, USERS_ACCOUNT, &policy, p->width, p->workers);
    p->pool = hash_pool_new(daemon->loop, p->workers, p->width, QUEUE_MAX, PATIENCE_MS, p->width);
    return p;
}

static void
attempt_free(struct attempt *a)
{
    mem_wipe(a->payload, a->payload_len);
    free(a->payload);
    if (a->old.ptr != NULL)
        mem_wipe(a->old.ptr, a->old.cap);
    strbuf_free(&a->old);
    free(a);
}

static void
attempt_end(struct attempt *a)
{
    TAILQ_REMOVE(&a->server->passwords->attempts, a, link);
    attempt_free(a);
}

void
new_passwords_free(struct new_passwords **passwordsp)
{
    struct new_passwords *p = *passwordsp;
    struct attempt *a;

    if (p == NULL)
        return;
    while ((a = TAILQ_FIRST(&p->attempts)) != NULL) {
        TAILQ_REMOVE(&p->attempts, a, link);
        attempt_free(a);
    }
    hash_pool_free(&p->pool); /* runs no done() any more */
    xfree(passwordsp);
}

struct hash_pool *
new_passwords_pool(struct new_passwords *passwords)
{
    return passwords->pool;
}

/* ---- the end of an attempt ---- */

/* The request as it came. False: who sent it has gone. */
static bool
request_of(const struct attempt *a, struct request *request)
{
    *request = (struct request){.server = a->server,
                                .peer = server_peer(a->server, a->peer_id),
                                .header = a->header,
                                .payload = slice_make(a->payload, a->payload_len)};
    return request->peer != NULL;
}

static void
refuse(struct attempt *a, uint32_t code, const char *why)
{
    struct account_result result = account_result_new();
    struct request request;

    (void)account_fail(&result, code, "%s", why);
    if (request_of(a, &request))
        a->handler->refused(&request, &result);
    account_result_free(&result);
    attempt_end(a);
}

static void
made(void *arg, enum hash_outcome outcome, struct slice record)
{
    struct attempt *a = arg;
    struct request request;

    a->job = NULL;
    if (outcome == HASH_DROPPED) {
        refuse(a, ACCOUNTD_PASSWORD_LATER, "the password could not be hashed now: try again later");
        return;
    }
    if (outcome != HASH_RIGHT) {
        refuse(a, ACCOUNTD_PASSWORD_REFUSED, "the password is not usable: it cannot be hashed");
        return;
    }
    if (request_of(a, &request))
        a->handler->run(&request, record);
    attempt_end(a);
}

/* ---- the old ones, one after the other ---- */

static void step(struct attempt *a);

static void
compared(void *arg, enum hash_outcome outcome, struct slice record)
{
    struct attempt *a = arg;

    (void)record;
    a->job = NULL;
    if (outcome == HASH_RIGHT)
        refuse(a, ACCOUNTD_PASSWORD_REFUSED, "the password was used before: expected a new one");
    else if (outcome == HASH_DROPPED)
        refuse(a, ACCOUNTD_PASSWORD_LATER,
               "the password could not be compared now: try again later");
    else
        step(a);
}

static void
step(struct attempt *a)
{
    struct hash_pool *pool = a->server->passwords->pool;
    struct slice rest = slice_sub(strbuf_slice(&a->old), a->old_at, a->old.len), record;

    if (policy_old_next(&rest, &record)) {
        a->old_at = a->old.len - rest.len;
        a->job = hash_pool_verify(pool, a->peer_id, record, a->password, compared, a);
        return;
    }
    if (!hash_pool_make(pool, slice_of(a->scheme), a->password, made, a))
        refuse(a, ACCOUNTD_PASSWORD_LATER, "too many passwords are being set: try again later");
}

/* ---- the beginning ---- */

/* What the request says about the user's own rules counts already. */
static void
apply_given(const struct accountd_admin *admin, struct record *user)
{
    for (uint32_t i = 0; i < admin->field_count; i++) {
        const struct object_field *field = &admin->fields[i];
        struct strbuf stored = strbuf_new(OBJECT_VALUE_MAX), error = strbuf_new(1000);
        const char *near;
        int id = slice_starts(field->name, SLICE("password_"))
                     ? account_property_find(ACCOUNT_USER, field->name, &near)
                     : -1;

        if (id >= 0 && property_normalize((enum account_property)id, field->value, &stored,
                                          &error) == 0) /* else the request fails anyway */
            record_set(user, (enum account_property)id, strbuf_slice(&stored));
        strbuf_free(&stored);
        strbuf_free(&error);
    }
}

/* `old` gets the records that it may not be. False: there is no such user, no such domain for a new
 * one, or somebody else keeps the password: the request itself will say so. */
static bool
rules_for_user(const struct request *request, const struct accountd_admin *admin, bool adding,
               struct password_rules *rules, struct strbuf *old, const char **scheme)
{
    struct account_hit *hit = &request->server->hit;
    enum account_found found = account_find_exact(&request->server->base, admin->name, hit);
    struct record fresh = record_new(ACCOUNT_USER);
    bool there = found == ACCOUNT_FOUND && hit->entry.kind == ACCOUNT_USER;
    struct record *user = there ? &hit->entry : &fresh;

    if (adding ? found != ACCOUNT_UNKNOWN
               : !there || record_is(&hit->entry, USER_AUTH, "external")) {
        record_free(&fresh);
        return false;
    }
    apply_given(admin, user);
    *rules = password_rules_of(&hit->domain, user);
    if (there && rules->policy.history > 0) {
        policy_old_push(record_get(user, USER_PASSWORD_OLD), record_get(user, USER_PASSWORD),
                        rules->policy.history, old);
    }
    if (!record_is(&hit->domain, DOMAIN_PASSWORD_SCHEME, "system"))
        *scheme =
            record_is(&hit->domain, DOMAIN_PASSWORD_SCHEME, "argon2id") ? "argon2id" : "yescrypt";
    record_free(&fresh);
    return true;
}

static int
check(struct account_base *base, const struct policy *policy, struct slice name,
      struct slice password, struct account_result *result)
{
    struct strbuf why = strbuf_new(500);
    int listed = 0, rc = policy_check(policy, name, password, &why);

    if (rc < 0)
        (void)account_fail(result, ACCOUNTD_PASSWORD_REFUSED, "%s", strbuf_cstr(&why));
    else
        listed = dictionary_has(base, password);
    if (listed != 0)
        rc = listed < 0 ? account_fail_db(result)
                        : account_fail(result, ACCOUNTD_PASSWORD_REFUSED,
                                       "the password is in the dictionary of weak passwords");
    strbuf_free(&why);
    return rc;
}

static struct attempt *
attempt_new(const struct request *request, struct slice password,
            const struct new_password_handler *handler)
{
    struct attempt *a = xcalloc(1, sizeof(*a));

    a->server = request->server;
    a->handler = handler;
    a->peer_id = ipc_peer_id(request->peer);
    a->header = request->header;
    a->payload = xslicedup(request->payload);
    a->payload_len = request->payload.len;
    a->password = slice_make(a->payload + (password.ptr - request->payload.ptr), password.len);
    a->old = strbuf_new(OLD_MAX);
    a->scheme = "";
    return a;
}

int
new_password_begin(const struct request *request, const struct accountd_admin *admin,
                   enum account_kind kind, const struct new_password_handler *handler,
                   struct account_result *result)
{
    struct slice password = object_get(admin->fields, admin->field_count, NEW_PASSWORD_FIELD);
    struct password_rules rules = password_rules_of_admins();
    struct attempt *a = attempt_new(request, password, handler);
    bool adding = slice_eq(admin->verb, SLICE("add"));

    TAILQ_INSERT_TAIL(&request->server->passwords->attempts, a, link);
    if (kind == ACCOUNT_USER &&
        !rules_for_user(request, admin, adding, &rules, &a->old, &a->scheme))
        rules.policy = (struct policy){.min_length = 0};
    if (check(&request->server->base, &rules.policy, admin->name, a->password, result) < 0) {
        attempt_end(a);
        return -1;
    }
    step(a);
    return 0;
}
