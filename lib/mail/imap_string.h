/*
 * lib/mail/imap_string.h - strings as IMAP responses carry them (RFC 3501 section 4.3).
 */
#ifndef POSTHORN_LIB_MAIL_IMAP_STRING_H
#define POSTHORN_LIB_MAIL_IMAP_STRING_H

#include "lib/base/strbuf.h"

/* A quoted string, or a literal where quoting is not allowed (line ends, bytes above 0x7f). NULs
 * are left out: no form of string may hold one. Overflow is remembered in `out`. */
void imap_string(struct slice text, struct strbuf *out);
/* An atom if it can be one, else as imap_string. */
void imap_astring(struct slice text, struct strbuf *out);
/* The same for valid UTF-8 without control characters, which is quoted, not made a literal (RFC
 * 9051 section 4.3, RFC 6855 section 3). */
void imap_astring_utf8(struct slice text, struct strbuf *out);
/* Text with line ends taken out, for fields that may be folded. */
void imap_string_unfolded(struct slice text, struct strbuf *out);

#endif
