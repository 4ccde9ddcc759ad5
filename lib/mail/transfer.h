/*
 * lib/mail/transfer.h - content transfer encodings, decoded piece by piece (RFC 2045 section 6).
 *
 * Tolerant as section 6.7 (5) and 6.8 ask of receivers: what is no base64 is skipped, a wrong "="
 * of quoted-printable stays as it is.
 */
#ifndef POSTHORN_LIB_MAIL_TRANSFER_H
#define POSTHORN_LIB_MAIL_TRANSFER_H

#include <stdint.h>

#include "lib/base/strbuf.h"

enum transfer_encoding {
    TRANSFER_IDENTITY, /* 7bit, 8bit, binary */
    TRANSFER_QUOTED_PRINTABLE,
    TRANSFER_BASE64,
    TRANSFER_UNKNOWN /* the content means nothing to us (RFC 2045 section 6.4) */
};

/* The value of a Content-Transfer-Encoding field; comments and white space are fine. */
enum transfer_encoding transfer_find(struct slice value);

struct transfer {
    enum transfer_encoding encoding;
    uint32_t bits; /* base64: what is not a whole byte yet */
    unsigned count;
    bool ended;
    size_t text, dropped, end; /* quoted-printable: bytes of the line at hand, in this order */
};

struct transfer transfer_begin(enum transfer_encoding encoding);
/* Takes one line (quoted-printable) or up to `piece` bytes off *in, which is all that is left of
 * the content, and appends them decoded. A line longer than `piece` (quoted-printable allows 76) is
 * taken in pieces; the result is the same for any `piece` of 3 or more. False: nothing is left, or
 * `out` is full. */
bool transfer_next(struct transfer *t, struct slice *in, size_t piece, struct strbuf *out);

#endif
