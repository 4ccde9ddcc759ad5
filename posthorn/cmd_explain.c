/*
 * posthorn/cmd_explain.c - `explain`: what would become of a message, and which line of the
 * configuration makes each decision.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/cidr.h"
#include "lib/base/io.h"
#include "lib/base/json.h"
#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "lib/log/line.h"
#include "lib/mail/address.h"
#include "posthorn/config_check.h"
#include "posthorn/explain.h"

enum { STEP_MAX = 131072, CONNECT_MS = 5000 };

/* ---- telling ---- */

static void
say_json(const struct explain *x, const char *step, const char *verdict, struct slice detail,
         const struct conf_cite *cite)
{
    struct strbuf out = strbuf_new((size_t)4 * STEP_MAX);

    (void)strbuf_printf(&out, "%s  {\"step\": \"%s\", \"verdict\": \"%s\", \"detail\": ",
                        x->any ? ",\n" : "", step, verdict);
    json_string(&out, detail);
    (void)strbuf_str(&out, ", \"configuration\": ");
    if (cite == NULL) {
        (void)strbuf_str(&out, "null");
    } else {
        conf_cite_json(cite, &out);
    }
    (void)strbuf_char(&out, '}');
    (void)fputs(strbuf_cstr(&out), stdout);
    strbuf_free(&out);
}

static void
say(struct explain *x, const char *step, const char *verdict, const struct conf_cite *cite,
    struct slice detail)
{
    struct strbuf text = strbuf_new(STEP_MAX);

    if (x->cli->json) {
        say_json(x, step, verdict, detail, cite);
    } else {
        (void)strbuf_printf(&text, "%-11s %-11s %.*s\n", step, verdict, (int)detail.len,
                            detail.ptr);
        if (cite != NULL) {
            (void)strbuf_str(&text, "    ");
            conf_cite_print(cite, &text);
            (void)strbuf_char(&text, '\n');
        }
        log_text_tame(text.ptr, text.len); /* names in the DNS are anybody's */
        (void)fputs(strbuf_cstr(&text), stdout);
    }
    x->any = true;
    strbuf_free(&text);
}

void
explain_say(struct explain *x, const char *step, const char *verdict, enum conf_id setting,
            unsigned line, const char *format, ...)
{
    struct strbuf detail = strbuf_new(STEP_MAX);
    va_list args;

    va_start(args, format);
    (void)strbuf_vprintf(&detail, format, args);
    va_end(args);
    say(x, step, verdict, conf_cite(x->citer, slice_of(conf_decider(setting)), line),
        strbuf_slice(&detail));
    strbuf_free(&detail);
}

void
explain_say_rule(struct explain *x, const char *step, const char *verdict, const char *file,
                 unsigned line, struct slice detail)
{
    say(x, step, verdict, conf_cite(x->citer, slice_of(file), line), detail);
}

/* ---- the command ---- */

static int
explain(struct cli *cli, const struct explained *mail)
{
    struct explain x = {.cli = cli, .mail = mail, .conf = config_check_read(cli)};
    int rc = CLI_OK;

    if (x.conf == NULL)
        return CLI_FAILED;
    x.citer = conf_citer_new(x.conf, &cli->inst);
    x.run_dirfd = open(cli->inst.run, O_PATH | O_DIRECTORY | O_CLOEXEC);
    x.accountd = ipc_client_new(x.run_dirfd, ACCOUNTD_SOCKET, ACCOUNTD_PAYLOAD_MAX);
    if (x.run_dirfd < 0 || ipc_client_connect(x.accountd, CONNECT_MS) < 0) {
        rc = cli_fail(cli, "accountd: %s; is the suite running?", strerror(errno));
    } else {
        if (cli->json)
            (void)puts("[");
        if (explain_reception(&x))
            rc = explain_delivery(&x);
        if (cli->json)
            (void)puts("\n]");
    }
    ipc_client_free(&x.accountd);
    close_keep_errno(x.run_dirfd);
    conf_citer_free(&x.citer);
    conf_free((struct conf **)(uintptr_t)&x.conf);
    return rc;
}

/* What was expected, or NULL: all of it is right. */
static const char *
check(struct explained *mail, const char *size, const char *port)
{
    struct address parsed;
    struct cidr ip;

    if (slice_eq(mail->from, SLICE("<>")))
        mail->from = SLICE("");
    if (mail->from.len > 0 && address_parse(mail->from, ADDRESS_UTF8, &parsed) != ADDRESS_OK)
        return "--from: expected an address, or '<>'";
    if (address_parse(mail->to, ADDRESS_UTF8 | ADDRESS_POSTMASTER, &parsed) != ADDRESS_OK)
        return "--to: expected an address";
    if (mail->user.len > 0 && address_parse(mail->user, ADDRESS_UTF8, &parsed) != ADDRESS_OK)
        return "--user: expected the address of a user";
    if (cidr_parse(mail->client_ip, &ip) < 0 ||
        slice_index(mail->client_ip, '/') < mail->client_ip.len)
        return "--client: expected an IP address";
    if (size != NULL && parse_u64(slice_of(size), INT64_MAX, &mail->size) < 0)
        return "--size: expected a number of bytes";
    if (strcmp(port, "25") != 0 && strcmp(port, "587") != 0)
        return "--port: expected 25 or 587";
    mail->is_submission = strcmp(port, "587") == 0;
    return NULL;
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
    .synopsis = "--from A --to A --client IP [--user A] [--size BYTES] [--port 25|587] [--json]",
    .help =
        "Each step with its verdict, and the line of the configuration behind it: admission,\n"
        "sender, recipient, relaying, limits, then deliveries, copies, servers, TLS, signature.\n"
        "Nothing is sent, queued or counted. DNS is asked, and stsd, which may fetch a\n"
        "policy; milters and policy services (greylisting) are not, nor limits that depend on\n"
        "the moment: connections, the queue's length, room on the disk.",
    .run = run_explain,
};
