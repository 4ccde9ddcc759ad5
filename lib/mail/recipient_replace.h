/*
 * lib/mail/recipient_replace.h - members' addresses in place of their group's in the recipient
 * fields that a reader sees: To and Cc.
 */
#ifndef POSTHORN_LIB_MAIL_RECIPIENT_REPLACE_H
#define POSTHORN_LIB_MAIL_RECIPIENT_REPLACE_H

#include "lib/base/strbuf.h"

/* Groups as text, a line (LF) for each address, in the form in which it is to be sent: the group's,
 * its members', an empty line. More groups than this are left as they are. */
#define RECIPIENT_GROUPS_MAX 64

/* Bytes that a header section of `size` bytes may take then, at most. */
#define RECIPIENT_REPLACE_MAX(size, groups) ((size) + (groups)*4)

/* Appends the header section of a message (as long as mime_header_len says) with each group's
 * members where its address stands first, its name and comments included; where it stands again, it
 * stays: a header is never longer by more than all groups. False: nothing is to be replaced, `out`
 * is as it was. */
bool recipient_replace(struct slice header, struct slice groups, struct strbuf *out);

#endif
