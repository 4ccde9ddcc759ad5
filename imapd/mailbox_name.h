/*
 * imapd/mailbox_name.h - folder names in responses, and the patterns of LIST.
 */
#ifndef POSTHORN_IMAPD_MAILBOX_NAME_H
#define POSTHORN_IMAPD_MAILBOX_NAME_H

#include "lib/base/strbuf.h"

#define MAILBOX_PATTERN_MAX 1024 /* bytes; longer ones match nothing */

/* False: a character that no new name may have (RFC 6855 section 3); the store refuses others. */
bool mailbox_name_allowed(struct slice utf8);
/* Appends a name as an astring in modified UTF-7, or in UTF-8 (session_takes_utf8). */
void mailbox_name_write(struct slice utf8, bool as_utf8, struct strbuf *out);
/* Does `name` match the pattern? '*' stands for anything, '%' for anything without '/' (RFC 3501
 * section 6.3.8). "INBOX" in front matches in any case. */
bool mailbox_name_match(struct slice name, struct slice pattern);

#endif
