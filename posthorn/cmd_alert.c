/*
 * posthorn/cmd_alert.c - `alert list|test|silence`: what alertd has found wrong, and whom it tells.
 */
#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "posthorn/alert_call.h"
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

static int
alert_list(struct cli *cli, int argc, char **argv)
{
    const struct alertd_control control = {.verb = SLICE("list")};

    if (cli_options(cli, &argc, argv, NULL, 0, 0, 0) != 0)
        return CLI_USAGE;
    if (!cli_needs_instance(cli))
        return CLI_FAILED;
    return alert_call_table(cli, &control, ASK_MS, list_columns, ARRAY_LEN(list_columns));
}

static int
alert_test(struct cli *cli, int argc, char **argv)
{
    const struct alertd_control control = {.verb = SLICE("test")};

    if (cli_options(cli, &argc, argv, NULL, 0, 0, 0) != 0)
        return CLI_USAGE;
    if (!cli_needs_instance(cli))
        return CLI_FAILED;
    return alert_call_table(cli, &control, TEST_MS, test_columns, ARRAY_LEN(test_columns));
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
    return alert_call_table(cli, &control, ASK_MS, NULL, 0);
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
