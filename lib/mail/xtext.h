/*
 * lib/mail/xtext.h - "xtext", how DSN parameters carry any byte (RFC 3461 section 4).
 */
#ifndef POSTHORN_LIB_MAIL_XTEXT_H
#define POSTHORN_LIB_MAIL_XTEXT_H

#include "lib/base/strbuf.h"

bool xtext_is_valid(struct slice text);
bool xtext_encode(struct slice plain, struct strbuf *out);
/* 0, or -1: not xtext, or `out` is full; it is then as before. */
int xtext_decode(struct slice text, struct strbuf *out);

#endif
