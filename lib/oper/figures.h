/*
 * lib/oper/figures.h - the figures of one period as rows of counters, for whoever shows them.
 */
#ifndef POSTHORN_LIB_OPER_FIGURES_H
#define POSTHORN_LIB_OPER_FIGURES_H

#include "lib/figures/figure_series.h"
#include "lib/ipc/object.h"

/* service, counter, value of each that has one, in the order of names. */
void figures_each(const struct figure_series *series, const struct figure_slot *slot,
                  void (*use)(void *arg, const struct object_field *fields, uint32_t count),
                  void *arg);

#endif
