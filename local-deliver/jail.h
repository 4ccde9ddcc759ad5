/*
 * local-deliver/jail.h - for the children that look into messages: what they may still do.
 */
#ifndef POSTHORN_LOCAL_DELIVER_JAIL_H
#define POSTHORN_LOCAL_DELIVER_JAIL_H

#include "lib/sys/daemon.h"

#define JAIL_FDS_MAX 4

/* Closes every descriptor but the log and the `count` ones of `fds` (at most JAIL_FDS_MAX; -1 is
 * none) and allows no path but reading below `read_dirfd` (-1: none at all), which is kept too. 0,
 * or -1: the caller exits. */
int jail_enter(const struct daemon *d, int read_dirfd, const int *fds, size_t count);

#endif
