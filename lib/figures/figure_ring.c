/*
 * lib/figures/figure_ring.c - slots on disk: little-endian, checksum first.
 *
 * Input: files that figured alone writes; still nothing in them is believed before its checksum.
 */
#include "lib/figures/figure_ring.h"

#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/crc32c.h"
#include "lib/base/io.h"
#include "lib/base/mem.h"

#define MAGIC 0x31464850u /* "PHF1" */

struct disk_slot {
    uint32_t crc; /* CRC-32C of all that follows */
    uint32_t magic;
    int64_t period;
    uint64_t sequence;
    uint32_t readings;
    uint32_t unused;
    uint64_t values[FIGURE_SERIES_MAX];
};
static_assert(sizeof(struct disk_slot) == 8192, "a slot is two pages");

struct figure_ring {
    int fd;
    enum figure_step step;
};

static const struct {
    const char *name, *file;
    int64_t ms, slots;
} steps[FIGURE_STEPS] = {
    [FIGURE_MINUTE] = {"minute", "minutes", 60000, 3072},
    [FIGURE_HOUR] = {"hour", "hours", 3600000, 1024},
    [FIGURE_DAY] = {"day", "days", 86400000, 512},
};

const char *
figure_step_name(enum figure_step step)
{
    return steps[step].name;
}

int64_t
figure_step_ms(enum figure_step step)
{
    return steps[step].ms;
}

int64_t
figure_step_slots(enum figure_step step)
{
    return steps[step].slots;
}

struct figure_ring *
figure_ring_open(int dirfd, enum figure_step step, bool writable)
{
    int fd = openat(dirfd, steps[step].file,
                    writable ? O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC
                             : O_RDONLY | O_NOFOLLOW | O_CLOEXEC,
                    0600);
    struct figure_ring *ring;

    if (fd < 0)
        return NULL;
    ring = xcalloc(1, sizeof(*ring));
    ring->fd = fd;
    ring->step = step;
    return ring;
}

void
figure_ring_close(struct figure_ring **ringp)
{
    if (*ringp == NULL)
        return;
    close_keep_errno((*ringp)->fd);
    xfree(ringp);
}

static off_t
place(const struct figure_ring *ring, int64_t period)
{
    return (off_t)(period % steps[ring->step].slots) * (off_t)sizeof(struct disk_slot);
}

static uint32_t
checksum(const struct disk_slot *slot)
{
    const char *bytes = (const char *)slot;

    return crc32c(0, (struct slice){bytes + sizeof(slot->crc), sizeof(*slot) - sizeof(slot->crc)});
}

int
figure_ring_read(const struct figure_ring *ring, int64_t period, struct figure_slot *out)
{
    struct disk_slot slot;

    if (period < 0 || pread_exact(ring->fd, &slot, sizeof(slot), place(ring, period)) < 0) {
        if (period < 0 || errno == EPIPE) /* the file does not reach so far yet */
            errno = ENOENT;
        return -1;
    }
    if (le32toh(slot.magic) != MAGIC || le32toh(slot.crc) != checksum(&slot) ||
        (int64_t)le64toh((uint64_t)slot.period) != period) {
        errno = ENOENT;
        return -1;
    }
    out->period = period;
    out->sequence = le64toh(slot.sequence);
    out->readings = le32toh(slot.readings);
    for (size_t i = 0; i < FIGURE_SERIES_MAX; i++)
        out->values[i] = le64toh(slot.values[i]);
    return 0;
}

int
figure_ring_write(const struct figure_ring *ring, const struct figure_slot *slot)
{
    struct disk_slot out = {
        .magic = htole32(MAGIC),
        .period = (int64_t)htole64((uint64_t)slot->period),
        .sequence = htole64(slot->sequence),
        .readings = htole32(slot->readings),
    };

    if (slot->period < 0) {
        errno = EINVAL;
        return -1;
    }
    for (size_t i = 0; i < FIGURE_SERIES_MAX; i++)
        out.values[i] = htole64(slot->values[i]);
    out.crc = htole32(checksum(&out));
    return pwrite_all(ring->fd, (struct slice){(const char *)&out, sizeof(out)},
                      place(ring, slot->period));
}

void
figure_slot_begin(struct figure_slot *slot, int64_t period)
{
    slot->period = period;
    slot->sequence = 0;
    slot->readings = 0;
    for (size_t i = 0; i < FIGURE_SERIES_MAX; i++)
        slot->values[i] = FIGURE_NONE;
}

uint64_t
figure_sum(uint64_t a, uint64_t b)
{
    if (a == FIGURE_NONE || b == FIGURE_NONE)
        return a == FIGURE_NONE ? b : a;
    return a > FIGURE_NONE - 1 - b ? FIGURE_NONE - 1 : a + b;
}

uint64_t
figure_max(uint64_t a, uint64_t b)
{
    if (a == FIGURE_NONE || b == FIGURE_NONE)
        return a == FIGURE_NONE ? b : a;
    return a > b ? a : b;
}
