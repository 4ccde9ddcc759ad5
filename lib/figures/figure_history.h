/*
 * lib/figures/figure_history.h - reads the figures of db/figures, for whoever shows them.
 */
#ifndef POSTHORN_LIB_FIGURES_FIGURE_HISTORY_H
#define POSTHORN_LIB_FIGURES_FIGURE_HISTORY_H

#include "lib/figures/figure_series.h"

struct figure_history;

/* `db` is the path of db/. NULL with errno. */
struct figure_history *figure_history_open(const char *db);
void figure_history_close(struct figure_history **historyp);
const struct figure_series *figure_history_series(const struct figure_history *history);

/* The figures of one period. 0, or -1: there are none. */
int figure_history_read(const struct figure_history *history, enum figure_step step, int64_t period,
                        struct figure_slot *out);

#endif
