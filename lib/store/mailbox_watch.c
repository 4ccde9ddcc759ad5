/*
 * lib/store/mailbox_watch.c - a descriptor that tells when a folder may have changed.
 *
 * dnotify: a signal when a file in the folder's directory is written or renamed, taken through a
 * signalfd. inotify would be the newer way, but its instances are limited to 128 per user id, and
 * all sessions share one.
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/store/beneath.h"
#include "lib/store/mailbox_private.h"

static int
notify_on(int dirfd, const char *sub, int signo, unsigned long events)
{
    int fd = beneath_open_dir(dirfd, sub);

    if (fd < 0)
        return -1;
    if (fcntl(fd, F_SETSIG, signo) == 0 && fcntl(fd, F_NOTIFY, events | DN_MULTISHOT) == 0)
        return fd;
    close_keep_errno(fd);
    return -1;
}

int
mailbox_watch(struct mailbox *mb)
{
    int signo = SIGRTMIN + 1;
    sigset_t set;

    if (mb->watch_fd >= 0)
        return mb->watch_fd;
    (void)sigemptyset(&set); /* these cannot fail */
    (void)sigaddset(&set, signo);
    (void)sigaddset(&set, SIGIO); /* comes instead when the queue of signals is full */
    if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
        return -1;
    mb->watch_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (mb->watch_fd < 0)
        return -1;
    mb->watch_dirfd =
        notify_on(mb->folder.dirfd, ".", signo, DN_MODIFY | DN_CREATE | DN_RENAME | DN_ATTRIB);
    mb->watch_newfd = notify_on(mb->folder.dirfd, "new", signo, DN_CREATE | DN_RENAME);
    if (mb->watch_dirfd >= 0)
        return mb->watch_fd;
    close_keep_errno(mb->watch_fd);
    mb->watch_fd = -1;
    return -1;
}

void
mailbox_watch_clear(struct mailbox *mb)
{
    struct signalfd_siginfo info[8];

    while (read(mb->watch_fd, info, sizeof(info)) == (ssize_t)sizeof(info))
        mb->new_checked_ms = 0; /* new/ may be what changed */
    mb->new_checked_ms = 0;
}
