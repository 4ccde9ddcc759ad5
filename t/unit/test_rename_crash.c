/*
 * t/unit/test_rename_crash.c - kills a process at each system call of a rename: what is there then
 * is the old state or the new one, in the account base and in the store.
 */
// LINK: local-deliver/user_dir.c
#include "t/unit/account_base.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "lib/account/jobs.h"
#include "lib/account/query.h"
#include "lib/account/totals.h"
#include "lib/ipc/local_deliver.h"
#include "local-deliver/user_dir.h"
#include "t/unit/crash_point.h"

enum { STEPS_MAX = 100 };

struct renaming {
    enum account_kind kind;
    const char *old_name, *new_name;
    const char *user[2], *alias[2], *group[2]; /* before and after */
};
static const struct renaming renamings[] = {
    {ACCOUNT_USER,
     "alice@d.test",
     "al@d.test",
     {"alice@d.test", "al@d.test"},
     {"sales@d.test", "sales@d.test"},
     {"team@d.test", "team@d.test"}},
    {ACCOUNT_USER,
     "alice@d.test",
     "alice@e.test",
     {"alice@d.test", "alice@e.test"},
     {"sales@d.test", "sales@d.test"},
     {"team@d.test", "team@d.test"}},
    {ACCOUNT_DOMAIN,
     "d.test",
     "n.test",
     {"alice@d.test", "alice@n.test"},
     {"sales@d.test", "sales@n.test"},
     {"team@d.test", "team@n.test"}},
};

static void
populate(void)
{
    test_populate();
    ck_assert_uint_eq(test_add(ACCOUNT_DOMAIN, "e.test", NULL, NULL), 0);
    ck_assert_uint_eq(test_add(ACCOUNT_ALIAS, "sales@d.test", "mailbox", "alice@d.test"), 0);
    ck_assert_uint_eq(test_add(ACCOUNT_GROUP, "team@d.test", NULL, NULL), 0);
    ck_assert_uint_eq(test_member("team@d.test", "alice@d.test"), 0);
    ck_assert_uint_eq(test_add(ACCOUNT_USER, "eve@e.test", "forward", "alice@d.test"), 0);
}

static int
finish_job(void *arg, const struct account_job *job)
{
    unsigned *renames = arg;

    *renames += job->op == ACCOUNT_JOB_RENAME;
    return account_job_done(&test_base, job->sequence);
}

static unsigned
finish_jobs(void)
{
    unsigned renames = 0;

    ck_assert_int_eq(account_jobs_each(&test_base, 0, finish_job, &renames), 0);
    return renames;
}

static void
rename_in_child(void *arg)
{
    const struct renaming *r = arg;

    test_base.db = NULL; /* the parent has closed it */
    test_reopen();
    crash_mark();
    test_begin();
    (void)test_end(
        account_rename(&test_edit, r->kind, slice_of(r->old_name), slice_of(r->new_name)));
}

static bool
exists(const char *name)
{
    struct account_hit hit = account_hit_new();
    bool found = account_find_exact(&test_base, slice_of(name), &hit) == ACCOUNT_FOUND;

    account_hit_free(&hit);
    return found;
}

static bool
says(enum account_kind kind, const char *name, const char *property, const char *value)
{
    struct object_field fields[RECORD_PROPERTIES_MAX];
    struct query_row row = query_row_new();
    bool same = query_show(&test_base, kind, slice_of(name), &row, &test_result) == 0 &&
                slice_eq(object_get(fields, query_fields(&test_base, &row, fields), property),
                         slice_of(value));

    query_row_free(&row);
    return same;
}

/* Everything is of one side: 0 the old one, 1 the new one. */
static int
side_of(const struct renaming *r, int step)
{
    int side = exists(r->user[1]) ? 1 : 0;

    ck_assert_msg(!exists(r->user[1 - side]) && exists(r->user[side]), "step %d: two names", step);
    ck_assert_msg(says(ACCOUNT_ALIAS, r->alias[side], "mailbox", r->user[side]), "step %d: alias",
                  step);
    ck_assert_msg(says(ACCOUNT_USER, r->user[side], "groups", r->group[side]), "step %d: group",
                  step);
    ck_assert_msg(says(ACCOUNT_USER, "eve@e.test", "forward", r->user[side]), "step %d: forward",
                  step);
    ck_assert_msg((finish_jobs() > 0) == (side == 1), "step %d: the store is told of it", step);
    ck_assert_int_eq(account_totals_recount(&test_base), 0);
    return side;
}

START_TEST(the_base_has_one_state_or_the_other)
{
    const struct renaming *r = &renamings[_i];
    int status = -1, step = 0, seen[2] = {0, 0};

    crash_waits_for_mark = true;
    populate();
    (void)finish_jobs();
    while (status != 0) {
        int side;

        ck_assert_int_lt(++step, STEPS_MAX);
        account_db_close(&test_base.db);
        account_base_free(&test_base);
        (void)crash_run(rename_in_child, (void *)(uintptr_t)r, CRASH_KILL, step, &status);
        test_base.db = NULL;
        test_reopen();
        side = side_of(r, step);
        seen[side]++;
        ck_assert_msg(status != 0 || side == 1, "what was confirmed is there");
        if (side == 1) {
            ck_assert_uint_eq(test_rename(r->kind, r->new_name, r->old_name), 0);
            (void)finish_jobs();
        }
    }
    ck_assert_int_gt(seen[0], 0); /* both sides were met, or no step was at the right place */
    ck_assert_int_gt(seen[1], 0);
    test_close();
}
END_TEST

/* ---- the store ---- */

static struct store_dirs dirs;

#define OLD_PATH "d.test/aa/alice"
#define NEW_PATH "n.test/bb/al"

static void
rename_directory(void *arg)
{
    (void)arg;
    _exit(user_dir_rename(&dirs, SLICE(OLD_PATH), SLICE(NEW_PATH), true) == 0 ? 0 : 1);
}

static bool
has_mail(const char *path)
{
    char name[200];
    struct stat st;

    (void)snprintf(name, sizeof(name), "%s/mail/message", path);
    return stat(name, &st) == 0;
}

START_TEST(a_directory_is_at_one_place_or_the_other)
{
    int status = -1, step = 0;

    ck_assert_ptr_nonnull(scratch_make());
    ck_assert_int_eq(chdir(scratch_dir), 0);
    crash_waits_for_mark = false;
    dirs = (struct store_dirs){.main_fd = open(".", O_RDONLY | O_DIRECTORY), .others_fd = -1};
    ck_assert_int_eq(store_dirs_mark(dirs.main_fd, STORE_DIR_MAIN), 0);
    ck_assert_int_eq(mkdir("d.test", 0700) | mkdir("d.test/aa", 0700) |
                         mkdir("d.test/aa/alice", 0700) | mkdir("d.test/aa/alice/mail", 0700),
                     0);
    (void)close(open("d.test/aa/alice/mail/message", O_CREAT | O_WRONLY, 0600));
    while (status != 0) {
        ck_assert_int_lt(++step, STEPS_MAX);
        (void)crash_run(rename_directory, NULL, CRASH_KILL, step, &status);
        ck_assert_int_le(status, 0); /* killed, or done */
        ck_assert_msg(has_mail(OLD_PATH) != has_mail(NEW_PATH), "step %d", step);
        /* accountd asks again until it is told that it is done */
        ck_assert_int_eq(user_dir_rename(&dirs, SLICE(OLD_PATH), SLICE(NEW_PATH), true), 0);
        ck_assert_msg(has_mail(NEW_PATH) && !has_mail(OLD_PATH), "step %d, again", step);
        ck_assert_int_eq(user_dir_rename(&dirs, SLICE(NEW_PATH), SLICE(OLD_PATH), true), 0);
    }
    ck_assert_int_gt(step, 2);
    (void)close(dirs.main_fd);
    ck_assert_int_eq(chdir("/"), 0);
    scratch_remove();
}
END_TEST

int
main(void)
{
    TCase *tc = tcase_create("rename_crash");

    tcase_set_timeout(tc, 120);
    tcase_add_loop_test(tc, the_base_has_one_state_or_the_other, 0, (int)ARRAY_LEN(renamings));
    tcase_add_test(tc, a_directory_is_at_one_place_or_the_other);
    return test_run(suite_create("rename_crash"), tc);
}
