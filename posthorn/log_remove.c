/*
 * posthorn/log_remove.c - `log --files`, `--empty` and `--delete`.
 *
 * Runs as root or as the suite's owner. Touches only names of log files in the log directory.
 */
#include "posthorn/log_remove.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "lib/oper/master_call.h"
#include "posthorn/log_reader.h"
#include "posthorn/output.h"

enum { STATUS_TIMEOUT_MS = 10000 };

static const struct column columns[] = {
    {"file", COLUMN_TEXT, false},
    {"service", COLUMN_TEXT, false},
    {"bytes", COLUMN_NUMBER, false},
};

static void
add_file(void *arg, const char *path, const char *service)
{
    struct table *table = arg;
    char bytes[24];
    struct stat st;

    if (stat(path, &st) < 0)
        return; /* gone meanwhile */
    (void)snprintf(bytes, sizeof(bytes), "%lld", (long long)st.st_size);
    table_add(table,
              (const struct object_field[]){{SLICE("file"), slice_of(strrchr(path, '/') + 1)},
                                            {SLICE("service"), slice_of(service)},
                                            {SLICE("bytes"), slice_of(bytes)}},
              3);
}

int
log_files_show(struct cli *cli)
{
    struct table *table = table_new(columns, ARRAY_LEN(columns));

    if (log_files_each(cli->inst.log, true, add_file, table) < 0) {
        table_free(&table);
        return cli_fail(cli, "%s: %s", cli->inst.log, strerror(errno));
    }
    table_print(&table, cli->json);
    return CLI_OK;
}

/* The process of logd, or 0: the suite does not run, or logd is down. */
static pid_t
find_logd(const struct cli *cli)
{
    static struct object_field fields[OBJECT_FIELDS_MAX];
    struct master_call *master = master_call_new(&cli->inst);
    struct master_reply reply;
    uint64_t pid = 0;
    int count;

    if (master == NULL)
        return 0;
    if (master_call_ask(master, "status", "", STATUS_TIMEOUT_MS, &reply) == 0)
        while ((count = object_next(&reply.data, fields)) > 0)
            if (slice_eq(object_get(fields, (uint32_t)count, "program"), SLICE("logd")))
                (void)parse_u64(object_get(fields, (uint32_t)count, "pid"), INT32_MAX, &pid);
    master_call_free(&master);
    return (pid_t)pid;
}

static int
remove_file(struct cli *cli, const char *name, bool yes)
{
    char *path = xasprintf("%s/%s", cli->inst.log, name);
    char *question = xasprintf("Remove %s for ever?", path);
    int rc = CLI_OK;

    if (slice_starts(slice_of(name), SLICE("audit.log")))
        rc =
            cli_fail(cli, "the record of changes is kept: it was not emptied, nothing was removed");
    else if (!yes && !cli_confirm(question))
        rc = cli_fail(cli, "nothing was removed; --yes removes it without a question");
    else if (unlink(path) < 0)
        rc = cli_fail(cli, "%s: %s; 'posthorn log --files' shows what there is", path,
                      strerror(errno));
    free(question);
    free(path);
    return rc;
}

int
log_file_empty(struct cli *cli, const char *service, bool yes)
{
    char name[96], found[64];
    pid_t logd;
    int rc;

    (void)snprintf(name, sizeof(name), "%.60s.log", service);
    if (strlen(service) > 60 || !log_file_service(name, false, found))
        return cli_usage(cli, "--empty: expected the name of a service's log, such as smtp");
    rc = remove_file(cli, name, yes);
    logd = rc == CLI_OK ? find_logd(cli) : 0;
    if (logd > 0 && kill(logd, SIGHUP) < 0) /* it still has the old one open */
        rc = cli_fail(cli,
                      "logd could not be told: %s; it finds out within a minute, what it "
                      "writes until then is lost",
                      strerror(errno));
    return rc;
}

int
log_file_delete(struct cli *cli, const char *name, bool yes)
{
    char service[64];

    if (strlen(name) > 90 || log_file_service(name, false, service) ||
        !log_file_service(name, true, service) || strchr(name, '/') != NULL)
        return cli_usage(cli,
                         "--delete: expected a file that was set aside, such as "
                         "smtp.log.20261123T100000.123Z; --empty SERVICE is for the one that is "
                         "being written");
    return remove_file(cli, name, yes);
}
