/*
 * t/unit/test_queue_flush.c - "250 means durable": what a power cut could take once a message is
 * accepted, and in which order it comes to disk (doc/queue.md).
 */
#include "t/unit/queue_commit.h"

#include "lib/queue/queue_log.h"
#include "lib/queue/queue_slots.h"
#include "t/unit/flush_watch.h"

/* In a slot the name tmp/ID is on disk, and whoever finds a whole message there after a power cut
 * accepts it: its name in new/ may be lost. */
START_TEST(a_commit_is_on_disk_when_it_returns)
{
    struct commit c = commit_kind(_i);
    const char *const in_slot[] = {"new/message", NULL};
    struct flush_watch w = {.loose_at_end = c.in_slot && c.rcpt_count == 1 ? in_slot : NULL};

    open_dirs();
    flush_run(&w, commit_one, &c);
    ck_assert_int_eq(w.exit_status, 0);
    ck_assert_msg(w.trouble[0] == '\0', "%s", w.trouble);
    ck_assert_msg(w.open[0] == '\0', "open to loss:\n%s", w.open);
    close_dirs();
}
END_TEST

static void
take_slots(void *arg)
{
    struct queue_slots *slots = queue_slots_new(dirs.tmp_dirfd);
    char id[QUEUE_ID_SIZE];

    (void)arg;
    for (int i = 0; i < 3; i++)
        if (queue_slots_take(slots, id) < 0)
            _exit(1);
    _exit(0); /* without giving the rest back */
}

START_TEST(a_slot_has_its_name_on_disk)
{
    struct flush_watch w = {0};

    open_dirs();
    flush_run(&w, take_slots, NULL);
    ck_assert_int_eq(w.exit_status, 0);
    ck_assert_msg(w.open[0] == '\0', "open to loss:\n%s", w.open);
    close_dirs();
}
END_TEST

static void
log_twice(void *arg)
{
    uint64_t length = 0;
    bool durable = *(const bool *)arg;

    if (queue_log_append(dirs.new_dirfd, "message", &length, SLICE("one"), durable) < 0 ||
        queue_log_append(dirs.new_dirfd, "message", &length, SLICE("two"), durable) < 0)
        _exit(1);
    _exit(0);
}

START_TEST(a_journal_is_on_disk_if_it_is_to_be)
{
    struct flush_watch w = {0};
    bool durable = _i == 1;

    open_dirs();
    flush_run(&w, log_twice, &durable);
    ck_assert_int_eq(w.exit_status, 0);
    ck_assert((w.open[0] == '\0') == durable);
    close_dirs();
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("queue_flush");
    TCase *tc = tcase_create("queue_flush");
    SRunner *sr;
    int failed;

    tcase_add_loop_test(tc, a_commit_is_on_disk_when_it_returns, 0, 4);
    tcase_add_test(tc, a_slot_has_its_name_on_disk);
    tcase_add_loop_test(tc, a_journal_is_on_disk_if_it_is_to_be, 0, 2);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
