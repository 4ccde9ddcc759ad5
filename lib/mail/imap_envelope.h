/*
 * lib/mail/imap_envelope.h - the ENVELOPE of a message (RFC 3501 section 7.4.2).
 */
#ifndef POSTHORN_LIB_MAIL_IMAP_ENVELOPE_H
#define POSTHORN_LIB_MAIL_IMAP_ENVELOPE_H

#include "lib/base/strbuf.h"

/* Appends "(date subject from sender reply-to to cc bcc in-reply-to message-id)" of a header
 * section. Encoded words stay as they are. Overflow is remembered in `out`. */
void imap_envelope(struct slice header, struct strbuf *out);

#endif
