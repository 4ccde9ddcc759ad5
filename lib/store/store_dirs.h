/*
 * lib/store/store_dirs.h - the storage directories, and in which of them a user's mail lies.
 *
 * The main one is store/. Others are the directories in stores/, by their names: mount a disk
 * there. Each holds DOMAIN/xx/USER trees of its own and a mark, the link `posthorn.directory`
 * whose text is the directory's ID: without it (a disk that is not mounted) the directory counts as
 * missing, and nothing is made in it.
 *
 * Where a user's mail is, the main directory says: store/DOMAIN/xx/USER is the user's directory, or
 * a link whose text is the ID of the one that has it. These links are read, never followed: that
 * needs no right but to search. The calls fail with ENODEV if the directory is missing, ENOENT if
 * the user has no directory.
 */
#ifndef POSTHORN_LIB_STORE_STORE_DIRS_H
#define POSTHORN_LIB_STORE_STORE_DIRS_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/slice.h"

#define STORE_DIR_MAIN "main"
#define STORE_DIR_MARK "posthorn.directory"
#define STORE_DIR_ID_SIZE 33 /* with its NUL: a-z 0-9 - _, a letter or digit first */
#define STORE_DIRS_MAX 256

struct store_dirs {
    int main_fd;   /* store/; O_PATH is enough */
    int others_fd; /* stores/; -1: there is none */
};

bool store_dir_id_valid(struct slice id); /* "main" is one */
/* The directory of that ID with its mark, by a descriptor of the caller's; `flags` O_PATH or
 * O_RDONLY. -1: ENODEV. */
int store_dirs_root(const struct store_dirs *dirs, const char *id, int flags);
/* Which one has the user at `path` ("DOMAIN/xx/USER")? 0 with its ID, also if nothing is there yet
 * but the link; -1: ENOENT nobody, ENODEV the main directory is missing. */
int store_dirs_find(const struct store_dirs *dirs, const char *path, char id[STORE_DIR_ID_SIZE]);
/* The user's `mail` directory; `flags` O_PATH or O_RDONLY. */
int store_dirs_open_mail(const struct store_dirs *dirs, struct slice path, int flags);

/* ---- for who makes directories: descriptors that may be read ---- */
struct store_dir_info {
    char id[STORE_DIR_ID_SIZE];
    bool missing, full;
    uint64_t total_bytes, free_bytes; /* of its file system; 0 if missing */
};
/* All, the main one first. Full: less than `reserve` percent is free. Returns how many. -1 with
 * errno. */
int store_dirs_list(const struct store_dirs *dirs, unsigned reserve,
                    struct store_dir_info list[STORE_DIRS_MAX]);
/* Where a new mailbox goes: the largest share of free space among those that are neither missing
 * nor full; if all are full, among these. -1: ENODEV. */
int store_dirs_choose(const struct store_dirs *dirs, unsigned reserve, char id[STORE_DIR_ID_SIZE]);
/* May a mailbox be made in that one? 0, or -1: ENODEV missing, ENOSPC full. */
int store_dirs_usable(const struct store_dirs *dirs, unsigned reserve, const char *id);
/* Puts the mark on a directory. 0 also if it has it; -1 with errno: EEXIST, it has another. */
int store_dirs_mark(int root_fd, const char *id);
/* Is a store from before there were marks: mail, and no mark? */
bool store_dirs_is_unmarked_store(int main_fd);

#endif
