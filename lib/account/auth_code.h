/*
 * lib/account/auth_code.h - authorization codes of users (AUT-06): a generated code for each mail
 * program, in place of the password. Kept hashed (lib/auth/code.h); shown once, when it is made.
 */
#ifndef POSTHORN_LIB_ACCOUNT_AUTH_CODE_H
#define POSTHORN_LIB_ACCOUNT_AUTH_CODE_H

#include "lib/account/edit.h"
#include "lib/auth/code.h"

#define AUTH_CODES_MAX 16 /* of one user */
#define AUTH_CODE_ID_LEN 6

struct auth_code {
    struct slice id, services, addresses, expires, record;
};
/* Each code of a user, by the key of the user's entry. each() returns -1 to stop. 0, or -1 with
 * errno. */
int auth_codes_each(struct account_base *base, struct slice user_key,
                    int (*each)(void *arg, const struct auth_code *code), void *arg);
/* Does the user have one? False also when the base fails. */
bool auth_codes_exist(struct account_base *base, struct slice user_key);

/* Does a user's password work in mail programs? If not, a code alone does. */
bool account_mail_password(const struct account_hit *hit);

struct auth_code_made {
    char id[AUTH_CODE_ID_LEN + 1];
    char text[CODE_TEXT_LEN + 1]; /* the secret: the caller wipes it */
};
/* A new one with the properties in `fields`. 0, or -1 with edit->result. */
int account_code_add(struct account_edit *edit, struct slice user,
                     const struct object_field *fields, uint32_t count,
                     struct auth_code_made *made);
int account_code_del(struct account_edit *edit, struct slice user, struct slice id);
/* Somebody logged in with it from `address`. 1: noted, 0: it is noted already, or the code is gone;
 * -1. */
int account_code_used(struct account_edit *edit, struct slice user, struct slice id,
                      struct slice address);
/* One object of an export. */
int account_code_restore(struct account_edit *edit, struct slice user, struct slice id,
                         const struct object_field *fields, uint32_t count);

#endif
