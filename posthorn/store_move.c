/*
 * posthorn/store_move.c - `store move`: mailboxes to another storage directory.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/account/store_path.h"
#include "lib/base/mem.h"
#include "lib/store/move.h"
#include "posthorn/mailbox_path.h"
#include "posthorn/store_commands.h"
#include "posthorn/store_job.h"
#include "posthorn/store_places.h"

static const struct column columns[] = {{"address", COLUMN_TEXT, false},
                                        {"from", COLUMN_TEXT, false},
                                        {"to", COLUMN_TEXT, false},
                                        {"files", COLUMN_NUMBER, false},
                                        {"bytes", COLUMN_NUMBER, false}};

struct moving {
    const char *from, *to; /* from NULL: wherever it is */
    const struct store_user *user;
    char *path; /* of the user */
    bool moved; /* the user was */
    struct table *table;
};

/* ---- the child ---- */

static void
tell(struct store_job_output *out, const struct moving *x, const char *from,
     const struct move_counts *counts)
{
    struct strbuf files = strbuf_new(24), bytes = strbuf_new(24);

    (void)strbuf_u64(&files, counts->files);
    (void)strbuf_u64(&bytes, counts->bytes);
    store_job_row(out,
                  (struct object_field[]){{SLICE("address"), slice_of(x->user->address)},
                                          {SLICE("from"), slice_of(from)},
                                          {SLICE("to"), slice_of(x->to)},
                                          {SLICE("files"), strbuf_slice(&files)},
                                          {SLICE("bytes"), strbuf_slice(&bytes)}},
                  ARRAY_LEN(columns));
    strbuf_free(&files);
    strbuf_free(&bytes);
}

static int
explain(struct store_job_output *out, const struct moving *x)
{
    switch (errno) {
    case EBUSY:
        return store_job_fail(out, "it, or another mailbox, is just being moved or changed: try "
                                   "again later");
    case EALREADY:
        return store_job_fail(out, "it is in %s already", x->to);
    case ENODEV:
        return store_job_fail(out, "a storage directory is missing: 'posthorn store dirs'");
    case EIO:
        return store_job_fail(out, "a copy could not be verified; it stays where it is");
    default:
        return store_job_fail(out, "%s; it stays where it is", strerror(errno));
    }
}

static int
work(void *arg, int main_fd, int others_fd, struct store_job_output *out)
{
    const struct moving *x = arg;
    const struct store_dirs dirs = {main_fd, others_fd};
    char from[STORE_DIR_ID_SIZE] = "";
    struct move_counts counts;

    if (store_dirs_find(&dirs, x->path, from) < 0)
        return errno == ENOENT && x->from != NULL ? 0 : explain(out, x); /* no mail: none to move */
    if (x->from != NULL && strcmp(from, x->from) != 0)
        return 0;
    if (store_move(&dirs, x->path, x->to, &counts) < 0)
        return explain(out, x);
    tell(out, x, from, &counts);
    return 0;
}

/* ---- the parent ---- */

static void
take(void *arg, const struct object_field *fields, uint32_t count)
{
    struct moving *x = arg;

    x->moved = true;
    table_add(x->table, fields, count);
}

/* Whose mailbox is fixed to a directory has it fixed to the new one. */
static int
fix_place(struct cli *cli, const struct moving *x)
{
    const char *fixed = x->user->mailbox_path;

    if (!x->moved || fixed[0] == '\0' || strcmp(fixed, x->to) == 0)
        return CLI_OK;
    return mailbox_path_set(cli, x->user->address, x->to);
}

/* One that fails does not keep the others. */
static int
move_each(struct cli *cli, const struct conf *conf, const struct store_users *users,
          struct moving *x)
{
    int rc = CLI_OK;

    for (size_t i = 0; i < users->count; i++) {
        struct store_job job = {.work = work, .row = take, .arg = x};
        struct strbuf path = strbuf_new(ACCOUNT_PATH_MAX);

        x->user = &users->list[i];
        account_entry_path(x->user->kind, slice_of(x->user->address), &path);
        x->path = strbuf_steal(&path);
        x->moved = false;
        if (store_job_run_whole(cli, conf, x->user, &job) != CLI_OK || fix_place(cli, x) != CLI_OK)
            rc = CLI_FAILED;
        xfree(&x->path);
    }
    return rc;
}

static int
move(struct cli *cli, const char *user, struct moving *x)
{
    struct conf *conf = store_job_conf(cli);
    struct store_users users;
    int rc = conf == NULL ? CLI_FAILED : store_users_get(cli, user, &users);

    if (rc == CLI_OK) {
        x->table = table_new(columns, ARRAY_LEN(columns));
        rc = move_each(cli, conf, &users, x);
        table_print(&x->table, cli->json);
        store_users_free(&users);
    }
    conf_free(&conf);
    return rc;
}

int
store_cmd_move(struct cli *cli, int argc, char **argv)
{
    const char *user = NULL;
    struct moving x = {0};
    const struct cli_option options[] = {
        {"--user", CLI_TEXT, &user}, {"--from", CLI_TEXT, &x.from}, {"--to", CLI_TEXT, &x.to}};

    if (cli_options(cli, &argc, argv, options, ARRAY_LEN(options), 0, 0) != 0)
        return CLI_USAGE;
    if (x.to == NULL || (user == NULL) == (x.from == NULL))
        return cli_usage(cli, "expected --to ID, and either --user ADDRESS or --from ID");
    if (!store_dir_id_valid(slice_of(x.to)))
        return cli_usage(cli, "%s is no ID of a storage directory: 'posthorn store dirs'", x.to);
    return move(cli, user, &x);
}
