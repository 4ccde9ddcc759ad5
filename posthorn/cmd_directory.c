/*
 * posthorn/cmd_directory.c - `directory sync`: users and groups as a directory elsewhere has them.
 */
#include <fcntl.h>
#include <stdio.h>

#include "lib/account/canonical.h"
#include "lib/base/io.h"
#include "lib/ipc/client.h"
#include "lib/ipc/object.h"
#include "lib/ipc/sync.h"
#include "posthorn/command.h"
#include "posthorn/output.h"

enum { SYNC_MS = 4 * 3600 * 1000 }; /* hundreds of thousands of users, and others before them */

static const struct column columns[] = {
    {"action", COLUMN_TEXT, false},
    {"kind", COLUMN_TEXT, false},
    {"name", COLUMN_TEXT, false},
    {"result", COLUMN_TEXT, false},
};

static int
print_reply(struct cli *cli, const struct sync_reply *reply)
{
    struct object_field fields[OBJECT_FIELDS_MAX];
    struct table *table = table_new(columns, ARRAY_LEN(columns));
    struct slice data = reply->data;
    int count;

    while ((count = object_next(&data, fields)) > 0)
        table_add(table, fields, (uint32_t)count);
    table_print(&table, cli->json);
    if (count < 0)
        return cli_fail(cli, "syncd's answer is damaged");
    if (reply->result == SYNC_NOTHING)
        return cli_fail(cli, "%.*s", (int)reply->text.len, reply->text.ptr);
    (void)fprintf(stderr, "%.*s\n", (int)reply->text.len, reply->text.ptr);
    return reply->result == SYNC_WHOLE ? CLI_OK : CLI_FAILED;
}

static int
ask(struct cli *cli, const struct sync_request *wish)
{
    int run_dirfd = open(cli->inst.run, O_PATH | O_DIRECTORY | O_CLOEXEC);
    struct ipc_client *syncd =
        ipc_client_new(run_dirfd, SYNC_SOCKET, SYNC_REPLY_MAX + SYNC_TEXT_MAX + 1024);
    struct strbuf request = strbuf_new(SYNC_REQUEST_MAX);
    struct ipc_reply answer = {.fd = -1};
    struct sync_reply reply;
    int rc;

    if (sync_request_encode(&request, wish) < 0)
        rc = cli_fail(cli, "the question is too long");
    else if (ipc_client_call(syncd, &request, -1, SYNC_MS, &answer) < 0 ||
             answer.type != SYNC_DONE || sync_reply_decode(answer.payload, &reply) < 0)
        rc = cli_fail(cli, "syncd does not answer; is the service 'sync' running?");
    else
        rc = print_reply(cli, &reply);
    close_keep_errno(answer.fd);
    strbuf_free(&request);
    ipc_client_free(&syncd);
    close_keep_errno(run_dirfd);
    return rc;
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
        rc = cli_needs_instance(cli) ? ask(cli, &wish) : CLI_FAILED;
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
};
