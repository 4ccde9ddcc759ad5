/*
 * lib/sys/stats_dir.c - reads the counters of all services.
 */
#include "lib/sys/stats_dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/base/mem.h"

struct walk {
    struct stats_sample sample;
    void (*each)(void *arg, const struct stats_sample *sample);
    void *arg;
};

int
stats_dir_share(int run_dirfd, const char *service, gid_t group)
{
    int fd = openat(run_dirfd, "stats", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), rc = -1;

    if (fd >= 0 && fchownat(run_dirfd, "stats", (uid_t)-1, group, AT_SYMLINK_NOFOLLOW) == 0 &&
        fchmodat(run_dirfd, "stats", 0710, 0) == 0 &&
        fchownat(fd, service, (uid_t)-1, group, AT_SYMLINK_NOFOLLOW) == 0)
        rc = fchmodat(fd, service, 0640, 0);
    close_keep_errno(fd);
    return rc;
}

int
stats_dir_open(const char *run)
{
    char *path = xasprintf("%s/stats", run);
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    free(path);
    return fd;
}

static void
pass_on(void *arg, const char *name, uint64_t value)
{
    struct walk *walk = arg;

    walk->sample.counter = name;
    walk->sample.value = value;
    walk->each(walk->arg, &walk->sample);
}

static int
by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Read from the descriptor itself: whoever has it need not have a right to open the directory. */
static int
list_names(int dirfd, const char *only, char *names[STATS_SERVICES_MAX])
{
    int fd = fcntl(dirfd, F_DUPFD_CLOEXEC, 0);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    const struct dirent *entry;
    int count = 0;

    if (dir == NULL) {
        close_keep_errno(fd);
        return -1;
    }
    rewinddir(dir); /* the position is shared with `dirfd` */
    while (count < STATS_SERVICES_MAX && (entry = readdir(dir)) != NULL)
        if (entry->d_name[0] != '.' && (only == NULL || strcmp(only, entry->d_name) == 0))
            names[count++] = xstrdup(entry->d_name);
    (void)closedir(dir); /* nothing was written through it */
    qsort(names, (size_t)count, sizeof(names[0]), by_name);
    return count;
}

int
stats_dir_each(int dirfd, const char *only,
               void (*each)(void *arg, const struct stats_sample *sample),
               void (*failed)(void *arg, const char *service, int error), void *arg)
{
    struct walk walk = {.each = each, .arg = arg};
    char *names[STATS_SERVICES_MAX];
    int count = list_names(dirfd, only, names);

    for (int i = 0; i < count; i++) {
        struct stats *stats = stats_open(dirfd, names[i], false);

        if (stats != NULL) {
            walk.sample.service = names[i];
            walk.sample.born_ms = stats_born_ms(stats);
            (void)stats_counters(stats, pass_on, &walk); /* how many there were is not needed */
        } else if (failed != NULL) {
            failed(arg, names[i], errno);
        }
        stats_close(&stats);
        free(names[i]);
    }
    return count;
}
