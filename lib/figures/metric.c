/*
 * lib/figures/metric.c - looks names up in the table of counters.
 */
#include "lib/figures/metric.h"

#include <stddef.h>
#include <string.h>

#include "lib/base/slice.h"

static const struct metric metrics[] = {
#define METRIC(name, kind, label, help) {name, kind, label, help},
#include "lib/figures/metric.def"
#undef METRIC
};

const struct metric *
metric_find(const char *counter)
{
    size_t len = strcspn(counter, ".");

    for (size_t i = 0; i < ARRAY_LEN(metrics); i++)
        if (strncmp(metrics[i].name, counter, len) == 0 && metrics[i].name[len] == '\0')
            return &metrics[i];
    return NULL;
}

bool
metric_is_level(const char *counter)
{
    const struct metric *metric = metric_find(counter);

    return metric != NULL && metric->kind == METRIC_LEVEL;
}
