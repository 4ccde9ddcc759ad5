/*
 * lib/mail/footer.h - puts a signature under the text of a message: into its text and HTML parts,
 * not as an attachment (MON-11).
 *
 * The parts that a reader sees as the message get it: a message of one text; of a
 * multipart/alternative each text; of a multipart/related or mixed the first part. Signed and
 * encrypted mail, reports, and what begins with no text stay as they are. Only the edited places
 * change; where the signature cannot be written in a part's character set or encoding, that part
 * becomes UTF-8, in quoted-printable or base64.
 */
#ifndef POSTHORN_LIB_MAIL_FOOTER_H
#define POSTHORN_LIB_MAIL_FOOTER_H

#include "lib/base/strbuf.h"

/* Lines end with CRLF, the last one too. */
struct footer {
    struct slice text; /* UTF-8, for text/plain */
    struct slice html; /* ASCII, with character references: it fits into any HTML */
};

/* Appends the whole message with the signature to `out`. False: the message is to stay as it is,
 * because of what it is, because the signature stands in it already (a reply with our text
 * quoted), or because `out` is too small. */
bool footer_insert(struct slice message, const struct footer *footer, struct strbuf *out);

/* A file of the administrator's made into a footer: plain text, or HTML. NULL: `text` and `html`
 * have what it makes; else what is wrong with it. */
const char *footer_from_text(struct slice file, struct strbuf *text, struct strbuf *html);
const char *footer_from_html(struct slice file, struct strbuf *text, struct strbuf *html);

#endif
