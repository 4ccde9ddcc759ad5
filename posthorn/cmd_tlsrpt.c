/*
 * posthorn/cmd_tlsrpt.c - `tlsrpt show|send`: what came of TLS with other servers (RFC 8460).
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "lib/account/canonical.h"
#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/ipc/client.h"
#include "lib/ipc/stsd.h"
#include "posthorn/command.h"
#include "posthorn/output.h"

enum { SHOW_MS = 30000, SEND_MS = 3600000 /* all domains of a day, some at a time */ };

static const struct column show_columns[] = {
    {"domain", COLUMN_TEXT, false},       {"policy", COLUMN_TEXT, false},
    {"policy_domain", COLUMN_TEXT, true}, {"result", COLUMN_TEXT, false},
    {"mx", COLUMN_TEXT, false},           {"ip", COLUMN_TEXT, true},
    {"sessions", COLUMN_NUMBER, false},   {"reason", COLUMN_TEXT, false},
    {"state", COLUMN_TEXT, false},
};
static const struct column send_columns[] = {
    {"domain", COLUMN_TEXT, false},
    {"place", COLUMN_TEXT, false},
    {"result", COLUMN_TEXT, false},
};

struct question {
    const char *verb;
    const struct column *columns;
    size_t column_count;
    int timeout_ms;
};

static int
print_reply(struct cli *cli, const struct question *q, struct slice data)
{
    struct object_field fields[OBJECT_FIELDS_MAX];
    struct table *table = table_new(q->columns, q->column_count);
    int count, rc = CLI_OK;

    while ((count = object_next(&data, fields)) > 0) {
        table_add(table, fields, (uint32_t)count);
        if (slice_starts(object_get(fields, (uint32_t)count, "result"), SLICE("failed")))
            rc = CLI_FAILED;
    }
    table_print(&table, cli->json);
    return count < 0 ? cli_fail(cli, "stsd's answer is damaged") : rc;
}

static int
ask(struct cli *cli, const struct question *q, const struct stsd_control *control)
{
    int run_dirfd = open(cli->inst.run, O_PATH | O_DIRECTORY | O_CLOEXEC);
    struct ipc_client *stsd =
        ipc_client_new(run_dirfd, STSD_SOCKET, STSD_REPLY_MAX + STSD_TEXT_MAX);
    struct strbuf request = strbuf_new(STSD_PAYLOAD_MAX);
    struct ipc_reply answer = {.fd = -1};
    struct stsd_reply reply;
    int rc;

    if (stsd_control_encode(&request, control) < 0)
        rc = cli_fail(cli, "the question is too long");
    else if (ipc_client_call(stsd, &request, -1, q->timeout_ms, &answer) < 0 ||
             answer.type != STSD_REPLY || stsd_reply_decode(answer.payload, &reply) < 0)
        rc = cli_fail(cli, "stsd does not answer; is the service 'sts' running?");
    else if (reply.result != 0)
        rc = cli_fail(cli, "%.*s", (int)reply.text.len, reply.text.ptr);
    else
        rc = print_reply(cli, q, reply.data);
    close_keep_errno(answer.fd);
    strbuf_free(&request);
    ipc_client_free(&stsd);
    close_keep_errno(run_dirfd);
    return rc;
}

static int
run(struct cli *cli, int argc, char **argv, const struct question *q)
{
    const char *day = "";
    const struct cli_option options[] = {{"--day", CLI_TEXT, &day}};
    struct strbuf domain = strbuf_new(CANONICAL_DOMAIN_MAX);
    int rc;

    if (cli_options(cli, &argc, argv, options, ARRAY_LEN(options), 0, 1) != 0)
        return CLI_USAGE;
    if (!cli_needs_instance(cli))
        return CLI_FAILED;
    if (argc == 1 && canonical_domain(slice_of(argv[0]), &domain) < 0)
        rc = cli_fail(cli, "'%s' is no domain", argv[0]);
    else
        rc = ask(cli, q,
                 &(struct stsd_control){.verb = slice_of(q->verb),
                                        .day = slice_of(day),
                                        .domain = strbuf_slice(&domain)});
    strbuf_free(&domain);
    return rc;
}

static int
tlsrpt_show(struct cli *cli, int argc, char **argv)
{
    const struct question q = {"show", show_columns, ARRAY_LEN(show_columns), SHOW_MS};

    return run(cli, argc, argv, &q);
}

static int
tlsrpt_send(struct cli *cli, int argc, char **argv)
{
    const struct question q = {"send", send_columns, ARRAY_LEN(send_columns), SEND_MS};

    return run(cli, argc, argv, &q);
}

static const struct cli_verb verbs[] = {
    {"show", "[DOMAIN] [--day YYYY-MM-DD] [--json]", "what came of TLS with other servers",
     tlsrpt_show},
    {"send", "[DOMAIN] [--day YYYY-MM-DD] [--json]", "reports it to the domains that want to know",
     tlsrpt_send},
    {0},
};

const struct command command_tlsrpt = {
    .name = "tlsrpt",
    .summary = "reports to other domains about TLS: show, send",
    .help =
        "Each session with another mail server is counted by the policy that its domain publishes\n"
        "(DANE, MTA-STS, none) and by its result, in the words of RFC 8460. Once a day the "
        "domains\n"
        "with a record _smtp._tls.DOMAIN get a report; see tlsrpt in posthorn.conf(5).\n"
        "A day is one of UTC: today for show, yesterday for send. Eight days are kept.\n"
        "send sends reports at once, also those that have been sent, and ends with 1 if one could\n"
        "not be handed over. A report of today says what is known so far; the whole one follows.\n",
    .verbs = verbs,
};
