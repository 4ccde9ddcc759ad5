/*
 * lib/mail/structured.h - the lexical elements of structured header fields (RFC 5322 section 3.2,
 * RFC 2045 section 5.1): white space, folds, comments, tokens, quoted strings.
 *
 * For reading what is already in a mailbox: what is left open at the end of the field is taken as
 * closed there (RFC 7103 section 7.1).
 */
#ifndef POSTHORN_LIB_MAIL_STRUCTURED_H
#define POSTHORN_LIB_MAIL_STRUCTURED_H

#include "lib/base/strbuf.h"

/* Skips white space, line ends and comments. The text of the last comment goes to *comment (NULL:
 * not wanted), still with its quoting. */
void structured_skip(struct slice *text, struct slice *comment);
/* Skips, then takes a token (RFC 2045). Empty if something else is there. */
struct slice structured_token(struct slice *text);
/* Skips, then takes a quoted string and appends its content: no quotes, backslashes or line ends.
 * False: none is there, and nothing but white space was taken. */
bool structured_quoted(struct slice *text, struct strbuf *out);
/* Appends the content between quotes or parentheses: backslashes and line ends taken out. */
bool structured_unquote(struct slice inner, struct strbuf *out);

#endif
