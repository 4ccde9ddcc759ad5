/*
 * lib/base/encode.h - hex, base64 (RFC 4648 sections 4 and 5) and base32 (section 6).
 */
#ifndef POSTHORN_LIB_BASE_ENCODE_H
#define POSTHORN_LIB_BASE_ENCODE_H

#include "lib/base/slice.h"
#include "lib/base/strbuf.h"

bool base64_encode(struct slice in, struct strbuf *out);
/* Strict: canonical alphabet, right padding, no white space. 0, or -1 (then `out` is as before). */
int base64_decode(struct slice in, struct strbuf *out);
bool base32_encode(struct slice in, struct strbuf *out); /* section 6, without padding */
/* base64url without padding (RFC 7515 section 2). */
bool base64url_encode(struct slice in, struct strbuf *out);
bool hex_encode(struct slice in, struct strbuf *out); /* lower case */
int hex_value(char digit);                            /* of either case; -1: it is none */
int hex_decode(struct slice in, struct strbuf *out);

#endif
