/*
 * t/unit/test_store_flush.c - what a power cut could take when an operation has returned: nothing.
 *
 * No file gets its name in cur/ before its bytes are flushed, no message file goes while the record
 * of that is only in memory, and when the operation is over records and names are on disk. Indexes
 * and caches can be made again and are not flushed (doc/store.md).
 */
#include "t/unit/store_operations.h"

#include "lib/store/journal_tail.h"
#include "lib/store/settle.h"
#include "t/unit/crash_point.h"
#include "t/unit/flush_watch.h"

/* What stays open by design (doc/store.md): indexes and caches can be made again; the totals in
 * INBOX's journal are counted again after a crash, and who has seen a message as recent is no
 * promise; a kept message that is not yet under its new name still has its old one. */
static const struct {
    const char *operation;
    bool inbox_journal, kept;
} by_design[] = {
    {"copy", true, false},         {"move", true, false},          {"move on", true, false},
    {"expunge Sent", true, false}, {"compact", true, false},       {"remove", true, false},
    {"adopt", true, false},        {"expunge, kept", false, true}, {"remove, kept", true, true},
};

enum { LOOSE_MAX = 16 };

/* The names for one operation; `inbox` has its INBOX's. */
static void
name_loose(const char *operation, const char *loose[LOOSE_MAX], char inbox[FLUSH_NAME_MAX])
{
    static const char *const always[] = {"posthorn.index", "posthorn.index.next", "posthorn.cache",
                                         "posthorn.cache.next"};
    static const char *const when_kept[] = {"/log", ".New", "posthorn.journal.removed", ".2", ".3"};
    size_t count = 0;

    for (size_t i = 0; i < ARRAY_LEN(always); i++)
        loose[count++] = always[i];
    (void)snprintf(inbox, FLUSH_NAME_MAX, "%s/posthorn.journal", strrchr(store_test_path, '/') + 1);
    for (size_t i = 0; i < ARRAY_LEN(by_design); i++) {
        if (strcmp(by_design[i].operation, operation) != 0)
            continue;
        if (by_design[i].inbox_journal)
            loose[count++] = inbox;
        for (size_t k = 0; by_design[i].kept && k < ARRAY_LEN(when_kept); k++)
            loose[count++] = when_kept[k];
    }
    loose[count] = NULL;
}

static void
run_operation(void *arg)
{
    ((const struct operation *)arg)->run();
}

START_TEST(nothing_is_open_to_loss)
{
    const struct operation *op = &operations[_i];
    const char *loose[LOOSE_MAX];
    struct flush_watch w = {.loose_at_end = loose};
    char inbox[FLUSH_NAME_MAX];

    store_test_options.undelete_days = 0;
    store_test_setup();
    op->before();
    name_loose(op->name, loose, inbox);
    flush_run(&w, run_operation, (void *)(uintptr_t)op);
    ck_assert_int_eq(w.exit_status, 0);
    ck_assert_msg(w.trouble[0] == '\0', "%s: %s", op->name, w.trouble);
    ck_assert_msg(w.open[0] == '\0', "%s: open to loss:\n%s", op->name, w.open);
    store_test_teardown();
}
END_TEST

static void
append_to_sent(void *arg)
{
    (void)arg;
    (void)store_test_append("Sent", "3\r\n", 0);
}

static void
settle_sent(void *arg)
{
    struct folder f;

    (void)arg;
    if (folder_open(&f, store_test, SLICE("Sent")) < 0 || settle_folder(&f) < 0)
        _exit(2);
    folder_close(&f);
}

static struct journal_tail
tail_of_sent(void)
{
    struct journal_tail tail;
    struct folder f;

    ck_assert_int_eq(folder_open(&f, store_test, SLICE("Sent")), 0);
    ck_assert_int_eq(journal_tail_read(&f.journal, &tail), 0);
    folder_close(&f);
    return tail;
}

/* The writer may have ended because its flush failed. The kernel calls such pages clean, and a
 * flush alone would succeed without writing them. */
START_TEST(what_a_dead_writer_left_is_written_again)
{
    struct journal_tail tail = {.unsettled = false};
    const char *loose[LOOSE_MAX];
    struct flush_watch w = {.loose_at_end = loose};
    char inbox[FLUSH_NAME_MAX];
    int status;

    store_test_options.undelete_days = 0;
    for (int at = 1; !tail.unsettled; at++) {
        store_test_setup();
        (void)store_test_append("Sent", "0\r\n", 0);
        ck_assert_int_ge(crash_run(append_to_sent, NULL, CRASH_KILL, at, &status), at);
        tail = tail_of_sent();
        if (!tail.unsettled)
            store_test_teardown();
    }
    name_loose("copy", loose, inbox); /* likewise: only the totals stay open */
    flush_run(&w, settle_sent, NULL);
    ck_assert_int_eq(w.exit_status, 0);
    ck_assert_uint_ge(w.journal_bytes, tail.end - tail.settled);
    ck_assert_str_eq(w.open, "");
    ck_assert(!tail_of_sent().unsettled);
    store_test_teardown();
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("store_flush");
    TCase *tc = tcase_create("flushed");

    tcase_add_loop_test(tc, nothing_is_open_to_loss, 0, (int)ARRAY_LEN(operations));
    tcase_add_test(tc, what_a_dead_writer_left_is_written_again);
    suite_add_tcase(suite, tc);
    return store_test_run(suite);
}
