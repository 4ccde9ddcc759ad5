/*
 * t/unit/test_fts.c - lib/fts: no match is missed, and sessions share an index.
 */
#include <malloc.h>
#include <sys/wait.h>

#include "lib/sys/sandbox.h"
#include "t/unit/fts_test.h"

#define SOME_UID 64321

/* ---- answers ---- */

START_TEST(every_match_is_a_candidate)
{
    index_up_to(200);
    ck_assert_uint_eq(last_uid(), 199);
    ck_assert_uint_gt(check_answers(), NEEDLES / 2);
}
END_TEST

START_TEST(few_others_are)
{
    struct fts *fts;
    struct fts_uids uids;

    index_up_to(200);
    fts = fts_open(&folder, FTS_READ);
    ck_assert_int_eq(ask(fts, "nothing of the kind", &uids), FTS_CANDIDATES);
    ck_assert_uint_eq(uids.count, 0);
    free(uids.uids);
    ck_assert_int_eq(ask(fts, "服务器", &uids), FTS_CANDIDATES);
    for (size_t i = 0; i < uids.count; i++)
        ck_assert(matches(kind_of(uids.uids[i]), "服务器"));
    free(uids.uids);
    fts_close(&fts);
}
END_TEST

START_TEST(a_name_that_only_escapes_show_is_found)
{
    struct fts *fts;
    struct fts_uids uids;

    index_up_to(20);
    fts = fts_open(&folder, FTS_READ);
    ck_assert_int_eq(ask(fts, "für März.pdf", &uids), FTS_CANDIDATES);
    ck_assert(is_candidate(&uids, 2 * SEARCH_NAMES + 1));
    free(uids.uids);
    fts_close(&fts);
}
END_TEST

static const char *const undecided[] = {"", "a", "ab", "a-b c.d", "--", " ", "шл", "…", "\xff\xfe"};

START_TEST(what_has_no_gram_is_for_a_scan)
{
    struct fts *fts;
    struct fts_uids uids;

    index_up_to(20);
    fts = fts_open(&folder, FTS_READ);
    ck_assert_int_eq(ask(fts, undecided[_i], &uids), FTS_UNDECIDED);
    ck_assert_ptr_null(uids.uids);
    fts_close(&fts);
}
END_TEST

START_TEST(a_long_string_is_fine)
{
    struct strbuf needle = strbuf_new(1 << 20);
    struct fts *fts;
    struct fts_uids uids;

    ck_assert(strbuf_str(&needle, "\r\n"));
    for (unsigned i = 0; i < 5000; i++)
        ck_assert(strbuf_printf(&needle, "word%u ", i));
    fts = fts_open(&folder, FTS_WRITE);
    ck_assert_int_eq(add(fts, 3, strbuf_slice(&needle)), 0);
    ck_assert_int_eq(fts_commit(fts), 0);
    fts_close(&fts);
    fts = fts_open(&folder, FTS_READ);
    ck_assert_int_eq(ask(fts, strbuf_cstr(&needle), &uids), FTS_CANDIDATES);
    ck_assert_uint_eq(uids.count, 1);
    free(uids.uids);
    fts_close(&fts);
    strbuf_free(&needle);
}
END_TEST

/* Too much text, not readable: never excluded, and in order among the others. */
START_TEST(what_cannot_be_indexed_is_always_a_candidate)
{
    struct strbuf text = strbuf_new(4 << 20);
    struct fts *fts;
    struct fts_uids uids;

    ck_assert(strbuf_str(&text, "\r\n"));
    while (text.len <= FTS_TEXT_MAX)
        ck_assert(strbuf_str(&text, "many words and little sense "));
    fts = fts_open(&folder, FTS_WRITE);
    ck_assert_int_eq(add(fts, 1, slice_of("\r\nneedle\r\n")), 0);
    ck_assert_int_eq(add(fts, 2, strbuf_slice(&text)), 0);
    ck_assert_int_eq(add(fts, 3, slice_of("\r\nneedle\r\n")), 0);
    ck_assert_int_eq(fts_add_unread(fts, 7), 0);
    ck_assert_int_eq(add(fts, 8, slice_of("\r\nhaystack\r\n")), 0);
    ck_assert_int_eq(fts_commit(fts), 0);
    fts_close(&fts);
    fts = fts_open(&folder, FTS_READ);
    ck_assert_int_eq(ask(fts, "needle", &uids), FTS_CANDIDATES);
    ck_assert_uint_eq(uids.count, 4);
    ck_assert_uint_eq(uids.uids[1], 2);
    ck_assert_uint_eq(uids.uids[3], 7);
    free(uids.uids);
    fts_close(&fts);
    strbuf_free(&text);
}
END_TEST

/* ---- sessions ---- */

START_TEST(sessions_go_on_where_others_ended)
{
    for (uint32_t last = 10; last <= 400; last += 10)
        index_up_to(last);
    ck_assert_uint_eq(last_uid(), 399);
    ck_assert_uint_gt(check_answers(), 0);
}
END_TEST

START_TEST(there_is_none_before_somebody_made_one)
{
    ck_assert_ptr_null(fts_open(&folder, FTS_READ));
    ck_assert_int_eq(errno, ENOENT);
    ck_assert_int_eq(faccessat(dir_fd, INDEX, F_OK, 0), -1);
}
END_TEST

START_TEST(where_nothing_may_be_written_it_is_only_asked)
{
    index_up_to(50);
    folder.read_only = true;
    ck_assert_ptr_null(fts_open(&folder, FTS_WRITE));
    ck_assert_int_eq(errno, EROFS);
    ck_assert_uint_gt(check_answers(), 0);
}
END_TEST

START_TEST(another_uidvalidity_is_another_folder)
{
    index_up_to(50);
    folder.uidvalidity++;
    ck_assert_ptr_null(fts_open(&folder, FTS_READ));
    ck_assert_int_eq(errno, ENOENT);
    index_up_to(10);
    ck_assert_uint_eq(last_uid(), 9);
}
END_TEST

START_TEST(what_is_not_committed_never_was)
{
    struct fts *fts;

    index_up_to(50);
    fts = fts_open(&folder, FTS_WRITE);
    ck_assert_int_eq(add(fts, 51, slice_of("\r\nforgotten\r\n")), 0);
    fts_close(&fts);
    ck_assert_uint_eq(last_uid(), 49);
    ck_assert_uint_gt(check_answers(), 0);
}
END_TEST

START_TEST(a_worn_index_starts_anew)
{
    struct fts *fts = fts_open(&folder, FTS_WRITE);

    for (uint32_t uid = 1; uid <= 3000; uid++)
        ck_assert_int_eq(add(fts, uid, slice_of("\r\nshort\r\n")), 0);
    ck_assert(!fts_is_worn(fts, 3000));
    ck_assert(!fts_is_worn(fts, 2001)); /* 999 dead are not worth it */
    ck_assert(fts_is_worn(fts, 2000));
    ck_assert_int_eq(fts_empty(fts), 0);
    ck_assert_uint_eq(fts_last_uid(fts), 0);
    ck_assert_int_eq(add(fts, 2000, slice_of("\r\nshort\r\n")), 0);
    ck_assert_int_eq(fts_commit(fts), 0);
    fts_close(&fts);
    ck_assert_uint_eq(last_uid(), 2000);
}
END_TEST

START_TEST(a_batch_ends)
{
    struct fts *fts = fts_open(&folder, FTS_WRITE);
    uint32_t uid = 0;

    while (!fts_batch_full(fts))
        ck_assert_int_eq(add(fts, ++uid, slice_of("\r\n\r\n")), 0);
    ck_assert_uint_eq(uid, FTS_BATCH_MESSAGES);
    fts_close(&fts);
}
END_TEST

/* A child that holds the index for writing until it is told to commit. */
static pid_t
start_writer(int *tell)
{
    int ready[2], go[2];
    char byte;
    pid_t pid;

    ck_assert(pipe(ready) == 0 && pipe(go) == 0);
    pid = fork();
    if (pid == 0) {
        struct fts *fts = fts_open(&folder, FTS_WRITE);

        if (fts == NULL || add(fts, 51, slice_of("\r\nlate\r\n")) < 0 ||
            write(ready[1], "r", 1) != 1 || read(go[0], &byte, 1) != 1 || fts_commit(fts) < 0)
            _exit(1);
        fts_close(&fts);
        _exit(0);
    }
    ck_assert_int_eq(read(ready[0], &byte, 1), 1);
    *tell = go[1];
    return pid;
}

START_TEST(one_writes_and_others_wait_for_its_batch)
{
    int tell, status;
    pid_t pid;

    index_up_to(50);
    pid = start_writer(&tell);
    ck_assert_ptr_null(fts_open(&folder, FTS_WRITE));
    ck_assert_int_eq(errno, EWOULDBLOCK);
    ck_assert_ptr_null(fts_open(&folder, FTS_READ)); /* after FTS_WAIT_MS */
    ck_assert_int_eq(errno, EWOULDBLOCK);
    ck_assert_int_eq(write(tell, "g", 1), 1);
    ck_assert_uint_eq(last_uid(), 51); /* waits for the end of the batch */
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
}
END_TEST

START_TEST(readers_do_not_wait_for_each_other)
{
    struct fts *first, *second;
    struct fts_uids uids;

    index_up_to(50);
    first = fts_open(&folder, FTS_READ);
    second = fts_open(&folder, FTS_READ);
    ck_assert(first != NULL && second != NULL);
    ck_assert_ptr_null(fts_open(&folder, FTS_WRITE));
    ck_assert_int_eq(ask(second, "world", &uids), FTS_CANDIDATES);
    free(uids.uids);
    fts_close(&second);
    fts_close(&first);
    index_up_to(60);
}
END_TEST

/* What the allocator keeps for later has an end; an index that stays open has none. */
START_TEST(memory_goes_with_the_index)
{
    size_t before, after;

    index_up_to(50);
    before = mallinfo2().uordblks + mallinfo2().hblkhd;
    for (unsigned round = 0; round < 100; round++)
        ck_assert(last_uid() == 49 && try_index_up_to(50) == 0);
    after = mallinfo2().uordblks + mallinfo2().hblkhd;
    ck_assert_msg(after < before + 100000, "%zu, then %zu", before, after);
}
END_TEST

/* ---- where a session lives ---- */

static int
work_in_sandbox(int empty_fd)
{
    const struct sandbox box = {
        .uid = SOME_UID,
        .gid = SOME_UID,
        .chroot_fd = empty_fd,
        .landlock = true,
        .dirs = {{dir_fd, SANDBOX_READ | SANDBOX_WRITE}},
        .dir_count = 1,
        .calls = SANDBOX_FILES | SANDBOX_RESTRICT,
    };

    if (sandbox_enter(&box) < 0)
        return 2;
    if (open("/etc/passwd", O_RDONLY | O_CLOEXEC) >= 0)
        return 3;
    index_up_to(50);
    index_up_to(100);
    if (last_uid() != 99 || check_answers() < NEEDLES / 2)
        return 4;
    return 0;
}

START_TEST(it_works_in_a_sandbox_with_a_descriptor_alone)
{
    char empty[] = "/tmp/posthorn-test-empty-XXXXXX"; /* not below what is allowed */
    int status, empty_fd;
    pid_t pid;

    ck_assert_ptr_nonnull(mkdtemp(empty));
    empty_fd = open(empty, O_PATH | O_DIRECTORY | O_CLOEXEC);
    ck_assert_int_eq(rmdir(empty), 0);
    ck_assert_int_eq(fchmod(dir_fd, 0777), 0);
    pid = fork();
    if (pid == 0)
        _exit(work_in_sandbox(empty_fd));
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_msg(status == 0, "status %x", (unsigned)status);
    (void)close(empty_fd);
    ck_assert_int_eq(chown(scratch_dir, geteuid(), getegid()), 0);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("fts");
    TCase *tc = tcase_create("fts");
    SRunner *sr;
    int failed;

    tcase_add_checked_fixture(tc, begin, end);
    tcase_set_timeout(tc, 300);
    tcase_add_test(tc, every_match_is_a_candidate);
    tcase_add_test(tc, few_others_are);
    tcase_add_test(tc, a_name_that_only_escapes_show_is_found);
    tcase_add_loop_test(tc, what_has_no_gram_is_for_a_scan, 0, (int)ARRAY_LEN(undecided));
    tcase_add_test(tc, a_long_string_is_fine);
    tcase_add_test(tc, what_cannot_be_indexed_is_always_a_candidate);
    tcase_add_test(tc, sessions_go_on_where_others_ended);
    tcase_add_test(tc, there_is_none_before_somebody_made_one);
    tcase_add_test(tc, where_nothing_may_be_written_it_is_only_asked);
    tcase_add_test(tc, another_uidvalidity_is_another_folder);
    tcase_add_test(tc, what_is_not_committed_never_was);
    tcase_add_test(tc, a_worn_index_starts_anew);
    tcase_add_test(tc, a_batch_ends);
    tcase_add_test(tc, one_writes_and_others_wait_for_its_batch);
    tcase_add_test(tc, readers_do_not_wait_for_each_other);
    tcase_add_test(tc, memory_goes_with_the_index);
    tcase_add_test(tc, it_works_in_a_sandbox_with_a_descriptor_alone);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
