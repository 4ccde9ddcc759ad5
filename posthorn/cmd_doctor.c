/*
 * posthorn/cmd_doctor.c - `doctor`: looks at what an installation stands on and says what is wrong.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/account/canonical.h"
#include "posthorn/accounts.h"
#include "posthorn/doctor.h"
#include "posthorn/master_call.h"
#include "posthorn/store_job.h"
#include "posthorn/sts_service.h"

#define TEXT_MAX 4096
#define STATUS_TIMEOUT_MS 5000

static const struct column columns[] = {
    {"result", COLUMN_TEXT, false},
    {"check", COLUMN_TEXT, false},
    {"text", COLUMN_TEXT, false},
};

void
doctor_note(struct doctor *d, enum doctor_result result, const char *check, const char *format, ...)
{
    static const char *const names[] = {"ok", "warn", "fail"};
    struct strbuf text = strbuf_new(TEXT_MAX);
    va_list args;

    va_start(args, format);
    if (!strbuf_vprintf(&text, format, args)) /* longer than anything we say */
        (void)strbuf_str(&text, "...");
    va_end(args);
    table_add(d->table,
              (const struct object_field[]){{SLICE("result"), slice_of(names[result])},
                                            {SLICE("check"), slice_of(check)},
                                            {SLICE("text"), slice_trim(strbuf_slice(&text))}},
              3);
    d->warnings += result == DOCTOR_WARN;
    d->failures += result == DOCTOR_FAIL;
    strbuf_free(&text);
}

static void
check_configuration(struct doctor *d)
{
    struct strbuf errors = strbuf_new(TEXT_MAX);

    d->conf = conf_load(d->cli->inst.conf_path, &errors);
    if (d->conf == NULL)
        doctor_note(d, DOCTOR_FAIL, "configuration", "%s", strbuf_cstr(&errors));
    else
        doctor_note(d, DOCTOR_OK, "configuration", "%s", d->cli->inst.conf_path);
    strbuf_clear(&errors);
    d->services = services_load(d->cli->inst.services_path, &errors);
    if (d->services == NULL)
        doctor_note(d, DOCTOR_FAIL, "configuration", "%s", strbuf_cstr(&errors));
    else
        doctor_note(d, DOCTOR_OK, "configuration", "%s", d->cli->inst.services_path);
    strbuf_free(&errors);
    if (d->conf != NULL && d->services != NULL && sts_service_trouble(d->conf, d->services) != NULL)
        doctor_note(d, DOCTOR_FAIL, "services", "%s", sts_service_trouble(d->conf, d->services));
}

static void
note_service(struct doctor *d, const struct object_field *fields, uint32_t count)
{
    struct slice service = object_get(fields, count, "service");
    struct slice state = object_get(fields, count, "state");
    struct slice error = object_get(fields, count, "error");
    bool good = slice_eq(state, SLICE("running"));

    if (good && error.len == 0)
        return;
    doctor_note(d, good || slice_eq(state, SLICE("stopped")) ? DOCTOR_WARN : DOCTOR_FAIL,
                "services", "%.*s is %.*s%s%.*s", (int)service.len, service.ptr, (int)state.len,
                state.ptr, error.len > 0 ? ": " : "", (int)error.len, error.ptr);
}

static void
check_services(struct doctor *d)
{
    static struct object_field fields[OBJECT_FIELDS_MAX];
    struct master_call *master = master_call_new(&d->cli->inst);
    unsigned bad = d->warnings + d->failures;
    struct master_reply reply;
    int count;

    if (master == NULL) {
        doctor_note(d, errno == EACCES ? DOCTOR_FAIL : DOCTOR_WARN, "services", "%s",
                    errno == EACCES ? "master may not be asked by this user; run it as root"
                                    : "the mail server is not running; start it: posthorn start");
        return;
    }
    d->running = true;
    if (master_call_ask(master, "status", "", STATUS_TIMEOUT_MS, &reply) < 0) {
        doctor_note(d, DOCTOR_FAIL, "services", "master does not answer: %s", strerror(errno));
    } else {
        while ((count = object_next(&reply.data, fields)) > 0)
            note_service(d, fields, (uint32_t)count);
        if (bad == d->warnings + d->failures)
            doctor_note(d, DOCTOR_OK, "services", "all are running");
    }
    master_call_free(&master);
}

static bool
is_ours(struct accounts *accounts, const char *kind, const char *domain)
{
    const struct accountd_admin request = {
        .verb = SLICE("show"), .kind = slice_of(kind), .name = slice_of(domain)};
    struct accountd_admin_reply reply = {0};

    return accounts_call(accounts, &request, &reply) == CLI_OK && reply.result == 0;
}

void
doctor_domain(struct doctor *d, const char *domain)
{
    struct accounts *accounts = accounts_open(d->cli); /* it has said itself what is wrong */

    if (accounts == NULL)
        doctor_note(d, DOCTOR_FAIL, "domain", "the account base cannot be asked");
    else if (is_ours(accounts, "domain", domain) || is_ours(accounts, "domain-alias", domain))
        doctor_note(d, DOCTOR_OK, "domain", "%s is served here", domain);
    else
        doctor_note(d, DOCTOR_FAIL, "domain",
                    "%s is not served here; the command is: posthorn domain add %s", domain,
                    domain);
    accounts_close(&accounts);
}

static int
run_slow(struct doctor *d, const char *user)
{
    int rc;

    d->conf = store_job_conf(d->cli);
    if (d->conf == NULL)
        return CLI_FAILED;
    d->table = table_new(columns, ARRAY_LEN(columns));
    rc = doctor_slow(d, user);
    table_print(&d->table, d->cli->json);
    conf_free(&d->conf);
    return rc;
}

static int
run_doctor(struct cli *cli, int argc, char **argv)
{
    const char *slow = NULL;
    const struct cli_option options[] = {{"--slow", CLI_TEXT, &slow}};
    struct strbuf domain = strbuf_new(CANONICAL_DOMAIN_MAX);
    struct doctor d = {.cli = cli};

    if (cli_options(cli, &argc, argv, options, ARRAY_LEN(options), 0, 1) != 0)
        return CLI_USAGE;
    if (slow != NULL && argc == 1)
        return cli_usage(cli, "expected either a domain or --slow USER");
    if (argc == 1 && canonical_domain(slice_of(argv[0]), &domain) < 0)
        return cli_usage(cli, "'%s' is no domain name", argv[0]);
    if (!cli_needs_instance(cli))
        return CLI_FAILED;
    if (slow != NULL)
        return run_slow(&d, slow);
    d.table = table_new(columns, ARRAY_LEN(columns));
    check_configuration(&d);
    check_services(&d);
    if (d.conf != NULL && d.services != NULL) {
        doctor_files(&d);
        doctor_certificate(&d);
        doctor_ports(&d);
        if (argc == 1) {
            doctor_domain(&d, strbuf_cstr(&domain));
            doctor_dns(&d, strbuf_cstr(&domain));
        }
    }
    strbuf_free(&domain);
    table_print(&d.table, cli->json);
    conf_free(&d.conf);
    services_free(&d.services);
    if (d.failures > 0)
        return cli_fail(cli, "%u checks failed, %u are to be looked at", d.failures, d.warnings);
    return CLI_OK;
}

const struct command command_doctor = {
    .name = "doctor",
    .summary = "checks files, ports, certificate and disk space, and a domain's DNS records",
    .synopsis = "[--json] [DOMAIN | --slow USER]",
    .help =
        "Changes nothing. With DOMAIN its MX, SPF, DKIM, DMARC and this host's address and PTR\n"
        "records are looked up by dnsd, and what has to be published is printed. The exit code\n"
        "is 0 if no check failed.\n"
        "\n"
        "--slow names what makes a user's mailbox slow: the size of folders, journals without an\n"
        "index or longer than they have to be, messages that are not in the cache, the time that\n"
        "the disk takes, and the commands of the IMAP sessions that the log knows of.",
    .run = run_doctor,
};
