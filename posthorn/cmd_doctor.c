/*
 * posthorn/cmd_doctor.c - `doctor`: looks at what an installation stands on and says what is wrong.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/account/canonical.h"
#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "lib/conf/alert_conf.h"
#include "lib/oper/master_call.h"
#include "posthorn/accounts.h"
#include "posthorn/dkim_dns.h"
#include "posthorn/doctor.h"
#include "posthorn/key_service.h"
#include "posthorn/store_job.h"
#include "posthorn/sts_service.h"
#include "posthorn/zone_records.h"

#define TEXT_MAX 4096
#define INTERVAL_MS 3600000u
#define INTERVAL_MIN_MS 1000u
#define INTERVAL_MAX_MS 2073600000u /* 24 days: poll's time is an int */
#define STATUS_TIMEOUT_MS 5000

static const struct column columns[] = {
    {"result", COLUMN_TEXT, false},
    {"check", COLUMN_TEXT, false},
    {"text", COLUMN_TEXT, false},
};

static void
add_row(struct doctor *d, const char *result, const char *check, struct slice text)
{
    const struct object_field fields[] = {{SLICE("result"), slice_of(result)},
                                          {SLICE("check"), slice_of(check)},
                                          {SLICE("text"), text}};

    if (d->lines == NULL) {
        table_add(d->table, fields, (uint32_t)ARRAY_LEN(fields));
        return;
    }
    (void)strbuf_printf(d->lines, "%s\t%s\t", result, check); /* what does not fit is left out */
    for (size_t i = 0; i < text.len; i++) {                   /* it may have come from outside */
        unsigned char c = (unsigned char)text.ptr[i];

        (void)strbuf_char(d->lines, c == '\n' ? ';' : c < 0x20 || c == 0x7f ? '?' : (char)c);
    }
    (void)strbuf_char(d->lines, '\n');
}

void
doctor_note(struct doctor *d, enum doctor_result result, const char *check, const char *format, ...)
{
    static const char *const names[] = {"ok", "hint", "warn", "fail"};
    struct strbuf text = strbuf_new(TEXT_MAX);
    va_list args;

    va_start(args, format);
    if (!strbuf_vprintf(&text, format, args)) /* longer than anything we say */
        (void)strbuf_str(&text, "...");
    va_end(args);
    add_row(d, names[result], check, slice_trim(strbuf_slice(&text)));
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
    if (d->services != NULL && key_service_trouble(d->services) != NULL)
        doctor_note(d, DOCTOR_FAIL, "services", "%s", key_service_trouble(d->services));
    if (d->conf != NULL && d->services != NULL &&
        alert_conf_service_trouble(d->conf, d->services) != NULL)
        doctor_note(d, DOCTOR_FAIL, "services", "%s",
                    alert_conf_service_trouble(d->conf, d->services));
}

/* services.conf has it as one that does not start by itself. */
static bool
is_off(const struct doctor *d, struct slice service)
{
    for (size_t i = 0; d->services != NULL && i < d->services->count; i++)
        if (slice_eq(slice_of(d->services->rows[i].name), service))
            return !d->services->rows[i].automatic;
    return false;
}

static void
note_service(struct doctor *d, const struct object_field *fields, uint32_t count)
{
    struct slice service = object_get(fields, count, "service");
    struct slice state = object_get(fields, count, "state");
    struct slice error = object_get(fields, count, "error");
    bool good = slice_eq(state, SLICE("running"));

    if ((good || is_off(d, service)) && error.len == 0)
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

/* A domain that is to be synchronised, by a services.conf of before there was syncd. */
static void
note_sync(struct doctor *d, const char *domain, struct slice object)
{
    struct object_field *fields = xcalloc(OBJECT_FIELDS_MAX, sizeof(*fields));
    int count = object_next(&object, fields);
    bool is_started = d->services == NULL; /* that has been told */

    for (size_t i = 0; d->services != NULL && i < d->services->count; i++)
        is_started |=
            strcmp(d->services->rows[i].program, "syncd") == 0 && d->services->rows[i].automatic;
    if (!is_started && count > 0 && object_get(fields, (uint32_t)count, "sync_from").len > 0)
        doctor_note(
            d, DOCTOR_FAIL, "services",
            "services.conf starts no syncd, so %s is not synchronised with its directory: "
            "add the section [sync] (program = syncd, user = sync, socket = sync.sock 0666)",
            domain);
    free(fields);
}

static bool
is_ours(struct doctor *d, struct accounts *accounts, const char *kind, const char *domain)
{
    const struct accountd_admin request = {
        .verb = SLICE("show"), .kind = slice_of(kind), .name = slice_of(domain)};
    struct accountd_admin_reply reply = {0};

    if (accounts_call(accounts, &request, &reply) != CLI_OK || reply.result != 0)
        return false;
    note_sync(d, domain, reply.data);
    return true;
}

void
doctor_domain(struct doctor *d, const char *domain)
{
    struct accounts *accounts = accounts_open(d->cli); /* it has said itself what is wrong */

    if (accounts == NULL)
        doctor_note(d, DOCTOR_FAIL, "domain", "the account base cannot be asked");
    else if (is_ours(d, accounts, "domain", domain) || is_ours(d, accounts, "domain-alias", domain))
        doctor_note(d, DOCTOR_OK, "domain", "%s is served here", domain);
    else
        doctor_note(d, DOCTOR_FAIL, "domain",
                    "%s is not served here; the command is: posthorn domain add %s", domain,
                    domain);
    accounts_close(&accounts);
}

static int
take_names(const struct accountd_admin_reply *reply, struct strbuf *names, struct strbuf *cursor)
{
    strbuf_clear(cursor);
    if (reply->result != 0 || !strbuf_append(names, reply->data) ||
        !strbuf_append(cursor, reply->cursor))
        return -1;
    return 0;
}

/* The objects of all domains. */
static int
list_domains(struct doctor *d, struct strbuf *names, struct strbuf *cursor)
{
    struct accounts *accounts = accounts_open(d->cli); /* it has said itself what is wrong */
    int rc = accounts == NULL ? -1 : 0;

    do {
        const struct accountd_admin request = {
            .verb = SLICE("list"), .kind = SLICE("domain"), .cursor = strbuf_slice(cursor)};
        struct accountd_admin_reply reply = {0};

        if (rc == 0)
            rc = accounts_call(accounts, &request, &reply) == CLI_OK
                     ? take_names(&reply, names, cursor)
                     : -1;
    } while (rc == 0 && cursor->len > 0);
    accounts_close(&accounts);
    return rc;
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

/* ---- the whole of it ---- */

struct choice {
    const char *domain; /* A-labels; NULL: none */
    bool all;           /* domains */
};

static void
check_domain(struct doctor *d, const char *domain)
{
    doctor_domain(d, domain);
    doctor_dns(d, domain);
}

static void
check_all_domains(struct doctor *d)
{
    static struct object_field fields[OBJECT_FIELDS_MAX];
    struct strbuf names = strbuf_new(16u << 20), cursor = strbuf_new(ACCOUNTD_ADDRESS_MAX);
    struct slice rest;
    int count;

    if (list_domains(d, &names, &cursor) < 0)
        doctor_note(d, DOCTOR_FAIL, "domain", "the account base cannot be asked");
    rest = strbuf_slice(&names);
    while ((count = object_next(&rest, fields)) > 0) {
        struct slice name = object_get(fields, (uint32_t)count, "name");
        char *domain = xslicedup(name);

        check_domain(d, domain);
        free(domain);
    }
    strbuf_free(&names);
    strbuf_free(&cursor);
}

static void
examine(struct doctor *d, const struct choice *choice)
{
    check_configuration(d);
    check_services(d);
    if (d->conf != NULL && d->services != NULL) {
        doctor_files(d);
        doctor_certificate(d);
        doctor_acme(d);
        doctor_secrets(d);
        doctor_firewall(d);
        doctor_ports(d);
        doctor_clock(d);
        doctor_relay(d);
        doctor_queue(d);
        doctor_way_out(d);
        if (choice->domain != NULL)
            check_domain(d, choice->domain);
        if (choice->all)
            check_all_domains(d);
    }
    conf_free(&d->conf);
    services_free(&d->services);
}

static int
run_once(struct cli *cli, const struct choice *choice)
{
    struct doctor d = {.cli = cli, .table = table_new(columns, ARRAY_LEN(columns))};

    examine(&d, choice);
    table_print(&d.table, cli->json);
    if (d.failures > 0)
        return cli_fail(cli, "%u checks failed, %u are to be looked at", d.failures, d.warnings);
    return CLI_OK;
}

static void
look(struct cli *cli, struct strbuf *lines, void *choice)
{
    struct doctor d = {.cli = cli, .lines = lines};

    examine(&d, choice);
}

static int
run_watch(struct cli *cli, struct choice *choice, const char *interval)
{
    struct doctor_watch watch = {.cli = cli, .look = look, .arg = choice};
    uint64_t ms = INTERVAL_MS;

    if (interval != NULL &&
        (parse_duration_ms(slice_of(interval), INTERVAL_MAX_MS, &ms) < 0 || ms < INTERVAL_MIN_MS))
        return cli_usage(cli, "--interval: expected a time from 1s to 24d, not '%s'", interval);
    watch.interval_ms = (int64_t)ms;
    return doctor_watch(&watch);
}

static int
add_zone(struct cli *cli, const struct zone_source *source, struct table *table)
{
    struct zone_records zone = zone_records_make(source);
    struct dkim_place place;
    int rc = dkim_place_open(&place, cli, source->domain);

    zone_records_print(&zone, table);
    if (rc == CLI_OK)
        rc = dkim_dns_records(&place, -1, table);
    dkim_place_close(&place);
    zone_records_free(&zone);
    return rc;
}

/* What the domain should have in the DNS, as a zone file has it. */
static int
run_zone(struct cli *cli, const char *domain)
{
    static const struct column record[] = {
        {"name", COLUMN_TEXT, false}, {"type", COLUMN_TEXT, false}, {"value", COLUMN_TEXT, false}};
    struct strbuf errors = strbuf_new(TEXT_MAX);
    struct conf *conf = conf_load(cli->inst.conf_path, &errors);
    struct services *services = services_load(cli->inst.services_path, &errors);
    struct table *table = cli->json ? table_new(record, ARRAY_LEN(record)) : NULL;
    int rc = conf == NULL || services == NULL
                 ? cli_fail(cli, "%s", strbuf_cstr(&errors))
                 : add_zone(cli, &(struct zone_source){conf, services, &cli->inst, domain}, table);

    if (table != NULL && rc == CLI_OK)
        table_print(&table, true);
    else if (table != NULL)
        table_free(&table);
    conf_free(&conf);
    services_free(&services);
    strbuf_free(&errors);
    return rc;
}

static int
run_doctor(struct cli *cli, int argc, char **argv)
{
    const char *slow = NULL, *zone = NULL, *interval = NULL;
    bool watch = false;
    struct choice choice = {NULL, false};
    const struct cli_option options[] = {{"--slow", CLI_TEXT, &slow},
                                         {"--zone", CLI_TEXT, &zone},
                                         {"--all", CLI_FLAG, &choice.all},
                                         {"--watch", CLI_FLAG, &watch},
                                         {"--interval", CLI_TEXT, &interval}};
    struct strbuf domain = strbuf_new(CANONICAL_DOMAIN_MAX);
    struct doctor d = {.cli = cli};
    const char *named;
    int rc;

    if (cli_options(cli, &argc, argv, options, ARRAY_LEN(options), 0, 1) != 0)
        return CLI_USAGE;
    if ((slow != NULL) + (zone != NULL) + choice.all + (argc == 1) > 1)
        return cli_usage(cli, "expected one of DOMAIN, --all, --zone DOMAIN and --slow USER");
    if ((slow != NULL || zone != NULL) && watch)
        return cli_usage(cli, "--watch goes with DOMAIN or --all, or stands alone");
    if (interval != NULL && !watch)
        return cli_usage(cli, "--interval goes with --watch");
    named = argc == 1 ? argv[0] : zone;
    if (named != NULL && canonical_domain(slice_of(named), &domain) < 0)
        return cli_usage(cli, "'%s' is no domain name", named);
    if (!cli_needs_instance(cli))
        return CLI_FAILED;
    choice.domain = argc == 1 ? strbuf_cstr(&domain) : NULL;
    if (slow != NULL)
        rc = run_slow(&d, slow);
    else if (zone != NULL)
        rc = run_zone(cli, strbuf_cstr(&domain));
    else
        rc = watch ? run_watch(cli, &choice, interval) : run_once(cli, &choice);
    strbuf_free(&domain);
    return rc;
}

const struct command command_doctor = {
    .name = "doctor",
    .summary =
        "checks files, ports, certificate, disk space, queue and way out, and a domain's DNS",
    .synopsis =
        "[--json] [DOMAIN | --all | --zone DOMAIN | --slow USER] [--watch [--interval TIME]]",
    .help =
        "Changes nothing. With DOMAIN (--all: with every domain of ours) its MX, SPF, DKIM, "
        "DMARC,\n"
        "MTA-STS, TLS-RPT and SRV records and this host's address, PTR and TLSA records are "
        "looked\n"
        "up by dnsd, the host's addresses on the block lists of doctor.block_lists, and what has "
        "to\n"
        "be published is printed. Results are ok, hint (good to have), warn and fail; the exit "
        "code\n"
        "is 0 if no check failed.\n"
        "\n"
        "--zone prints all records that a domain should have, as a zone file has them.\n"
        "\n"
        "--watch looks again every hour (--interval), and prints what is not in order and then\n"
        "whatever changes, a line each, until it is interrupted.\n"
        "\n"
        "--slow names what makes a user's mailbox slow: the size of folders, journals without an\n"
        "index or longer than they have to be, messages that are not in the cache, the time that\n"
        "the disk takes, and the commands of the IMAP sessions that the log knows of.",
    .run = run_doctor,
};
