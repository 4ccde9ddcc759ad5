/*
 * lib/mail/mime_content.h - the content of a message part without its transfer encoding, piece by
 * piece.
 */
#ifndef POSTHORN_LIB_MAIL_MIME_CONTENT_H
#define POSTHORN_LIB_MAIL_MIME_CONTENT_H

#include "lib/mail/mime.h"

#define MIME_CONTENT_PIECE 8192 /* bytes of encoded text that are decoded at a time */

struct mime_content {
    struct transfer transfer;
    struct slice rest; /* not decoded yet */
    bool is_text;      /* lines end with CRLF (RFC 3516 section 6) */
    char last;         /* byte of the piece before */
    struct strbuf decoded, lines;
};

/* False: the encoding of the part is not known (nothing is to be freed then). Multiparts and
 * messages have none, their text is the content (RFC 2045 section 6.4). */
bool mime_content_begin(struct mime_content *c, const struct mime *m, const struct mime_part *part);
/* The same bytes for the same part, in the same pieces, at every run. `piece` is borrowed until the
 * next call and not empty. False: that was all. */
bool mime_content_next(struct mime_content *c, struct slice *piece);
void mime_content_end(struct mime_content *c);

#endif
