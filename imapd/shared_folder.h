/*
 * imapd/shared_folder.h - CREATE, DELETE and RENAME of folders of another user.
 *
 * They are in a store that this process has no way to: authd has it done (lib/ipc/authd.h,
 * FOLDER_CHANGE), which also says whether the user may.
 */
#ifndef POSTHORN_IMAPD_SHARED_FOLDER_H
#define POSTHORN_IMAPD_SHARED_FOLDER_H

#include "imapd/reply.h"
#include "imapd/session.h"

/* Is it the name of one, whether there is one or not? */
bool shared_folder_is(struct slice name);

struct reply shared_folder_create(struct session *s, struct slice name, enum store_use use);
struct reply shared_folder_delete(struct session *s, struct slice name);
/* Both are such names. The selected mailbox keeps its name for the caller to change. */
struct reply shared_folder_rename(struct session *s, struct slice from, struct slice to);

#endif
