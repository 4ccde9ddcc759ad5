/*
 * posthorn/store_import.c - `store import`: mail of another program, or of an export, into a
 * mailbox.
 *
 * The child is the mail user. When root asks, it may read the source whoever owns that, and that is
 * all it may reach besides the mailbox.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/map.h"
#include "lib/base/mem.h"
#include "posthorn/import_uids.h"
#include "posthorn/importer.h"
#include "posthorn/store_commands.h"

static const struct column columns[] = {{"folder", COLUMN_TEXT, false},
                                        {"messages", COLUMN_NUMBER, false},
                                        {"left_out", COLUMN_TEXT, false}};

struct importing {
    const char *format;      /* NULL: as it looks */
    const char *uidl_format; /* NULL: as it looks */
    bool no_quota;
    uint32_t undelete_days;
    const struct store_user *user;
    struct table *table;
};

/* ---- the child ---- */

static int
import(struct importing *x, struct store *store, int source, struct store_job_output *out)
{
    struct manifest manifest;
    int found = manifest_read(source, &manifest);
    struct importer im = {.store = store,
                          .out = out,
                          .manifest = found == 0 ? &manifest : NULL,
                          .uidl_format = x->uidl_format};
    const char *format = x->format != NULL ? x->format : import_source_format(source, im.manifest);
    int rc;

    if (found < 0)
        return store_job_fail(out, MANIFEST_NAME ": %s", strerror(errno));
    if (format == NULL)
        rc = store_job_fail(out, "there is neither cur/ nor " MANIFEST_NAME
                                 ": give --format maildir, mbox or eml");
    else
        rc = import_source_read(&im, source, format);
    mailbox_append_abort(&im.append);
    map_free(&im.names, NULL);
    xfree(&im.folder);
    if (found == 0)
        manifest_free(&manifest);
    return rc;
}

static int
work(void *arg, int mail_fd, int other_fd, struct store_job_output *out)
{
    struct importing *x = arg;
    const struct store_options options = {.may_remove = true,
                                          .undelete_days = x->undelete_days,
                                          .quota_bytes = x->no_quota ? 0 : x->user->quota_bytes,
                                          .quota_messages =
                                              x->no_quota ? 0 : x->user->quota_messages};
    struct store *store = store_open(mail_fd, &options);
    int rc;

    if (store == NULL)
        return -1;
    rc = import(x, store, other_fd, out);
    store_close(&store);
    return rc;
}

/* ---- the parent ---- */

static void
take(void *arg, const struct object_field *fields, uint32_t count)
{
    struct importing *x = arg;

    table_add(x->table, fields, count);
}

static bool
is_format(const char *format)
{
    return format == NULL || strcmp(format, "maildir") == 0 || strcmp(format, "mbox") == 0 ||
           strcmp(format, "eml") == 0;
}

int
store_cmd_import(struct cli *cli, int argc, char **argv)
{
    const char *user = NULL;
    struct importing x = {0};
    const struct cli_option options[] = {{"--user", CLI_TEXT, &user},
                                         {"--format", CLI_TEXT, &x.format},
                                         {"--uidl", CLI_TEXT, &x.uidl_format},
                                         {"--no-quota", CLI_FLAG, &x.no_quota}};
    struct store_job job = {.work = work, .row = take, .arg = &x, .other_any_owner = true};
    struct store_users users;
    struct conf *conf;
    int rc;

    if (cli_options(cli, &argc, argv, options, ARRAY_LEN(options), 1, 1) != 0)
        return CLI_USAGE;
    if (user == NULL || !is_format(x.format))
        return cli_usage(cli, "expected --user ADDRESS, and a format: maildir, mbox or eml");
    if (x.uidl_format != NULL && !import_uidl_format_valid(x.uidl_format))
        return cli_usage(cli,
                         "'%s' does not give each message another UIDL; of %%u, %%v and %%f it "
                         "needs %%u or %%f",
                         x.uidl_format);
    job.other_fd = open(argv[0], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (job.other_fd < 0)
        return cli_fail(cli, "%s: %s", argv[0], strerror(errno));
    conf = store_job_conf(cli);
    rc = conf == NULL ? CLI_FAILED : store_users_get(cli, user, &users);
    if (rc == CLI_OK) {
        x.user = &users.list[0];
        x.undelete_days = (uint32_t)conf_u64(conf, STORE_UNDELETE_DAYS);
        x.table = table_new(columns, ARRAY_LEN(columns));
        rc = store_job_run(cli, conf, x.user, &job);
        table_print(&x.table, cli->json);
        store_users_free(&users);
    }
    (void)close(job.other_fd);
    conf_free(&conf);
    return rc;
}
