/*
 * lib/queue/queue_pressure.c - why no mail is to be taken, in the mode of queue/trigger.
 */
#include "lib/queue/queue_pressure.h"

#include <stddef.h>
#include <sys/stat.h>

#include "lib/base/mem.h"

static const struct {
    unsigned pressure;
    mode_t mode;
} bits[] = {{QUEUE_PRESSURE_DISK, S_IXUSR},
            {QUEUE_PRESSURE_LENGTH, S_IXGRP},
            {QUEUE_PRESSURE_LOW, S_IXOTH}};

static unsigned
of_mode(mode_t mode)
{
    unsigned pressure = 0;

    for (size_t i = 0; i < ARRAY_LEN(bits); i++)
        if ((mode & bits[i].mode) != 0)
            pressure |= bits[i].pressure;
    return pressure;
}

unsigned
queue_pressure_get(int trigger_fd)
{
    struct stat st;

    return fstat(trigger_fd, &st) < 0 ? 0 : of_mode(st.st_mode);
}

unsigned
queue_pressure_read(const char *path)
{
    struct stat st;

    return stat(path, &st) < 0 || !S_ISFIFO(st.st_mode) ? 0 : of_mode(st.st_mode);
}

int
queue_pressure_set(int trigger_fd, unsigned pressure)
{
    struct stat st;
    mode_t mode;

    if (fstat(trigger_fd, &st) < 0)
        return -1;
    mode = st.st_mode & 07777;
    for (size_t i = 0; i < ARRAY_LEN(bits); i++)
        mode = (pressure & bits[i].pressure) != 0 ? mode | bits[i].mode : mode & ~bits[i].mode;
    return fchmod(trigger_fd, mode);
}
