/*
 * posthorn/main.c - the command line: finds the instance and runs one command.
 *
 * Runs with the caller's own rights. The commands are in posthorn/commands.def.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "posthorn/api_server.h"
#include "posthorn/command.h"
#include "posthorn/remote.h"

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

/* What may stand before the command. */
struct before {
    const char *root;
    struct api_where where;
};

/* The value of an option, "--name value" or "--name=value"; NULL: it is not this one. Moves *at to
 * the last word that was taken. */
static const char *
option_value(const char *name, int argc, char **argv, int *at)
{
    size_t len = strlen(name);

    if (strcmp(argv[*at], name) == 0 && *at + 1 < argc && argv[*at + 1][0] != '\0')
        return argv[++*at];
    if (strncmp(argv[*at], name, len) == 0 && argv[*at][len] == '=' && argv[*at][len + 1] != '\0')
        return argv[*at] + len + 1;
    return NULL;
}

static bool
take_option(struct before *before, int argc, char **argv, int *at)
{
    const struct {
        const char *name;
        const char **value;
    } known[] = {{"--root", &before->root},
                 {"--server", &before->where.server},
                 {"--profile", &before->where.profile},
                 {"--admin", &before->where.admin},
                 {"--certificates", &before->where.certificates},
                 {"--code", &before->where.code},
                 {"--password-file", &before->where.password_file}};

    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        const char *value = option_value(known[i].name, argc, argv, at);

        if (value == NULL)
            continue;
        *known[i].value = value;
        return true;
    }
    return false;
}

/* Returns how many words were taken, or -1 after the message. */
static int
global_options(struct cli *cli, int argc, char **argv, struct before *before)
{
    int at = 1;

    for (; at < argc && !is_command(&argv[at]); at++) {
        if (strcmp(argv[at], "--json") == 0)
            cli->json = true;
        else if (!take_option(before, argc, argv, &at))
            return cli_usage(cli, "'%s': expected --root DIR or a command", argv[at]), -1;
    }
    return at;
}

/* With a server elsewhere: how to get there. CLI_OK, or an exit code after the message. */
static int
go_there(struct cli *cli, const struct before *before)
{
    const struct api_where *where = &before->where;
    struct api_profile profile;
    int rc;

    if (where->server == NULL && where->profile == NULL) {
        if (where->admin != NULL || where->certificates != NULL || where->password_file != NULL ||
            where->code != NULL)
            return cli_usage(cli, "these options go with --server or --profile");
        return CLI_OK;
    }
    if (before->root != NULL)
        return cli_usage(cli, "expected either --root or --server");
    profile = api_profile_new();
    rc = api_server_find(cli, where, &profile);
    if (rc == CLI_OK)
        cli->remote = remote_new(&profile);
    else
        api_profile_free(&profile);
    return rc;
}

int
main(int argc, char **argv)
{
    struct cli cli = {0};
    struct before before = {0};
    int at, rc;

    (void)umask(022);
    (void)signal(SIGPIPE, SIG_IGN); /* a reader that went away is an error like any other */
    at = global_options(&cli, argc, argv, &before);
    if (at < 0)
        return CLI_USAGE;
    if (at == argc)
        return cli_usage(&cli, "expected a command");
    instance_init(&cli.inst, before.root);
    rc = go_there(&cli, &before);
    if (rc == CLI_OK)
        rc = command_run(&cli, argc - at, argv + at);
    if ((fflush(stdout) != 0 || ferror(stdout)) && rc == CLI_OK)
        rc = cli_fail(&cli, "could not write all of the output");
    remote_free(&cli.remote);
    instance_free(&cli.inst);
    return rc;
}
