/*
 * lib/account/permit.h - may this administrator do this to that account?
 *
 * The one place that decides for everything that is kept in the account base; whoever else shows
 * or hides a function (admind's table of calls) only spares a question.
 */
#ifndef POSTHORN_LIB_ACCOUNT_PERMIT_H
#define POSTHORN_LIB_ACCOUNT_PERMIT_H

#include "lib/account/edit.h"
#include "lib/account/manages.h"
#include "lib/account/query.h"

/* Names as somebody typed them. */
struct account_wish {
    struct slice verb; /* of ACCOUNTD_ADMIN */
    enum account_kind kind;
    struct slice name;
    const struct object_field *fields;
    uint32_t count;
    bool password_checked; /* a password among them is a record that accountd has made itself */
};

/* 0, or -1 with the result: ACCOUNTD_NO_RIGHT, or the database failed. */
int account_permit(struct account_base *base, const struct account_actor *actor,
                   const struct account_wish *wish, struct account_result *result);
/* A row of a listing that was permitted: is it one that he may see? */
bool account_permit_row(const struct account_actor *actor, const struct query_row *row);

#endif
