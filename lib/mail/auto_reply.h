/*
 * lib/mail/auto_reply.h - automatic replies of persons (RFC 3834): which mail gets none, whom mail
 * names as its recipients, and the reply itself.
 */
#ifndef POSTHORN_LIB_MAIL_AUTO_REPLY_H
#define POSTHORN_LIB_MAIL_AUTO_REPLY_H

#include <stdint.h>

#include "lib/base/strbuf.h"

#define AUTO_REPLY_NAMED_MAX 100 /* recipients of a header that are looked at */

/* Why mail to `user` with this header section and this envelope sender gets no reply (section 2):
 * it is automatic or a list's, or there is nobody to answer to. NULL: nothing speaks against it. */
const char *auto_reply_refusal(struct slice header, struct slice sender, struct slice user);

/* Appends the addresses of To, Cc, Bcc and the Resent- fields like them, each with a line end
 * behind it; what does not fit is left out. */
void auto_reply_named(struct slice header, struct strbuf *out);

struct auto_reply {
    struct slice from, full_name; /* whose reply it is; the name may be empty */
    struct slice to;              /* envelope sender of what it answers */
    struct slice header;          /* header section of that */
    struct slice no_subject;      /* UTF-8: stands for a subject that is missing or too long */
    struct slice text;            /* UTF-8, lines end with CRLF */
    const char *message_id;       /* without angle brackets */
    int64_t now_ms;
};
/* Appends the message, without trace fields; 7-bit if the addresses are. Overflow is remembered by
 * the buffer. */
void auto_reply_write(const struct auto_reply *reply, struct strbuf *out);

#endif
