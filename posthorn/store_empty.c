/*
 * posthorn/store_empty.c - `store empty`: all mail out of a mailbox, as when somebody leaves.
 *
 * The folders stay. What goes is expunged like any other mail: store undelete brings it back,
 * unless
 * --now was given.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/store/expunged.h"
#include "lib/store/mailbox.h"
#include "posthorn/store_commands.h"
#include "posthorn/store_job.h"

static const struct column columns[] = {{"folder", COLUMN_TEXT, false},
                                        {"messages", COLUMN_NUMBER, false}};

struct emptying {
    const char *only; /* one folder; NULL: all */
    uint32_t undelete_days;
    struct store *store;
    struct store_job_output *out;
    struct table *table;
    bool failed;
};

/* ---- the child ---- */

static int
remove_all(struct mailbox *mb)
{
    uint32_t count = mailbox_count(mb);
    uint32_t *uids = xcalloc((size_t)count + 1, sizeof(*uids));
    int rc;

    for (uint32_t seq = 1; seq <= count; seq++)
        uids[seq - 1] = mailbox_message(mb, seq)->uid;
    rc = count == 0 ? 0 : mailbox_remove(mb, uids, count);
    xfree(&uids);
    return rc;
}

static void
empty_folder(void *arg, const struct store_folder *folder)
{
    struct emptying *x = arg;
    struct strbuf count = strbuf_new(24);
    struct mailbox *mb;

    if (!folder->exists || (x->only != NULL && strcmp(x->only, folder->name) != 0))
        return;
    mb = mailbox_open(x->store, slice_of(folder->name), false, false);
    (void)strbuf_u64(&count, mb == NULL ? 0 : mailbox_count(mb));
    if (mb == NULL || remove_all(mb) < 0) {
        x->failed = true;
        (void)store_job_fail(x->out, "%s: %s", folder->name, strerror(errno));
    } else {
        store_job_row(x->out,
                      (struct object_field[]){{SLICE("folder"), slice_of(folder->name)},
                                              {SLICE("messages"), strbuf_slice(&count)}},
                      2);
    }
    if (mb != NULL && x->undelete_days == 0) /* what guests removed goes, too */
        expunged_sweep_at(mailbox_dirfd(mb), 0, UINT32_MAX);
    mailbox_close(&mb);
    strbuf_free(&count);
}

static int
work(void *arg, int mail_fd, int other_fd, struct store_job_output *out)
{
    struct emptying *x = arg;
    const struct store_options options = {.may_remove = true, .undelete_days = x->undelete_days};
    int rc;

    (void)other_fd;
    x->out = out;
    x->store = store_open(mail_fd, &options);
    if (x->store == NULL)
        return -1;
    rc = store_list(x->store, empty_folder, x);
    if (x->undelete_days == 0)
        expunged_sweep(x->store, UINT32_MAX); /* what waited goes, too */
    store_close(&x->store);
    return x->failed ? -1 : rc;
}

/* ---- the parent ---- */

static void
take(void *arg, const struct object_field *fields, uint32_t count)
{
    struct emptying *x = arg;

    table_add(x->table, fields, count);
}

static bool
may_go_on(struct cli *cli, const char *user, bool yes)
{
    char *question = xasprintf("Remove all mail of %s?", user);
    bool on = yes || cli_confirm(question);

    if (!on)
        (void)cli_fail(cli, "nothing was removed; --yes answers the question");
    free(question);
    return on;
}

int
store_cmd_empty(struct cli *cli, int argc, char **argv)
{
    const char *user = NULL;
    bool yes = false, now = false;
    struct emptying x = {0};
    const struct cli_option options[] = {{"--user", CLI_TEXT, &user},
                                         {"--folder", CLI_TEXT, &x.only},
                                         {"--now", CLI_FLAG, &now},
                                         {"--yes", CLI_FLAG, &yes}};
    const struct store_job job = {
        .work = work, .row = take, .arg = &x, .other_fd = -1, .missing_is_fine = true};
    struct store_users users;
    struct conf *conf;
    int rc;

    if (cli_options(cli, &argc, argv, options, ARRAY_LEN(options), 0, 0) != 0)
        return CLI_USAGE;
    if (user == NULL)
        return cli_usage(cli, "expected --user ADDRESS");
    if (now && x.only != NULL)
        return cli_usage(cli, "--now is for the whole mailbox");
    conf = store_job_conf(cli);
    rc = conf == NULL ? CLI_FAILED : store_users_get(cli, user, &users);
    if (rc == CLI_OK) {
        x.undelete_days = now ? 0 : (uint32_t)conf_u64(conf, STORE_UNDELETE_DAYS);
        rc = CLI_FAILED;
        if (may_go_on(cli, user, yes)) {
            x.table = table_new(columns, ARRAY_LEN(columns));
            rc = store_job_run(cli, conf, &users.list[0], &job);
            table_print(&x.table, cli->json);
        }
        store_users_free(&users);
    }
    conf_free(&conf);
    return rc;
}
