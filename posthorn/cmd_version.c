/*
 * posthorn/cmd_version.c - `posthorn version`. The number comes from the Makefile and is nowhere
 * else: no greeting of a protocol tells it (SMTP-07).
 */
#include <stdio.h>

#include "posthorn/command.h"

static int
version_run(struct cli *cli, int argc, char **argv)
{
    if (cli_options(cli, &argc, argv, NULL, 0, 0, 0) != 0)
        return CLI_USAGE;
    (void)printf("posthorn %s\n", POSTHORN_VERSION);
    return CLI_OK;
}

const struct command command_version = {
    .name = "version",
    .summary = "which version of Posthorn this is",
    .synopsis = "",
    .help = "'posthorn --version' is the same.\n",
    .run = version_run,
    .remote = "*",
};
