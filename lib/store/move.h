/*
 * lib/store/move.h - moves a user's mail from one storage directory to another, while it is in use.
 *
 * It is copied and verified twice: first while everybody goes on, then what came since, behind a
 * fence (move_fence.h) that ends sessions and defers deliveries; then one rename in the main
 * directory makes the copy the mailbox. Who dies before that leaves the old one, who dies after
 * it the new one; what was begun stands in store/.moving/ and is put right by the next who comes.
 * For processes that may write in all storage directories and make links and modes there.
 */
#ifndef POSTHORN_LIB_STORE_MOVE_H
#define POSTHORN_LIB_STORE_MOVE_H

#include "lib/store/move_copy.h"
#include "lib/store/store_dirs.h"

/* Moves the user at `path` ("DOMAIN/xx/USER") to the directory `to`. -1 with errno: EBUSY another
 * move is under way, or the mailbox is locked or changed too much; EALREADY it is there; ENOENT no
 * such mailbox; ENODEV a directory is missing; EIO a copy is not like its original; ENOSPC. Then
 * all is as before. */
int store_move(const struct store_dirs *dirs, const char *path, const char *to,
               struct move_counts *counts);
/* Puts right what a move left that did not come to its end. 0 also if there is nothing; -1 with
 * errno: EBUSY it goes on (then that mailbox may not be renamed or removed). */
int store_move_recover(const struct store_dirs *dirs);
/* Is it the mailbox at `path` that is being moved? */
bool store_move_concerns(const struct store_dirs *dirs, const char *path);

#endif
