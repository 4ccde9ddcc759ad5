/*
 * posthorn/cmd_alert.c - `alert list|test|silence`: what alertd has found wrong, and whom it tells.
 */
#include <fcntl.h>
#include <stdio.h>

#include "lib/base/clock.h"
#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "lib/ipc/alertd.h"
#include "lib/ipc/client.h"
#include "lib/ipc/object.h"
#include "posthorn/command.h"
#include "posthorn/output.h"

enum { ASK_MS = 10000, TEST_MS = 90000 /* a URL has 20 s, and its look-up */ };

#define SILENCE_MAX_MS (UINT64_C(365) * 86400000)

static const struct column list_columns[] = {
    {"name", COLUMN_TEXT, false},     {"kind", COLUMN_TEXT, true},  {"since", COLUMN_TEXT, false},
    {"silenced", COLUMN_TEXT, false}, {"text", COLUMN_TEXT, false},
};
static const struct column test_columns[] = {
    {"way", COLUMN_TEXT, false},
    {"result", COLUMN_TEXT, false},
};

/* CLI_FAILED too if a result begins with "failed". */
static int
print_table(struct cli *cli, const struct column *columns, size_t count, struct slice data)
{
    struct object_field fields[OBJECT_FIELDS_MAX];
    struct table *table = table_new(columns, count);
    int found, rc = CLI_OK;

    while ((found = object_next(&data, fields)) > 0) {
        table_add(table, fields, (uint32_t)found);
        if (slice_starts(object_get(fields, (uint32_t)found, "result"), SLICE("failed")))
            rc = CLI_FAILED;
    }
    table_print(&table, cli->json);
    return found < 0 ? cli_fail(cli, "alertd's answer is damaged") : rc;
}

static int
ask(struct cli *cli, const struct alertd_control *control, int timeout_ms,
    const struct column *columns, size_t column_count)
{
    int run_dirfd = open(cli->inst.run, O_PATH | O_DIRECTORY | O_CLOEXEC);
    struct ipc_client *alertd = ipc_client_new(run_dirfd, ALERTD_SOCKET, ALERTD_REPLY_MAX);
    struct strbuf request = strbuf_new(ALERTD_REQUEST_MAX);
    struct ipc_reply answer = {.fd = -1};
    struct alertd_reply reply;
    int rc;

    if (alertd_control_encode(&request, control) < 0)
        rc = cli_fail(cli, "the name is too long");
    else if (ipc_client_call(alertd, &request, -1, timeout_ms, &answer) < 0 ||
             answer.type != ALERTD_REPLY || alertd_reply_decode(answer.payload, &reply) < 0)
        rc = cli_fail(cli, "alertd does not answer; is the service 'alert' running?");
    else if (reply.result != 0)
        rc = cli_fail(cli, "%.*s", (int)reply.text.len, reply.text.ptr);
    else
        rc = columns == NULL ? CLI_OK : print_table(cli, columns, column_count, reply.data);
    close_keep_errno(answer.fd);
    strbuf_free(&request);
    ipc_client_free(&alertd);
    close_keep_errno(run_dirfd);
    return rc;
}

static int
alert_list(struct cli *cli, int argc, char **argv)
{
    const struct alertd_control control = {.verb = SLICE("list")};

    if (cli_options(cli, &argc, argv, NULL, 0, 0, 0) != 0)
        return CLI_USAGE;
    if (!cli_needs_instance(cli))
        return CLI_FAILED;
    return ask(cli, &control, ASK_MS, list_columns, ARRAY_LEN(list_columns));
}

static int
alert_test(struct cli *cli, int argc, char **argv)
{
    const struct alertd_control control = {.verb = SLICE("test")};

    if (cli_options(cli, &argc, argv, NULL, 0, 0, 0) != 0)
        return CLI_USAGE;
    if (!cli_needs_instance(cli))
        return CLI_FAILED;
    return ask(cli, &control, TEST_MS, test_columns, ARRAY_LEN(test_columns));
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
    if (!cli_needs_instance(cli))
        return CLI_FAILED;
    control.name = slice_of(argv[0]);
    control.time_ms = off ? 0 : clock_real_ms() + (int64_t)ms;
    return ask(cli, &control, ASK_MS, NULL, 0);
}

static const struct cli_verb verbs[] = {
    {"list", "[--json]", "what is wrong now", alert_list},
    {"test", "[--json]", "sends a trial message to everybody who is told of alerts", alert_test},
    {"silence", "NAME|KIND|all [--for TIME] [--off]", "tells nobody of it for a while",
     alert_silence},
    {0},
};

const struct command command_alert = {
    .name = "alert",
    .summary = "what is wrong with this system: list, test, silence",
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
};
