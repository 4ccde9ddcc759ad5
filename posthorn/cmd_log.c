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
};

static void
keep_line(void *arg, struct slice line)
{
    struct follower *f = arg;

    log_entries_add(&f->found, line, f->service);
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

/* ---- the files ---- */

/* `name` of a file or service, or NULL with "list"; here or elsewhere. */
static int
on_files(struct cli *cli, const char *verb, const char *name)
{
    const struct accountd_admin request = {
        .verb = slice_of(verb), .kind = SLICE("log"), .name = slice_of(name)};
    struct oper op;
    int rc = CLI_OK;

    if (cli->remote != NULL)
        return remote_order(cli, OPER_LOG, verb, name);
    op = oper_new(&cli->inst, &request);
    oper_run(&op);
    if (op.result != 0)
        rc = cli_fail(cli, "%s", strbuf_cstr(&op.text));
    oper_free(&op);
    return rc;
}

static int
list_files(struct cli *cli)
{
    const struct accountd_admin request = {.verb = SLICE("list"), .kind = SLICE("log")};
    struct object_field *fields = xcalloc(OBJECT_FIELDS_MAX, sizeof(*fields));
    struct table *table = oper_table(OPER_LOG);
    struct slice data;
    struct oper op;
    int count, rc = CLI_OK;

    if (cli->remote != NULL) {
        rc = remote_each(cli, OPER_LOG, NULL, 0, oper_add_row, table);
    } else {
        op = oper_new(&cli->inst, &request); /* one page: more files nobody has */
        oper_run(&op);
        data = strbuf_slice(&op.data);
        if (op.result != 0)
            rc = cli_fail(cli, "%s", strbuf_cstr(&op.text));
        while (rc == CLI_OK && (count = object_next(&data, fields)) > 0)
            table_add(table, fields, (uint32_t)count);
        oper_free(&op);
    }
    if (rc == CLI_OK)
        table_print(&table, cli->json);
    else
        table_free(&table);
    free(fields);
    return rc;
}

/* ---- the command ---- */

static int
run_log(struct cli *cli, int argc, char **argv)
{
    bool forever = false, files = false;
    const char *count = NULL, *emptied = NULL, *deleted = NULL;
    uint64_t lines = LINES_DEFAULT;
    const struct cli_option options[] = {
        {"-f", CLI_FLAG, &forever},      {"--follow", CLI_FLAG, &forever},
        {"-n", CLI_TEXT, &count},        {"--lines", CLI_TEXT, &count},
        {"--files", CLI_FLAG, &files},   {"--empty", CLI_TEXT, &emptied},
        {"--delete", CLI_TEXT, &deleted}};

    if (cli_options(cli, &argc, argv, options, ARRAY_LEN(options), 0, 1) != 0)
        return CLI_USAGE;
    if (count != NULL && parse_u64(slice_of(count), LINES_LIMIT, &lines) < 0)
        return cli_usage(cli, "-n: expected a number of lines up to %d", LINES_LIMIT);
    if (forever && cli->json)
        return cli_usage(cli, "--json and -f do not go together");
    if (files + (emptied != NULL) + (deleted != NULL) >
        (argc > 0 || forever || count != NULL ? 0 : 1))
        return cli_usage(cli, "--files, --empty and --delete each stand alone");
    if (emptied != NULL || deleted != NULL)
        return on_files(cli, emptied != NULL ? "empty" : "delete",
                        emptied != NULL ? emptied : deleted);
    if (files)
        return cli_needs_instance(cli) ? list_files(cli) : CLI_FAILED;
    if (cli->remote != NULL && (forever || lines == 0 || lines > REMOTE_LINES_MAX))
        return cli_usage(cli, "elsewhere: 1 to %d lines, and without -f", REMOTE_LINES_MAX);
    if (cli->remote != NULL)
        return print_remote(cli, argc == 1 ? argv[0] : NULL, lines);
    if (!cli_needs_instance(cli))
        return CLI_FAILED;
    return print_log(cli, argc == 1 ? argv[0] : NULL, lines, forever);
}

const struct command command_log = {
    .name = "log",
    .summary = "the log of all services, or of one",
    .synopsis =
        "[-f] [-n LINES] [--json] [SERVICE] | --files [--json] | --empty SERVICE | --delete FILE",
    .help =
        "The last 100 lines (-n) of all services together in the order of time, or of one\n"
        "service's log; -f goes on with what is logged from then on. The log 'audit' says who\n"
        "has changed what, from where, before and after. --files lists the files, --empty begins\n"
        "a service's log anew, --delete removes a file of earlier; 'audit' is kept.\n",
    .run = run_log,
    .remote = "*",
};
