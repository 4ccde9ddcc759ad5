/*
 * figured/last.c - reads and writes what was read last. Little-endian, checksum first.
 */
#include "figured/last.h"

#include <assert.h>
#include <endian.h>
#include <fcntl.h>
#include <unistd.h>

#include "lib/base/crc32c.h"
#include "lib/base/io.h"

#define FILE_NAME "last"
#define MAGIC 0x314c4850u /* "PHL1" */

struct disk_last {
    uint32_t crc; /* CRC-32C of all that follows */
    uint32_t magic;
    uint64_t sequence;
    int64_t time_ms, minute;
    uint64_t unused[4];
    struct {
        uint64_t value, born_ms;
    } of[FIGURE_SERIES_MAX];
};
static_assert(sizeof(struct disk_last) == 16384, "a copy is four pages");

static uint32_t
checksum(const struct disk_last *last)
{
    const char *bytes = (const char *)last;

    return crc32c(0, (struct slice){bytes + sizeof(last->crc), sizeof(*last) - sizeof(last->crc)});
}

int
last_open(int dirfd)
{
    return openat(dirfd, FILE_NAME, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
}

int
last_read(int fd, int copy, struct last *out)
{
    struct disk_last disk;

    if (pread_exact(fd, &disk, sizeof(disk), copy * (off_t)sizeof(disk)) < 0 ||
        le32toh(disk.magic) != MAGIC || le32toh(disk.crc) != checksum(&disk))
        return -1;
    out->sequence = le64toh(disk.sequence);
    out->time_ms = (int64_t)le64toh((uint64_t)disk.time_ms);
    out->minute = (int64_t)le64toh((uint64_t)disk.minute);
    for (size_t i = 0; i < FIGURE_SERIES_MAX; i++) {
        out->of[i].value = le64toh(disk.of[i].value);
        out->of[i].born_ms = (int64_t)le64toh(disk.of[i].born_ms);
    }
    return 0;
}

int
last_write(int fd, const struct last *last)
{
    struct disk_last disk = {.magic = htole32(MAGIC),
                             .sequence = htole64(last->sequence),
                             .time_ms = (int64_t)htole64((uint64_t)last->time_ms),
                             .minute = (int64_t)htole64((uint64_t)last->minute)};

    for (size_t i = 0; i < FIGURE_SERIES_MAX; i++) {
        disk.of[i].value = htole64(last->of[i].value);
        disk.of[i].born_ms = htole64((uint64_t)last->of[i].born_ms);
    }
    disk.crc = htole32(checksum(&disk));
    return pwrite_all(fd, (struct slice){(const char *)&disk, sizeof(disk)},
                      (off_t)(last->sequence % 2) * (off_t)sizeof(disk));
}
