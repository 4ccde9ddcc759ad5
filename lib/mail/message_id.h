/*
 * lib/mail/message_id.h - the message identifiers in Message-ID, References and In-Reply-To (RFC
 * 5322 section 3.6.4).
 */
#ifndef POSTHORN_LIB_MAIL_MESSAGE_ID_H
#define POSTHORN_LIB_MAIL_MESSAGE_ID_H

#include "lib/base/strbuf.h"

#define MESSAGE_ID_MAX 1000 /* bytes; a longer one is none: no line may be longer */

/* Puts the next identifier of a field's body into *id, without the angle brackets and in the one
 * form that RFC 5256 section 3 asks for: no quoting, no white space around its parts. What is no
 * identifier is skipped. False at the end. */
bool message_id_next(struct slice *body, struct strbuf *id);

#endif
