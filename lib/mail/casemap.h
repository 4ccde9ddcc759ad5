/*
 * lib/mail/casemap.h - the i;unicode-casemap collation (RFC 5051), for searching and for sorting.
 */
#ifndef POSTHORN_LIB_MAIL_CASEMAP_H
#define POSTHORN_LIB_MAIL_CASEMAP_H

#include "lib/base/strbuf.h"

/* A text never becomes longer than so many times its bytes (U+FDFA). */
#define CASEMAP_GROWTH 11

/* Appends `text` in the form in which it is searched: each character titlecased and decomposed, so
 * that a text is in another one if its bytes are in the other one's. Bytes that are no UTF-8 stay
 * as they are, as i;octet has it (RFC 5255 section 4.6). The form of two texts, one behind the
 * other, is that of both together, unless a character is cut. False if `out` overflowed: the
 * beginning is in it. */
bool casemap_text(struct slice text, struct strbuf *out);

/* Appends the key of `text`: comparing the bytes of two keys (slice_cmp) compares the texts. UTF-8
 * gives casemap_text; what is no UTF-8 stays as it is and comes after all else (RFC 5255 section
 * 4.6). False if `out` overflowed. */
bool casemap_key(struct slice text, struct strbuf *out);

#endif
