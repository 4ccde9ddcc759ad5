/*
 * posthorn/cmd_log.c - `log`, the last lines of the log files and what comes. Reads the files;
 * works whether the suite runs or not.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "lib/oper/oper.h"
#include "posthorn/command.h"
#include "posthorn/log_reader.h"
#include "posthorn/log_remove.h"
#include "posthorn/oper_columns.h"
#include "posthorn/remote.h"

#define LINES_DEFAULT 100
#define LINES_LIMIT 1000000
#define REMOTE_LINES_MAX 1000
#define FILES_MAX 256
#define FOLLOW_STEP_MS 200
#define JSON_MAX 65536

/* ---- printing ---- */

static void
print_entries(const struct cli *cli, const struct log_entries *list, size_t from)
{
    struct strbuf json = strbuf_new(JSON_MAX);

    if (cli->json)
        (void)puts(list->count > from ? "[" : "[]");
    for (size_t i = from; i < list->count; i++) {
        if (!cli->json) {
            (void)puts(list->items[i].line);
            continue;
        }
        strbuf_clear(&json);
        log_line_json(slice_of(list->items[i].line), list->items[i].service, &json);
        (void)printf("  %s%s\n", strbuf_cstr(&json), i + 1 < list->count ? "," : "");
    }
    if (cli->json && list->count > from)
        (void)puts("]");
    strbuf_free(&json);
}

/* ---- log ---- */

struct source {
    char *path, *service;
    int fd; /* -1: gone for the moment */
    ino_t inode;
    struct strbuf pending; /* a line that is not whole yet */
};

struct follower {
    const char *only; /* a service, or NULL for all */
    struct source sources[FILES_MAX];
    size_t count;
    struct log_entries found;
    const char *service; /* of the file being read */
    struct strbuf text;  /* of a line that is JSON */
};

static void
keep_line(void *arg, struct slice line)
{
    struct follower *f = arg;

    log_entries_add(&f->found, log_line_as_text(line, &f->text), f->service);
}

static void
read_more(struct follower *f, struct source *s)
{
    char bytes[65536];
    ssize_t n;

    f->service = s->service;
    while (s->fd >= 0 && (n = read(s->fd, bytes, sizeof(bytes))) > 0) {
        struct slice rest = slice_make(bytes, (size_t)n);

        while (slice_index(rest, '\n') < rest.len) {
            struct slice part = slice_split(&rest, '\n');

            (void)strbuf_append(&s->pending, part); /* longer than its ceiling: no line of ours */
            keep_line(f, strbuf_slice(&s->pending));
            strbuf_clear(&s->pending);
        }
        (void)strbuf_append(&s->pending, rest);
    }
}

/* The name may mean another file by now: the old one is read to its end first. */
static void
reopen_if_new(struct follower *f, struct source *s)
{
    struct stat st;

    if (stat(s->path, &st) < 0 || (s->fd >= 0 && st.st_ino == s->inode))
        return;
    read_more(f, s);
    close_keep_errno(s->fd);
    s->fd = open(s->path, O_RDONLY | O_CLOEXEC);
    s->inode = st.st_ino;
    strbuf_clear(&s->pending);
}

static void
add_source(void *arg, const char *path, const char *service)
{
    struct follower *f = arg;
    struct source *s;

    if (f->only != NULL && strcmp(f->only, service) != 0)
        return;
    for (size_t i = 0; i < f->count; i++)
        if (strcmp(f->sources[i].path, path) == 0)
            return;
    if (f->count == FILES_MAX)
        return;
    s = &f->sources[f->count++];
    *s = (struct source){.path = xstrdup(path), .service = xstrdup(service), .fd = -1};
    s->pending = strbuf_new(JSON_MAX);
}

static void
poll_sources(struct follower *f)
{
    for (size_t i = 0; i < f->count; i++) {
        reopen_if_new(f, &f->sources[i]);
        read_more(f, &f->sources[i]);
    }
    log_entries_sort(&f->found);
}

static void
follow(const struct cli *cli, struct follower *f)
{
    static const struct timespec step = {.tv_nsec = FOLLOW_STEP_MS * 1000000L};

    while (!ferror(stdout)) { /* until ^C, or the reader of a pipe goes away */
        (void)fflush(stdout);
        (void)nanosleep(&step, NULL); /* shorter is harmless */
        (void)log_files_each(cli->inst.log, false, add_source, f);
        log_entries_clear(&f->found);
        poll_sources(f);
        for (size_t i = 0; i < f->found.count; i++)
            (void)puts(f->found.items[i].line);
    }
}

static void
free_follower(struct follower *f)
{
    for (size_t i = 0; i < f->count; i++) {
        close_keep_errno(f->sources[i].fd);
        strbuf_free(&f->sources[i].pending);
        free(f->sources[i].path);
        free(f->sources[i].service);
    }
    log_entries_clear(&f->found);
    strbuf_free(&f->text);
    free(f);
}

static void
name_service(void *arg, const char *path, const char *service)
{
    (void)path;
    (void)strbuf_printf(arg, " %s", service);
}

static int
no_such_log(const struct cli *cli, const char *service)
{
    struct strbuf names = strbuf_new(4096);
    int rc;

    (void)log_files_each(cli->inst.log, false, name_service, &names);
    rc = cli_fail(cli, "there is no log of '%s'; there are:%s", service,
                  names.len > 0 ? strbuf_cstr(&names) : " none");
    strbuf_free(&names);
    return rc;
}

static int
print_log(struct cli *cli, const char *service, uint64_t lines, bool forever)
{
    struct follower *f = xcalloc(1, sizeof(*f));
    int rc = CLI_OK;

    f->only = service;
    f->text = strbuf_new(LOG_JSON_MAX);
    if (log_files_each(cli->inst.log, false, add_source, f) < 0)
        rc = cli_fail(cli, "%s: %s", cli->inst.log, strerror(errno));
    else if (f->count == 0 && service != NULL && !forever)
        rc = no_such_log(cli, service);
    if (rc == CLI_OK) {
        poll_sources(f);
        if (f->count == 0 && service != NULL)
            cli_warn(cli, "there is no log of '%s' yet: waiting for it", service);
        print_entries(cli, &f->found, f->found.count > lines ? f->found.count - lines : 0);
        if (forever)
            follow(cli, f);
    }
    free_follower(f);
    return rc;
}

/* ---- at a server elsewhere ---- */

struct remote_log {
    struct log_entries found;
    const char *service;
};

static void
keep_remote_line(struct remote_log *log, struct slice objects)
{
    struct object_field *fields = xcalloc(OBJECT_FIELDS_MAX, sizeof(*fields));
    int count;

    while ((count = object_next(&objects, fields)) > 0)
        log_entries_add(&log->found, object_get(fields, (uint32_t)count, "line"), log->service);
    free(fields);
}

static int
read_remote(struct cli *cli, struct remote_log *log, uint64_t lines)
{
    struct strbuf number = strbuf_new(24);
    const struct object_field *field;
    struct accountd_admin_reply reply;
    int rc;

    (void)strbuf_u64(&number, lines);
    field = &(const struct object_field){SLICE("lines"), strbuf_slice(&number)};
    rc = remote_do(cli,
                   &(const struct accountd_admin){.verb = SLICE("read"),
                                                  .kind = SLICE("log"),
                                                  .name = slice_of(log->service),
                                                  .fields = field,
                                                  .field_count = 1},
                   &reply);
    if (rc == CLI_OK)
        keep_remote_line(log, reply.data);
    strbuf_free(&number);
    return rc;
}

/* Services whose current log there is. */
static void
take_name(void *arg, const struct object_field *fields, uint32_t count)
{
    char *file = xslicedup(object_get(fields, count, "file")), service[64];

    if (log_file_service(file, false, service))
        (void)strbuf_printf(arg, "%s ", service); /* more than fit nobody has */
    free(file);
}

static int
print_remote(struct cli *cli, const char *service, uint64_t lines)
{
    struct remote_log log = {.service = service};
    struct strbuf names = strbuf_new(8192);
    struct slice rest;
    int rc = CLI_OK;

    if (service != NULL)
        (void)strbuf_str(&names, service);
    else
        rc = remote_each(cli, OPER_LOG, NULL, 0, take_name, &names);
    for (rest = strbuf_slice(&names); rest.len > 0 && rc == CLI_OK;) {
        char *name = xslicedup(slice_split(&rest, ' '));

        log.service = name;
        rc = read_remote(cli, &log, lines);
        free(name);
    }
    log_entries_sort(&log.found);
    if (rc == CLI_OK)
        print_entries(cli, &log.found, log.found.count > lines ? log.found.count - lines : 0);
    log_entries_clear(&log.found);
    strbuf_free(&names);
    return rc;
}

static int
list_remote(struct cli *cli)
{
    struct table *table = oper_table(OPER_LOG);
    int rc = remote_each(cli, OPER_LOG, NULL, 0, oper_add_row, table);

    if (rc == CLI_OK)
        table_print(&table, cli->json);
    else
        table_free(&table);
    return rc;
}

/* ---- the command ---- */

struct wish {
    bool forever, files, yes;
    const char *count, *empty, *delete;
};

/* 0, or CLI_USAGE after the message. */
static int
check_wish(const struct cli *cli, const struct wish *w, int words)
{
    bool removes = w->empty != NULL || w->delete != NULL;
    int ways = w->files + (w->empty != NULL) + (w->delete != NULL);

    if (ways > 1)
        return cli_usage(cli, "expected one of --files, --empty and --delete");
    if (ways == 1 && (words > 0 || w->forever || w->count != NULL))
        return cli_usage(cli, "--files, --empty and --delete stand alone");
    if (w->yes && !removes)
        return cli_usage(cli, "--yes goes with --empty and --delete");
    if ((w->forever || removes) && cli->json)
        return cli_usage(cli, "--json goes neither with -f nor with --empty and --delete");
    return 0;
}

static int
run_remote(struct cli *cli, const struct wish *w, const char *service, uint64_t lines)
{
    if (w->files)
        return list_remote(cli);
    if (w->empty != NULL)
        return remote_order(cli, OPER_LOG, "empty", w->empty);
    if (w->delete != NULL)
        return remote_order(cli, OPER_LOG, "delete", w->delete);
    if (w->forever || lines == 0 || lines > REMOTE_LINES_MAX)
        return cli_usage(cli, "elsewhere: 1 to %d lines, and without -f", REMOTE_LINES_MAX);
    return print_remote(cli, service, lines);
}

static int
run_log(struct cli *cli, int argc, char **argv)
{
    struct wish wish = {.forever = false};
    uint64_t lines = LINES_DEFAULT;
    const struct cli_option options[] = {
        {"-f", CLI_FLAG, &wish.forever},      {"--follow", CLI_FLAG, &wish.forever},
        {"-n", CLI_TEXT, &wish.count},        {"--lines", CLI_TEXT, &wish.count},
        {"--files", CLI_FLAG, &wish.files},   {"--empty", CLI_TEXT, &wish.empty},
        {"--delete", CLI_TEXT, &wish.delete}, {"--yes", CLI_FLAG, &wish.yes}};

    if (cli_options(cli, &argc, argv, options, ARRAY_LEN(options), 0, 1) != 0)
        return CLI_USAGE;
    if (wish.count != NULL && parse_u64(slice_of(wish.count), LINES_LIMIT, &lines) < 0)
        return cli_usage(cli, "-n: expected a number of lines up to %d", LINES_LIMIT);
    if (check_wish(cli, &wish, argc) != 0)
        return CLI_USAGE;
    if (cli->remote != NULL)
        return run_remote(cli, &wish, argc == 1 ? argv[0] : NULL, lines);
    if (!cli_needs_instance(cli))
        return CLI_FAILED;
    if (wish.files)
        return log_files_show(cli);
    if (wish.empty != NULL)
        return log_file_empty(cli, wish.empty, wish.yes);
    if (wish.delete != NULL)
        return log_file_delete(cli, wish.delete, wish.yes);
    return print_log(cli, argc == 1 ? argv[0] : NULL, lines, wish.forever);
}

const struct command command_log = {
    .name = "log",
    .summary = "the log of all services, or of one",
    .synopsis = "[-f] [-n LINES] [--json] [SERVICE] | --files [--json] | --empty SERVICE [--yes] | "
                "--delete FILE [--yes]",
    .help =
        "The last 100 lines (-n) of all services together in the order of time, or of one\n"
        "service's log; -f goes on with what is logged from then on. The log 'audit' says who\n"
        "has changed what, from where, before and after.\n"
        "--files shows what files there are; --empty removes the one that is being written and\n"
        "begins another, --delete one that was set aside.\n",
    .run = run_log,
    .remote = "*",
};
