/*
 * lib/dkim/record.h - the TXT record of a key in the DNS (RFC 6376 section 3.6.1).
 */
#ifndef POSTHORN_LIB_DKIM_RECORD_H
#define POSTHORN_LIB_DKIM_RECORD_H

#include "lib/base/strbuf.h"
#include "lib/dkim/algorithm.h"

#define DKIM_RECORD_MAX 1200 /* bytes of a record of ours */
#define DKIM_TXT_STRING 255  /* bytes of one character-string (RFC 1035 section 3.3) */

/* "v=DKIM1; k=ed25519; p=...". `key` is what dkim_key_public gives. False: `out` overflowed. */
bool dkim_record_write(enum dkim_algorithm algorithm, struct slice key, struct strbuf *out);
/* A record as the DNS has it, its strings joined, against the key. NULL: verifiers will find the
 * signatures of this key good. Else why not (a constant). */
const char *dkim_record_check(struct slice record, enum dkim_algorithm algorithm, struct slice key);

#endif
