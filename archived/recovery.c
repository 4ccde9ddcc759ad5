/*
 * archived/recovery.c - the state of the archive at a start.
 *
 * Files below tmp/ are of the last batch or, after a power cut that took back moves, of the last
 * seconds: lines of the last two days are compared with them. A line that is none (somebody has
 * changed it) is told and counts as one: the chain goes on behind it, and `posthorn archive verify`
 * names it.
 */
#include "archived/recovery.h"

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
#include "lib/log/log.h"

#define LEFT_MAX 100000
#define DAYS_BACK 2

/* A file below tmp/. */
struct left {
    char *name;
    const char *day; /* of its line, or NULL: there is none */
};

struct recovery {
    int rootfd, tmpfd;
    struct archive_days days;
    struct left *left;
    size_t left_count;
    struct map *by_name; /* to its position in `left`, plus 1 */
    struct chain_end *end;
};

static int
list_tmp(struct recovery *r)
{
    int fd = openat(r->tmpfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    const struct dirent *entry;
    int rc = 0;

    if (dir == NULL) {
        close_keep_errno(fd);
        return -1;
    }
    while (r->left_count < LEFT_MAX && (errno = 0, entry = readdir(dir)) != NULL) {
        if (entry->d_name[0] == '.')
            continue;
        r->left = xreallocarray(r->left, r->left_count + 1, sizeof(*r->left));
        r->left[r->left_count++] = (struct left){.name = xstrdup(entry->d_name)};
        *map_at(r->by_name, slice_of(entry->d_name)) = (void *)(uintptr_t)r->left_count;
    }
    if (r->left_count < LEFT_MAX && errno != 0)
        rc = -1;
    (void)closedir(dir);
    return rc;
}

/* ---- the chain ---- */

static void
take_line(struct recovery *r, const char *day, struct slice line)
{
    struct chain_entry entry;
    char name[ARCHIVE_NAME_SIZE];
    uintptr_t at;

    chain_hash(line, r->end->hash);
    r->end->number++;
    if (chain_decode(line, &entry) < 0) {
        log_event(LOG_ERROR, "chain_damaged", KV_STR("day", day), KV_U64("line", r->end->number),
                  KV_STR("hint", "posthorn archive verify"));
        return;
    }
    r->end->number = entry.number;
    archive_file_name(entry.id, name);
    at = (uintptr_t)map_get(r->by_name, slice_of(name));
    if (at > 0)
        r->left[at - 1].day = day;
}

/* A line that a crash has cut was not told to anybody. */
static int
cut_torn(int rootfd, const char *day, uint64_t torn)
{
    char path[ARCHIVE_DAY_SIZE + sizeof(ARCHIVE_CHAIN)];
    struct stat st;
    int fd, rc = -1;

    (void)snprintf(path, sizeof(path), "%s/" ARCHIVE_CHAIN, day);
    fd = openat(rootfd, path, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd >= 0 && fstat(fd, &st) == 0 && ftruncate(fd, st.st_size - (off_t)torn) == 0 &&
        fsync(fd) == 0)
        rc = 0;
    close_keep_errno(fd);
    if (rc == 0)
        log_event(LOG_WARN, "chain_cut", KV_STR("day", day), KV_U64("bytes", torn));
    return rc;
}

static int
read_day(struct recovery *r, const char *day)
{
    int fd = archive_open_in(r->rootfd, day, ARCHIVE_CHAIN), rc;
    struct chain_reader *reader;
    struct slice line;
    uint64_t torn = 0;

    if (fd < 0)
        return errno == ENOENT ? 0 : -1;
    reader = chain_reader_new(fd);
    while ((rc = chain_reader_next(reader, &line, &torn)) > 0)
        take_line(r, day, line);
    chain_reader_free(&reader);
    return rc == 0 && torn > 0 ? cut_torn(r->rootfd, day, torn) : rc;
}

/* The last days; of those before, as many as it takes to find a line. */
static int
read_days(struct recovery *r)
{
    size_t first = r->days.count > DAYS_BACK ? r->days.count - DAYS_BACK : 0;
    int rc = 0;

    for (size_t i = first; i < r->days.count && rc == 0; i++)
        rc = read_day(r, r->days.items[i]);
    while (rc == 0 && r->end->number == 0 && first > 0)
        rc = read_day(r, r->days.items[--first]);
    return rc;
}

/* ---- what is below tmp/ ---- */

static int
settle(const struct recovery *r, const struct left *left)
{
    char path[ARCHIVE_DAY_SIZE + ARCHIVE_NAME_SIZE];

    log_event(LOG_INFO, "recovered", KV_STR("file", left->name),
              KV_STR("day", left->day == NULL ? "" : left->day));
    if (left->day == NULL)
        return unlinkat(r->tmpfd, left->name, 0);
    (void)snprintf(path, sizeof(path), "%s/%s", left->day, left->name);
    return renameat(r->tmpfd, left->name, r->rootfd, path);
}

static void
clear(struct recovery *r)
{
    for (size_t i = 0; i < r->left_count; i++)
        free(r->left[i].name);
    xfree(&r->left);
    map_free(&r->by_name, NULL);
    archive_days_free(&r->days);
}

int
recovery_run(int rootfd, int tmpfd, struct chain_end *end, char last[ARCHIVE_DAY_SIZE])
{
    struct recovery r = {.rootfd = rootfd, .tmpfd = tmpfd, .end = end};
    int rc = -1;

    *end = (struct chain_end){.hash = CHAIN_HASH_NONE};
    last[0] = '\0';
    r.by_name = map_new(LEFT_MAX);
    if (list_tmp(&r) == 0 && archive_days_read(rootfd, &r.days) == 0)
        rc = read_days(&r);
    for (size_t i = 0; i < r.left_count && rc == 0; i++)
        rc = settle(&r, &r.left[i]);
    if (rc == 0 && r.days.items != NULL)
        memcpy(last, r.days.items[r.days.count - 1], ARCHIVE_DAY_SIZE);
    clear(&r);
    return rc;
}
