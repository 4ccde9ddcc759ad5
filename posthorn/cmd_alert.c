/*
 * posthorn/cmd_alert.c - `alert list|test|silence`: what alertd has found wrong, and whom it tells.
 */
#include <stdlib.h>

#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "posthorn/alert_call.h"
#include "posthorn/oper_columns.h"
#include "posthorn/remote.h"

enum { ASK_MS = 10000, TEST_MS = 90000 /* a URL has 20 s, and its look-up */ };

#define SILENCE_MAX_MS (UINT64_C(365) * 86400000)

struct printer {
    struct table *table;
    bool failed; /* a result begins with "failed" */
};

static void
add_row(void *arg, const struct object_field *fields, uint32_t count)
{
    struct printer *p = arg;

    table_add(p->table, fields, count);
    p->failed = p->failed || slice_starts(object_get(fields, count, "result"), SLICE("failed"));
}

/* At a server elsewhere: an order whose answer has rows, or none (OPER_KIND_COUNT). */
static int
order(struct cli *cli, const struct accountd_admin *request, enum oper_kind rows)
{
    struct object_field *fields = xcalloc(OBJECT_FIELDS_MAX, sizeof(*fields));
    struct accountd_admin_reply reply;
    struct printer p = {.table = NULL};
    int count, rc = remote_do(cli, request, &reply);

    if (rc == CLI_OK && rows != OPER_KIND_COUNT) {
        p.table = oper_table(rows);
        while ((count = object_next(&reply.data, fields)) > 0)
            add_row(&p, fields, (uint32_t)count);
        table_print(&p.table, cli->json);
    }
    free(fields);
    return rc == CLI_OK && p.failed ? CLI_FAILED : rc;
}

static int
list_elsewhere(struct cli *cli)
{
    struct printer p = {.table = oper_table(OPER_ALERT)};
    int rc = remote_each(cli, OPER_ALERT, NULL, 0, add_row, &p);

    if (rc == CLI_OK)
        table_print(&p.table, cli->json);
    else
        table_free(&p.table);
    return rc;
}

static int
ask_here(struct cli *cli, const char *verb, int timeout_ms, enum oper_kind rows)
{
    const struct alertd_control control = {.verb = slice_of(verb)};
    const struct columns *columns = rows == OPER_KIND_COUNT ? NULL : oper_columns(rows);

    if (!cli_needs_instance(cli))
        return CLI_FAILED;
    return alert_call_table(cli, &control, timeout_ms, columns == NULL ? NULL : columns->items,
                            columns == NULL ? 0 : columns->count);
}

static int
alert_list(struct cli *cli, int argc, char **argv)
{
    if (cli_options(cli, &argc, argv, NULL, 0, 0, 0) != 0)
        return CLI_USAGE;
    return cli->remote != NULL ? list_elsewhere(cli) : ask_here(cli, "list", ASK_MS, OPER_ALERT);
}

static int
alert_test(struct cli *cli, int argc, char **argv)
{
    const struct accountd_admin request = {.verb = SLICE("test"), .kind = SLICE("alert")};

    if (cli_options(cli, &argc, argv, NULL, 0, 0, 0) != 0)
        return CLI_USAGE;
    return cli->remote != NULL ? order(cli, &request, OPER_ALERT_WAY)
                               : ask_here(cli, "test", TEST_MS, OPER_ALERT_WAY);
}

static int
silence_elsewhere(struct cli *cli, const char *name, const char *time)
{
    const struct object_field field = {SLICE("time"), slice_of(time)};
    const struct accountd_admin request = {.verb = SLICE("silence"),
                                           .kind = SLICE("alert"),
                                           .name = slice_of(name),
                                           .fields = &field,
                                           .field_count = 1};

    return order(cli, &request, OPER_KIND_COUNT);
}

static int
alert_silence(struct cli *cli, int argc, char **argv)
{
    const char *time = "4h";
    bool off = false;
    const struct cli_option options[] = {{"--for", CLI_TEXT, &time}, {"--off", CLI_FLAG, &off}};
    struct alertd_control control = {.verb = SLICE("silence")};
    uint64_t ms = 0;

    if (cli_options(cli, &argc, argv, options, ARRAY_LEN(options), 1, 1) != 0)
        return CLI_USAGE;
    if (!off && (parse_duration_ms(slice_of(time), SILENCE_MAX_MS, &ms) < 0 || ms == 0))
        return cli_usage(cli, "--for: expected a time like 30m or 4h, at most a year: '%s'", time);
    if (cli->remote != NULL)
        return silence_elsewhere(cli, argv[0], off ? "0" : time);
    if (!cli_needs_instance(cli))
        return CLI_FAILED;
    control.name = slice_of(argv[0]);
    control.time_ms = off ? 0 : clock_real_ms() + (int64_t)ms;
    return alert_call_table(cli, &control, ASK_MS, NULL, 0);
}

static int
alert_report(struct cli *cli, int argc, char **argv)
{
    const struct accountd_admin request = {.verb = SLICE("report"), .kind = SLICE("alert")};

    if (cli_options(cli, &argc, argv, NULL, 0, 0, 0) != 0)
        return CLI_USAGE;
    return cli->remote != NULL ? order(cli, &request, OPER_KIND_COUNT)
                               : ask_here(cli, "report", ASK_MS, OPER_KIND_COUNT);
}

static const struct cli_verb verbs[] = {
    {"list", "[--json]", "what is wrong now", alert_list},
    {"test", "[--json]", "sends a trial message to everybody who is told of alerts", alert_test},
    {"silence", "NAME|KIND|all [--for TIME] [--off]", "tells nobody of it for a while",
     alert_silence},
    {"report", "", "sends report.mailbox a report of the time since the last one", alert_report},
    {0},
};

const struct command command_alert = {
    .name = "alert",
    .summary = "what is wrong with this system: list, test, silence; report",
    .help = "alertd looks after disks, queue, certificates, services and blocks, and tells of "
            "what is\n"
            "wrong, what goes on and what is over: by mail (alert.recipients) and to URLs "
            "(alert.webhooks).\n"
            "silence: of an alert as list names it, of a kind (disk, queue, certificate, service, "
            "block)\n"
            "or of all; without --for it holds for 4h. --off ends it. test ends with 1 if somebody "
            "could\n"
            "not be told.\n",
    .verbs = verbs,
    .remote = "list test silence report",
};
