/*
 * lib/auth/made_up.h - passwords that nobody chose.
 */
#ifndef POSTHORN_LIB_AUTH_MADE_UP_H
#define POSTHORN_LIB_AUTH_MADE_UP_H

#include "lib/base/strbuf.h"

#define MADE_UP_LEN 20  /* characters: over 90 random bits */
#define MADE_UP_MAX 128 /* POLICY_LENGTH_MAX */

/* Appends a password that policies take, in groups as "aB3dE-fGh1J-...": of all classes of
 * characters, MADE_UP_LEN long, or `min_length` if that is more. `out` has room for MADE_UP_MAX
 * bytes and is secret. */
void made_up_password(unsigned min_length, struct strbuf *out);

#endif
