/*
 * posthorn/history.h - what the counters did (db/figures), as a chart, a table or JSON.
 */
#ifndef POSTHORN_POSTHORN_HISTORY_H
#define POSTHORN_POSTHORN_HISTORY_H

#include "posthorn/command.h"

struct history_wish {
    const char *counter;       /* "smtp/messages_received", or the counter's name alone */
    const char *since, *until; /* lib/base/when.h, or NULL */
    const char *by;            /* "minute", "hour", "day", or NULL */
};

/* One counter over a time. An exit code. */
int history_show(struct cli *cli, const struct history_wish *wish);
/* All counters of one day. An exit code. */
int history_show_day(struct cli *cli, const char *day);

#endif
