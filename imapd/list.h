/*
 * imapd/list.h - the LIST response outside the LIST command.
 */
#ifndef POSTHORN_IMAPD_LIST_H
#define POSTHORN_IMAPD_LIST_H

#include "imapd/folder_set.h"

/* The LIST response that SELECT gives in IMAP4rev2 (RFC 9051 section 6.3.2), with the attributes
 * that LIST would tell, and OLDNAME if the client has `written` the name otherwise. 0, or -1 with
 * errno. */
int list_send_selected(struct session *s, struct slice name, struct slice written);
/* The LIST response that NOTIFY gives (RFC 5465 sections 3.1, 5.4 and 5.5): with \Subscribed, and
 * OLDNAME if there is an old name. */
void list_send_notice(struct session *s, const struct folder *f, struct slice old_name,
                      bool no_access);

#endif
