/*
 * lib/sys/disk_level.h - is there room enough on a file system to take mail (STO-11, STO-12)?
 *
 * Bytes and files (inodes) that an ordinary user may still take, held against disk.soft_limit,
 * disk.hard_limit, disk.soft_files and disk.hard_files. A file system that was below a limit is so
 * until it has an eighth more than the limit: what is at the edge does not change with each
 * message.
 */
#ifndef POSTHORN_LIB_SYS_DISK_LEVEL_H
#define POSTHORN_LIB_SYS_DISK_LEVEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct conf;

struct disk_room {
    uint64_t bytes, files; /* UINT64_MAX files: the file system does not count them (btrfs) */
    uint64_t total_bytes;
    unsigned long id; /* of the file system */
};

struct disk_limits {
    uint64_t soft_bytes, hard_bytes, soft_files, hard_files; /* 0: none */
};

enum disk_level {
    DISK_ENOUGH,
    DISK_LOW, /* below a soft limit: somebody should look */
    DISK_FULL /* below a hard limit: no mail is taken */
};

void disk_limits_load(struct disk_limits *limits, const struct conf *conf);
/* Of the file system that `fd` is on; O_PATH is enough. 0, or -1 with errno. */
int disk_room_of(int fd, struct disk_room *room);
/* `before`: what it was when it was looked at last. */
enum disk_level disk_level_of(const struct disk_limits *limits, const struct disk_room *room,
                              enum disk_level before);

/* For who writes to several file systems: what each was when it was looked at last. One that finds
 * no place here is judged without its past. */
#define DISK_GATES_MAX 16
struct disk_gates {
    struct disk_limits limits;
    struct {
        unsigned long id;
        enum disk_level level;
    } known[DISK_GATES_MAX];
    size_t count;
};
/* May mail be put where `fd` is? Also if that cannot be found out: the write will tell. */
bool disk_gates_open(struct disk_gates *gates, int fd);

#endif
