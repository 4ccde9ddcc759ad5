/*
 * local-deliver/user_dir.h - the directory of one user below the store: DOMAIN/xx/USER.
 */
#ifndef POSTHORN_LOCAL_DELIVER_USER_DIR_H
#define POSTHORN_LOCAL_DELIVER_USER_DIR_H

#include "lib/store/store_dirs.h"

/* Opens USER/mail. `path` has passed store_path_valid. -1 with errno (lib/store/store_dirs.h). */
int user_dir_open(const struct store_dirs *dirs, struct slice path);
/* The same, made with all that leads to it: where the user is, or else in the directory `place`,
 * and in no other; "": where store_dirs_choose says. -1 also with ENOSPC: `place` is full. */
int user_dir_make(const struct store_dirs *dirs, struct slice path, struct slice place,
                  unsigned reserve);
/* Moves USER; done before (old gone, new there) is success. 0, or -1 with errno: EEXIST if both are
 * there. */
int user_dir_rename(const struct store_dirs *dirs, struct slice path, struct slice new_path);

#endif
