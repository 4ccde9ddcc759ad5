/*
 * posthorn/cmd_connections.c - `connections` and `kick`: who is connected now, and that they go.
 *
 * The tables may have been written by a session that was taken over: they are shown, and whoever is
 * to be ended has to be a process below our master.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "lib/sys/session_table.h"
#include "posthorn/command.h"
#include "posthorn/output.h"

enum { STAT_MAX = 4096, ANCESTORS = 3 };

/* What is looked for; NULL counts for all. */
struct wanted {
    const char *service, *user, *client;
    char **sessions; /* ids; with `session_count` 0 all */
    int session_count;
};

struct search {
    struct cli *cli;
    const struct wanted *wanted;
    struct table *table; /* NULL: they are ended */
    unsigned found, ended;
};

/* ---- is it ours? ---- */

/* Name and parent of a process: "12 (smtpd) S 11 ...". */
static bool
look_up(pid_t pid, char name[32], pid_t *parent)
{
    struct strbuf text = strbuf_new(STAT_MAX);
    char path[64];
    struct slice line, comm;
    uint64_t number = 0;
    bool good;

    (void)snprintf(path, sizeof(path), "/proc/%d/stat", pid);
    good = read_file(AT_FDCWD, path, &text) == 0;
    line = strbuf_slice(&text);
    comm = slice_sub(line, slice_index(line, '(') + 1, slice_rindex(line, ')'));
    line = slice_sub(line, slice_rindex(line, ')') + 2, line.len);
    (void)slice_split(&line, ' '); /* the state */
    good = good && parse_u64(slice_split(&line, ' '), INT32_MAX, &number) == 0;
    (void)snprintf(name, 32, "%.*s", (int)comm.len, comm.ptr);
    *parent = (pid_t)number;
    strbuf_free(&text);
    return good;
}

/* A session's process is a child of the forker, that of the service's parent, that of master: three
 * of one program, and nobody else may be ended by a table that somebody has forged. */
static bool
is_below_master(pid_t pid)
{
    char program[32] = "", name[32] = "";

    for (int i = 0; i < ANCESTORS; i++) {
        if (!look_up(pid, i == 0 ? program : name, &pid) || pid <= 1)
            return false;
        if (i > 0 && strcmp(program, name) != 0)
            return false;
    }
    return look_up(pid, name, &pid) && strcmp(name, "master") == 0;
}

/* ---- the sessions ---- */

static bool
is_wanted(const struct wanted *wanted, const struct session_row *row)
{
    bool named = wanted->session_count == 0;

    for (int i = 0; i < wanted->session_count; i++)
        named = named || strcmp(wanted->sessions[i], row->id) == 0;
    return named && (wanted->service == NULL || strcmp(wanted->service, row->label) == 0) &&
           (wanted->client == NULL || strcmp(wanted->client, row->client_ip) == 0) &&
           (wanted->user == NULL || slice_eq_nocase(slice_of(wanted->user), slice_of(row->user)));
}

static void
add_row(struct table *table, const struct session_row *row)
{
    struct strbuf since = strbuf_new(64);
    char port[8], seconds[24];

    (void)clock_rfc3339(row->since_ms, &since); /* fits */
    (void)snprintf(port, sizeof(port), "%u", row->client_port);
    (void)snprintf(seconds, sizeof(seconds), "%lld",
                   (long long)((clock_real_ms() - row->since_ms) / 1000));
    table_add(table,
              (const struct object_field[]){{SLICE("session"), slice_of(row->id)},
                                            {SLICE("service"), slice_of(row->label)},
                                            {SLICE("client"), slice_of(row->client_ip)},
                                            {SLICE("port"), slice_of(port)},
                                            {SLICE("tls"), slice_of(row->tls ? "yes" : "no")},
                                            {SLICE("user"), slice_of(row->user)},
                                            {SLICE("since"), strbuf_slice(&since)},
                                            {SLICE("seconds"), slice_of(seconds)}},
              8);
    strbuf_free(&since);
}

static void
take_row(void *arg, const struct session_row *row)
{
    struct search *search = arg;

    if (!is_wanted(search->wanted, row) || !is_below_master(row->pid))
        return;
    search->found++;
    if (search->table != NULL)
        add_row(search->table, row);
    else if (kill(row->pid, SIGTERM) == 0)
        search->ended++;
    else if (errno != ESRCH)
        cli_warn(search->cli, "session %s: %s", row->id, strerror(errno));
}

static int
by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int
is_table(const struct dirent *entry)
{
    return slice_starts(slice_of(entry->d_name), SLICE(SESSION_TABLE_PREFIX));
}

static int
search_tables(struct search *search)
{
    struct dirent **names = NULL;
    char *path = xasprintf("%s/stats", search->cli->inst.run);
    int dirfd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int count = dirfd < 0 ? -1 : scandir(path, &names, is_table, by_name), rc = CLI_OK;

    if (count < 0)
        rc = cli_fail(search->cli, "%s: %s; has the mail server been started?", path,
                      strerror(errno));
    for (int i = 0; i < count; i++) {
        const char *service = names[i]->d_name + strlen(SESSION_TABLE_PREFIX);

        if (session_table_read(dirfd, service, take_row, search) < 0 && errno != ENOENT)
            cli_warn(search->cli, "%s: %s", service, strerror(errno));
        free(names[i]);
    }
    free(names);
    close_keep_errno(dirfd);
    free(path);
    return rc;
}

static int
run_connections(struct cli *cli, int argc, char **argv)
{
    static const struct column columns[] = {
        {"session", COLUMN_TEXT, false}, {"service", COLUMN_TEXT, false},
        {"client", COLUMN_TEXT, false},  {"port", COLUMN_NUMBER, true},
        {"tls", COLUMN_BOOL, false},     {"user", COLUMN_TEXT, false},
        {"since", COLUMN_TEXT, false},   {"seconds", COLUMN_NUMBER, true}};
    struct wanted wanted = {0};
    const struct cli_option options[] = {{"--service", CLI_TEXT, &wanted.service},
                                         {"--user", CLI_TEXT, &wanted.user}};
    struct search search = {.cli = cli, .wanted = &wanted};
    int rc;

    if (cli_options(cli, &argc, argv, options, ARRAY_LEN(options), 0, 0) != 0)
        return CLI_USAGE;
    if (!cli_needs_instance(cli))
        return CLI_FAILED;
    search.table = table_new(columns, ARRAY_LEN(columns));
    rc = search_tables(&search);
    if (rc == CLI_OK)
        table_print(&search.table, cli->json);
    else
        table_free(&search.table);
    return rc;
}

static int
run_kick(struct cli *cli, int argc, char **argv)
{
    struct wanted wanted = {0};
    const struct cli_option options[] = {{"--user", CLI_TEXT, &wanted.user},
                                         {"--client", CLI_TEXT, &wanted.client}};
    struct search search = {.cli = cli, .wanted = &wanted};
    int rc;

    if (cli_options(cli, &argc, argv, options, ARRAY_LEN(options), 0, CLI_LIST_MAX) != 0)
        return CLI_USAGE;
    if ((argc > 0) + (wanted.user != NULL) + (wanted.client != NULL) != 1)
        return cli_usage(cli, "expected sessions ('posthorn connections' shows them), --user or "
                              "--client");
    if (!cli_needs_instance(cli))
        return CLI_FAILED;
    wanted.sessions = argv;
    wanted.session_count = argc;
    rc = search_tables(&search);
    if (rc == CLI_OK && search.ended == 0)
        rc = cli_fail(cli, "there is no such session");
    if (rc == CLI_OK)
        (void)printf("%u %s told to end\n", search.ended,
                     search.ended == 1 ? "session was" : "sessions were");
    return rc;
}

const struct command command_connections = {
    .name = "connections",
    .summary = "who is connected: sessions with their clients and users",
    .synopsis = "[--service LABEL] [--user USER] [--json]",
    .run = run_connections,
};

const struct command command_kick = {
    .name = "kick",
    .summary = "ends sessions",
    .synopsis = "SESSION... | --user USER | --client ADDRESS",
    .help =
        "The session finishes what is under way and tells its client that the service ends.\n"
        "Whoever was sent away may come again at once: 'posthorn block' and 'posthorn user set\n"
        "ADDRESS status=suspended' keep somebody out.\n",
    .run = run_kick,
};
