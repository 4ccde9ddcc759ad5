/*
 * lib/sys/disk_level.c - is there room enough on a file system to take mail (STO-11, STO-12)?
 */
#include "lib/sys/disk_level.h"

#include <sys/statvfs.h>

#include "lib/conf/conf.h"

void
disk_limits_load(struct disk_limits *limits, const struct conf *conf)
{
    *limits = (struct disk_limits){.soft_bytes = conf_u64(conf, DISK_SOFT_LIMIT),
                                   .hard_bytes = conf_u64(conf, DISK_HARD_LIMIT),
                                   .soft_files = conf_u64(conf, DISK_SOFT_FILES),
                                   .hard_files = conf_u64(conf, DISK_HARD_FILES)};
}

int
disk_room_of(int fd, struct disk_room *room)
{
    struct statvfs fs;

    if (fstatvfs(fd, &fs) < 0)
        return -1;
    *room = (struct disk_room){.bytes = (uint64_t)fs.f_bavail * fs.f_frsize,
                               .files = fs.f_files == 0 ? UINT64_MAX : fs.f_favail,
                               .total_bytes = (uint64_t)fs.f_blocks * fs.f_frsize,
                               .id = fs.f_fsid};
    return 0;
}

static bool
is_below(uint64_t room, uint64_t limit, bool before)
{
    return room < limit || (before && room - limit < limit / 8);
}

enum disk_level
disk_level_of(const struct disk_limits *l, const struct disk_room *room, enum disk_level before)
{
    if (is_below(room->bytes, l->hard_bytes, before == DISK_FULL) ||
        is_below(room->files, l->hard_files, before == DISK_FULL))
        return DISK_FULL;
    if (is_below(room->bytes, l->soft_bytes, before != DISK_ENOUGH) ||
        is_below(room->files, l->soft_files, before != DISK_ENOUGH))
        return DISK_LOW;
    return DISK_ENOUGH;
}

bool
disk_gates_open(struct disk_gates *gates, int fd)
{
    struct disk_room room;
    enum disk_level level;
    size_t i = 0;

    if (disk_room_of(fd, &room) < 0)
        return true;
    while (i < gates->count && gates->known[i].id != room.id)
        i++;
    level = disk_level_of(&gates->limits, &room,
                          i < gates->count ? gates->known[i].level : DISK_ENOUGH);
    if (i < DISK_GATES_MAX) {
        gates->known[i].id = room.id;
        gates->known[i].level = level;
        if (i == gates->count)
            gates->count++;
    }
    return level != DISK_FULL;
}
