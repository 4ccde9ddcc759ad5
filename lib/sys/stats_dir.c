/*
 * lib/sys/stats_dir.c - reads the counters of all services.
 */
#include "lib/sys/stats_dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/base/map.h"
#include "lib/base/mem.h"
#include "lib/sys/port_counts.h"
#include "lib/sys/session_table.h"

#define LABELS_MAX 16
#define USERS_MAX 65536

/* Who is connected to one service. */
struct sessions {
    struct {
        char name[SESSION_TABLE_LABEL];
        uint64_t count;
    } labels[LABELS_MAX];
    size_t label_count;
    struct map *users;
};

struct walk {
    struct stats_sample sample;
    struct sessions sessions;
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

/* ---- sessions ---- */

/* What is not one of the service's labels was made up. */
static void
count_session(void *arg, const struct session_row *row)
{
    struct sessions *sessions = arg;

    for (size_t i = 0; i < sessions->label_count; i++)
        sessions->labels[i].count += strcmp(sessions->labels[i].name, row->label) == 0;
    if (row->user[0] != '\0')
        (void)map_at(sessions->users, slice_of(row->user)); /* NULL: too many to be true */
}

/* A label is known by its connections: nobody there is 0, not nothing. */
static void
take_label(struct sessions *sessions, const char *counter)
{
    static const char prefix[] = PORT_CONNECTIONS ".";
    size_t len = strlen(prefix);

    if (strncmp(counter, prefix, len) == 0 && sessions->label_count < LABELS_MAX &&
        strlen(counter + len) < SESSION_TABLE_LABEL) {
        memcpy(sessions->labels[sessions->label_count].name, counter + len,
               strlen(counter + len) + 1);
        sessions->labels[sessions->label_count++].count = 0;
    }
}

static void
pass_sessions(int dirfd, struct walk *walk)
{
    struct sessions *sessions = &walk->sessions;
    char name[STATS_NAME_MAX + 1];

    sessions->users = map_new(USERS_MAX);
    if (session_table_read(dirfd, walk->sample.service, count_session, sessions) == 0) {
        for (size_t i = 0; i < sessions->label_count; i++) {
            (void)snprintf(name, sizeof(name), STATS_SESSIONS ".%s", sessions->labels[i].name);
            pass_on(walk, name, sessions->labels[i].count);
        }
        pass_on(walk, STATS_USERS, map_count(sessions->users));
    }
    map_free(&sessions->users, NULL);
}

/* ---- services ---- */

static void
pass_counter(void *arg, const char *name, uint64_t value)
{
    struct walk *walk = arg;

    take_label(&walk->sessions, name);
    pass_on(walk, name, value);
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
            walk.sessions.label_count = 0;
            (void)stats_counters(stats, pass_counter, &walk); /* how many is not needed */
            pass_sessions(dirfd, &walk);
        } else if (failed != NULL) {
            failed(arg, names[i], errno);
        }
        stats_close(&stats);
        free(names[i]);
    }
    return count;
}
