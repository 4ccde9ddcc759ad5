/*
 * lib/mail/text_search.h - finds a string in a message, case folded and decoded (RFC 3501 6.4.4).
 */
#ifndef POSTHORN_LIB_MAIL_TEXT_SEARCH_H
#define POSTHORN_LIB_MAIL_TEXT_SEARCH_H

#include "lib/mail/mime.h"

/* The form in which a search string must be given: UTF-8 with casemap_text applied. The empty
 * string is in every text. */

/* In the text of a message: its text parts decoded, the headers of the parts inside; with
 * `with_header` also its own header, field names included. */
bool text_search_message(const struct mime *m, struct slice needle, bool with_header);

#endif
