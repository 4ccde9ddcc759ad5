/*
 * master/run_dir.h - the directory of sockets, locks and shared memory: made at start, swept of
 * what an earlier master has left.
 */
#ifndef POSTHORN_MASTER_RUN_DIR_H
#define POSTHORN_MASTER_RUN_DIR_H

#include "lib/base/strbuf.h"

/* Makes it if it is not there (/run is empty after a boot). -1 with a line in `error`. */
int run_dir_open(const char *path, struct strbuf *error);
/* Removes copies of configurations and the figures of the last run; call with the lock held. */
void run_dir_clean(int run_dirfd);

#endif
