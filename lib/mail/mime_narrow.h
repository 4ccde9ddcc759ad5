/*
 * lib/mail/mime_narrow.h - makes a message fit for a transport that takes less than it needs: 7 bit
 * instead of 8 (RFC 6152 section 3), lines instead of binary (RFC 3030 section 4.2).
 *
 * Parts that do not fit get a transfer encoding (RFC 2045 section 6), text quoted-printable or
 * base64, whichever is shorter, all else base64; their content stays the same byte for byte. Parts
 * that fit are left alone, and so is all that lies in a multipart/signed or multipart/encrypted:
 * what was signed must not change on its way. Where that is not enough, the message cannot be
 * converted without loss.
 */
#ifndef POSTHORN_LIB_MAIL_MIME_NARROW_H
#define POSTHORN_LIB_MAIL_MIME_NARROW_H

#include "lib/base/slice.h"

#define MIME_NARROW_LINE_MAX 998 /* octets of a line without its end (RFC 5322 section 2.1.1) */

enum mime_width {
    MIME_7BIT, /* lines of ASCII without NUL (RFC 2045 section 2.7) */
    MIME_8BIT, /* lines of any bytes but NUL (section 2.8) */
};

struct mime_sink {
    bool (*write)(void *arg, struct slice piece); /* false: give up */
    void *arg;
};

enum mime_narrow_result {
    MIME_NARROWED,    /* all of the result is in the sink */
    MIME_UNALTERABLE, /* *why says what stands in the way: a constant, words for a verdict */
    MIME_SINK_FAILED,
};

/* Writes `message` as `width` allows it. What is in memory at a time does not grow with the message
 * (but with the number of its parts, which lib/mail/mime.h limits). The same bytes always give the
 * same result. */
enum mime_narrow_result mime_narrow(struct slice message, enum mime_width width,
                                    const struct mime_sink *sink, const char **why);

#endif
