/*
 * lib/oper/counters.c - the counters that the services keep in shared memory. Names were written by
 * processes that talk to the network: they are shown, and believed in nothing.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/oper/oper.h"
#include "lib/sys/stats.h"

struct counting {
    struct oper *op;
    const char *service;
};

static void
add_counter(void *arg, const char *name, uint64_t value)
{
    const struct counting *counting = arg;
    char number[24];

    (void)snprintf(number, sizeof(number), "%llu", (unsigned long long)value);
    oper_list_row(counting->op,
                  (const struct object_field[]){{SLICE("service"), slice_of(counting->service)},
                                                {SLICE("counter"), slice_of(name)},
                                                {SLICE("value"), slice_of(number)}},
                  3);
}

static bool
add_service(struct oper *op, int dirfd, const char *name)
{
    struct slice only = oper_field(op, "within");
    struct counting counting = {.op = op, .service = name};
    struct stats *stats;

    if (name[0] == '.' || (only.len > 0 && !slice_eq(only, slice_of(name))))
        return false;
    stats = stats_open(dirfd, name, false);
    if (stats == NULL)
        return false;
    (void)stats_counters(stats, add_counter, &counting); /* how many there were is not needed */
    stats_close(&stats);
    return true;
}

static int
by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

void
oper_counters_list(struct oper *op)
{
    struct dirent **names = NULL;
    char *path = xasprintf("%s/stats", op->inst->run);
    int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    int count = fd < 0 ? -1 : scandir(path, &names, NULL, by_name);
    bool found = false;

    if (count < 0)
        oper_fail(op, OPER_REFUSED, "the counters cannot be read: %s", strerror(errno));
    for (int i = 0; i < count; i++) {
        found = add_service(op, fd, names[i]->d_name) || found;
        free(names[i]);
    }
    if (count >= 0 && !found)
        oper_fail(op, OPER_UNKNOWN, "there is no such service");
    free(names);
    close_keep_errno(fd);
    free(path);
}
