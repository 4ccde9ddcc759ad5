/*
 * lib/mail/mime.h - the parts of a message as offsets into its bytes (RFC 2045, RFC 2046).
 *
 * Nothing is copied: the message stays where it is (mapped or read) and must outlive the result.
 * The same bytes always give the same parts, whatever is wrong with them; where RFC 2045 leaves
 * something open, RFC 7103 says what is done. Lines end with LF, a CR before it belongs to the end.
 */
#ifndef POSTHORN_LIB_MAIL_MIME_H
#define POSTHORN_LIB_MAIL_MIME_H

#include <stdint.h>

#include "lib/mail/header.h"
#include "lib/mail/transfer.h"

/* Shipped limits, and what they can be set to. */
#define MIME_DEPTH 64
#define MIME_DEPTH_MIN 16
#define MIME_DEPTH_MAX 90
#define MIME_PARTS 4000
#define MIME_PARTS_MIN 100
#define MIME_PARTS_MAX 100000
#define MIME_HEADER_MIN 65536
#define MIME_HEADER_MAX 1048576 /* bytes */

struct mime_limits {
    uint32_t depth; /* multiparts and messages inside each other; deeper: octet-stream */
    uint32_t parts; /* what follows belongs to the last part */
    size_t header;  /* bytes of one header section that are looked at for fields */
};
/* For the whole process, before the first message. */
void mime_set_limits(const struct mime_limits *limits);
const struct mime_limits *mime_limits(void);

#define MIME_BOUNDARY_MAX 250 /* bytes; RFC 2046 section 5.1.1 allows 70. Longer: no boundary */
#define MIME_NONE UINT32_MAX

enum mime_kind {
    MIME_LEAF,
    MIME_MULTIPART, /* has at least one child */
    MIME_MESSAGE    /* message/rfc822: its one child is the message inside */
};

struct mime_part {
    enum mime_kind kind;
    uint32_t parent, first_child, last_child, next; /* MIME_NONE: none */
    size_t header, body, end;    /* offsets: [header, body) with the empty line, [body, end) */
    size_t content, content_end; /* offsets: the fields whose names begin with Content- lie there */
    size_t lines;                /* line ends in the body */
    struct slice type, subtype;  /* of the Content-Type, or the default */
    struct slice content_type;   /* the field's body; empty: absent, wrong or not to be believed */
    enum transfer_encoding encoding;
};

struct mime {
    struct slice message;
    struct mime_part *parts; /* parts[0] is the message itself */
    uint32_t count, cap;
    bool limits_matter; /* other limits could give other parts or fields */
};

/* Never fails; mime_free afterwards. */
void mime_parse(struct slice message, struct mime *out);
void mime_free(struct mime *m);

/* The header section (as much of it as is looked at) and the body of a part. */
struct slice mime_header(const struct mime *m, const struct mime_part *part);
struct slice mime_body(const struct mime *m, const struct mime_part *part);
/* The stretch of the header section that has all fields whose names begin with Content-. */
struct slice mime_content_fields(const struct mime *m, const struct mime_part *part);

/* Length of the header section of `message` with its empty line; all of it if there is none. */
size_t mime_header_len(struct slice message);
/* The next field of a header section; lines that are none are skipped. False at the end. */
bool mime_field_next(struct slice *header, struct header_field *field);
bool mime_field_find(struct slice header, const char *name, struct header_field *field);

#endif
