/*
 * lib/mail/utf8.h - code points in and out of UTF-8 (RFC 3629), and folding of case for search.
 */
#ifndef POSTHORN_LIB_MAIL_UTF8_H
#define POSTHORN_LIB_MAIL_UTF8_H

#include <stdint.h>

#include "lib/base/strbuf.h"

#define UTF8_REPLACEMENT 0xfffdu

/* Takes one code point off *text. False at the end or at a byte that is no UTF-8; *text is then as
 * before. */
bool utf8_next(struct slice *text, uint32_t *code);
/* Writes `code` to out[4] and returns the number of bytes; what is no scalar value becomes U+FFFD.
 */
size_t utf8_put(uint32_t code, char out[4]);
bool utf8_append(struct strbuf *out, uint32_t code);

/* One code point's lower case: ASCII, Latin, Greek, Cyrillic and Armenian; others unchanged. */
uint32_t utf8_fold_code(uint32_t code);
/* Appends `text` with case folded. Bytes that are no UTF-8 are kept as they are. */
bool utf8_fold(struct slice text, struct strbuf *out);

#endif
