/*
 * lib/mail/charset.h - text of any character set as UTF-8.
 *
 * UTF-8, US-ASCII and the Western sets are converted here; all others by ICU, which this module
 * hides. ICU brings its tables in a file that is mapped when the program starts, so it works in a
 * chroot, and takes memory of the process only from the first use on (40 KB).
 */
#ifndef POSTHORN_LIB_MAIL_CHARSET_H
#define POSTHORN_LIB_MAIL_CHARSET_H

#include <stdint.h>

#include "lib/base/strbuf.h"

#define CHARSET_UTF8_PER_BYTE 3 /* bytes of UTF-8 for one in any character set, at most */

struct charset; /* a conversion in progress */

/* By its IANA name or a common alias, in any case; the empty name is US-ASCII. Never NULL: what is
 * not known is copied as it is, like UTF-8 and what claims to be US-ASCII. */
struct charset *charset_open(struct slice name);
void charset_close(struct charset **csp);
bool charset_is_known(const struct charset *cs);

/* Appends the next piece of the text as UTF-8; a character may span two pieces. `last`: nothing
 * follows, what is incomplete becomes U+FFFD, as all that the set does not have. False if `out`
 * overflowed. */
bool charset_convert(struct charset *cs, struct slice piece, bool last, struct strbuf *out);
/* A whole text in one go. */
bool charset_convert_all(struct slice name, struct slice text, struct strbuf *out);

/* Some of the names, to announce (BADCHARSET of RFC 3501 section 7.1); NULL-terminated. */
extern const char *const charset_names[];

#endif
