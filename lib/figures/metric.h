/*
 * lib/figures/metric.h - what the counters of run/stats mean: one table (lib/figures/metric.def).
 *
 * A counter's name may have a part behind a dot that says of what it is ("port_connections.smtps");
 * the table calls that part's label ("port").
 */
#ifndef POSTHORN_LIB_FIGURES_METRIC_H
#define POSTHORN_LIB_FIGURES_METRIC_H

#include <stdbool.h>

enum metric_kind {
    METRIC_COUNTER, /* only grows */
    METRIC_LEVEL    /* a height: goes up and down */
};

struct metric {
    const char *name; /* "port_connections" */
    enum metric_kind kind;
    const char *label; /* of the part behind the dot: "port"; "" where there is none */
    const char *help;  /* one line */
};

/* The meaning of a counter by its name, with or without a part. NULL: a later version's, or made
 * up; it counts. */
const struct metric *metric_find(const char *counter);
bool metric_is_level(const char *counter);

#endif
