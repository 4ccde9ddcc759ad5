/*
 * admind/login.h - who is at the other end: authd says.
 */
#ifndef POSTHORN_ADMIND_LOGIN_H
#define POSTHORN_ADMIND_LOGIN_H

#include "admind/session.h"
#include "lib/ipc/authd.h"

enum login_outcome {
    LOGIN_OK,
    LOGIN_REFUSED,
    LOGIN_AWAY,
    LOGIN_NEEDS_CODE /* the password is right, an authenticator's code is missing */
};

/* By the request's Authorization field, Bearer or Basic (RFC 6750, RFC 7617). The same as with the
 * request before: nobody is asked again. */
enum login_outcome login_by_header(struct session *s);
struct login_proof {
    struct slice name, password;
    struct slice code; /* of an authenticator, or empty */
};
/* `text`: why not, a constant or authd's. */
enum login_outcome login_by_password(struct session *s, const struct login_proof *proof,
                                     struct slice *text);
/* Nobody has logged in any more, as far as we are concerned. */
void login_forget(struct session *s);

#endif
