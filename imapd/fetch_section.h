/*
 * imapd/fetch_section.h - sends the text of a message or of parts of it: BODY[...] and RFC822.
 */
#ifndef POSTHORN_IMAPD_FETCH_SECTION_H
#define POSTHORN_IMAPD_FETCH_SECTION_H

#include "imapd/fetch_args.h"
#include "imapd/session.h"

/* Sends "BODY[1.2]<0> {n}..." of the message in s->message, after what s->out holds. */
void fetch_section_send(struct session *s, const struct fetch_section *section);
/* Appends a date-time in UTC: "17-Jul-1996 02:44:25 +0000" in quotes. */
void fetch_section_date(int64_t real_ms, struct strbuf *out);

#endif
