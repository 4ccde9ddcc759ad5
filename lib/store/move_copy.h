/*
 * lib/store/move_copy.h - makes one directory tree like another, file by file, and verifies it.
 */
#ifndef POSTHORN_LIB_STORE_MOVE_COPY_H
#define POSTHORN_LIB_STORE_MOVE_COPY_H

#include <stdint.h>

struct move_counts {
    uint64_t files, bytes; /* copied, each time that it was */
};

/* What is there already, as long and as old, is left alone but for posthorn.* (journals, lists),
 * which are copied each time; what is not in `from_fd` goes. Left out: what is made anew (index,
 * cache, full-text index) and half-written files. A message's file is copied up to its size. Every
 * copy is flushed, read again from the disk and compared by checksum. What changes meanwhile is
 * copied as it was at some moment. 0, all on disk; or -1 with errno: EIO, a copy is not like its
 * original. */
int move_copy_tree(int from_fd, int to_fd, struct move_counts *counts);
/* Deletes all that is in the directory `name`, and it. */
int move_copy_remove(int parent, const char *name);

#endif
