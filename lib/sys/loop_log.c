/*
 * lib/sys/loop_log.c - flushes the log at the end of each turn of the loop.
 */
#include "lib/sys/loop_log.h"

#include "lib/log/log.h"

static struct loop_timer *again;

static void
flush(void *arg)
{
    int64_t rest;

    (void)arg;
    log_flush();
    rest = log_wait_ms();
    if (rest > 0)
        loop_timer_set(again, rest);
}

static void
turn(void *arg)
{
    (void)arg; /* the turn's end flushes */
}

void
loop_flush_log(struct loop *loop)
{
    again = loop_timer_new(loop, turn, NULL);
    loop_on_turn(loop, flush, NULL);
}
