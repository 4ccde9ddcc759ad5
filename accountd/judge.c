/*
 * accountd/judge.c - may this administrator have operd do that? authd passes it on if the answer is
 * yes (authd/admin.c).
 */
#include "accountd/judge.h"

#include <errno.h>

#include "lib/oper/kinds.h"

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
        return 0;
    return account_fail(result, ACCOUNTD_NO_RIGHT, "you have no right to do this");
}
