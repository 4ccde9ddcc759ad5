/*
 * lib/store/watch.h - tells which of some folders may have changed.
 *
 * One watch in a process at a time: the kernel tells by signals, and whoever reads them takes them
 * from everybody. Costs two descriptors for each folder.
 */
#ifndef POSTHORN_LIB_STORE_WATCH_H
#define POSTHORN_LIB_STORE_WATCH_H

#include "lib/store/store.h"

struct watch;

/* NULL with errno. */
struct watch *watch_new(void);
void watch_free(struct watch **watchp); /* a NULL watch is fine */
/* To poll: readable when watch_next has something to say. Borrowed. */
int watch_fd(const struct watch *w);

/* Each returns a number (0 or above) that watch_next names, or -1 with errno: ENOENT no such
 * folder, EMFILE or ENFILE no more descriptors, others: the system cannot watch it. */
int watch_folder(struct watch *w, const struct store *store, struct slice name);
int watch_directory(struct watch *w, int folder_dirfd);     /* a folder that is open already */
int watch_list(struct watch *w, const struct store *store); /* which folders there are */
void watch_remove(struct watch *w, int number);             /* -1 is fine */

/* One that may have changed since it was named last; -1: none. The changes are to be looked for
 * afterwards. */
int watch_next(struct watch *w);
/* Names all of them again: signals may have been lost. */
void watch_doubt(struct watch *w);
/* False: the folder of that name is another one by now, or gone. */
bool watch_is_current(const struct watch *w, int number, const struct store *store,
                      struct slice name);

#endif
