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
#include "lib/oper/master_call.h"
#include "lib/oper/oper.h"
#include "lib/oper/services.h"
#include "lib/tls/cert_use.h"
#include "posthorn/command.h"
#include "posthorn/master_trouble.h"
#include "posthorn/oper_columns.h"
#include "posthorn/remote.h"
#include "posthorn/sandbox_report.h"

#define STATUS_TIMEOUT_MS 5000

struct listing {
    struct table *table;
    bool down; /* one that should be up */
};

static void
add_service(void *arg, const struct object_field *fields, uint32_t count)
{
    struct slice state = object_get(fields, count, "state");
    struct listing *listing = arg;

    if (!slice_eq(state, SLICE("running")) && !slice_eq(state, SLICE("stopped")) &&
        !slice_eq(state, SLICE("reloading")))
        listing->down = true;
    table_add(listing->table, fields, count);
}

/* The table of services. Fails if one is down that should be up. */
static int
print_services(struct cli *cli, struct slice data)
{
    struct listing listing = {.table = oper_table(OPER_SERVICE)};
    const struct service_reader reader = {add_service, &listing};
    int rc = services_each(&cli->inst, data, &reader);

    table_print(&listing.table, cli->json);
    if (rc < 0)
        return cli_fail(cli, "master's answer is damaged");
    return listing.down ? CLI_FAILED : CLI_OK;
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

/* Below the table, for people: one line. */
static void
print_glance(struct cli *cli, struct slice data)
{
    static struct object_field fields[OBJECT_FIELDS_MAX];
    int count = object_next(&data, fields);
    struct slice queue, errors, last;

    if (count <= 0 || cli->json)
        return;
    queue = object_get(fields, (uint32_t)count, "queue");
    errors = object_get(fields, (uint32_t)count, "errors");
    last = object_get(fields, (uint32_t)count, "last_error");
    (void)printf("\nqueue: %.*s  errors in the last hour: %.*s%s%.*s\n",
                 queue.len > 0 ? (int)queue.len : 1, queue.len > 0 ? queue.ptr : "?",
                 (int)errors.len, errors.ptr, last.len > 0 ? "  last: " : "", (int)last.len,
                 last.ptr);
}

static void
glance(struct cli *cli)
{
    const struct accountd_admin request = {.verb = SLICE("show"), .kind = SLICE("suite")};
    struct accountd_admin_reply reply = {.result = 1};
    struct oper op;

    if (cli->json)
        return;
    if (cli->remote != NULL) {
        if (remote_ask(cli, &request, &reply) == CLI_OK && reply.result == 0)
            print_glance(cli, reply.data);
        return;
    }
    op = oper_new(&cli->inst, &request);
    oper_run(&op);
    if (op.result == 0)
        print_glance(cli, strbuf_slice(&op.data));
    oper_free(&op);
}

static int
print_remote(struct cli *cli)
{
    struct listing listing = {.table = oper_table(OPER_SERVICE)};
    int rc = remote_each(cli, OPER_SERVICE, NULL, 0, add_service, &listing);

    if (rc == CLI_OK)
        table_print(&listing.table, cli->json);
    else
        table_free(&listing.table);
    if (rc == CLI_OK)
        glance(cli);
    return rc == CLI_OK && listing.down ? CLI_FAILED : rc;
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
    if (cli->remote != NULL)
        return sandbox ? cli_usage(cli, "--sandbox shows processes of this host")
                       : print_remote(cli);
    if (!cli_needs_instance(cli))
        return CLI_FAILED;
    master = master_call_new(&cli->inst);
    if (master == NULL) {
        if (cli->json)
            (void)puts("[]");
        return master_trouble(cli);
    }
    if (master_call_ask(master, "status", "", STATUS_TIMEOUT_MS, &reply) < 0)
        rc = cli_fail(cli, "master did not answer: %s", strerror(errno));
    else
        rc = sandbox ? print_sandbox(cli, reply.data) : print_services(cli, reply.data);
    master_call_free(&master);
    if (!sandbox) {
        glance(cli);
        warn_of_certificates(cli);
    }
    return rc;
}

const struct command command_status = {
    .name = "status",
    .summary = "the services, or with --sandbox what each process may do",
    .synopsis = "[--json] [--sandbox]",
    .help =
        "Below the table stand how much mail is in the queue and the errors of the last hour; JSON "
        "has\n"
        "the services alone. The exit code is 0 only if every service that should run does. One\n"
        "that runs and takes no mail, for want of room or because too much waits, has the reason\n"
        "as its error.\n"
        "Certificates in use that expire before long (tls.expiry_warning) are named on stderr.\n"
        "--sandbox lists every process with its user, chroot, capabilities, no_new_privs,\n"
        "seccomp and Landlock, as the kernel shows them.",
    .run = run_status,
    .remote = "*",
};
