/*
 * lib/mail/header.h - the header section of a message, field by field (RFC 5322 section 2.2).
 *
 * Lines end with CRLF; a bare LF is taken for a line end here too, because the store also holds
 * messages that other programs put into the Maildir. (smtpd lets no bare LF in.)
 */
#ifndef POSTHORN_LIB_MAIL_HEADER_H
#define POSTHORN_LIB_MAIL_HEADER_H

#include "lib/base/strbuf.h"

struct header_field {
    struct slice name; /* without the colon and white space before it */
    struct slice body; /* behind the colon, still folded, without the last line end */
    struct slice raw;  /* all lines of the field with their ends */
};

enum header_status {
    HEADER_FIELD, /* *field is filled in */
    HEADER_END,   /* the empty line was taken; what is left is the body */
    HEADER_BODY,  /* no empty line, but a line that is no header field; it is left in place */
    HEADER_EMPTY, /* the input ended inside the header section */
};

/* Takes the next field off *rest. */
enum header_status header_next(struct slice *rest, struct header_field *field);

/* The first field of that name (any case) in `message`. */
bool header_find(struct slice message, const char *name, struct header_field *field);

/* Length of the header section of `message`, with the empty line; 0 if no empty line is there. The
 * search starts at `from`, a position that an earlier call on less of the message has covered. */
size_t header_section_len(struct slice message, size_t from);

/* The body of a field on one line: line ends before white space taken out (RFC 5322 section
 * 2.2.3), white space at both ends too. False if `out` overflowed. */
bool header_unfold(struct slice body, struct strbuf *out);

/* What a receiver needs to know about a header section (at most `fields_max` fields are read). */
struct header_summary {
    unsigned fields;
    unsigned received; /* Received fields: hops so far (RFC 5321 section 6.3) */
    bool has_date, has_message_id, has_from, has_sender;
    bool has_8bit;     /* a byte above 0x7f: an internationalized header (RFC 6532) */
    bool is_malformed; /* a line that is no field, before the empty line */
    bool tls_optional; /* "TLS-Required: No", given once (RFC 8689 section 3) */
    unsigned tls_required_fields;
};
void header_summarize(struct slice section, unsigned fields_max, struct header_summary *summary);

#endif
