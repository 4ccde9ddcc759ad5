/*
 * lib/acme/issued.h - the chain that an ACME server has issued (RFC 8555 section 7.4.2).
 */
#ifndef POSTHORN_LIB_ACME_ISSUED_H
#define POSTHORN_LIB_ACME_ISSUED_H

#include "lib/acme/answer.h"

/* Is the chain in `pem` what the request `csr` (PEM) asks for: for its key, for all of its names,
 * in order and valid at `now_ms`? Then the answer gets it, written anew certificate by certificate,
 * with its validity, serial number and identifier; otherwise ACME_TROUBLE. Appends the record. */
void acme_issued_read(struct acme_answer *answer, struct slice pem, struct slice csr,
                      int64_t now_ms, struct strbuf *record);

#endif
