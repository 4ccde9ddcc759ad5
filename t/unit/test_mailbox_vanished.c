/*
 * t/unit/test_mailbox_vanished.c - lib/store/mailbox_vanished, and which MODSEQ a session may tell.
 */
#include "lib/store/compact.h"
#include "t/unit/store_test.h"

static uint64_t
highest(const struct mailbox *mb)
{
    struct mailbox_info info;

    mailbox_get_info(mb, &info);
    return info.highest_modseq;
}

/* The vanished UIDs since `since` as "2:4,9". */
static void
check_vanished(struct mailbox *mb, uint64_t since, const char *expected)
{
    struct strbuf text = strbuf_new(1000);
    struct uid_range *ranges;
    uint32_t count;

    ck_assert_int_eq(mailbox_vanished(mb, since, &ranges, &count), 0);
    for (uint32_t i = 0; i < count; i++) {
        (void)strbuf_printf(&text, "%s%u", i == 0 ? "" : ",", ranges[i].first);
        if (ranges[i].last != ranges[i].first)
            (void)strbuf_printf(&text, ":%u", ranges[i].last);
    }
    ck_assert_str_eq(strbuf_cstr(&text), expected);
    free(ranges);
    strbuf_free(&text);
}

static void
remove_uid(struct mailbox *mb, uint32_t uid)
{
    ck_assert_int_eq(mailbox_remove(mb, &uid, 1), 0);
    ck_assert_int_eq(mailbox_sync(mb, true, NULL), 0);
}

START_TEST(what_left_is_known_by_modseq)
{
    struct mailbox *mb;
    uint64_t start, middle;

    for (int i = 0; i < 8; i++)
        (void)store_test_append("INBOX", "x\r\n", 0);
    mb = store_test_select("INBOX");
    check_vanished(mb, 1, "");
    start = highest(mb);
    remove_uid(mb, 3);
    remove_uid(mb, 7);
    middle = highest(mb);
    ck_assert_uint_gt(middle, start);
    check_vanished(mb, middle, "");
    remove_uid(mb, 4);
    remove_uid(mb, 6);
    check_vanished(mb, 1, "3:4,6:7");
    check_vanished(mb, start, "3:4,6:7");
    check_vanished(mb, middle, "4,6");
    check_vanished(mb, highest(mb), "");

    ck_assert_int_eq(compact_journal(mb), 0);
    check_vanished(mb, highest(mb), "");
    remove_uid(mb, 1);
    check_vanished(mb, start, "1,3:4,6:7");
    mailbox_close(&mb);
    mb = store_test_select("INBOX");
    check_vanished(mb, 1, "1,3:4,6:7");
    mailbox_close(&mb);
}
END_TEST

/* RFC 7162 section 3.2: the client is not told a MODSEQ above a removal that it does not know. */
START_TEST(a_removal_that_waits_holds_the_modseq)
{
    struct mailbox *a, *b;
    uint64_t before;
    uint32_t uid = 2, seq = 1;

    for (int i = 0; i < 3; i++)
        (void)store_test_append("INBOX", "x\r\n", 0);
    a = store_test_select("INBOX");
    b = store_test_select("INBOX");
    ck_assert_int_eq(mailbox_sync(a, true, NULL), 0);
    before = highest(a);
    ck_assert(!mailbox_modseq_is_held(a));
    ck_assert_int_eq(mailbox_remove(b, &uid, 1), 0);
    ck_assert_int_eq(
        mailbox_store_flags(b, &seq, 1, MAILBOX_FLAGS_ADD, MESSAGE_SEEN, 0, 0, NULL, NULL), 0);
    ck_assert_int_eq(mailbox_sync(a, false, NULL), 0);
    ck_assert(mailbox_modseq_is_held(a));
    ck_assert_uint_ge(highest(a), before);
    ck_assert_uint_lt(highest(a), mailbox_message(a, 1)->modseq);
    check_vanished(a, before, ""); /* EXPUNGE is still to come */
    ck_assert_int_eq(mailbox_sync(b, true, NULL), 0);
    check_vanished(b, before, "2");
    ck_assert_int_eq(mailbox_sync(a, true, NULL), 0);
    ck_assert(!mailbox_modseq_is_held(a));
    ck_assert_uint_eq(highest(a), mailbox_message(a, 1)->modseq);
    check_vanished(a, before, "2");
    mailbox_close(&a);
    mailbox_close(&b);
}
END_TEST

/* RFC 7162 section 3.1.12: only what the change touches makes it stale. */
START_TEST(a_change_of_other_flags_is_no_conflict)
{
    struct mailbox *a, *b;
    uint64_t known;
    uint32_t seq = 1;
    bool skipped;

    (void)store_test_append("INBOX", "x\r\n", 0);
    a = store_test_select("INBOX");
    b = store_test_select("INBOX");
    ck_assert_int_eq(mailbox_sync(a, true, NULL), 0);
    known = highest(a);
    ck_assert_int_eq(
        mailbox_store_flags(b, &seq, 1, MAILBOX_FLAGS_ADD, MESSAGE_SEEN, 0, 0, NULL, NULL), 0);
    ck_assert_int_eq(mailbox_store_flags(a, &seq, 1, MAILBOX_FLAGS_ADD, MESSAGE_FLAGGED, 0, known,
                                         &skipped, NULL),
                     0);
    ck_assert(!skipped);
    /* Now the session knows of \Seen, and the client's number is too old for it. */
    ck_assert_int_eq(
        mailbox_store_flags(a, &seq, 1, MAILBOX_FLAGS_ADD, MESSAGE_DRAFT, 0, known, &skipped, NULL),
        0);
    ck_assert(skipped);
    ck_assert_int_eq(
        mailbox_store_flags(b, &seq, 1, MAILBOX_FLAGS_REMOVE, MESSAGE_FLAGGED, 0, 0, NULL, NULL),
        0);
    known = mailbox_message(a, 1)->modseq;
    ck_assert_int_eq(mailbox_store_flags(a, &seq, 1, MAILBOX_FLAGS_ADD, MESSAGE_FLAGGED, 0, known,
                                         &skipped, NULL),
                     0);
    ck_assert(skipped);
    ck_assert_uint_eq(mailbox_message(a, 1)->flags & ~(uint32_t)MESSAGE_RECENT, MESSAGE_SEEN);
    mailbox_close(&a);
    mailbox_close(&b);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("mailbox_vanished");
    TCase *tc = tcase_create("modseq");

    tcase_add_checked_fixture(tc, store_test_setup, store_test_teardown);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, what_left_is_known_by_modseq);
    tcase_add_test(tc, a_removal_that_waits_holds_the_modseq);
    tcase_add_test(tc, a_change_of_other_flags_is_no_conflict);
    suite_add_tcase(suite, tc);
    return store_test_run(suite);
}
