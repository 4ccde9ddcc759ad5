/*
 * syncd/ask.h - asks accountd, for a process that may block: what there is, and changes.
 */
#ifndef POSTHORN_SYNCD_ASK_H
#define POSTHORN_SYNCD_ASK_H

#include "lib/ipc/accountd.h"

struct ask;

struct ask *ask_new(void); /* the socket is named from the current directory */
void ask_free(struct ask **askp);

/* One operation. The reply is borrowed until the next call; a refusal is one. 0, or -1: accountd is
 * away. */
int ask_do(struct ask *ask, const struct accountd_admin *admin, struct accountd_admin_reply *reply);
/* Each object of a kind within `within`, over all pages. 0, or -1: accountd is away or refuses. */
int ask_list(struct ask *ask, const char *kind, struct slice within,
             void (*each)(void *arg, const struct object_field *fields, uint32_t count), void *arg);

#endif
