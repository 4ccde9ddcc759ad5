/*
 * local-deliver/jail.c - for the children that look into messages: what they may still do.
 */
#include "local-deliver/jail.h"

#include <unistd.h>

#include "lib/base/mem.h"

enum { HEAP_MAX = 256 * 1024 * 1024 /* bytes; a message is mapped, its parts are listed */ };

/* Closes every descriptor above the standard ones but these. */
static void
keep_only(const int *fds, size_t count)
{
    int at = STDERR_FILENO + 1;

    for (;;) {
        int next = -1;

        for (size_t i = 0; i < count; i++)
            if (fds[i] >= at && (next < 0 || fds[i] < next))
                next = fds[i];
        if (next != at) /* cannot fail with these arguments */
            (void)close_range((unsigned)at, next < 0 ? ~0U : (unsigned)next - 1, 0);
        if (next < 0)
            return;
        at = next + 1;
    }
}

int
jail_enter(const struct daemon *d, int read_dirfd, const int *fds, size_t count)
{
    int keep[JAIL_FDS_MAX + 2] = {d->log_fd, read_dirfd};
    struct sandbox box = {.uid = (uid_t)-1,
                          .gid = (gid_t)-1,
                          .chroot_fd = -1,
                          .landlock = true,
                          .calls = SANDBOX_FILES,
                          .heap_max = HEAP_MAX};

    assert_always(count <= JAIL_FDS_MAX);
    for (size_t i = 0; i < count; i++)
        keep[i + 2] = fds[i];
    keep_only(keep, count + 2);
    if (read_dirfd >= 0)
        box.dirs[box.dir_count++] = (struct sandbox_dir){read_dirfd, SANDBOX_READ};
    return sandbox_enter(&box);
}
