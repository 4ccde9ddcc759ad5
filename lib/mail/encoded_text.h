/*
 * lib/mail/encoded_text.h - writes header text as encoded words (RFC 2047); knows no charset but
 * UTF-8, so that who only writes mail links no converters.
 */
#ifndef POSTHORN_LIB_MAIL_ENCODED_TEXT_H
#define POSTHORN_LIB_MAIL_ENCODED_TEXT_H

#include "lib/base/strbuf.h"

/* Appends UTF-8 text as encoded words, folded; ASCII goes as it is. False if `out` overflowed. */
bool encoded_text_write(struct slice text, struct strbuf *out);

#endif
