/*
 * t/unit/scratch.h - a directory of its own for one test, and its removal.
 */
#ifndef POSTHORN_T_UNIT_SCRATCH_H
#define POSTHORN_T_UNIT_SCRATCH_H

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char scratch_dir[64];

static inline const char *
scratch_make(void)
{
    (void)snprintf(scratch_dir, sizeof(scratch_dir), "/tmp/posthorn-test-XXXXXX");
    return mkdtemp(scratch_dir);
}

static inline int
scratch_remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st;
    (void)flag;
    (void)ftw;
    return remove(path);
}

static inline void
scratch_remove(void)
{
    (void)nftw(scratch_dir, scratch_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

#endif
