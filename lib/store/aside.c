/*
 * lib/store/aside.c - moves what is to be deleted out of everybody's reach.
 */
#include "lib/store/aside.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#include "lib/base/random.h"

enum { NAME_LEN = 20 };

int
aside_put_from(int dirfd, const char *name, int root_fd)
{
    char to[sizeof(ASIDE_DIR) + 1 + NAME_LEN], unique[NAME_LEN + 1];

    random_name(unique, NAME_LEN);
    (void)snprintf(to, sizeof(to), "%s/%s", ASIDE_DIR, unique);
    if (mkdirat(root_fd, ASIDE_DIR, 0700) < 0 && errno != EEXIST)
        return -1;
    return renameat(dirfd, name, root_fd, to) < 0 && errno != ENOENT ? -1 : 0;
}

int
aside_put(int root_fd, const char *path)
{
    return aside_put_from(root_fd, path, root_fd);
}
