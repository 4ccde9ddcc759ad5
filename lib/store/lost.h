/*
 * lib/store/lost.h - posthorn.lost/: what a repair could not keep where it was.
 *
 * A directory of its own below the user's mail directory, outside the quota and no folder: nobody
 * but an administrator looks into it, and nothing of the store ever deletes it.
 */
#ifndef POSTHORN_LIB_STORE_LOST_H
#define POSTHORN_LIB_STORE_LOST_H

#include "lib/store/folder.h"

#define LOST_DIR "posthorn.lost"
#define LOST_PATH_SIZE (FILE_NAME_SIZE + 64)

/* Makes the directory and a name in it: "posthorn.lost/UIDVALIDITY.WHAT", WHAT cut to what fits. */
int lost_path(const struct store *store, uint32_t uidvalidity, const char *what,
              char out[LOST_PATH_SIZE]);
/* Moves the message file `name` of the folder at dirfd there, under its UID and its name. */
int lost_message(const struct store *store, int dirfd, uint32_t uidvalidity, uint32_t uid,
                 struct slice name);
/* Gives `file` of the folder at dirfd a second name there. */
int lost_keep(const struct store *store, int dirfd, const char *file, uint32_t uidvalidity);

#endif
