/*
 * posthorn/command.c - the table of commands, dispatch, options, `help` and messages.
 *
 * Input is the caller's own command line. Touches no file but the one a secret is read from.
 */
#include "posthorn/command.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/base/suggest.h"

#define SECRET_MAX 1024
#define MESSAGE_MAX 65536

static const struct command *const commands[] = {
#define COMMAND(name) &command_##name,
#include "posthorn/commands.def"
#undef COMMAND
};

static const struct command *
find_command(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        if (strcmp(commands[i]->name, name) == 0)
            return commands[i];
    return NULL;
}

static const struct cli_verb *
find_verb(const struct command *command, const char *name)
{
    for (const struct cli_verb *v = command->verbs; v->name != NULL; v++)
        if (strcmp(v->name, name) == 0)
            return v;
    return NULL;
}

/* ---- messages ---- */

static void
print_name(const struct cli *cli)
{
    (void)fputs("posthorn: ", stderr);
    if (cli->command != NULL)
        (void)fprintf(stderr, "%s%s%s: ", cli->command->name, cli->verb != NULL ? " " : "",
                      cli->verb != NULL ? cli->verb->name : "");
}

__attribute__((format(printf, 2, 0))) static void
print_message(const struct cli *cli, const char *format, va_list args)
{
    struct strbuf text = strbuf_new(MESSAGE_MAX);

    (void)fflush(stdout); /* keep the order of what the terminal shows */
    print_name(cli);
    (void)strbuf_vprintf(&text, format, args); /* one that is too long is cut off whole */
    (void)fprintf(stderr, "%s\n", strbuf_cstr(&text));
    strbuf_free(&text);
}

int
cli_fail(const struct cli *cli, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    print_message(cli, format, args);
    va_end(args);
    return CLI_FAILED;
}

void
cli_warn(const struct cli *cli, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    print_message(cli, format, args);
    va_end(args);
}

static void
print_synopsis(FILE *to, const struct command *command, const struct cli_verb *only)
{
    if (command->verbs == NULL) {
        (void)fprintf(to, "usage: posthorn [--root DIR] %s%s%s\n", command->name,
                      command->synopsis[0] != '\0' ? " " : "", command->synopsis);
        return;
    }
    for (const struct cli_verb *v = command->verbs; v->name != NULL; v++)
        if (only == NULL || only == v)
            (void)fprintf(to, "%s posthorn [--root DIR] %s %s%s%s\n",
                          v == command->verbs || only == v ? "usage:" : "      ", command->name,
                          v->name, v->synopsis[0] != '\0' ? " " : "", v->synopsis);
}

int
cli_usage(const struct cli *cli, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    print_message(cli, format, args);
    va_end(args);
    if (cli->command != NULL)
        print_synopsis(stderr, cli->command, cli->verb);
    else
        (void)fputs("usage: posthorn [--root DIR] COMMAND; 'posthorn help' lists the commands\n",
                    stderr);
    return CLI_USAGE;
}

/* ---- dispatch ---- */

static int
unknown_command(const struct cli *cli, const char *name)
{
    struct suggest near = suggest_begin(slice_of(name));

    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        suggest_offer(&near, commands[i]->name);
    if (near.best != NULL)
        return cli_usage(cli, "unknown command '%s': did you mean '%s'?", name, near.best);
    return cli_usage(cli, "unknown command '%s'", name);
}

static int
unknown_verb(const struct cli *cli, const char *name)
{
    struct suggest near = suggest_begin(slice_of(name));

    for (const struct cli_verb *v = cli->command->verbs; v->name != NULL; v++)
        suggest_offer(&near, v->name);
    if (near.best != NULL)
        return cli_usage(cli, "unknown word '%s': did you mean '%s'?", name, near.best);
    return cli_usage(cli, "unknown word '%s'", name);
}

/* `verb`: its name, or "*". */
static bool
is_remote(const struct command *command, const char *verb)
{
    struct slice words = slice_of(command->remote);

    while (words.len > 0)
        if (slice_eq(slice_split(&words, ' '), slice_of(verb)))
            return true;
    return false;
}

static int
print_help(const struct command *command)
{
    (void)printf("%s - %s\n\n", command->name, command->summary);
    print_synopsis(stdout, command, NULL);
    for (const struct cli_verb *v = command->verbs; v != NULL && v->name != NULL; v++)
        (void)printf("%s  %-8s %s%s\n", v == command->verbs ? "\n" : "", v->name, v->summary,
                     is_remote(command, v->name) ? " *" : "");
    if (command->help != NULL)
        (void)printf("\n%s%s", command->help,
                     slice_ends(slice_of(command->help), SLICE("\n")) ? "" : "\n");
    return CLI_OK;
}

static int
run(struct cli *cli, bool remote, int (*function)(struct cli *cli, int argc, char **argv), int argc,
    char **argv)
{
    if (cli->remote != NULL && !remote)
        return cli_usage(cli, "this works on the server itself, not with --server or --profile");
    return function(cli, argc, argv);
}

int
command_run(struct cli *cli, int argc, char **argv)
{
    const struct command *command = find_command(argv[0]);

    if (command == NULL)
        return unknown_command(cli, argv[0]);
    cli->command = command;
    if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0))
        return print_help(command);
    if (command->verbs == NULL)
        return run(cli, is_remote(command, "*"), command->run, argc - 1, argv + 1);
    if (argc < 2)
        return cli_usage(cli, "expected one more word");
    cli->verb = find_verb(command, argv[1]);
    if (cli->verb == NULL)
        return unknown_verb(cli, argv[1]);
    if (argc > 2 && (strcmp(argv[2], "--help") == 0 || strcmp(argv[2], "-h") == 0))
        return print_help(command);
    return run(cli, is_remote(command, cli->verb->name), cli->verb->run, argc - 2, argv + 2);
}

static int
help_run(struct cli *cli, int argc, char **argv)
{
    const struct command *command;

    if (cli_options(cli, &argc, argv, NULL, 0, 0, 2) != 0)
        return CLI_USAGE;
    if (argc > 0) {
        command = find_command(argv[0]);
        if (command == NULL)
            return unknown_command(cli, argv[0]);
        cli->command = command;
        if (argc == 2 && (command->verbs == NULL || find_verb(command, argv[1]) == NULL))
            return command->verbs == NULL ? cli_usage(cli, "did not expect '%s'", argv[1])
                                          : unknown_verb(cli, argv[1]);
        return print_help(command);
    }
    (void)printf(
        "usage: posthorn [--root DIR] COMMAND\n"
        "       posthorn --server HOST[:PORT] | --profile NAME [--admin NAME] [--certificates "
        "FILE]\n"
        "                [--password-file FILE] COMMAND\n\n"
        "Without --root the installed instance is meant (/etc/posthorn). With --server or "
        "--profile\n"
        "the command is done on another host, by its administration server: those marked "
        "with *.\n\n");
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        (void)printf("  %-13s %s%s\n", commands[i]->name, commands[i]->summary,
                     commands[i]->remote != NULL ? " *" : "");
    (void)printf("\n'posthorn help COMMAND' says more. Lists take --json.\n");
    return CLI_OK;
}

const struct command command_help = {
    .name = "help",
    .summary = "what the commands do",
    .synopsis = "[COMMAND [WORD]]",
    .run = help_run,
    .remote = "*",
};

/* ---- options ---- */

static const struct cli_option *
find_option(const struct cli_option *options, size_t count, struct slice name)
{
    for (size_t i = 0; i < count; i++)
        if (slice_eq(slice_of(options[i].name), name))
            return &options[i];
    return NULL;
}

/* Its synopsis says so. */
static bool
has_json_form(const struct cli *cli)
{
    const char *synopsis = cli->verb != NULL ? cli->verb->synopsis : cli->command->synopsis;

    return strstr(synopsis, "--json") != NULL;
}

static int
unknown_option(const struct cli *cli, const struct cli_option *options, size_t count,
               struct slice name)
{
    struct suggest near = suggest_begin(name);

    if (slice_eq(name, SLICE("--root")))
        return cli_usage(cli, "--root DIR stands before the command");
    for (size_t i = 0; i < count; i++)
        suggest_offer(&near, options[i].name);
    if (has_json_form(cli))
        suggest_offer(&near, "--json");
    if (near.best != NULL)
        return cli_usage(cli, "unknown option '%.*s': did you mean '%s'?", (int)name.len, name.ptr,
                         near.best);
    return cli_usage(cli, "unknown option '%.*s'", (int)name.len, name.ptr);
}

static int
store_option(const struct cli *cli, const struct cli_option *option, const char *value)
{
    struct cli_list *list = option->target;

    if (option->kind == CLI_TEXT) {
        *(const char **)option->target = value;
        return 0;
    }
    if (list->count == CLI_LIST_MAX)
        return cli_usage(cli, "%s: at most %d are possible in one call", option->name,
                         CLI_LIST_MAX);
    list->items[list->count++] = value;
    return 0;
}

/* The option at argv[*at]; moves *at past a value that it takes. */
static int
take_option(struct cli *cli, int argc, char **argv, int *at, const struct cli_option *options,
            size_t count)
{
    struct slice word = slice_of(argv[*at]);
    size_t equals = slice_index(word, '=');
    struct slice name = slice_sub(word, 0, equals);
    const struct cli_option *option = find_option(options, count, name);

    if (option == NULL && slice_eq(word, SLICE("--json"))) {
        cli->json = true;
        return 0;
    }
    if (option == NULL)
        return unknown_option(cli, options, count, name);
    if (option->kind == CLI_FLAG) {
        if (equals < word.len)
            return cli_usage(cli, "%s takes no value", option->name);
        *(bool *)option->target = true;
        return 0;
    }
    if (equals < word.len)
        return store_option(cli, option, argv[*at] + equals + 1);
    if (*at + 1 == argc)
        return cli_usage(cli, "%s needs a value", option->name);
    *at += 1;
    return store_option(cli, option, argv[*at]);
}

int
cli_options(struct cli *cli, int *argc, char **argv, const struct cli_option *options, size_t count,
            int min, int max)
{
    bool options_end = false;
    int words = 0;

    for (int i = 0; i < *argc; i++) {
        if (options_end || argv[i][0] != '-' || argv[i][1] == '\0')
            argv[words++] = argv[i];
        else if (strcmp(argv[i], "--") == 0)
            options_end = true;
        else if (take_option(cli, *argc, argv, &i, options, count) != 0)
            return CLI_USAGE;
    }
    *argc = words;
    if (cli->json && !has_json_form(cli))
        return cli_usage(cli, "this has no --json form");
    if (words < min)
        return cli_usage(cli, "expected %d more word%s", min - words, min - words == 1 ? "" : "s");
    if (words > max)
        return cli_usage(cli, "did not expect '%s'", argv[max]);
    return 0;
}

/* ---- what several commands need ---- */

bool
cli_needs_instance(const struct cli *cli)
{
    if (cli->remote != NULL || instance_exists(&cli->inst))
        return true;
    (void)cli_fail(cli, "%s: %s; 'posthorn setup' makes an instance, '--root DIR' names one",
                   cli->inst.conf_path, strerror(errno));
    return false;
}

bool
cli_confirm(const char *question)
{
    char answer[16] = "";

    if (!isatty(STDIN_FILENO))
        return false;
    (void)fprintf(stderr, "%s [y/N] ", question);
    return fgets(answer, sizeof(answer), stdin) != NULL && (answer[0] == 'y' || answer[0] == 'Y');
}

/* Reads to the end: a secret may come through a pipe. */
static int
read_all(int fd, struct strbuf *out)
{
    for (;;) {
        char *room = strbuf_room(out, 1);
        ssize_t n = room == NULL ? -1 : read(fd, room, 1);

        if (room == NULL)
            errno = EFBIG;
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return (int)n;
        strbuf_grew(out, 1);
    }
}

int
cli_read_secret(const struct cli *cli, const char *path, struct strbuf *out)
{
    bool from_stdin = strcmp(path, "-") == 0;
    int fd = from_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    const char *source = from_stdin ? "standard input" : path;
    int rc;

    *out = strbuf_new(SECRET_MAX);
    (void)strbuf_room(out, SECRET_MAX); /* all of it now: growing would leave copies behind */
    if (fd < 0)
        return cli_fail(cli, "%s: %s", path, strerror(errno));
    rc = read_all(fd, out);
    if (!from_stdin)
        close_keep_errno(fd);
    if (rc < 0)
        return cli_fail(cli, "%s: %s; expected one line of at most %d bytes", source,
                        strerror(errno), SECRET_MAX - 1);
    if (strbuf_ends_with(out, "\n"))
        strbuf_truncate(out, out->len - 1);
    if (strbuf_ends_with(out, "\r"))
        strbuf_truncate(out, out->len - 1);
    if (out->len == 0)
        return cli_fail(cli, "%s: an empty password is not possible; expected it on one line",
                        source);
    if (slice_index(strbuf_slice(out), '\n') < out->len ||
        slice_index(strbuf_slice(out), '\0') < out->len)
        return cli_fail(cli, "%s: expected one line", source);
    return CLI_OK;
}
