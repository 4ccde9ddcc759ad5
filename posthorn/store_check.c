/*
 * posthorn/store_check.c - `store check`: is users' mail on disk whole?
 */
#include <stdlib.h>

#include "lib/base/mem.h"
#include "lib/store/check.h"
#include "posthorn/orphan_notes.h"
#include "posthorn/store_commands.h"
#include "posthorn/store_job.h"

static const struct column columns[] = {
    {"address", COLUMN_TEXT, false}, {"folder", COLUMN_TEXT, false},
    {"uid", COLUMN_NUMBER, false},   {"problem", COLUMN_TEXT, false},
    {"outcome", COLUMN_TEXT, false}, {"detail", COLUMN_TEXT, false}};

static const char *const outcomes[] = {[CHECK_NOTE] = "harmless",
                                       [CHECK_LEFT] = "left",
                                       [CHECK_REPAIRED] = "repaired",
                                       [CHECK_LOST] = "lost"};

struct checking {
    struct check_options options;
    const struct store_user *user;
    struct orphan_notes *notes; /* NULL: not all stores are looked through */
    struct table *table;
    struct store_job_output *out; /* in the child */
    bool wrong;                   /* something is, or something was lost */
};

/* ---- the child ---- */

static void
tell(void *arg, const struct check_finding *f)
{
    struct checking *c = arg;
    struct strbuf uid = strbuf_new(16);
    struct object_field fields[] = {
        {SLICE("address"), slice_of(c->user->address)},
        {SLICE("folder"), slice_of(f->folder)},
        {SLICE("uid"), SLICE("")},
        {SLICE("problem"), slice_of(f->problem)},
        {SLICE("outcome"), slice_of(outcomes[f->outcome])},
        {SLICE("detail"), slice_of(f->detail)},
    };

    if (f->uid != 0) {
        (void)strbuf_u64(&uid, f->uid);
        fields[2].value = strbuf_slice(&uid);
    }
    store_job_row(c->out, fields, ARRAY_LEN(fields));
    strbuf_free(&uid);
}

static int
work(void *arg, int mail_fd, int other_fd, struct store_job_output *out)
{
    struct checking *c = arg;
    struct check_totals totals;

    (void)other_fd;
    c->out = out;
    c->options.found = tell;
    c->options.arg = c;
    if (c->notes != NULL)
        orphan_notes_send_folders(mail_fd, out);
    if (store_check(mail_fd, &c->options, &totals) < 0)
        return -1;
    if (c->notes != NULL)
        orphan_notes_send(c->notes, mail_fd, out);
    return 0;
}

/* ---- the parent ---- */

static void
take(void *arg, const struct object_field *fields, uint32_t count)
{
    struct checking *c = arg;
    struct slice outcome = object_get(fields, count, "outcome");

    if (c->notes != NULL && orphan_notes_take(c->notes, c->user, fields, count))
        return;
    c->wrong |= slice_eq(outcome, SLICE("left")) || slice_eq(outcome, SLICE("lost"));
    table_add(c->table, fields, count);
}

static void
orphan(void *arg, const struct store_user *user, const char *id)
{
    struct checking *c = arg;
    enum check_outcome outcome = c->options.repair ? CHECK_REPAIRED : CHECK_NOTE;
    const struct object_field fields[] = {
        {SLICE("address"), slice_of(user->address)},
        {SLICE("folder"), SLICE("")},
        {SLICE("uid"), SLICE("")},
        {SLICE("problem"), SLICE("annotations_orphaned")},
        {SLICE("outcome"), slice_of(outcomes[outcome])},
        {SLICE("detail"), slice_of(id)},
    };

    table_add(c->table, fields, ARRAY_LEN(fields));
}

static int
check_each(struct cli *cli, const struct conf *conf, const struct store_users *users,
           struct checking *c)
{
    int rc = CLI_OK;

    for (size_t i = 0; i < users->count; i++) {
        const struct store_job job = {
            .work = work, .row = take, .arg = c, .other_fd = -1, .missing_is_fine = true};

        c->user = &users->list[i];
        if (store_job_run(cli, conf, c->user, &job) == CLI_OK)
            continue;
        rc = CLI_FAILED;
        if (c->notes != NULL)
            orphan_notes_incomplete(c->notes);
    }
    if (c->notes != NULL &&
        orphan_notes_finish(c->notes, cli, conf, c->options.repair, orphan, c) != CLI_OK)
        rc = CLI_FAILED;
    return rc == CLI_OK && c->wrong ? CLI_FAILED : rc;
}

int
store_cmd_check(struct cli *cli, int argc, char **argv)
{
    const char *user = NULL;
    bool all = false, slow = false;
    struct checking c = {0};
    const struct cli_option options[] = {{"--user", CLI_TEXT, &user},
                                         {"--all", CLI_FLAG, &all},
                                         {"--repair", CLI_FLAG, &c.options.repair},
                                         {"--slow", CLI_FLAG, &slow}};
    struct store_users users;
    struct conf *conf;
    int rc;

    if (cli_options(cli, &argc, argv, options, ARRAY_LEN(options), 0, 0) != 0)
        return CLI_USAGE;
    if (all == (user != NULL))
        return cli_usage(cli, "expected either --user ADDRESS or --all");
    conf = store_job_conf(cli);
    if (conf == NULL)
        return CLI_FAILED;
    rc = store_users_get(cli, user, &users);
    if (rc == CLI_OK) {
        c.options.undelete_days = (uint32_t)conf_u64(conf, STORE_UNDELETE_DAYS);
        if (slow)
            c.options.bytes_per_second = conf_u64(conf, STORE_SCRUB_RATE);
        if (all)
            c.notes = orphan_notes_new();
        c.table = table_new(columns, ARRAY_LEN(columns));
        rc = check_each(cli, conf, &users, &c);
        table_print(&c.table, cli->json);
        orphan_notes_free(&c.notes);
        store_users_free(&users);
    }
    conf_free(&conf);
    return rc;
}
