/*
 * lib/store/check_annotations.c - the files with annotations.
 *
 * They are replaced as a whole, so that there is no half of one; nobody writes where a damaged one
 * lies, so that it can be moved aside without a lock.
 */
#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/store/annotation_file.h"
#include "lib/store/beneath.h"
#include "lib/store/check_private.h"
#include "lib/store/lost.h"

static bool
move_aside(const struct check *c, int dirfd, const char *name)
{
    return c->options->repair && folder_check_store(&c->store) == 0 && /* not being moved */
           lost_keep(&c->store, dirfd, name, 0) == 0 && unlinkat(dirfd, name, 0) == 0;
}

static void
check_file(struct check *c, int dirfd, const char *name)
{
    struct annotation_set set;

    if (annotation_file_load(dirfd, name, &set) == 0)
        annotation_set_free(&set);
    else if (errno != EBADMSG)
        check_found(c, "annotations_unreadable", 0, CHECK_LEFT, "%s: %s", name, strerror(errno));
    else
        check_found(c, "annotations_damaged", 0,
                    move_aside(c, dirfd, name) ? CHECK_LOST : CHECK_LEFT, "%s", name);
}

void
check_annotations(struct check *c, struct slice folder)
{
    int dirfd = folder_open_dir(&c->store, folder);

    if (dirfd >= 0) /* else it was removed meanwhile */
        check_file(c, dirfd, ANNOTATIONS_SHARED);
    close_keep_errno(dirfd);
}

void
check_private_annotations(struct check *c)
{
    int fd = beneath_open_dir(c->store.dirfd, ANNOTATIONS_PRIVATE);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    struct dirent *e;

    c->folder = "";
    if (dir == NULL) {
        close_keep_errno(fd);
        return;
    }
    while ((e = readdir(dir)) != NULL) /* a name with a dot: one that a crash left half-written */
        if (strchr(e->d_name, '.') == NULL)
            check_file(c, fd, e->d_name);
    (void)closedir(dir); /* read only */
}
