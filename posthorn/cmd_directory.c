/*
 * posthorn/cmd_directory.c - `directory sync`: users and groups as a directory elsewhere has them.
 */
#include <stdio.h>
#include <unistd.h>

#include "lib/account/canonical.h"
#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "lib/oper/sync_call.h"
#include "posthorn/oper_columns.h"
#include "posthorn/remote.h"

enum { SYNC_MS = 4 * 3600 * 1000 /* hundreds of thousands of users, and others before them */ };
enum { POLL_S = 1 };

static int
damaged(const struct cli *cli)
{
    return cli_fail(cli, "syncd's answer is damaged");
}

/* ---- here ---- */

static int
print_reply(struct cli *cli, const struct sync_reply *reply)
{
    struct object_field fields[OBJECT_FIELDS_MAX];
    struct table *table = oper_table(OPER_SYNC_ROW);
    struct slice data = reply->data;
    int count;

    while ((count = object_next(&data, fields)) > 0)
        table_add(table, fields, (uint32_t)count);
    table_print(&table, cli->json);
    if (count < 0)
        return damaged(cli);
    if (reply->result == SYNC_NOTHING)
        return cli_fail(cli, "%.*s", (int)reply->text.len, reply->text.ptr);
    (void)fprintf(stderr, "%.*s\n", (int)reply->text.len, reply->text.ptr);
    return reply->result == SYNC_WHOLE ? CLI_OK : CLI_FAILED;
}

static int
sync_here(struct cli *cli, const struct sync_request *wish)
{
    struct strbuf request = strbuf_new(SYNC_REQUEST_MAX);
    struct sync_call *call = NULL;
    struct sync_reply reply;
    int rc;

    if (sync_request_encode(&request, wish) == 0)
        call = sync_call_ask(&cli->inst, &request, SYNC_MS, &reply, NULL);
    rc = call == NULL ? cli_fail(cli, "syncd does not answer; is the service 'sync' running?")
                      : print_reply(cli, &reply);
    sync_call_free(&call);
    strbuf_free(&request);
    return rc;
}

/* ---- at a server elsewhere ---- */

struct ended {
    bool under_way;
    uint64_t run; /* its number; 0: none is known */
    uint8_t result;
    char text[SYNC_TEXT_MAX + 1];
};

static uint64_t
run_of(const struct object_field *fields, uint32_t count)
{
    uint64_t run = 0;

    (void)parse_u64(object_get(fields, count, "run"), INT64_MAX, &run); /* else it is 0 */
    return run;
}

static int
ask_status(struct cli *cli, struct slice domain, struct ended *ended)
{
    struct object_field fields[OBJECT_FIELDS_MAX];
    const struct object_field field = {SLICE("domain"), domain};
    const struct accountd_admin request = {.verb = SLICE("show"),
                                           .kind = SLICE("synchronisation"),
                                           .fields = &field,
                                           .field_count = 1};
    struct accountd_admin_reply reply;
    struct slice outcome, said;
    int count, rc = remote_do(cli, &request, &reply);

    *ended = (struct ended){.result = SYNC_NOTHING};
    if (rc != CLI_OK)
        return rc;
    count = object_next(&reply.data, fields);
    if (count <= 0)
        return damaged(cli);
    outcome = object_get(fields, (uint32_t)count, "outcome");
    said = object_get(fields, (uint32_t)count, "said");
    *ended = (struct ended){
        .run = run_of(fields, (uint32_t)count),
        .under_way = slice_eq(object_get(fields, (uint32_t)count, "under_way"), SLICE("yes")),
        .result = slice_eq(outcome, SLICE("whole"))      ? SYNC_WHOLE
                  : slice_eq(outcome, SLICE("refusals")) ? SYNC_REFUSALS
                                                         : SYNC_NOTHING};
    (void)snprintf(ended->text, sizeof(ended->text), "%.*s", (int)said.len, said.ptr);
    return CLI_OK;
}

/* Until the one with that number has ended, or a later one: they end in order. */
static int
wait_ended(struct cli *cli, struct slice domain, uint64_t run, struct ended *ended)
{
    int64_t deadline = clock_mono_ms() + SYNC_MS;
    int rc;

    while ((rc = ask_status(cli, domain, ended)) == CLI_OK && ended->under_way &&
           (run == 0 || ended->run < run)) {
        if (clock_mono_ms() > deadline)
            return cli_fail(cli, "it is still under way");
        (void)sleep(POLL_S);
    }
    if (rc != CLI_OK || ended->run == run)
        return rc;
    if (ended->run < run)
        return cli_fail(cli, "how it ended is not known: syncd has been started anew, or its "
                             "report had to make room");
    cli_warn(cli, "another one of the domain has ended since: this is its report");
    return CLI_OK;
}

static int
print_report(struct cli *cli, struct slice domain, const struct ended *ended)
{
    const struct object_field within = {SLICE("within"), domain};
    struct table *table = oper_table(OPER_SYNC_ROW);
    int rc = remote_each(cli, OPER_SYNC_ROW, &within, 1, oper_add_row, table);

    if (rc != CLI_OK) {
        table_free(&table);
        return rc;
    }
    table_print(&table, cli->json);
    if (ended->result == SYNC_NOTHING)
        return cli_fail(cli, "%s", ended->text);
    (void)fprintf(stderr, "%s\n", ended->text);
    return ended->result == SYNC_WHOLE ? CLI_OK : CLI_FAILED;
}

static int
sync_elsewhere(struct cli *cli, const struct sync_request *wish)
{
    const struct object_field fields[] = {
        {SLICE("domain"), wish->domain},
        {SLICE("dry_run"), wish->dry_run ? SLICE("yes") : SLICE("no")},
        {SLICE("adopt"), wish->adopt ? SLICE("yes") : SLICE("no")},
        {SLICE("force"), wish->force ? SLICE("yes") : SLICE("no")}};
    const struct accountd_admin request = {.verb = SLICE("run"),
                                           .kind = SLICE("synchronisation"),
                                           .fields = fields,
                                           .field_count = ARRAY_LEN(fields)};
    struct object_field answer[OBJECT_FIELDS_MAX];
    struct accountd_admin_reply reply;
    struct ended ended;
    int count, rc = remote_do(cli, &request, &reply);

    if (rc == CLI_OK) {
        count = object_next(&reply.data, answer);
        rc = wait_ended(cli, wish->domain, run_of(answer, count < 0 ? 0 : (uint32_t)count), &ended);
    }
    return rc == CLI_OK ? print_report(cli, wish->domain, &ended) : rc;
}

static int
directory_sync(struct cli *cli, int argc, char **argv)
{
    struct sync_request wish = {.dry_run = false};
    const struct cli_option options[] = {{"--dry-run", CLI_FLAG, &wish.dry_run},
                                         {"--adopt", CLI_FLAG, &wish.adopt},
                                         {"--force", CLI_FLAG, &wish.force}};
    struct strbuf domain = strbuf_new(CANONICAL_DOMAIN_MAX);
    int rc;

    if (cli_options(cli, &argc, argv, options, ARRAY_LEN(options), 1, 1) != 0) {
        strbuf_free(&domain);
        return CLI_USAGE;
    }
    if (canonical_domain(slice_of(argv[0]), &domain) < 0) {
        rc = cli_fail(cli, "'%s' is no domain", argv[0]);
    } else {
        wish.domain = strbuf_slice(&domain);
        if (cli->remote != NULL)
            rc = sync_elsewhere(cli, &wish);
        else
            rc = cli_needs_instance(cli) ? sync_here(cli, &wish) : CLI_FAILED;
    }
    strbuf_free(&domain);
    return rc;
}

static const struct cli_verb verbs[] = {
    {"sync", "DOMAIN [--dry-run] [--adopt] [--force] [--json]",
     "makes users and groups of the domain what its directory has", directory_sync},
    {0},
};

const struct command command_directory = {
    .name = "directory",
    .summary = "users and groups from LDAP or Active Directory: sync",
    .help =
        "'posthorn domain set DOMAIN sync_from=ldaps://HOST/BASE' says where they come from, and\n"
        "the other properties sync_... how; see syncd(8). The report has a line for each change\n"
        "and for each entry that was refused. --dry-run only says what would be done; --adopt\n"
        "takes over mailboxes and groups that have an entry's name and come from nowhere;\n"
        "--force goes on although more have vanished than sync_brake allows.\n"
        "Mailboxes from a directory once, without a link to it: 'posthorn user "
        "import-directory'.\n",
    .verbs = verbs,
    .remote = "sync",
};
