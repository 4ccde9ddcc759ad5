/*
 * local-deliver/user_batch.h - makes, renames and removes many users' directories with few flushes.
 *
 * A new mailbox is made whole below .making/ of its storage directory, where nobody finds it; all
 * are flushed at once, then get their names, and these are flushed at once. Until then INBOX's
 * journal is locked, so that whoever finds the mailbox earlier cannot be told that a message is
 * safe in it. Renames and removals are part of the second flush. Runs as long as the disk takes:
 * for a process of its own. Whatever ends it, each mailbox is there whole or not at all, and every
 * item may be run again.
 */
#ifndef POSTHORN_LOCAL_DELIVER_USER_BATCH_H
#define POSTHORN_LOCAL_DELIVER_USER_BATCH_H

#include "lib/ipc/local_deliver.h"
#include "lib/store/store_dirs.h"

struct user_batch_item {
    uint16_t type; /* STORE_CREATE, STORE_RENAME, STORE_REMOVE */
    /* As in struct store_ctl, checked and each ending with a NUL; borrowed. */
    struct slice path, new_path, place;
    uint32_t error; /* out: 0, or an errno value; EBUSY: the mailbox is just being moved */
};

/* In the order of the items, as far as two of them touch the same path. `reserve` is
 * store.directory_reserve (percent). */
void user_batch_run(const struct store_dirs *dirs, unsigned reserve, struct user_batch_item *items,
                    size_t count);

#endif
