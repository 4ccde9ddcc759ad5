/*
 * lib/mail/mime_section.h - finds what BODY[section] means in a message (RFC 3501 section 6.4.5).
 */
#ifndef POSTHORN_LIB_MAIL_MIME_SECTION_H
#define POSTHORN_LIB_MAIL_MIME_SECTION_H

#include "lib/mail/mime.h"

enum mime_section {
    MIME_SECTION_BODY,   /* nothing behind the part numbers; without numbers the whole message */
    MIME_SECTION_HEADER, /* HEADER, and what HEADER.FIELDS selects from */
    MIME_SECTION_TEXT,
    MIME_SECTION_MIME /* the part's own header; needs numbers */
};

/* The part with these numbers (from 1; none: the message itself), or NULL. A message that is no
 * multipart is its own part 1. */
const struct mime_part *mime_section_part(const struct mime *m, const uint32_t *numbers,
                                          size_t count);

/* The bytes of a section, borrowed from the message. False: there is no such section. */
bool mime_section_find(const struct mime *m, const uint32_t *numbers, size_t count,
                       enum mime_section section, struct slice *out);

/* HEADER.FIELDS, with `negate` HEADER.FIELDS.NOT: appends the fields of `header` whose names are
 * (not) among `names`, and the empty line if `header` has one. False if `out` overflowed. */
bool mime_section_fields(struct slice header, const struct slice *names, size_t count, bool negate,
                         struct strbuf *out);

#endif
