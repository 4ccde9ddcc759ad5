/*
 * imapd/append_url.h - CATENATE's URLs: messages of this user, or parts of them (RFC 4469, RFC
 * 5092).
 */
#ifndef POSTHORN_IMAPD_APPEND_URL_H
#define POSTHORN_IMAPD_APPEND_URL_H

#include "imapd/append_sink.h"
#include "imapd/append_text.h"
#include "lib/mail/imap_url.h"

#define APPEND_URL_MAX IMAP_URL_MAX /* bytes */

/* The string behind "URL", which may be a literal. False: see the parser's error, or the connection
 * is over. */
bool append_url_parse(struct append_text *text, struct slice *url);
/* Appends what the URL means. False: see the sink, or it is nothing that this session can read. */
bool append_url_copy(struct session *s, struct slice url, struct append_sink *sink);
/* The response code: "BADURL url". */
void append_url_code(struct slice url, struct strbuf *out);

#endif
