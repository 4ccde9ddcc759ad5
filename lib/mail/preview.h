/*
 * lib/mail/preview.h - the first words of a message, for lists of messages (RFC 8970).
 */
#ifndef POSTHORN_LIB_MAIL_PREVIEW_H
#define POSTHORN_LIB_MAIL_PREVIEW_H

#include "lib/mail/mime.h"

#define PREVIEW_CHARS_MAX 200                             /* RFC 8970 section 3.3 */
#define PREVIEW_BYTES_MAX ((size_t)PREVIEW_CHARS_MAX * 4) /* in UTF-8 */

/* Appends at most PREVIEW_CHARS_MAX characters of plain text on one line; nothing if the message
 * has no text to show. `out` has room for PREVIEW_BYTES_MAX bytes. The same message gives the same
 * preview; the work is bounded, however large the message is. */
void preview_make(const struct mime *m, struct strbuf *out);

#endif
