/*
 * lib/account/manages.h - who is an administrator, of which type, and of what (DIR-59, 60).
 *
 * What the types may is in lib/account/rights.h.
 */
#ifndef POSTHORN_LIB_ACCOUNT_MANAGES_H
#define POSTHORN_LIB_ACCOUNT_MANAGES_H

#include "lib/account/account.h"
#include "lib/account/rights.h"

/* Is `mailbox` (canonical) the own mailbox of an administrator who may change mailboxes in `domain`
 * (canonical)? 1: yes, with the administrator's name appended to `admin`; 0: no; -1 with errno: the
 * database failed. */
int account_manages(struct account_base *base, struct slice mailbox, struct slice domain,
                    struct strbuf *admin);
/* May the administrator called `name` change what is in `domain` ("": the whole server)? ENOENT:
 * there is none of that name. */
int account_admin_manages(struct account_base *base, struct slice name, struct slice domain);

/* One administrator, as the base has him now. */
struct account_actor {
    struct strbuf name; /* canonical */
    struct record record;
};
struct account_actor account_actor_new(void);
void account_actor_free(struct account_actor *actor);
/* 0, or -1 with errno; ENOENT: there is no administrator of that name. */
int account_actor_load(struct account_base *base, struct slice name, struct account_actor *actor);
bool account_actor_is_super(const struct account_actor *actor);
/* The function is ticked, or comes with the type; where, is not asked. */
bool account_actor_has(const struct account_actor *actor, enum account_right right);
/* `domain` (canonical) is among his. */
bool account_actor_covers(const struct account_actor *actor, struct slice domain);
/* Bound to no domains. */
bool account_actor_covers_all(const struct account_actor *actor);

#endif
