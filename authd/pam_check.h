/*
 * authd/pam_check.h - has a password checked by PAM.
 */
#ifndef POSTHORN_AUTHD_PAM_CHECK_H
#define POSTHORN_AUTHD_PAM_CHECK_H

#include "lib/auth/password.h"

/* Loads nothing but the service's modules. PASSWORD_RIGHT, _WRONG, or _NO_MEMORY with *trouble. */
enum password_verdict pam_check(struct slice service, struct slice name, struct slice password,
                                const char **trouble);

#endif
