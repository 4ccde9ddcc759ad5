/*
 * lib/figures/figure_choice.h - which counter somebody means, and which periods show a time. No
 * I/O.
 */
#ifndef POSTHORN_LIB_FIGURES_FIGURE_CHOICE_H
#define POSTHORN_LIB_FIGURES_FIGURE_CHOICE_H

#include "lib/base/strbuf.h"
#include "lib/figures/figure_series.h"

enum { FIGURE_UNKNOWN = -1, FIGURE_AMBIGUOUS = -2, FIGURE_NAMES_MAX = 16384 };

/* The place of "service/counter", or of "counter" alone where one service has it. FIGURE_AMBIGUOUS:
 * several have, and `names` (of FIGURE_NAMES_MAX) gets them, a space before each. */
int figure_choose(const struct figure_series *series, struct slice wanted, struct strbuf *names);

struct figure_span {
    enum figure_step step;
    int64_t first, last; /* periods */
};

/* "minute", "hour", "day"; empty: as a time of `length_ms` is best shown. 0, or -1: it is none. */
int figure_step_choose(struct slice by, int64_t length_ms, enum figure_step *step);
/* How long (ms) a chart by these steps usually is. */
int64_t figure_usual_length_ms(struct slice by);
/* The periods of [since, until) in ms since 1970, the last of them if there are more than are kept.
 * 0, or -1: since is not before until. */
int figure_span_find(enum figure_step step, int64_t since_ms, int64_t until_ms,
                     struct figure_span *span);

#endif
