/*
 * lib/store/aside.h - moves what is to be deleted out of everybody's reach: to .removed/ of its
 * storage directory, which local-deliver empties.
 */
#ifndef POSTHORN_LIB_STORE_ASIDE_H
#define POSTHORN_LIB_STORE_ASIDE_H

#define ASIDE_DIR ".removed"

/* `path` lies below the storage directory `root_fd`; one that is not there is success. Not flushed.
 * 0, or -1 with errno. */
int aside_put(int root_fd, const char *path);
/* The same from the open directory `dirfd` of that storage directory. */
int aside_put_from(int dirfd, const char *name, int root_fd);

#endif
