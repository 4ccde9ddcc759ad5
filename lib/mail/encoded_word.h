/*
 * lib/mail/encoded_word.h - header text with encoded words, as UTF-8 (RFC 2047).
 *
 * Decoding is for searching. It recognizes more than section 6.1 asks for: also encoded words that
 * touch other text or hold spaces, because mail programs show them decoded.
 */
#ifndef POSTHORN_LIB_MAIL_ENCODED_WORD_H
#define POSTHORN_LIB_MAIL_ENCODED_WORD_H

#include "lib/base/strbuf.h"

/* Appends a field's body (folded or not) to `out`: line ends gone (a tab behind one becomes a
 * space: it only folds), encoded words decoded, white space between two of them dropped
 * (section 6.2). Words in unknown character sets give their bytes. False if `out` overflowed. */
bool encoded_word_decode(struct slice body, struct strbuf *out);

#endif
