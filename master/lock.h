/*
 * master/lock.h - one master at a time, and none before the last process of an earlier one has
 * gone.
 */
#ifndef POSTHORN_MASTER_LOCK_H
#define POSTHORN_MASTER_LOCK_H

#include "lib/base/strbuf.h"

/* Takes master's lock below `run_dirfd` and the instance's below the directory `queue`. Returns the
 * descriptor that every child keeps open, so that the instance's lock is held while any of them
 * lives; -1 with a line in `error`. */
int lock_instance(int run_dirfd, const char *queue, struct strbuf *error);

#endif
