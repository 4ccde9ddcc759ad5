/*
 * t/unit/test_db.c - lib/db: transactions, order, one owner, and what a kill leaves behind.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/base/parse.h"
#include "lib/db/db.h"
#include "t/unit/scratch.h"

#define KILLS 12

static struct db *
open_db(struct strbuf *error)
{
    const struct db_options options = {
        .home = ".", .file = "test.db", .cache_bytes = 1u << 20, .lock_wait_ms = 0};

    return db_open(&options, error);
}

static struct db *
begin(void)
{
    struct strbuf error = strbuf_new(1000);
    struct db *db;

    ck_assert_ptr_nonnull(scratch_make());
    ck_assert_int_eq(chdir(scratch_dir), 0);
    db = open_db(&error);
    ck_assert_msg(db != NULL, "%s", strbuf_cstr(&error));
    strbuf_free(&error);
    return db;
}

static void
end(struct db **db)
{
    db_close(db);
    ck_assert_int_eq(chdir("/"), 0);
    scratch_remove();
}

START_TEST(an_aborted_transaction_leaves_nothing)
{
    struct db *db = begin();
    struct slice value;

    ck_assert_int_eq(db_begin(db), 0);
    ck_assert_int_eq(db_put(db, SLICE("a"), SLICE("1")), 0);
    ck_assert_int_eq(db_commit(db), 0);
    ck_assert_int_eq(db_begin(db), 0);
    ck_assert_int_eq(db_put(db, SLICE("a"), SLICE("2")), 0);
    ck_assert_int_eq(db_put(db, SLICE("b"), SLICE("2")), 0);
    ck_assert_int_eq(db_get(db, SLICE("b"), &value), 0); /* its own changes are seen */
    db_abort(db);
    ck_assert_int_eq(db_get(db, SLICE("a"), &value), 0);
    ck_assert(slice_eq(value, SLICE("1")));
    ck_assert_int_eq(db_get(db, SLICE("b"), &value), -1);
    ck_assert_int_eq(errno, ENOENT);
    ck_assert_int_eq(db_del(db, SLICE("b")), -1);
    ck_assert_int_eq(errno, ENOENT);
    end(&db);
}
END_TEST

START_TEST(a_cursor_goes_in_the_order_of_bytes)
{
    static const char *const keys[] = {"b", "a\xff", "", "a", "ab"};
    struct db *db = begin();
    struct strbuf seen = strbuf_new(100);
    struct slice key, value;
    struct db_cursor *cursor;

    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        ck_assert_int_eq(db_put(db, slice_of(keys[i]), SLICE("v")), 0);
    cursor = db_cursor_open(db, SLICE("a"));
    while (db_cursor_next(cursor, &key, &value) == 1) {
        (void)strbuf_append(&seen, key);
        (void)strbuf_char(&seen, ';');
    }
    db_cursor_close(&cursor);
    ck_assert_str_eq(strbuf_cstr(&seen), "a;ab;a\xff;b;");
    strbuf_free(&seen);
    end(&db);
}
END_TEST

START_TEST(there_is_one_owner)
{
    struct db *db = begin();
    struct strbuf error = strbuf_new(1000);
    int status;
    pid_t child = fork(); /* a lock of one process does not stop the same process */

    if (child == 0)
        _exit(open_db(&error) == NULL && strstr(strbuf_cstr(&error), "in use by process") ? 0 : 1);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    strbuf_free(&error);
    end(&db);
}
END_TEST

/* Writes the numbers 1, 2, ... under two keys in one transaction each, and tells each commit. */
static _Noreturn void
count_up(int tell_fd)
{
    struct strbuf error = strbuf_new(1000), text = strbuf_new(100);
    struct db *db = open_db(&error);

    for (uint64_t i = 1; db != NULL; i++) {
        strbuf_clear(&text);
        (void)strbuf_u64(&text, i);
        if (db_begin(db) < 0 || db_put(db, SLICE("one"), strbuf_slice(&text)) < 0 ||
            db_put(db, SLICE("two"), strbuf_slice(&text)) < 0 || db_commit(db) < 0 ||
            write_all(tell_fd, slice_make(&i, sizeof(i))) < 0)
            break;
    }
    _exit(1);
}

static uint64_t
number(struct db *db, struct slice key)
{
    struct slice value;
    uint64_t n = 0;

    if (db_get(db, key, &value) == 0)
        ck_assert_int_eq(parse_u64(value, UINT64_MAX, &n), 0);
    return n;
}

START_TEST(a_kill_loses_no_commit_and_splits_none)
{
    struct db *db = begin();

    for (int round = 0; round < KILLS; round++) {
        struct strbuf error = strbuf_new(1000);
        uint64_t told = 0, last = 0;
        int fds[2];
        pid_t child;

        db_close(&db);
        ck_assert_int_eq(pipe(fds), 0);
        child = fork();
        if (child == 0)
            count_up(fds[1]);
        (void)close(fds[1]);
        for (int i = 0; i < 5 + round * 7; i++)
            ck_assert_int_eq(read_exact(fds[0], &told, sizeof(told)), 0);
        ck_assert_int_eq(kill(child, SIGKILL), 0);
        ck_assert_int_eq(waitpid(child, NULL, 0), child);
        while (read_exact(fds[0], &last, sizeof(last)) == 0)
            told = last;
        (void)close(fds[0]);
        db = open_db(&error);
        ck_assert_msg(db != NULL, "%s", strbuf_cstr(&error));
        ck_assert_uint_eq(number(db, SLICE("one")), number(db, SLICE("two")));
        ck_assert_uint_ge(number(db, SLICE("one")), told);
        ck_assert_uint_le(number(db, SLICE("one")), told + 1);
        strbuf_free(&error);
    }
    end(&db);
}
END_TEST

START_TEST(a_checkpoint_keeps_what_is_there)
{
    struct db *db = begin();
    struct strbuf error = strbuf_new(1000);
    struct slice value;
    char key[32], big[1000];

    memset(big, 'x', sizeof(big));
    for (int i = 0; i < 3000; i++) {
        (void)snprintf(key, sizeof(key), "%d", i);
        if (i % 500 == 0)
            ck_assert_int_eq(db_begin(db), 0);
        ck_assert_int_eq(db_put(db, slice_of(key), slice_make(big, sizeof(big))), 0);
        if (i % 500 == 499)
            ck_assert_int_eq(db_commit(db), 0);
    }
    ck_assert_int_eq(db_checkpoint(db), 0);
    ck_assert(!db_broken(db));
    db_close(&db);
    db = open_db(&error);
    ck_assert_msg(db != NULL, "%s", strbuf_cstr(&error));
    ck_assert_int_eq(db_get(db, SLICE("2999"), &value), 0);
    ck_assert_uint_eq(value.len, sizeof(big));
    strbuf_free(&error);
    end(&db);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("db");
    TCase *tc = tcase_create("db");
    SRunner *sr;
    int failed;

    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, an_aborted_transaction_leaves_nothing);
    tcase_add_test(tc, a_cursor_goes_in_the_order_of_bytes);
    tcase_add_test(tc, there_is_one_owner);
    tcase_add_test(tc, a_kill_loses_no_commit_and_splits_none);
    tcase_add_test(tc, a_checkpoint_keeps_what_is_there);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
