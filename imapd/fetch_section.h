/*
 * imapd/fetch_section.h - sends the text of a message or of parts of it: BODY[...] and RFC822.
 */
#ifndef POSTHORN_IMAPD_FETCH_SECTION_H
#define POSTHORN_IMAPD_FETCH_SECTION_H

#include "imapd/fetch_args.h"
#include "imapd/session.h"

/* Sends "BODY[1.2]<0> {n}..." of the message in s->message, after what s->out holds. */
void fetch_section_send(struct session *s, const struct fetch_section *section);
#define FETCH_SECTION_FIELDS_MAX (MIME_HEADER_MAX + 2) /* bytes */
/* The bytes that a BODY section means, borrowed from the message or, selected header fields, from
 * `fields`. False: there is no such part. */
bool fetch_section_text(struct message_data *message, const struct fetch_section *section,
                        struct strbuf *fields, struct slice *text);
/* Appends a date-time in UTC: "17-Jul-1996 02:44:25 +0000" in quotes. */
void fetch_section_date(int64_t real_ms, struct strbuf *out);

#endif
