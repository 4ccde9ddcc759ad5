/*
 * authd/token_check.h - is an access token good for a user? By the issuer's keys, or by asking it.
 */
#ifndef POSTHORN_AUTHD_TOKEN_CHECK_H
#define POSTHORN_AUTHD_TOKEN_CHECK_H

#include "authd/key_files.h"
#include "lib/auth/outside_accounts.h"
#include "lib/auth/password.h"
#include "lib/ipc/accountd_means.h"
#include "lib/remote/dial.h"
#include "lib/tls/tls.h"

struct token_check {
    struct accountd_oauth oauth;
    struct slice user, token;
    struct tls_context *authorities;
    const struct dial_options *dial;
    struct ipc_client *dns;
    const struct outside_accounts *accounts; /* who we are to who introspects */
    const struct key_files *files;
    int64_t deadline_mono_ms;
    const char *why; /* not PASSWORD_RIGHT: for the log */
};
/* PASSWORD_RIGHT, _WRONG, or _NO_MEMORY: there is no verdict now. Keys that were fetched are kept
 * for some minutes, in this process. */
enum password_verdict token_check(struct token_check *t);

#endif
