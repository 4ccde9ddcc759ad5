/*
 * accountd/new_password.h - a password that comes in the clear with an ADMIN request: held against
 * the rules, the dictionary and the old ones, then hashed, all before the request is run.
 *
 * Hashes are the hash workers' work (lib/auth/hash_pool.h): the loop never waits for one.
 */
#ifndef POSTHORN_ACCOUNTD_NEW_PASSWORD_H
#define POSTHORN_ACCOUNTD_NEW_PASSWORD_H

#include "accountd/server.h"
#include "lib/account/edit.h"
#include "lib/auth/hash_pool.h"

/* The request's field with the password itself; `password` is a record. */
#define NEW_PASSWORD_FIELD "new_password"

struct new_passwords;

/* Starts the hash workers: before the sandbox. */
struct new_passwords *new_passwords_new(const struct daemon *daemon);
void new_passwords_free(struct new_passwords **passwordsp);
struct hash_pool *new_passwords_pool(struct new_passwords *passwords);

/* 0: once there is a record, run(server, request, record) is called with the request as it came
 * (borrowed for the call), if the peer is still there; or refused(...) with the result. -1: the
 * result is in *result already. */
struct new_password_handler {
    void (*run)(struct request *request, struct slice record);
    void (*refused)(struct request *request, struct account_result *result);
};
int new_password_begin(const struct request *request, const struct accountd_admin *admin,
                       enum account_kind kind, const struct new_password_handler *handler,
                       struct account_result *result);

#endif
