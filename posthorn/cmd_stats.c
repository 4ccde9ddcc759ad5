/*
 * posthorn/cmd_stats.c - `stats`: the counters that the services keep in shared memory.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "lib/sys/stats.h"
#include "posthorn/command.h"
#include "posthorn/oper_columns.h"
#include "posthorn/remote.h"

#define NAME_CHARACTERS "abcdefghijklmnopqrstuvwxyz0123456789_"

struct printer {
    struct table *table; /* NULL: for Prometheus */
    const char *service;
};

struct choice {
    const char *service; /* NULL: all */
    bool prometheus;
};

static void
add_counter(void *arg, const char *name, uint64_t value)
{
    const struct printer *p = arg;
    char number[24];

    (void)snprintf(number, sizeof(number), "%llu", (unsigned long long)value);
    table_add(p->table,
              (const struct object_field[]){{SLICE("service"), slice_of(p->service)},
                                            {SLICE("counter"), slice_of(name)},
                                            {SLICE("value"), slice_of(number)}},
              3);
}

/* A line of the text format that Prometheus reads (version 0.0.4). Names were written by our own
 * programs, but processes that talk to the network may write there too: what is no name is left
 * out.
 */
static void
print_sample(void *arg, const char *name, uint64_t value)
{
    const struct printer *p = arg;

    if (name[0] == '\0' || strspn(name, NAME_CHARACTERS) != strlen(name) ||
        strspn(p->service, NAME_CHARACTERS "-") != strlen(p->service))
        return;
    (void)printf("posthorn_%s{service=\"%s\"} %llu\n", name, p->service,
                 (unsigned long long)value); /* flushed, and looked at, when the program ends */
}

static int
by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int
print_services(struct cli *cli, struct dirent **names, int count, int dirfd,
               const struct choice *choice)
{
    const char *only = choice->service;
    struct printer p = {.table = choice->prometheus ? NULL : oper_table(OPER_COUNTER)};
    bool found = only == NULL;

    for (int i = 0; i < count; i++) {
        struct stats *stats;

        p.service = names[i]->d_name;
        if (p.service[0] == '.' || (only != NULL && strcmp(only, p.service) != 0))
            continue;
        found = true;
        stats = stats_open(dirfd, p.service, false);
        if (stats == NULL) {
            cli_warn(cli, "%s/stats/%s: %s", cli->inst.run, p.service, strerror(errno));
            continue;
        }
        (void)stats_counters(stats, choice->prometheus ? print_sample : add_counter,
                             &p); /* how many there were is not needed */
        stats_close(&stats);
    }
    if (!found) {
        if (p.table != NULL)
            table_free(&p.table);
        return cli_fail(cli, "there is no service '%s'; 'posthorn stats' shows all", only);
    }
    if (p.table != NULL)
        table_print(&p.table, cli->json);
    return CLI_OK;
}

static void
add_remote_row(void *arg, const struct object_field *fields, uint32_t count)
{
    struct printer *p = arg;
    char *name, *service;
    uint64_t value;

    if (p->table != NULL) {
        table_add(p->table, fields, count);
    } else if (parse_u64(object_get(fields, count, "value"), UINT64_MAX, &value) == 0) {
        name = xslicedup(object_get(fields, count, "counter"));
        service = xslicedup(object_get(fields, count, "service"));
        p->service = service;
        print_sample(p, name, value);
        free(name);
        free(service);
    }
}

static int
print_remote(struct cli *cli, const struct choice *choice)
{
    const struct object_field within = {SLICE("within"), slice_of(choice->service)};
    struct printer p = {.table = choice->prometheus ? NULL : oper_table(OPER_COUNTER)};
    int rc = remote_each(cli, OPER_COUNTER, &within, 1, add_remote_row, &p);

    if (p.table != NULL && rc == CLI_OK)
        table_print(&p.table, cli->json);
    else if (p.table != NULL)
        table_free(&p.table);
    return rc;
}

static int
run_stats(struct cli *cli, int argc, char **argv)
{
    struct choice choice = {NULL, false};
    const struct cli_option options[] = {{"--prometheus", CLI_FLAG, &choice.prometheus}};
    struct dirent **names = NULL;
    char *path;
    int count, fd, rc = CLI_OK;

    if (cli_options(cli, &argc, argv, options, ARRAY_LEN(options), 0, 1) != 0)
        return CLI_USAGE;
    if (choice.prometheus && cli->json)
        return cli_usage(cli, "expected either --json or --prometheus");
    choice.service = argc == 1 ? argv[0] : NULL;
    if (cli->remote != NULL)
        return print_remote(cli, &choice);
    if (!cli_needs_instance(cli))
        return CLI_FAILED;
    path = xasprintf("%s/stats", cli->inst.run);
    fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    count = fd < 0 ? -1 : scandir(path, &names, NULL, by_name);
    if (count < 0)
        rc = cli_fail(cli, "%s: %s; has the mail server been started?", path, strerror(errno));
    else
        rc = print_services(cli, names, count, fd, &choice);
    for (int i = 0; i < count; i++)
        free(names[i]);
    free(names);
    free(path);
    return rc;
}

const struct command command_stats = {
    .name = "stats",
    .summary = "the services' counters since the start",
    .synopsis = "[--json | --prometheus] [SERVICE]",
    .help =
        "--prometheus prints the text format that Prometheus reads: let a timer write it where\n"
        "node_exporter's textfile collector looks, or answer a scrape with it.\n",
    .run = run_stats,
    .remote = "*",
};
