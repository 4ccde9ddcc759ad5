/*
 * posthorn/refresh.c - `--watch`: a table again and again.
 */
#include "posthorn/refresh.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/parse.h"

enum { SECONDS_DEFAULT = 15, SECONDS_MAX = 86400 };

int
refresh_run(struct cli *cli, const struct refresh *refresh, int (*show)(struct cli *cli, void *arg),
            void *arg)
{
    uint64_t seconds = SECONDS_DEFAULT;
    struct timespec wait = {0};
    int rc;

    if (refresh->every != NULL &&
        (!refresh->watch || parse_u64(slice_of(refresh->every), SECONDS_MAX, &seconds) < 0 ||
         seconds == 0))
        return cli_usage(cli, "--every: expected a number of seconds, together with --watch");
    if (!refresh->watch)
        return show(cli, arg);
    wait.tv_sec = (time_t)seconds;
    do {
        if (isatty(STDOUT_FILENO))
            (void)fputs("\033[H\033[2J", stdout); /* to the corner, all of it empty */
        rc = show(cli, arg);
        (void)fflush(stdout);
        if (rc == CLI_OK && !ferror(stdout))
            (void)nanosleep(&wait, NULL); /* shorter is harmless */
    } while (rc == CLI_OK && !ferror(stdout));
    return rc;
}
