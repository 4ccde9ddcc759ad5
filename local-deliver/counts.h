/*
 * local-deliver/counts.h - how many messages are in a user's standard folders: the child that
 * looks.
 */
#ifndef POSTHORN_LOCAL_DELIVER_COUNTS_H
#define POSTHORN_LOCAL_DELIVER_COUNTS_H

#include "lib/ipc/local_deliver.h"
#include "lib/store/store_dirs.h"
#include "lib/sys/daemon.h"

/* In a child: keeps the right to read that one mailbox, and writes a struct store_ctl_reply into
 * `result_fd`. `path` is valid. */
void counts_serve(const struct daemon *d, const struct store_dirs *dirs, struct slice path,
                  int result_fd);

#endif
