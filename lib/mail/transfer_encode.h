/*
 * lib/mail/transfer_encode.h - content transfer encodings, piece by piece (RFC 2045 section 6).
 */
#ifndef POSTHORN_LIB_MAIL_TRANSFER_ENCODE_H
#define POSTHORN_LIB_MAIL_TRANSFER_ENCODE_H

#include "lib/mail/transfer.h"

#define TRANSFER_BASE64_LINE 57 /* bytes in the 76 characters of a line (section 6.8) */
/* Bytes that `size` bytes, and what was held back before them, may take at most. */
#define TRANSFER_ENCODED_MAX(size) (((size) + TRANSFER_BASE64_LINE) * 4 + 64)

struct transfer_encoder {
    enum transfer_encoding encoding; /* TRANSFER_QUOTED_PRINTABLE or TRANSFER_BASE64 */
    size_t column;                   /* characters on the current line */
    size_t held_len;                 /* bytes of `held` whose encoding the next byte decides */
    char held[TRANSFER_BASE64_LINE];
};

struct transfer_encoder transfer_encode_begin(enum transfer_encoding encoding);
/* Encodes a piece. A CRLF is a line break for quoted-printable; any other byte comes back as it is,
 * and no line that is written can be taken for the boundary of a multipart. `out` needs room for
 * TRANSFER_ENCODED_MAX(in.len). */
void transfer_encode(struct transfer_encoder *e, struct slice in, struct strbuf *out);
/* What was held back. `ends_line`: the last line gets an end that is not part of the content. */
void transfer_encode_end(struct transfer_encoder *e, bool ends_line, struct strbuf *out);

#endif
