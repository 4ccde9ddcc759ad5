/*
 * lib/mail/imap_utf7.h - mailbox names in modified UTF-7 (RFC 3501 section 5.1.3).
 */
#ifndef POSTHORN_LIB_MAIL_IMAP_UTF7_H
#define POSTHORN_LIB_MAIL_IMAP_UTF7_H

#include "lib/base/strbuf.h"

/* UTF-8 to modified UTF-7. 0, or -1: not UTF-8, or `out` is full; it is then as before. */
int imap_utf7_encode(struct slice utf8, struct strbuf *out);
/* Modified UTF-7 to UTF-8. Strict: there is exactly one accepted spelling for each name. 0, or -1:
 * wrong, or `out` is full; it is then as before. */
int imap_utf7_decode(struct slice utf7, struct strbuf *out);

#endif
