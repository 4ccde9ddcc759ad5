/*
 * t/unit/test_store_crash.c - kills a process at each system call of an operation, then looks
 * whether the store kept its promises.
 *
 * What a kill leaves is what a power cut may leave at most, less what was not flushed: that is
 * test_store_flush.c, and on a real file system t/e2e/test_powercut.py.
 */
#include "t/unit/store_operations.h"

#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include "lib/store/check.h"
#include "t/unit/crash_point.h"

#define STEPS_MAX 2000

/* The totals are what the folders hold. */
static void
totals_hold(void)
{
    uint64_t bytes, messages, counted_bytes = 0, counted = 0;
    struct mailbox_info info;

    ck_assert_int_eq(store_usage(store_test, &bytes, &messages), 0);
    for (size_t i = 0; i < ARRAY_LEN(folders); i++)
        if (mailbox_status(store_test, slice_of(folders[i]), &info) == 0) {
            counted_bytes += info.bytes;
            counted += info.count;
        }
    ck_assert_uint_eq(messages, counted);
    ck_assert_uint_eq(bytes, counted_bytes);
}

/* Runs the operation in a child and kills it before its `step`th system call. True: it came to its
 * end before. */
static bool
run_until(const struct operation *op, unsigned step)
{
    int status;
    unsigned stops = 0;
    pid_t pid = fork();

    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0 || raise(SIGSTOP) != 0)
            _exit(9);
        op->run();
        _exit(0);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFSTOPPED(status));
    while (stops < 2 * step - 1) { /* each call stops at its entry and at its end */
        ck_assert_int_eq(ptrace(PTRACE_SYSCALL, pid, NULL, NULL), 0);
        ck_assert_int_eq(waitpid(pid, &status, 0), pid);
        if (!WIFSTOPPED(status)) {
            ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "%s: status %x", op->name,
                          status);
            return true;
        }
        stops++;
    }
    (void)kill(pid, SIGKILL);
    (void)waitpid(pid, &status, 0);
    return WIFEXITED(status);
}

static void
check_finds_nothing(const char *name, unsigned step)
{
    const struct check_options options = {0};
    struct check_totals totals;

    ck_assert_int_eq(store_check(store_test_fd, &options, &totals), 0);
    ck_assert_msg(totals.found[CHECK_LEFT] == 0 && totals.found[CHECK_LOST] == 0,
                  "%s, step %u: store check finds something", name, step);
}

START_TEST(no_step_is_the_wrong_one)
{
    const struct operation *op = &operations[_i];
    bool whole = false;
    unsigned step;

    for (step = 1; !whole; step++) {
        ck_assert_uint_lt(step, STEPS_MAX);
        store_test_options.undelete_days = 0;
        store_test_setup();
        op->before();
        whole = run_until(op, step);
        store_close(&store_test);
        store_test = store_open(store_test_fd, &store_test_options);
        ck_assert_msg(store_test != NULL, "%s, step %u: %s", op->name, step, strerror(errno));
        check_finds_nothing(op->name, step); /* before anybody mended anything */
        count_all();
        op->holds(whole);
        totals_hold();
        (void)store_test_append("INBOX", "7\r\n", 0);
        check_finds_nothing(op->name, step);
        store_test_teardown();
    }
    ck_assert_uint_gt(step, 10);
}
END_TEST

static void
copy_first(void *arg)
{
    (void)arg;
    do_copy();
}

/* A file can have 65,000 names on ext4: a message to so many users is copied then, not refused. */
START_TEST(a_message_with_too_many_links_is_copied)
{
    int status;
    struct mailbox *mb;
    char *text;

    store_test_setup();
    three_messages();
    count_all(); /* every folder has its journal */
    ck_assert_int_ge(crash_run(copy_first, NULL, CRASH_EMLINK, 1, &status), 1);
    ck_assert_int_eq(status, 0);
    count_all();
    copy_holds(true);
    mb = store_test_select("Trash");
    text = store_test_read(mb, 1);
    ck_assert_str_eq(text, "0\r\n");
    free(text);
    mailbox_close(&mb);
    store_test_teardown();
}
END_TEST

/* ---- the first session ---- */

static void
open_first(void *arg)
{
    (void)arg;
    _exit(store_open(store_test_fd, &store_test_options) == NULL ? 2 : 0);
}

static void
count_standard(void *arg, const struct store_folder *folder)
{
    bool is_inbox = slice_eq(slice_of(folder->name), SLICE("INBOX"));

    *(unsigned *)arg +=
        folder->exists && folder->subscribed && (folder->use != STORE_USE_NONE) != is_inbox;
}

/* Whoever opens it while it is made, or after a crash, finds all folders with uses and
 * subscriptions. */
START_TEST(a_new_store_is_never_seen_in_part)
{
    int status, at = 0, calls;

    do {
        unsigned whole = 0;

        store_test_setup_empty();
        calls = crash_run(open_first, NULL, CRASH_KILL, ++at, &status);
        store_test = store_open(store_test_fd, &store_test_options);
        ck_assert_msg(store_test != NULL, "call %d: %s", at, strerror(errno));
        ck_assert_int_eq(store_list(store_test, count_standard, &whole), 0);
        ck_assert_msg(whole == 5, "call %d: %u", at, whole);
        store_test_teardown();
    } while (calls >= at);
    ck_assert_int_gt(at, 10);
}
END_TEST

/* ---- what failed leaves no file ---- */

static void
copy_to_trash(void *arg)
{
    struct mailbox *mb = mailbox_open(store_test, SLICE("INBOX"), false, true);
    struct mailbox_uids uids;
    uint32_t seqs[] = {1, 3};
    int rc = mb == NULL ? -1 : mailbox_copy(mb, seqs, 2, SLICE("Trash"), false, &uids);

    (void)arg;
    mailbox_close(&mb);
    _exit(rc < 0 ? 2 : 0);
}

/* As a session does: what fails is aborted. */
static void
append_to_trash(void *arg)
{
    struct mailbox_append *a = mailbox_append_begin(store_test, SLICE("Trash"));
    struct mailbox_uids uids;
    int rc = a == NULL ? -1 : 0;

    (void)arg;
    for (unsigned i = 0; i < 2 && rc == 0; i++) {
        rc = mailbox_append_fd(a) < 0 ? -1 : write_all(mailbox_append_fd(a), SLICE("3\r\n"));
        if (rc == 0)
            rc = mailbox_append_message(a, 0, NULL, 0, 1);
    }
    if (rc == 0)
        rc = mailbox_append_commit(&a, &uids);
    else
        mailbox_append_abort(&a);
    _exit(rc < 0 ? 2 : 0);
}

static void (*const full_disk_works[])(void *arg) = {copy_to_trash, append_to_trash};

START_TEST(what_met_a_full_disk_leaves_no_file)
{
    bool failed = false;
    int status, calls, at = 0;

    do { /* until it came to its end before */
        struct mailbox_info info;

        store_test_setup();
        three_messages();
        count_all(); /* every folder has its journal */
        calls = crash_run(full_disk_works[_i], NULL, CRASH_ENOSPC, ++at, &status);
        failed |= status == 2;
        count_all(); /* what may be there is settled */
        ck_assert_int_eq(mailbox_status(store_test, SLICE("Trash"), &info), 0);
        ck_assert_msg(store_test_files_in(".Trash/cur") == info.count, "call %d: %u files for %u",
                      at, store_test_files_in(".Trash/cur"), info.count);
        ck_assert_msg(store_test_files_in(".Trash/tmp") == 0, "call %d", at);
        store_test_teardown();
    } while (calls >= at);
    ck_assert(failed);
}
END_TEST

static void
deliver_one(void *arg)
{
    (void)arg;
    _exit(deliver_text("0", false) == DELIVERY_OK ? 0 : 2);
}

/* Its sender tries again later, under the same queue id, or gives up: nothing else would look for
 * the file. */
START_TEST(a_delivery_that_met_a_full_disk_leaves_no_file)
{
    unsigned failed = 0;
    int status, calls, at = 0;

    do {
        unsigned files;

        store_test_setup();
        make_queue();
        ck_assert_int_eq(deliver_text("1", false), DELIVERY_OK);
        calls = crash_run(deliver_one, NULL, CRASH_ENOSPC, ++at, &status);
        files = store_test_files_in("a/b/c/mail/cur");
        store_close(&store_test);
        store_test = open_delivered();
        count_all(); /* what may be there is settled */
        ck_assert_msg(files == found_in[0][0] + found_in[0][1], "call %d: %u files", at, files);
        ck_assert_uint_eq(found_in[0][1], 1);
        failed += status == 2 && files == 1;
        store_test_teardown();
    } while (calls >= at);
    ck_assert_uint_gt(failed, 0);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("store_crash");
    TCase *tc = tcase_create("killed");

    tcase_set_timeout(tc, 120);
    tcase_add_loop_test(tc, no_step_is_the_wrong_one, 0, (int)ARRAY_LEN(operations));
    tcase_add_test(tc, a_message_with_too_many_links_is_copied);
    tcase_add_test(tc, a_new_store_is_never_seen_in_part);
    tcase_add_loop_test(tc, what_met_a_full_disk_leaves_no_file, 0,
                        (int)ARRAY_LEN(full_disk_works));
    tcase_add_test(tc, a_delivery_that_met_a_full_disk_leaves_no_file);
    suite_add_tcase(suite, tc);
    return store_test_run(suite);
}
