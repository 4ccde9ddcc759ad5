/*
 * lib/store/beneath.h - opening below a directory and nowhere else.
 *
 * Every open of the store goes through here: no symbolic link and no ".." leads out, whoever could
 * write in that directory (a session that was taken over may plant what it likes in its own
 * mailbox).
 */
#ifndef POSTHORN_LIB_STORE_BENEATH_H
#define POSTHORN_LIB_STORE_BENEATH_H

#include <sys/types.h>

/* openat2 with RESOLVE_BENEATH and RESOLVE_NO_SYMLINKS; O_CLOEXEC is added. -1 with errno. */
int beneath_open(int dirfd, const char *path, int flags, mode_t mode);
/* A directory for fsync, getdents and as the dirfd of more calls. */
int beneath_open_dir(int dirfd, const char *path);
/* Flushes a directory's entries. */
int beneath_sync_dir(int dirfd, const char *path);
/* A directory that need not be new. */
int beneath_make_dir(int dirfd, const char *path);

#endif
