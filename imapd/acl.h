/*
 * imapd/acl.h - rights on folders (RFC 4314), for LIST and for changes of folders.
 */
#ifndef POSTHORN_IMAPD_ACL_H
#define POSTHORN_IMAPD_ACL_H

#include "imapd/session.h"

/* Appends "* MYRIGHTS name letters" and a line end. 0, or -1 with errno: nothing was appended. */
int acl_write_myrights(struct session *s, struct slice name, struct strbuf *out);

/* The rights on the user's own folders follow what was done to them: a new one has those of the one
 * above it, one that is removed has none, and those on a renamed one and below it go along. */
void acl_folder_created(struct session *s, struct slice name);
void acl_folder_removed(struct session *s, struct slice name);
void acl_folder_renamed(struct session *s, struct slice name, struct slice to);

#endif
