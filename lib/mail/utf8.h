/*
 * lib/mail/utf8.h - code points in and out of UTF-8 (RFC 3629).
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

#endif
