/*
 * lib/auth/saslprep.h - the form of a password that SCRAM hashes.
 */
#ifndef POSTHORN_LIB_AUTH_SASLPREP_H
#define POSTHORN_LIB_AUTH_SASLPREP_H

#include "lib/base/strbuf.h"

/* SASLprep (RFC 4013) of a password. Unassigned code points pass (a query in the sense of RFC 3454
 * section 7). Appends to `out`, secret: the caller wipes it. 0, or -1: not UTF-8, or a prohibited
 * character. */
int saslprep(struct slice password, struct strbuf *out);

#endif
