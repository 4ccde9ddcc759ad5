/*
 * lib/mail/casemap.h - the i;unicode-casemap collation (RFC 5051).
 */
#ifndef POSTHORN_LIB_MAIL_CASEMAP_H
#define POSTHORN_LIB_MAIL_CASEMAP_H

#include "lib/base/strbuf.h"

/* Appends the key of `text`: comparing the bytes of two keys (slice_cmp) compares the texts. UTF-8
 * gives its titlecased, decomposed form; what is no UTF-8 stays as it is and comes after all else
 * (RFC 5255 section 4.6). False if `out` overflowed. */
bool casemap_key(struct slice text, struct strbuf *out);

#endif
