/*
 * lib/store/watch.c - tells which of some folders may have changed.
 *
 * dnotify: a signal with the directory's descriptor when a file in it is written or renamed, taken
 * through a signalfd. inotify would be the newer way, but its instances are limited to 128 per user
 * id, and all sessions share one.
 */
#include "lib/store/watch.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/store/beneath.h"
#include "lib/store/folder.h"
#include "lib/store/folder_name.h"

struct watched {
    int dirfd, newfd; /* -1: none */
    bool changed;
};

struct watch {
    int fd; /* of the signals */
    struct watched *places;
    int count; /* free ones have no dirfd */
    bool any_changed;
};

static int
signal_number(void)
{
    return SIGRTMIN + 1;
}

struct watch *
watch_new(void)
{
    struct watch *w;
    sigset_t set;
    int fd;

    (void)sigemptyset(&set); /* these cannot fail */
    (void)sigaddset(&set, signal_number());
    (void)sigaddset(&set, SIGIO); /* comes instead when the queue of signals is full */
    if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
        return NULL;
    fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd < 0)
        return NULL;
    w = xcalloc(1, sizeof(*w));
    w->fd = fd;
    return w;
}

int
watch_fd(const struct watch *w)
{
    return w->fd;
}

/* ---- what is watched ---- */

static int
notify_on(int dirfd, const char *sub, unsigned long events)
{
    int fd = beneath_open_dir(dirfd, sub);

    if (fd < 0)
        return -1;
    if (fcntl(fd, F_SETSIG, signal_number()) == 0 &&
        fcntl(fd, F_NOTIFY, events | DN_MULTISHOT) == 0)
        return fd;
    close_keep_errno(fd);
    return -1;
}

static int
add(struct watch *w, int dirfd, int newfd)
{
    int number = 0;

    while (number < w->count && w->places[number].dirfd >= 0)
        number++;
    if (number == w->count) {
        w->places = xreallocarray(w->places, (size_t)w->count + 1, sizeof(*w->places));
        w->count++;
    }
    w->places[number] = (struct watched){dirfd, newfd, false};
    return number;
}

int
watch_directory(struct watch *w, int folder_dirfd)
{
    int dirfd = notify_on(folder_dirfd, ".", DN_MODIFY | DN_CREATE | DN_RENAME | DN_ATTRIB);
    int newfd = dirfd < 0 ? -1 : notify_on(folder_dirfd, "new", DN_CREATE | DN_RENAME);

    if (newfd < 0 && (errno == EMFILE || errno == ENFILE)) {
        close_keep_errno(dirfd);
        return -1;
    }
    return dirfd < 0 ? -1 : add(w, dirfd, newfd); /* without new/ nothing can come by it */
}

/* Its directory. -1 with errno. */
static int
open_folder(const struct store *store, struct slice name)
{
    struct strbuf canonical = strbuf_new(STORE_NAME_MAX);
    int fd = -1;

    if (folder_name_canonical(name, &canonical) == 0)
        fd = folder_open_dir(store, strbuf_slice(&canonical));
    strbuf_free(&canonical);
    return fd;
}

int
watch_folder(struct watch *w, const struct store *store, struct slice name)
{
    int fd = open_folder(store, name), number;

    if (fd < 0)
        return -1;
    number = watch_directory(w, fd);
    close_keep_errno(fd);
    return number;
}

int
watch_list(struct watch *w, const struct store *store)
{
    int fd = notify_on(store->dirfd, ".", DN_CREATE | DN_DELETE | DN_RENAME | DN_ATTRIB);

    return fd < 0 ? -1 : add(w, fd, -1);
}

void
watch_remove(struct watch *w, int number)
{
    if (number < 0)
        return;
    close_keep_errno(w->places[number].dirfd);
    close_keep_errno(w->places[number].newfd);
    w->places[number] = (struct watched){-1, -1, false};
}

/* ---- what happened ---- */

void
watch_doubt(struct watch *w)
{
    for (int i = 0; i < w->count; i++)
        w->places[i].changed = w->places[i].dirfd >= 0;
    w->any_changed = true;
}

static void
mark(struct watch *w, int fd)
{
    for (int i = 0; i < w->count; i++)
        if (w->places[i].dirfd >= 0 && (w->places[i].dirfd == fd || w->places[i].newfd == fd))
            w->any_changed = w->places[i].changed = true;
}

static void
take_signals(struct watch *w)
{
    struct signalfd_siginfo info[8];
    ssize_t n;

    while ((n = read(w->fd, info, sizeof(info))) > 0)
        for (size_t i = 0; i < (size_t)n / sizeof(*info); i++) {
            if (info[i].ssi_signo == SIGIO)
                watch_doubt(w);
            else
                mark(w, info[i].ssi_fd);
        }
}

int
watch_next(struct watch *w)
{
    take_signals(w);
    for (int i = 0; i < w->count && w->any_changed; i++) {
        if (!w->places[i].changed)
            continue;
        w->places[i].changed = false;
        return i;
    }
    w->any_changed = false;
    return -1;
}

bool
watch_is_current(const struct watch *w, int number, const struct store *store, struct slice name)
{
    int fd = open_folder(store, name);
    struct stat now, watched;
    bool same = fd >= 0 && fstat(fd, &now) == 0 && fstat(w->places[number].dirfd, &watched) == 0 &&
                now.st_dev == watched.st_dev && now.st_ino == watched.st_ino;

    close_keep_errno(fd);
    return same;
}

void
watch_free(struct watch **watchp)
{
    struct watch *w = *watchp;

    if (w == NULL)
        return;
    for (int i = 0; i < w->count; i++)
        watch_remove(w, i);
    take_signals(
        w); /* none may wait for ever: their number is limited for all processes together */
    (void)close(w->fd);
    xfree(&w->places);
    xfree(watchp);
}
