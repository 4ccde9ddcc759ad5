/*
 * lib/account/shown.h - who stands in place of a group in the header of mail to it (DIR-55).
 */
#ifndef POSTHORN_LIB_ACCOUNT_SHOWN_H
#define POSTHORN_LIB_ACCOUNT_SHOWN_H

#include "lib/account/account.h"

/* Appends the addresses of the group's direct members, a line (LF) each; a group among them that is
 * shown by its members itself gives these. False: more than `out` takes, or the database failed;
 * the group is shown as itself then, and `out` is not to be used. */
bool shown_members(struct account_base *base, const struct account_hit *group, struct strbuf *out);

#endif
