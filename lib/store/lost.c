/*
 * lib/store/lost.c - posthorn.lost/: what a repair could not keep where it was.
 */
#include "lib/store/lost.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/store/beneath.h"
#include "lib/store/message_file.h"

int
lost_path(const struct store *store, uint32_t uidvalidity, const char *what,
          char out[LOST_PATH_SIZE])
{
    (void)snprintf(out, LOST_PATH_SIZE, LOST_DIR "/%u.%.*s", uidvalidity, RECORD_NAME_MAX - 12,
                   what);
    return beneath_make_dir(store->dirfd, LOST_DIR);
}

int
lost_message(const struct store *store, int dirfd, uint32_t uidvalidity, uint32_t uid,
             struct slice name)
{
    char what[FILE_NAME_SIZE + 16], to[LOST_PATH_SIZE], from[FILE_PATH_SIZE];

    (void)snprintf(what, sizeof(what), "%u.%.*s", uid, (int)name.len, name.ptr);
    if (lost_path(store, uidvalidity, what, to) < 0 || message_file_find(dirfd, name, from) < 0 ||
        renameat(dirfd, from, store->dirfd, to) < 0)
        return -1;
    return beneath_sync_dir(store->dirfd, LOST_DIR);
}

int
lost_keep(const struct store *store, int dirfd, const char *file, uint32_t uidvalidity)
{
    char what[FILE_NAME_SIZE], to[LOST_PATH_SIZE];

    (void)snprintf(what, sizeof(what), "%lld.%s", (long long)clock_real_us(), file);
    if (lost_path(store, uidvalidity, what, to) < 0 || linkat(dirfd, file, store->dirfd, to, 0) < 0)
        return -1;
    return beneath_sync_dir(store->dirfd, LOST_DIR);
}
