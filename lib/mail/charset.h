/*
 * lib/mail/charset.h - the character sets that we convert to UTF-8 without a library.
 *
 * For searching: session daemons link no ICU, and iconv does not work in a chroot. Text in any
 * other character set is searched as the bytes it is.
 */
#ifndef POSTHORN_LIB_MAIL_CHARSET_H
#define POSTHORN_LIB_MAIL_CHARSET_H

#include "lib/base/strbuf.h"

enum charset {
    CHARSET_UNKNOWN,
    CHARSET_UTF8, /* US-ASCII too: what is not UTF-8 in such text is kept as it is */
    CHARSET_LATIN9,
    CHARSET_WINDOWS_1252
};

/* By its IANA name or a common alias, in any case; the empty name is US-ASCII. */
enum charset charset_find(struct slice name);
/* Names to announce (BADCHARSET), NULL-terminated. */
extern const char *const charset_names[];

/* Appends `text` as UTF-8. UTF-8 and unknown text is copied. A character never spans two calls in
 * the single-byte sets; for UTF-8 the bytes stay the same, so pieces are fine too. */
bool charset_to_utf8(enum charset charset, struct slice text, struct strbuf *out);

#endif
