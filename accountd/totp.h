/*
 * accountd/totp.h - administrators' authenticators: their keys, which stay here, and their codes.
 */
#ifndef POSTHORN_ACCOUNTD_TOTP_H
#define POSTHORN_ACCOUNTD_TOTP_H

#include "accountd/operation.h"

/* Reads etc/keys/account.key, if there is one: before the sandbox. Exits with a message where it is
 * damaged. */
void totp_load_keys(const struct daemon *d);

/* Verbs of an administrator. 0, or -1 with op->result. */
int operation_totp_new(struct operation *op); /* another key; the reply has it, and its URI */
int
operation_totp_confirm(struct operation *op); /* field "code": from now on codes are asked for */
int operation_totp_clear(struct operation *op);
/* Of the whole base: every key is sealed with the first key of the file. Field "key": its id in
 * hex, as the command line knows it. */
int operation_totp_seal(struct operation *op);
/* An administrator has another name, to which the key is to belong. */
int totp_renamed(struct operation *op, struct slice old_name, struct slice new_name);

enum outcome totp_request(struct request *request);

#endif
