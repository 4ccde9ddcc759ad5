/*
 * lib/mail/quoted_printable.h - writes text in quoted-printable (RFC 2045 section 6.7).
 */
#ifndef POSTHORN_LIB_MAIL_QUOTED_PRINTABLE_H
#define POSTHORN_LIB_MAIL_QUOTED_PRINTABLE_H

#include "lib/base/strbuf.h"

/* Appends `text`, whose lines end with CRLF: line ends stay line ends, all other control characters
 * and what is beyond ASCII are encoded, lines have at most 76 characters. False if `out`
 * overflowed. */
bool quoted_printable_encode(struct slice text, struct strbuf *out);

#endif
