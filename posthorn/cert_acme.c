/*
 * posthorn/cert_acme.c - `cert acme status|request|renew|revoke|rollover`.
 *
 * Makes keys and requests, as root; all that has to do with the authority is acmed's.
 */
#include "posthorn/cert_acme.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/oper/master_call.h"
#include "posthorn/acme_call.h"
#include "posthorn/acme_service.h"
#include "posthorn/cert_activate.h"
#include "posthorn/cert_new.h"
#include "posthorn/output.h"

enum {
    ASK_MS = 10000,
    JOB_MS = 1500000, /* a revocation, or a change of keys */
    START_MS = 60000, /* for acmed to come back from a reload */
    POLL_MS = 300
};

static const struct column columns[] = {
    {"name", COLUMN_TEXT, false},        {"state", COLUMN_TEXT, false},
    {"next", COLUMN_TEXT, false},        {"expires", COLUMN_TEXT, false},
    {"failures", COLUMN_NUMBER, false},  {"error", COLUMN_TEXT, false},
    {"hosts", COLUMN_LIST, true},        {"serial", COLUMN_TEXT, true},
    {"window_start", COLUMN_TEXT, true}, {"window_end", COLUMN_TEXT, true},
    {"explanation", COLUMN_TEXT, true},  {"order", COLUMN_TEXT, true},
    {"directory", COLUMN_TEXT, true},
};

/* ---- asking acmed ---- */

static int
ask(struct cli *cli, struct acme_call *call, const struct acmed_request *request, int timeout_ms,
    struct acmed_reply *reply)
{
    if (acme_call_ask(call, request, timeout_ms, reply) < 0)
        return cli_fail(cli,
                        "acmed does not answer (%s); is the service 'acme' in services.conf, "
                        "and running?",
                        strerror(errno));
    if (reply->result != 0)
        return cli_fail(cli, "%.*s", (int)reply->text.len, reply->text.ptr);
    return CLI_OK;
}

static int
order(struct cli *cli, const char *verb, const char *name, const char *detail)
{
    const struct acmed_request request = {slice_of(verb), slice_of(name), slice_of(detail)};
    struct acmed_reply reply;
    struct acme_call *call;
    int rc;

    if (!cli_needs_instance(cli))
        return CLI_FAILED;
    call = acme_call_new(&cli->inst);
    rc = ask(cli, call, &request, JOB_MS, &reply);
    acme_call_free(&call);
    return rc;
}

static int
status(struct cli *cli, int argc, char **argv)
{
    const struct acmed_request request = {.verb = SLICE("status")};
    struct object_field fields[OBJECT_FIELDS_MAX];
    struct acmed_reply reply;
    struct acme_call *call;
    struct table *table;
    int count = 0, rc;

    if (cli_options(cli, &argc, argv, NULL, 0, 0, 0) != 0)
        return CLI_USAGE;
    if (!cli_needs_instance(cli))
        return CLI_FAILED;
    call = acme_call_new(&cli->inst);
    table = table_new(columns, ARRAY_LEN(columns));
    rc = ask(cli, call, &request, ASK_MS, &reply);
    while (rc == CLI_OK && (count = object_next(&reply.data, fields)) > 0)
        table_add(table, fields, (uint32_t)count);
    table_print(&table, cli->json);
    acme_call_free(&call);
    return count < 0 ? cli_fail(cli, "acmed's answer is damaged") : rc;
}

/* ---- request ---- */

enum progress { GOING_ON, ISSUED, FAILED };

/* What the certificate's object says. */
static enum progress
judge(struct cli *cli, const char *name, struct slice objects)
{
    struct object_field fields[OBJECT_FIELDS_MAX];
    int count;

    while ((count = object_next(&objects, fields)) > 0) {
        struct slice state = object_get(fields, (uint32_t)count, "state");
        struct slice error = object_get(fields, (uint32_t)count, "error");
        struct slice next = object_get(fields, (uint32_t)count, "next");

        if (!slice_eq(object_get(fields, (uint32_t)count, "name"), slice_of(name)))
            continue;
        if (slice_eq(state, SLICE("issued")))
            return ISSUED;
        if (slice_eq(state, SLICE("waiting")) || slice_eq(state, SLICE("ordering")))
            return GOING_ON;
        (void)cli_fail(cli, "%.*s", (int)error.len, error.ptr);
        if (next.len > 0)
            cli_warn(cli, "acmed tries again at %.*s", (int)next.len, next.ptr);
        return FAILED;
    }
    return GOING_ON;
}

/* acmed may be on its way through a reload for a moment. */
static int
wait_for(struct cli *cli, const char *name)
{
    const struct acmed_request request = {.verb = SLICE("status")};
    const struct timespec pause = {.tv_nsec = POLL_MS * 1000000L};
    int64_t end = clock_mono_ms() + JOB_MS, start_end = clock_mono_ms() + START_MS;
    struct acme_call *call = acme_call_new(&cli->inst);
    enum progress progress = GOING_ON;

    while (progress == GOING_ON && clock_mono_ms() < end) {
        struct acmed_reply reply;

        if (acme_call_ask(call, &request, ASK_MS, &reply) == 0) {
            progress = judge(cli, name, reply.data);
            start_end = clock_mono_ms() + START_MS;
        } else if (clock_mono_ms() > start_end) {
            progress = FAILED;
            (void)cli_fail(cli, "acmed does not answer: %s", strerror(errno));
        }
        if (progress == GOING_ON)
            (void)nanosleep(&pause, NULL); /* a signal only shortens it */
    }
    acme_call_free(&call);
    if (progress == GOING_ON)
        (void)cli_fail(cli, "it takes long; posthorn cert acme status tells how it goes on");
    return progress == ISSUED ? CLI_OK : CLI_FAILED;
}

/* Without a master nobody requests anything yet. */
static bool
is_running(const struct cli *cli)
{
    struct master_call *master = master_call_new(&cli->inst);
    bool running = master != NULL;

    if (running)
        master_call_free(&master);
    return running;
}

/* Before anything is made. */
static int
check_settings(const struct cert_place *place)
{
    struct strbuf errors = strbuf_new(65536);
    struct services *services = services_load(place->cli->inst.services_path, &errors);
    const char *trouble = NULL;
    int rc = CLI_OK;

    if (conf_str(place->conf, ACME_DIRECTORY_URL)[0] == '\0')
        trouble = "no authority is configured: posthorn config set acme.directory URL";
    else if (services != NULL)
        trouble = acme_service_trouble(place->conf, services);
    if (trouble != NULL)
        rc = cli_fail(place->cli, "%s", trouble);
    services_free(&services);
    strbuf_free(&errors);
    return rc;
}

/* Nothing stays of a request that could not be begun. */
static int
begin(struct cert_place *place, const char *name, const char *key_type, int argc, char **argv)
{
    struct cert_entry entry = {0};
    int rc = check_settings(place);

    if (rc == CLI_OK)
        rc = cert_place_new(place, name, &entry);
    if (rc == CLI_OK)
        rc = cert_new_for_acme(place, &entry, key_type, argc, argv);
    if (rc == CLI_OK) {
        rc = cert_place_manage(place, &entry, true);
        if (rc != CLI_OK) {
            (void)remove(entry.key); /* the message is told already */
            (void)remove(entry.csr);
        }
    }
    cert_entry_free(&entry);
    return rc;
}

static int
activate(struct cli *cli, const char *name, bool by_host)
{
    struct cert_entry entry = {0};
    struct cert_place place;
    int rc = cert_place_open(&place, cli);

    if (rc == CLI_OK)
        rc = cert_place_find(&place, name, &entry);
    if (rc == CLI_OK)
        rc = cert_activate_entry(&place, &entry, by_host);
    cert_entry_free(&entry);
    cert_place_close(&place);
    return rc;
}

static int
request(struct cli *cli, int argc, char **argv)
{
    const char *key_type = "rsa2048";
    bool for_all = false, by_host = false, no_wait = false;
    const struct cli_option options[] = {{"--key", CLI_TEXT, &key_type},
                                         {"--activate", CLI_FLAG, &for_all},
                                         {"--by-host", CLI_FLAG, &by_host},
                                         {"--no-wait", CLI_FLAG, &no_wait}};
    struct cert_place place;
    int rc;

    if (cli_options(cli, &argc, argv, options, ARRAY_LEN(options), 2, CERT_HOSTS_MAX + 1) != 0)
        return CLI_USAGE;
    if (for_all + by_host + no_wait > 1)
        return cli_usage(cli, "only one of --activate, --by-host and --no-wait");
    rc = cert_place_open(&place, cli);
    if (rc == CLI_OK)
        rc = begin(&place, argv[0], key_type, argc - 1, argv + 1);
    cert_place_close(&place); /* others may work on the list meanwhile */
    if (rc == CLI_OK && !no_wait && !is_running(cli))
        return cli_fail(cli,
                        "it is requested when the suite is started; then: posthorn cert "
                        "activate %s",
                        argv[0]);
    if (rc == CLI_OK && !no_wait)
        rc = wait_for(cli, argv[0]);
    if (rc == CLI_OK && (for_all || by_host))
        rc = activate(cli, argv[0], by_host);
    else if (rc == CLI_OK && !no_wait)
        (void)printf("%s: posthorn cert activate %s has the services use it\n", argv[0], argv[0]);
    return rc;
}

/* ---- renew, revoke, rollover ---- */

static int
renew(struct cli *cli, int argc, char **argv)
{
    if (cli_options(cli, &argc, argv, NULL, 0, 1, 1) != 0)
        return CLI_USAGE;
    return order(cli, "renew", argv[0], "");
}

/* RFC 5280 section 5.3.1, as far as an administrator of a server may give them. */
static int
revoke_for(struct cli *cli, int argc, char **argv)
{
    static const struct {
        const char *word, *number;
    } reasons[] = {{"unspecified", "0"},
                   {"key-compromise", "1"},
                   {"affiliation-changed", "3"},
                   {"superseded", "4"},
                   {"cessation", "5"}};
    const char *reason = "unspecified";
    const struct cli_option options[] = {{"--reason", CLI_TEXT, &reason}};

    if (cli_options(cli, &argc, argv, options, 1, 1, 1) != 0)
        return CLI_USAGE;
    for (size_t i = 0; i < ARRAY_LEN(reasons); i++)
        if (strcmp(reasons[i].word, reason) == 0)
            return order(cli, "revoke", argv[0], reasons[i].number);
    return cli_usage(cli,
                     "--reason %s: expected unspecified, key-compromise, affiliation-changed, "
                     "superseded or cessation",
                     reason);
}

static int
rollover(struct cli *cli, int argc, char **argv)
{
    if (cli_options(cli, &argc, argv, NULL, 0, 0, 0) != 0)
        return CLI_USAGE;
    return order(cli, "rollover", "", "");
}

int
cert_acme(struct cli *cli, int argc, char **argv)
{
    static const struct {
        const char *word;
        int (*run)(struct cli *cli, int argc, char **argv);
    } verbs[] = {{"status", status},
                 {"request", request},
                 {"renew", renew},
                 {"revoke", revoke_for},
                 {"rollover", rollover}};

    for (size_t i = 0; argc > 0 && i < ARRAY_LEN(verbs); i++)
        if (strcmp(argv[0], verbs[i].word) == 0)
            return verbs[i].run(cli, argc - 1, argv + 1);
    return cli_usage(cli, "expected status, request, renew, revoke or rollover");
}
