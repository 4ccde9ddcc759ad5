/*
 * lib/fts/vfs.h - SQLite's files below a directory descriptor, every page with a checksum.
 *
 * A session has no path, only a descriptor of its user's mail directory. SQLite's own file layer
 * opens paths; this one knows two files: the database, which the caller has opened and locked, and
 * its rollback journal beside it. It locks nothing: the caller holds a lock on the database's
 * descriptor for as long as the connection lives, exclusive if it writes.
 */
#ifndef POSTHORN_LIB_FTS_VFS_H
#define POSTHORN_LIB_FTS_VFS_H

#include <sqlite3.h>
#include <stdbool.h>

#define VFS_PAGE 4096  /* bytes of a page: PRAGMA page_size before anything is written */
#define VFS_RESERVED 8 /* bytes at its end that SQLite leaves to us */
#define VFS_DATABASE "posthorn.fts" /* TABLE_NAME; SQLite names the journal after it */
#define VFS_JOURNAL "posthorn.fts-journal"

struct vfs {
    sqlite3_vfs base; /* SQLite calls us with its address */
    char name[32];
    int dirfd;
    int fd; /* the database */
    bool read_only;
    bool damaged; /* a page did not match its checksum */
    int error;    /* errno of the last call that failed, or 0 */
};

/* Opens a connection over the descriptors, which it borrows and which outlive it. *vfs must not
 * move before vfs_close. SQLITE_OK, or SQLite's code: *db is NULL then. */
int vfs_open(struct vfs *vfs, int dirfd, int fd, bool read_only, sqlite3 **db);
/* Closes the connection; a NULL one is fine. */
void vfs_close(struct vfs *vfs, sqlite3 **db);

/* Is there a journal that has to be rolled back? Asked under the lock, without a connection. */
bool vfs_journal_is_hot(int dirfd);

#endif
