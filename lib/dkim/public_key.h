/*
 * lib/dkim/public_key.h - public keys of others, from the DNS (RFC 6376 section 3.6.1), and their
 * signatures.
 */
#ifndef POSTHORN_LIB_DKIM_PUBLIC_KEY_H
#define POSTHORN_LIB_DKIM_PUBLIC_KEY_H

#include "lib/dkim/key.h"

struct dkim_public;

/* From a record as the DNS has it, its strings joined. NULL: it holds no key of that algorithm that
 * may sign mail, or an RSA key outside of 1024 to 4096 bits. */
struct dkim_public *dkim_public_parse(struct slice record, enum dkim_algorithm algorithm);
void dkim_public_free(struct dkim_public **keyp);
bool dkim_public_verify(const struct dkim_public *key, const unsigned char digest[DKIM_DIGEST],
                        struct slice signature);

#endif
