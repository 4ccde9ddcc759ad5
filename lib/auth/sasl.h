/*
 * lib/auth/sasl.h - SASL mechanisms, server side (GNU SASL behind it).
 */
#ifndef POSTHORN_LIB_AUTH_SASL_H
#define POSTHORN_LIB_AUTH_SASL_H

#include "lib/base/strbuf.h"

/* SASLprep (RFC 4013) of a password, as SCRAM wants it before hashing. Unassigned code points pass
 * (a query in the sense of RFC 3454 section 7). Appends to `out`, secret: the caller wipes it.
 * 0, or -1: not UTF-8, or a prohibited character. */
int sasl_prepare(struct slice password, struct strbuf *out);

#endif
