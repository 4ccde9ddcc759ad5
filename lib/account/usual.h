/*
 * lib/account/usual.h - how much mail is usual for a user: recipients elsewhere of a day.
 *
 * What is usual follows the busiest days: a busier day replaces it, and each other day with mail
 * takes an eighth off. Mail that was found unusual teaches nothing. Days are those of the clock,
 * UTC. No I/O.
 */
#ifndef POSTHORN_LIB_ACCOUNT_USUAL_H
#define POSTHORN_LIB_ACCOUNT_USUAL_H

#include <stdint.h>

#include "lib/base/strbuf.h"

/* guess.unusual_*: more than `factor` times what is usual (0: nothing is unusual) and more than
 * `min` recipients, after `days` days with mail. */
struct usual_limits {
    uint64_t factor, min, days;
};

struct usual {
    uint64_t day;    /* since 1970, the last one with mail */
    uint64_t sent;   /* recipients of that day, those of unusual mail apart */
    uint64_t held;   /* recipients of that day's unusual mail */
    uint64_t amount; /* what is usual, in eighths */
    uint64_t days;   /* with mail, before `day` */
};

/* A message to `rcpts` recipients is counted. True: with it the day has become unusual. */
bool usual_count(struct usual *usual, uint64_t rcpts, const struct usual_limits *limits,
                 int64_t now_ms);

/* It was counted today, and then not sent. `held`: it had been found unusual. */
void usual_uncount(struct usual *usual, uint64_t rcpts, bool held);

/* As one row: decimal numbers with spaces between. -1: damaged. */
void usual_print(const struct usual *usual, struct strbuf *out);
int usual_parse(struct slice text, struct usual *usual);

#endif
