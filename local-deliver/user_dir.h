/*
 * local-deliver/user_dir.h - the directory of one user below the store: DOMAIN/xx/USER.
 *
 * Each `path` has passed store_path_valid. Errors are those of lib/store/store_dirs.h, and the
 * file system's.
 */
#ifndef POSTHORN_LOCAL_DELIVER_USER_DIR_H
#define POSTHORN_LOCAL_DELIVER_USER_DIR_H

#include "lib/store/store_dirs.h"

/* Where a new one is to be. */
struct user_dir_wish {
    struct slice place; /* in this directory and in no other; "": where store_dirs_choose says */
    unsigned reserve;   /* percent of a directory that stay free; see store_dirs_choose */
};

/* Opens USER/mail. -1 with errno. */
int user_dir_open(const struct store_dirs *dirs, struct slice path);
/* The same, made with all that leads to it, on disk: where the user is, or else as is wished. -1
 * also with ENOSPC: the place is full. */
int user_dir_make(const struct store_dirs *dirs, struct slice path,
                  const struct user_dir_wish *wish);
/* Moves USER; done before (old gone, new there) is success. 0, or -1 with errno: EEXIST if both are
 * there. Without `flush` the caller flushes the main directory (syncfs) before it is done. */
int user_dir_rename(const struct store_dirs *dirs, struct slice path, struct slice new_path,
                    bool flush);
/* Moves USER aside, to be deleted; one that is not there is success. As above. */
int user_dir_remove(const struct store_dirs *dirs, struct slice path, bool flush);

/* ---- many at once: each is made under another name, and all are flushed by the caller ---- */
/* In which directory is it to be? Where that is not the main one, the link that says so is made.
 * 0 with its ID; 1: the user has a directory, or half of one. -1 with errno. */
int user_dir_decide(const struct store_dirs *dirs, struct slice path,
                    const struct user_dir_wish *wish, char id[STORE_DIR_ID_SIZE]);
/* Makes `name` below `dirfd`, and `mail` in it, which it opens. -1 with errno. */
int user_dir_begin(int dirfd, const char *name);
/* Moves that to its place below `root`. -1 with errno: EEXIST, somebody else has made one. */
int user_dir_name(int dirfd, const char *name, int root, struct slice path);

#endif
