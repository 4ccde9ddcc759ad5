/*
 * local-deliver/user_dir.h - the directory of one user below the store: DOMAIN/xx/USER.
 */
#ifndef POSTHORN_LOCAL_DELIVER_USER_DIR_H
#define POSTHORN_LOCAL_DELIVER_USER_DIR_H

#include "lib/base/slice.h"

/* Opens USER/mail; `make`: with all that leads to it. `path` has passed store_path_valid. -1 with
 * errno. */
int user_dir_open(int store_dirfd, struct slice path, bool make);
/* Moves USER; done before (old gone, new there) is success. 0, or -1 with errno: EEXIST if both are
 * there. */
int user_dir_rename(int store_dirfd, struct slice path, struct slice new_path);

#endif
