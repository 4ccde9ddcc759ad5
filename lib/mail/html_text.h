/*
 * lib/mail/html_text.h - the text of an HTML document as a reader would see it, piece by piece.
 *
 * No parser of HTML: tags, comments, styles and scripts go, the usual character references become
 * what they mean. Memory is that of the struct, whatever comes.
 */
#ifndef POSTHORN_LIB_MAIL_HTML_TEXT_H
#define POSTHORN_LIB_MAIL_HTML_TEXT_H

#include "lib/base/strbuf.h"

#define HTML_TEXT_NAME_MAX 10 /* bytes of a tag's name or a reference that are looked at */

enum html_text_state {
    HTML_TEXT_TEXT,
    HTML_TEXT_TAG_NAME,
    HTML_TEXT_TAG,
    HTML_TEXT_QUOTED, /* an attribute's value */
    HTML_TEXT_COMMENT,
    HTML_TEXT_REFERENCE
};

struct html_text {
    enum html_text_state state;
    char name[HTML_TEXT_NAME_MAX + 1]; /* of a tag or reference, lower case as far as it came */
    size_t name_len;
    char hidden[HTML_TEXT_NAME_MAX + 1]; /* inside this element nothing is text; "": none */
    char quote;
    unsigned dashes; /* at the end of a comment */
};

/* A zeroed struct is a document's beginning. Appends the text in the next piece of UTF-8; a tag
 * that separates text (a paragraph, a cell) becomes a space. False if `out` overflowed. */
bool html_text_feed(struct html_text *h, struct slice piece, struct strbuf *out);

#endif
