/*
 * lib/figures/figure_series.c - the names of the series, in memory and on disk.
 */
#include "lib/figures/figure_series.h"

#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/crc32c.h"
#include "lib/base/io.h"
#include "lib/base/map.h"
#include "lib/base/mem.h"

#define FILE_NAME "series"
#define NAME_CHARACTERS "abcdefghijklmnopqrstuvwxyz0123456789_.-"
enum { LEVEL = 1 };

struct disk_entry {
    uint32_t crc; /* CRC-32C of all that follows */
    uint32_t flags;
    int64_t seen_day;
    char name[FIGURE_NAME_MAX];
    char unused[12];
};
static_assert(sizeof(struct disk_entry) == 128, "entries do not cross a sector");

struct entry {
    char name[FIGURE_NAME_MAX]; /* "": free */
    bool is_level;
    int64_t seen_day;
};

struct figure_series {
    int fd;
    struct map *places; /* name -> its entry */
    struct entry entries[FIGURE_SERIES_MAX];
};

static uint32_t
checksum(const struct disk_entry *entry)
{
    const char *bytes = (const char *)entry;

    return crc32c(0,
                  (struct slice){bytes + sizeof(entry->crc), sizeof(*entry) - sizeof(entry->crc)});
}

static void
read_entries(struct figure_series *series)
{
    for (int i = 0; i < FIGURE_SERIES_MAX; i++) {
        struct entry *e = &series->entries[i];
        struct disk_entry disk;

        if (pread_exact(series->fd, &disk, sizeof(disk), (off_t)i * (off_t)sizeof(disk)) < 0)
            return;
        if (le32toh(disk.crc) != checksum(&disk) || disk.name[0] == '\0' ||
            memchr(disk.name, '\0', sizeof(disk.name)) == NULL)
            continue;
        memcpy(e->name, disk.name, sizeof(e->name));
        e->is_level = (le32toh(disk.flags) & LEVEL) != 0;
        e->seen_day = (int64_t)le64toh((uint64_t)disk.seen_day);
        *map_at(series->places, slice_of(e->name)) = e;
    }
}

static int
write_entry(const struct figure_series *series, const struct entry *e)
{
    struct disk_entry disk = {.flags = htole32(e->is_level ? LEVEL : 0),
                              .seen_day = (int64_t)htole64((uint64_t)e->seen_day)};

    memcpy(disk.name, e->name, sizeof(disk.name));
    disk.crc = htole32(checksum(&disk));
    return pwrite_all(series->fd, (struct slice){(const char *)&disk, sizeof(disk)},
                      (off_t)(e - series->entries) * (off_t)sizeof(disk));
}

struct figure_series *
figure_series_open(int dirfd, bool writable)
{
    int fd = openat(dirfd, FILE_NAME,
                    writable ? O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC
                             : O_RDONLY | O_NOFOLLOW | O_CLOEXEC,
                    0600);
    struct figure_series *series;

    if (fd < 0)
        return NULL;
    series = xcalloc(1, sizeof(*series));
    series->fd = fd;
    series->places = map_new(FIGURE_SERIES_MAX);
    read_entries(series);
    return series;
}

void
figure_series_close(struct figure_series **seriesp)
{
    if (*seriesp == NULL)
        return;
    close_keep_errno((*seriesp)->fd);
    map_free(&(*seriesp)->places, NULL);
    xfree(seriesp);
}

/* False: what the service calls it is no name, or too long. */
static bool
make_name(char name[FIGURE_NAME_MAX], const char *service, const char *counter)
{
    int len = snprintf(name, FIGURE_NAME_MAX, "%s/%s", service, counter);

    return len > 0 && len < FIGURE_NAME_MAX && service[0] != '\0' && counter[0] != '\0' &&
           service[strspn(service, NAME_CHARACTERS)] == '\0' &&
           counter[strspn(counter, NAME_CHARACTERS)] == '\0';
}

int
figure_series_find(const struct figure_series *series, const char *service, const char *counter)
{
    char name[FIGURE_NAME_MAX];
    const struct entry *e =
        make_name(name, service, counter) ? map_get(series->places, slice_of(name)) : NULL;

    return e == NULL ? -1 : (int)(e - series->entries);
}

bool
figure_series_is_of(const struct figure_series *series, int place, const char *service)
{
    size_t len = strlen(service);

    return strncmp(series->entries[place].name, service, len) == 0 &&
           series->entries[place].name[len] == '/';
}

/* A free place, or one that no ring has a figure of any more. NULL: all are taken. */
static struct entry *
find_room(struct figure_series *series, const char *service, int64_t day)
{
    struct entry *oldest = &series->entries[0];
    int of_service = 0;

    for (int i = 0; i < FIGURE_SERIES_MAX; i++)
        of_service += figure_series_is_of(series, i, service);
    if (of_service >= FIGURE_SERIES_PER_SERVICE)
        return NULL;
    for (int i = 0; i < FIGURE_SERIES_MAX; i++) {
        struct entry *e = &series->entries[i];

        if (e->name[0] == '\0')
            return e;
        if (e->seen_day < oldest->seen_day)
            oldest = e;
    }
    if (day - oldest->seen_day <= figure_step_slots(FIGURE_DAY))
        return NULL;
    (void)map_remove(series->places, slice_of(oldest->name)); /* the value is the entry itself */
    return oldest;
}

static int
touch(const struct figure_series *series, struct entry *e, int64_t day)
{
    if (day <= e->seen_day)
        return 0;
    e->seen_day = day;
    return write_entry(series, e);
}

int
figure_series_add(struct figure_series *series, const char *service, const char *counter,
                  bool is_level, int64_t day)
{
    char name[FIGURE_NAME_MAX];
    struct entry *e;

    memset(name, 0, sizeof(name));
    if (!make_name(name, service, counter)) {
        errno = EINVAL;
        return -1;
    }
    e = map_get(series->places, slice_of(name));
    if (e != NULL)
        return touch(series, e, day) < 0 ? -1 : (int)(e - series->entries);
    e = find_room(series, service, day);
    if (e == NULL) {
        errno = ENOSPC;
        return -1;
    }
    memcpy(e->name, name, sizeof(e->name));
    e->is_level = is_level;
    e->seen_day = day;
    /* Before a figure stands in its place: after a power cut it must not be another's. */
    if (write_entry(series, e) < 0 || fdatasync(series->fd) < 0) {
        e->name[0] = '\0';
        return -1;
    }
    *map_at(series->places, slice_of(e->name)) = e;
    return (int)(e - series->entries);
}

const char *
figure_series_name(const struct figure_series *series, int place)
{
    return series->entries[place].name[0] == '\0' ? NULL : series->entries[place].name;
}

bool
figure_series_is_level(const struct figure_series *series, int place)
{
    return series->entries[place].is_level;
}
