/*
 * accountd/own_password.h - OWN_PASSWORD: a user's new password, which authd asks for when the
 * present one was proved. The same way as an administrator's `passwd`, without an administrator.
 */
#ifndef POSTHORN_ACCOUNTD_OWN_PASSWORD_H
#define POSTHORN_ACCOUNTD_OWN_PASSWORD_H

#include "accountd/operation.h"

enum outcome own_password_request(struct request *request);
/* It is done: puts into the reply what its user has to know of it. `password` is the new one. */
void own_password_tell(struct operation *op, struct slice password);

#endif
