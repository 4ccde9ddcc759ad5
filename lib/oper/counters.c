/*
 * lib/oper/counters.c - the counters that the services keep in shared memory. Names were written by
 * processes that talk to the network: they are shown, and believed in nothing.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/oper/oper.h"
#include "lib/sys/stats_dir.h"

static void
add_counter(void *arg, const struct stats_sample *sample)
{
    struct oper *op = arg;
    char number[24];

    (void)snprintf(number, sizeof(number), "%llu", (unsigned long long)sample->value);
    oper_list_row(op,
                  (const struct object_field[]){{SLICE("service"), slice_of(sample->service)},
                                                {SLICE("counter"), slice_of(sample->counter)},
                                                {SLICE("value"), slice_of(number)}},
                  3);
}

void
oper_counters_list(struct oper *op)
{
    struct slice within = oper_field(op, "within");
    char *only = within.len > 0 ? xslicedup(within) : NULL;
    int fd = stats_dir_open(op->inst->run);
    int count;

    if (oper_field(op, "day").len > 0) {
        oper_figures_day(op);
        goto out;
    }
    count = fd < 0 ? -1 : stats_dir_each(fd, only, add_counter, NULL, op);
    if (count < 0)
        oper_fail(op, OPER_REFUSED, "the counters cannot be read: %s", strerror(errno));
    else if (count == 0)
        oper_fail(op, OPER_UNKNOWN, "there is no such service");
out:
    close_keep_errno(fd);
    free(only);
}
