/*
 * lib/tls/self_signed.h - a new key and a certificate that it signs itself, to begin with.
 */
#ifndef POSTHORN_LIB_TLS_SELF_SIGNED_H
#define POSTHORN_LIB_TLS_SELF_SIGNED_H

#include "lib/base/strbuf.h"

#define SELF_SIGNED_DAYS 3650

/* EC P-256. `names` (DNS names, the first is the subject) go into the subjectAltName. PEM text is
 * appended to `key` (a secret: wipe it) and `certificate`. 0, or -1. */
int self_signed_make(const char *const *names, size_t count, struct strbuf *key,
                     struct strbuf *certificate);

#endif
