/*
 * posthorn/command.h - the command line's frame: the table of commands, their options, failing.
 *
 * A command group is one file cmd_NAME.c that defines `command_NAME`, and one row in commands.def.
 * A group with verbs ("user add") has a table of them; dispatch, `help` and usage errors come from
 * it. Results go to stdout (posthorn/output.h), everything else to stderr.
 */
#ifndef POSTHORN_POSTHORN_COMMAND_H
#define POSTHORN_POSTHORN_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/strbuf.h"
#include "lib/conf/instance.h"

/* Exit codes: 0 only if everything asked for was done. */
enum {
    CLI_OK = 0,
    CLI_FAILED = 1,
    CLI_USAGE = 2,
    CLI_DIFFERS = 3 /* of what `config try` finds */
};

struct remote;

struct cli {
    struct instance inst;
    const struct command *command; /* the running one */
    const struct cli_verb *verb;   /* its verb, or NULL */
    bool json;                     /* --json was given */
    struct remote *remote;         /* a server elsewhere (posthorn/remote.h); NULL: here */
};

struct cli_verb {
    const char *name;     /* "add" */
    const char *synopsis; /* what follows the name: "ADDRESS [--password-stdin]" */
    const char *summary;  /* one line */
    /* argv[0] is the first word behind the verb. Returns an exit code. */
    int (*run)(struct cli *cli, int argc, char **argv);
};

struct command {
    const char *name;             /* "user" */
    const char *summary;          /* one line for `posthorn help` */
    const char *synopsis;         /* what follows the name, when there are no verbs */
    const char *help;             /* paragraphs for `posthorn help NAME`; may be NULL */
    const struct cli_verb *verbs; /* ends with a row without name; NULL: run */
    int (*run)(struct cli *cli, int argc, char **argv); /* argv[0] is behind the command */
    /* What also works at a server elsewhere: verbs, separated by spaces, or "*" of a command
     * without verbs. NULL: nothing. */
    const char *remote;
};

#define COMMAND(name) extern const struct command command_##name;
#include "posthorn/commands.def"
#undef COMMAND

/* Runs argv[0] with its arguments. */
int command_run(struct cli *cli, int argc, char **argv);

/* ---- options ---- */
enum cli_option_kind {
    CLI_FLAG, /* --yes              bool * */
    CLI_TEXT, /* --hostname H       const char ** */
    CLI_LIST  /* --member A, again  struct cli_list * */
};
#define CLI_LIST_MAX 1000
struct cli_list {
    const char *items[CLI_LIST_MAX];
    size_t count;
};
struct cli_option {
    const char *name; /* "--hostname" */
    enum cli_option_kind kind;
    void *target;
};
/* Takes the options out of argv wherever they stand (`--name value` or `--name=value`; `--` ends
 * them; --json is known where the synopsis has it) and leaves the other words, `min` to `max` of
 * them, in *argc and argv. 0, or CLI_USAGE after the message. */
int cli_options(struct cli *cli, int *argc, char **argv, const struct cli_option *options,
                size_t count, int min, int max);

/* ---- messages ---- */
/* "posthorn: user add: MESSAGE" on stderr. The message says what is wrong and what to do about it.
 * Returns CLI_FAILED, so that a command may `return cli_fail(...)`. */
__attribute__((format(printf, 2, 3))) int cli_fail(const struct cli *cli, const char *format, ...);
/* The same with the command's synopsis behind it; returns CLI_USAGE. */
__attribute__((format(printf, 2, 3))) int cli_usage(const struct cli *cli, const char *format, ...);
__attribute__((format(printf, 2, 3))) void cli_warn(const struct cli *cli, const char *format, ...);

/* No instance here: says how to make one. True if there is one, or if it is elsewhere. */
bool cli_needs_instance(const struct cli *cli);
/* Asks a yes/no question on the terminal; false when stdin is none. */
bool cli_confirm(const char *question);
/* One line of a secret from stdin ("-") or a file, without its newline, into `out` (the caller
 * wipes it). 0, or CLI_FAILED after the message: unreadable, empty, too long, more than one line.
 */
int cli_read_secret(const struct cli *cli, const char *path, struct strbuf *out);

#endif
