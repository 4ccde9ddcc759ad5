/*
 * posthorn/refresh.h - `--watch`: a table again and again (LOG-11).
 */
#ifndef POSTHORN_POSTHORN_REFRESH_H
#define POSTHORN_POSTHORN_REFRESH_H

#include "posthorn/command.h"

struct refresh {
    bool watch;        /* --watch */
    const char *every; /* --every SECONDS; NULL: 15 */
};
#define REFRESH_OPTIONS(refresh)                                                                   \
    {"--watch", CLI_FLAG, &(refresh).watch},                                                       \
    {                                                                                              \
        "--every", CLI_TEXT, &(refresh).every                                                      \
    }
#define REFRESH_SYNOPSIS "[--watch [--every SECONDS]]"

/* Runs show() once, or with --watch until it fails, ^C comes or the reader of stdout is gone; a
 * terminal is cleared before each. An exit code. */
int refresh_run(struct cli *cli, const struct refresh *refresh,
                int (*show)(struct cli *cli, void *arg), void *arg);

#endif
