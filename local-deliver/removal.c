/*
 * local-deliver/removal.c - deletes users' directories in the background.
 */
#include "local-deliver/removal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/store/aside.h"
#include "lib/store/beneath.h"

enum { ENTRIES_PER_TURN = 200, PAUSE_MS = 10, LOOK_MS = 5000, DEPTH_MAX = 8 };

struct removal {
    struct store_dirs dirs;
    struct loop_timer *timer;
};

static bool
is_dot(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

static DIR *
open_listing(int parent, const char *name)
{
    int fd = beneath_open_dir(parent, name);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);

    if (dir == NULL)
        close_keep_errno(fd);
    return dir;
}

/* Deletes what is in the directory `name`, and it. Stops when *budget is used up. */
static void
empty_directory(int parent, const char *name, int *budget, int depth)
{
    DIR *dir = depth > DEPTH_MAX ? NULL : open_listing(parent, name);
    struct dirent *entry;

    while (dir != NULL && *budget > 0 && (entry = readdir(dir)) != NULL) {
        if (is_dot(entry->d_name))
            continue;
        (*budget)--;
        if (unlinkat(dirfd(dir), entry->d_name, 0) < 0 && (errno == EISDIR || errno == EPERM))
            empty_directory(dirfd(dir), entry->d_name, budget, depth + 1);
    }
    if (dir != NULL)
        (void)closedir(dir);
    if (*budget > 0)
        (void)unlinkat(parent, name, AT_REMOVEDIR); /* not empty: the next turn sees it again */
}

/* True if something was there. */
static bool
empty_root(int root, int *budget)
{
    DIR *dir = open_listing(root, ASIDE_DIR);
    struct dirent *entry;
    bool found = false;

    while (dir != NULL && *budget > 0 && (entry = readdir(dir)) != NULL) {
        if (is_dot(entry->d_name))
            continue;
        found = true;
        (*budget)--;
        if (unlinkat(dirfd(dir), entry->d_name, 0) < 0) /* no link */
            empty_directory(dirfd(dir), entry->d_name, budget, 0);
    }
    if (dir != NULL)
        (void)closedir(dir);
    return found;
}

static void
take_turn(void *arg)
{
    struct removal *r = arg;
    struct store_dir_info *list = xcalloc(STORE_DIRS_MAX, sizeof(*list));
    int budget = ENTRIES_PER_TURN, count = store_dirs_list(&r->dirs, 0, list);
    bool found = false;

    for (int i = 0; i < count && budget > 0; i++) {
        int root = store_dirs_root(&r->dirs, list[i].id, O_RDONLY);

        found |= root >= 0 && empty_root(root, &budget);
        close_keep_errno(root);
    }
    xfree(&list);
    loop_timer_set(r->timer, found ? PAUSE_MS : LOOK_MS); /* store move puts things there, too */
}

struct removal *
removal_new(struct daemon *d, const struct store_dirs *dirs)
{
    struct removal *r = xcalloc(1, sizeof(*r));

    r->dirs = *dirs;
    r->timer = loop_timer_new(d->loop, take_turn, r);
    loop_timer_set(r->timer, PAUSE_MS);
    return r;
}

void
removal_free(struct removal **removalp)
{
    loop_timer_free(&(*removalp)->timer);
    xfree(removalp);
}

void
removal_look(struct removal *r)
{
    loop_timer_set(r->timer, PAUSE_MS);
}
