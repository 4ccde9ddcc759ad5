/*
 * accountd/judge.c - may this administrator have operd do that? authd passes it on if the answer is
 * yes (authd/admin.c).
 */
#include "accountd/judge.h"

#include <errno.h>

#include "lib/account/canonical.h"
#include "lib/oper/kinds.h"

enum { NO_DOMAIN = 2 };

/* The domain that a request says it is about; operd goes by the same field. */
static struct slice
domain_of(const struct accountd_admin *wish)
{
    const char *field = slice_eq(wish->verb, SLICE("list")) ? "within" : "domain";

    return object_get(wish->fields, wish->field_count, field);
}

static bool
is_about_own(const struct account_actor *actor, struct slice domain)
{
    struct strbuf canonical = strbuf_new(CANONICAL_DOMAIN_MAX);
    bool is_own = account_actor_covers_all(actor) ||
                  (domain.len > 0 && canonical_domain(domain, &canonical) == 0 &&
                   account_actor_covers(actor, strbuf_slice(&canonical)));

    strbuf_free(&canonical);
    return is_own;
}

/* By its own name: what operd passes on knows no aliases. */
static int
domain_exists(struct account_base *base, struct slice domain, struct account_result *result)
{
    struct record record = record_new(ACCOUNT_DOMAIN);
    struct strbuf found = strbuf_new(CANONICAL_DOMAIN_MAX),
                  canonical = strbuf_new(CANONICAL_DOMAIN_MAX);
    enum account_found is_there = account_find_domain(base, domain, &record, &found);
    int rc = 0;

    if (is_there == ACCOUNT_TROUBLE)
        rc = account_fail_db(result);
    else if (is_there != ACCOUNT_FOUND || canonical_domain(domain, &canonical) < 0 ||
             !slice_eq(strbuf_slice(&found), strbuf_slice(&canonical)))
        rc = account_fail(result, NO_DOMAIN, "no such domain: '%.*s'",
                          (int)slice_sub(domain, 0, CANONICAL_DOMAIN_MAX).len, domain.ptr);
    record_free(&record);
    strbuf_free(&found);
    strbuf_free(&canonical);
    return rc;
}

/* A function that is had within domains counts for the one that the request is about. */
static int
judge_within(struct account_base *base, const struct account_actor *actor,
             const struct accountd_admin *wish, struct account_result *result)
{
    struct slice domain = domain_of(wish);

    if (!is_about_own(actor, domain))
        return account_fail(result, ACCOUNTD_NO_RIGHT,
                            domain.len > 0 ? "you have no right to do this in that domain"
                                           : "you may do this in your domains: name one of them");
    return domain.len > 0 ? domain_exists(base, domain, result) : 0;
}

int
judge(struct account_base *base, struct account_actor *actor, const struct accountd_admin *wish,
      struct account_result *result)
{
    int right = oper_kind_right((enum oper_kind)oper_kind_find(wish->kind), wish->verb);

    if (wish->actor.len == 0)
        return account_fail(result, ACCOUNT_BAD_PARAMETER, "this is not asked of accountd");
    if (account_actor_load(base, wish->actor, actor) < 0)
        return errno == ENOENT ? account_fail(result, ACCOUNTD_NO_RIGHT, "no such administrator")
                               : account_fail_db(result);
    if (account_actor_is_super(actor) ||
        (right != OPER_SUPER && account_actor_has(actor, (enum account_right)right)))
        return right != OPER_SUPER && account_right_is_of_domain((enum account_right)right)
                   ? judge_within(base, actor, wish, result)
                   : 0;
    return account_fail(result, ACCOUNTD_NO_RIGHT, "you have no right to do this");
}
