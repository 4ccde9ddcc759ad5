/*
 * posthorn/cmd_status.c - `status`: the services, or with --sandbox every process and what it has
 * given up.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "lib/queue/queue_pressure.h"
#include "lib/tls/cert_use.h"
#include "posthorn/command.h"
#include "posthorn/master_call.h"
#include "posthorn/output.h"
#include "posthorn/sandbox_report.h"

#define STATUS_TIMEOUT_MS 5000

static const struct column service_columns[] = {
    {"service", COLUMN_TEXT, false},   {"program", COLUMN_TEXT, true},
    {"state", COLUMN_TEXT, false},     {"pid", COLUMN_NUMBER, false},
    {"uptime", COLUMN_NUMBER, false},  {"restarts", COLUMN_NUMBER, false},
    {"draining", COLUMN_NUMBER, true}, {"listen", COLUMN_LIST, false},
    {"error", COLUMN_TEXT, false},
};

/* What smtpd goes by, as queue-manager has left it in the queue; "" if mail is taken. */
static const char *
intake_trouble(const struct instance *inst)
{
    char *path = xasprintf("%s/trigger", inst->queue);
    unsigned pressure = queue_pressure_read(path);

    xfree(&path);
    if ((pressure & QUEUE_PRESSURE_DISK) != 0)
        return "takes no mail: a disk is below disk.hard_limit or disk.hard_files";
    if ((pressure & QUEUE_PRESSURE_LENGTH) != 0)
        return "takes no mail: more waits for delivery than queue.max_messages";
    return "";
}

/* One row, its error with the name of who has a port that we want. A service that runs and takes no
 * mail says so. */
static void
add_service(struct cli *cli, struct table *table, struct object_field *fields, uint32_t count)
{
    bool is_smtp = slice_eq(object_get(fields, count, "program"), SLICE("smtpd"));
    struct strbuf error = strbuf_new(OBJECT_VALUE_MAX);

    for (uint32_t i = 0; i < count; i++) {
        if (!slice_eq(fields[i].name, SLICE("error")))
            continue;
        if (fields[i].value.len > 0)
            master_call_name_holders(fields[i].value, &error);
        else if (is_smtp)
            (void)strbuf_str(&error, intake_trouble(&cli->inst)); /* it fits */
        fields[i].value = strbuf_slice(&error);
    }
    table_add(table, fields, count);
    strbuf_free(&error);
}

/* The table of services. Fails if one is down that should be up. */
static int
print_services(struct cli *cli, struct slice data)
{
    static struct object_field fields[OBJECT_FIELDS_MAX];
    struct table *table =
        table_new(service_columns, sizeof(service_columns) / sizeof(service_columns[0]));
    int count, rc = CLI_OK;

    while ((count = object_next(&data, fields)) > 0) {
        struct slice state = object_get(fields, (uint32_t)count, "state");

        if (!slice_eq(state, SLICE("running")) && !slice_eq(state, SLICE("stopped")) &&
            !slice_eq(state, SLICE("reloading")))
            rc = CLI_FAILED;
        add_service(cli, table, fields, (uint32_t)count);
    }
    table_print(&table, cli->json);
    return count < 0 ? cli_fail(cli, "master's answer is damaged") : rc;
}

/* What will need a hand before long, on stderr. */
static void
warn_of_certificates(const struct cli *cli)
{
    struct strbuf errors = strbuf_new(8192);
    struct conf *conf = conf_load(cli->inst.conf_path, &errors);
    struct cert_uses *uses = xcalloc(1, sizeof(*uses));

    if (conf != NULL)
        cert_uses_read(uses, conf, &cli->inst);
    for (size_t i = 0; i < uses->count; i++) {
        struct strbuf text = strbuf_new(8192);

        if (cert_use_warning(&uses->items[i], conf, clock_real_ms(), &text))
            cli_warn(cli, "%s", strbuf_cstr(&text));
        strbuf_free(&text);
    }
    cert_uses_free(uses);
    xfree(&uses);
    conf_free(&conf);
    strbuf_free(&errors);
}

/* The first object is master itself. */
static int
print_sandbox(struct cli *cli, struct slice data)
{
    static struct object_field fields[OBJECT_FIELDS_MAX];
    int count = object_next(&data, fields);
    uint64_t pid;

    if (count <= 0 || parse_u64(object_get(fields, (uint32_t)count, "pid"), INT32_MAX, &pid) < 0)
        return cli_fail(cli, "master's answer is damaged");
    return sandbox_report_print(cli, (pid_t)pid);
}

static int
run_status(struct cli *cli, int argc, char **argv)
{
    bool sandbox = false;
    const struct cli_option options[] = {{"--sandbox", CLI_FLAG, &sandbox}};
    struct master_call *master;
    struct master_reply reply;
    int rc;

    if (cli_options(cli, &argc, argv, options, 1, 0, 0) != 0)
        return CLI_USAGE;
    if (!cli_needs_instance(cli))
        return CLI_FAILED;
    master = master_call_new(&cli->inst);
    if (master == NULL) {
        if (cli->json)
            (void)puts("[]");
        return master_call_complain(cli);
    }
    if (master_call_ask(master, "status", "", STATUS_TIMEOUT_MS, &reply) < 0)
        rc = cli_fail(cli, "master did not answer: %s", strerror(errno));
    else
        rc = sandbox ? print_sandbox(cli, reply.data) : print_services(cli, reply.data);
    master_call_free(&master);
    if (!sandbox)
        warn_of_certificates(cli);
    return rc;
}

const struct command command_status = {
    .name = "status",
    .summary = "the services, or with --sandbox what each process may do",
    .synopsis = "[--json] [--sandbox]",
    .help =
        "The exit code is 0 only if every service that should run does. One that runs and takes\n"
        "no mail, for want of room or because too much waits, has the reason as its error.\n"
        "Certificates in use that expire before long (tls.expiry_warning) are named on stderr.\n"
        "--sandbox lists every process with its user, chroot, capabilities, no_new_privs,\n"
        "seccomp and Landlock, as the kernel shows them.",
    .run = run_status,
};
