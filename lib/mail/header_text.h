/*
 * lib/mail/header_text.h - a header section made ready for searching: decoded, unfolded, case
 * folded (RFC 3501 section 6.4.4).
 *
 * The form is one piece of bytes, to be kept in a cache: a byte HEADER_TEXT_VERSION, then for each
 * field its name, NUL, its text, NUL. A field of addresses whose text has quoting or
 * comments in it follows once more as "name <local@domain>, ...", so that what ENVELOPE shows is
 * found too.
 */
#ifndef POSTHORN_LIB_MAIL_HEADER_TEXT_H
#define POSTHORN_LIB_MAIL_HEADER_TEXT_H

#include "lib/base/strbuf.h"

#define HEADER_TEXT_VERSION '2'
#define HEADER_TEXT_MAX ((size_t)4 << 20) /* bytes; a header section of MIME_HEADER_MAX fits */

/* Two texts for each message: one small, with the fields that are searched all the time, and one
 * with the rest. */
enum header_text_part { HEADER_TEXT_COMMON, HEADER_TEXT_REST };
enum header_text_part header_text_part_of(struct slice name);

/* Appends the text of that part. `out` is empty, its ceiling HEADER_TEXT_MAX. */
void header_text_write(struct slice header, enum header_text_part part, struct strbuf *out);
bool header_text_is_valid(struct slice text);

/* Is `needle` (UTF-8 with casemap_text applied) in a field of that name? The empty string is in
 * every field. */
bool header_text_contains(struct slice text, struct slice name, struct slice needle);
/* The first field of that name. */
bool header_text_find(struct slice text, struct slice name, struct slice *field);

#endif
