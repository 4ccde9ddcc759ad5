/*
 * accountd/judge.h - may this administrator have operd do that? Nothing is done here.
 */
#ifndef POSTHORN_ACCOUNTD_JUDGE_H
#define POSTHORN_ACCOUNTD_JUDGE_H

#include "lib/account/edit.h"
#include "lib/account/manages.h"
#include "lib/ipc/accountd.h"

/* `wish` is about a kind of lib/oper/kinds.def; `actor` is filled in. 0, or -1 with the result. */
int judge(struct account_base *base, struct account_actor *actor, const struct accountd_admin *wish,
          struct account_result *result);

#endif
