/*
 * lib/mail/imap_structure.h - BODY and BODYSTRUCTURE of a message (RFC 3501 section 7.4.2).
 */
#ifndef POSTHORN_LIB_MAIL_IMAP_STRUCTURE_H
#define POSTHORN_LIB_MAIL_IMAP_STRUCTURE_H

#include "lib/mail/mime.h"

/* Appends the structure of the whole message; with `extended` the extension data (BODYSTRUCTURE).
 * Overflow is remembered in `out`. */
void imap_structure(const struct mime *m, bool extended, struct strbuf *out);

#endif
