/*
 * posthorn/cmd_explain.c - `explain`: what would become of a message, and which line of the
 * configuration makes each decision.
 */
#include <stdio.h>
#include <string.h>

#include "lib/base/json.h"
#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "lib/log/line.h"
#include "posthorn/config_check.h"
#include "posthorn/explain.h"

enum { STEP_MAX = 131072 };

struct teller {
    bool json;
    bool any; /* a step was told */
};

static void
say_json(struct teller *t, const struct explain_step *step)
{
    struct strbuf out = strbuf_new((size_t)4 * STEP_MAX);

    (void)strbuf_printf(&out, "%s  {\"step\": \"%s\", \"verdict\": \"%s\", \"detail\": ",
                        t->any ? ",\n" : "", step->step, step->verdict);
    json_quote(&out, step->detail);
    (void)strbuf_str(&out, ", \"configuration\": ");
    if (step->cite == NULL)
        (void)strbuf_str(&out, "null");
    else
        conf_cite_json(step->cite, &out);
    (void)strbuf_char(&out, '}');
    (void)fputs(strbuf_cstr(&out), stdout);
    strbuf_free(&out);
}

static void
say_text(const struct explain_step *step)
{
    struct strbuf text = strbuf_new(STEP_MAX);

    (void)strbuf_printf(&text, "%-11s %-11s %.*s\n", step->step, step->verdict,
                        (int)step->detail.len, step->detail.ptr);
    if (step->cite != NULL) {
        (void)strbuf_str(&text, "    ");
        conf_cite_print(step->cite, &text);
        (void)strbuf_char(&text, '\n');
    }
    log_text_tame(text.ptr, text.len); /* names in the DNS are anybody's */
    (void)fputs(strbuf_cstr(&text), stdout);
    strbuf_free(&text);
}

static void
say(void *arg, const struct explain_step *step)
{
    struct teller *t = arg;

    if (t->json)
        say_json(t, step);
    else
        say_text(step);
    t->any = true;
}

static int
explain(const struct cli *cli, const struct explained *mail)
{
    static struct explain_rules rules; /* reachable at the end: nobody frees them */
    struct teller teller = {.json = cli->json};
    struct explain_servers servers;
    struct explain x = {.cli = cli,
                        .mail = mail,
                        .rules = &rules,
                        .servers = &servers,
                        .tell = say,
                        .arg = &teller};
    static struct conf *conf;
    int rc;

    conf = config_check_read(cli);
    if (conf == NULL || explain_rules_load(&rules, cli, conf, &cli->inst) != CLI_OK)
        return CLI_FAILED;
    rc = explain_servers_open(&servers, cli);
    if (rc == CLI_OK) {
        if (cli->json)
            (void)puts("[");
        rc = explain_run(&x);
        if (cli->json)
            (void)puts("\n]");
    }
    explain_servers_close(&servers);
    return rc;
}

/* What was expected, or NULL: all of it is right. */
static const char *
check(struct explained *mail, const char *size, const char *port)
{
    static const char *const names[SMTP_PORTS] = {[SMTP_PORT_SMTP] = "25",
                                                  [SMTP_PORT_SUBMISSION] = "587",
                                                  [SMTP_PORT_SMTPS] = "465",
                                                  [SMTP_PORT_LMTP] = "lmtp"};
    int found = 0;

    if (slice_eq(mail->from, SLICE("<>")))
        mail->from = SLICE("");
    while (found < SMTP_PORTS && strcmp(port, names[found]) != 0)
        found++;
    if (found == SMTP_PORTS)
        return "--port: expected 25, 587, 465 or lmtp";
    mail->port = (enum smtp_port)found;
    if (size != NULL && parse_u64(slice_of(size), INT64_MAX, &mail->size) < 0)
        return "--size: expected a number of bytes";
    return explained_check(mail, true);
}

static int
run_explain(struct cli *cli, int argc, char **argv)
{
    const char *from = NULL, *to = NULL, *client = NULL, *user = NULL, *size = NULL, *port = "25";
    const struct cli_option options[] = {
        {"--from", CLI_TEXT, &from}, {"--to", CLI_TEXT, &to},     {"--client", CLI_TEXT, &client},
        {"--user", CLI_TEXT, &user}, {"--size", CLI_TEXT, &size}, {"--port", CLI_TEXT, &port}};
    struct explained mail;
    const char *expected;

    if (cli_options(cli, &argc, argv, options, ARRAY_LEN(options), 0, 0) != 0)
        return CLI_USAGE;
    if (from == NULL || to == NULL || client == NULL)
        return cli_usage(cli, "expected --from, --to and --client");
    mail = (struct explained){.from = slice_of(from),
                              .to = slice_of(to),
                              .client_ip = slice_of(client),
                              .user = slice_of(user)};
    expected = check(&mail, size, port);
    if (expected != NULL)
        return cli_usage(cli, "%s", expected);
    return cli_needs_instance(cli) ? explain(cli, &mail) : CLI_FAILED;
}

const struct command command_explain = {
    .name = "explain",
    .summary = "what would become of a message, with nothing sent",
    .synopsis = "--from A --to A --client IP [--user A] [--size BYTES] [--port 25|587|465|lmtp] "
                "[--json]",
    .help =
        "Each step with its verdict, and the line of the configuration behind it: admission,\n"
        "sender, recipient, relaying, limits, then deliveries, copies, servers, TLS, signature.\n"
        "Nothing is sent, queued or counted. DNS is asked, and stsd, which may fetch a\n"
        "policy; milters and policy services (greylisting) are not, nor limits that depend on\n"
        "the moment: connections, the queue's length, room on the disk.",
    .run = run_explain,
};
