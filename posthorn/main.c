/*
 * posthorn/main.c - the command line: finds the instance and runs one command.
 *
 * Runs with the caller's own rights. The commands are in posthorn/commands.def.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "posthorn/command.h"

/* "--help" and "--version" stand for commands. */
static bool
is_command(char **word)
{
    if (strcmp(*word, "--help") == 0 || strcmp(*word, "-h") == 0)
        *word = "help";
    else if (strcmp(*word, "--version") == 0)
        *word = "version";
    return (*word)[0] != '-';
}

/* `--root DIR` and `--json` may stand before the command. Returns how many words were taken, or -1
 * after the message. */
static int
global_options(struct cli *cli, int argc, char **argv, const char **root)
{
    int at = 1;

    for (; at < argc && !is_command(&argv[at]); at++) {
        if (strcmp(argv[at], "--root") == 0 && at + 1 < argc && argv[at + 1][0] != '\0')
            *root = argv[++at];
        else if (strncmp(argv[at], "--root=", 7) == 0 && argv[at][7] != '\0')
            *root = argv[at] + 7;
        else if (strcmp(argv[at], "--json") == 0)
            cli->json = true;
        else
            return cli_usage(cli, "'%s': expected --root DIR or a command", argv[at]), -1;
    }
    return at;
}

int
main(int argc, char **argv)
{
    struct cli cli = {0};
    const char *root = NULL;
    int at, rc;

    (void)umask(022);
    (void)signal(SIGPIPE, SIG_IGN); /* a reader that went away is an error like any other */
    at = global_options(&cli, argc, argv, &root);
    if (at < 0)
        return CLI_USAGE;
    if (at == argc)
        return cli_usage(&cli, "expected a command");
    instance_init(&cli.inst, root);
    rc = command_run(&cli, argc - at, argv + at);
    if ((fflush(stdout) != 0 || ferror(stdout)) && rc == CLI_OK)
        rc = cli_fail(&cli, "could not write all of the output");
    instance_free(&cli.inst);
    return rc;
}
