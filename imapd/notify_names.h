/*
 * imapd/notify_names.h - folders that came, went, were renamed or subscribed since they were listed
 * last (RFC 5465 sections 5.4 and 5.5).
 */
#ifndef POSTHORN_IMAPD_NOTIFY_NAMES_H
#define POSTHORN_IMAPD_NOTIFY_NAMES_H

#include "imapd/notify_folders.h"

/* Lists the folders again, watches what is new among them and tells what is different by LIST
 * responses. `first`: nothing was known, and only what may not be read is told. 0, or -1 with
 * errno: EOVERFLOW, EMFILE, ENFILE, they are too many. */
int notify_names_refresh(struct session *s, struct notify_folders *f, bool first);

#endif
