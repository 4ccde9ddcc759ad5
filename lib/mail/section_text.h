/*
 * lib/mail/section_text.h - a section of a message that is written as a text of its own, as in a
 * URL: "1.2.MIME", "HEADER.FIELDS (Date From)" (RFC 5092 section 6, RFC 3501 section 9,
 * section-spec).
 *
 * In a command the same grammar may hold literals: imapd/fetch_args.h.
 */
#ifndef POSTHORN_LIB_MAIL_SECTION_TEXT_H
#define POSTHORN_LIB_MAIL_SECTION_TEXT_H

#include "lib/base/strbuf.h"
#include "lib/mail/mime_section.h"

#define SECTION_TEXT_NUMBERS_MAX 100 /* part numbers; deeper parts do not exist */
#define SECTION_TEXT_FIELDS_MAX 200  /* names of header fields */

struct section_text {
    uint32_t numbers[SECTION_TEXT_NUMBERS_MAX];
    size_t number_count;
    enum mime_section section;
    bool has_fields, negate;                      /* HEADER.FIELDS, HEADER.FIELDS.NOT */
    struct slice fields[SECTION_TEXT_FIELDS_MAX]; /* borrowed from the text */
    size_t field_count;
};

/* Empty text: the whole message. 0, or -1: it is no section, or has too many numbers or names. */
int section_text_parse(struct slice text, struct section_text *out);

/* The bytes of the section, borrowed from `message` or, selected header fields, from `fields`,
 * which has a limit of MIME_HEADER_MAX + 2 or more. False: there is no such part. */
bool section_text_find(const struct section_text *section, struct slice message,
                       struct strbuf *fields, struct slice *out);

#endif
