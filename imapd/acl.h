/*
 * imapd/acl.h - rights on folders (RFC 4314), for LIST and for changes of folders.
 */
#ifndef POSTHORN_IMAPD_ACL_H
#define POSTHORN_IMAPD_ACL_H

#include "imapd/session.h"

/* Appends "* MYRIGHTS name letters" and a line end. 0, or -1 with errno: nothing was appended. */
int acl_write_myrights(struct session *s, struct slice name, struct strbuf *out);

/* An own folder was made or removed (`to` is empty) or renamed: what was shared of it goes, or
 * follows. */
void acl_folder_changed(struct session *s, struct slice name, struct slice to);

#endif
