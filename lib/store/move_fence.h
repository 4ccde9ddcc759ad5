/*
 * lib/store/move_fence.h - a mailbox that is being moved takes no change any more.
 *
 * The fence is the sticky bit on each folder's journal, set under its lock: whoever locks or looks
 * at that journal afterwards gets EREMOTE. It stays on what is left behind, for the processes that
 * still have it open.
 */
#ifndef POSTHORN_LIB_STORE_MOVE_FENCE_H
#define POSTHORN_LIB_STORE_MOVE_FENCE_H

/* `mail_fd`: the mail directory, open for reading. 0, or -1 with errno: EBUSY a lock was not had in
 * time, EAGAIN a folder is just being made; some folders may be fenced then. */
int move_fence_raise(int mail_fd);
void move_fence_lift(int mail_fd); /* does what it can */

#endif
