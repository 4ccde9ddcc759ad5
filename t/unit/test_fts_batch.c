/*
 * t/unit/test_fts_batch.c - lib/fts/batch and the lists in it: what goes in comes out, however the
 * batches were merged.
 */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/fts/posting_list.h"
#include "lib/fts/table.h"
#include "t/unit/fts_test.h"

/* ---- one list ---- */

static const struct {
    uint32_t count, first, step;
    size_t len; /* bytes */
} lists[] = {
    {1, 0, 1, 1},        {8, 7, 1, 1},         {1000, 999, 1, 2}, {1000, 5, 200, 9},
    {1000, 0, 1, 125},   {1000, 0, 4, 125},    {1001, 0, 9, 112}, {16384, 16383, 1, 3},
    {16384, 0, 1, 2048}, {16384, 3, 130, 253}, {64, 63, 1, 1},    {65, 64, 1, 1},
};

START_TEST(a_list_comes_back_at_its_place)
{
    const uint32_t count = lists[_i].count, base = POSTING_MESSAGES_MAX - count;
    struct posting_bits bits = {{0}}, moved = {{0}}, back = {{0}};
    struct strbuf list = strbuf_new(POSTING_MESSAGES_MAX);

    for (uint32_t i = lists[_i].first; i < count; i += lists[_i].step) {
        posting_bits_set(&bits, i);
        posting_bits_set(&moved, base + i);
    }
    posting_list_write(&bits, count, &list);
    ck_assert_uint_eq(list.len, lists[_i].len);
    ck_assert(posting_list_read(strbuf_slice(&list), count, base, &back));
    ck_assert_mem_eq(&moved, &back, sizeof(back));
    strbuf_free(&list);
}
END_TEST

static const struct {
    const char *bytes;
    size_t len;
    uint32_t count;
} wrong[] = {
    {"\x00", 1, 100},                 /* twice the same */
    {"\x65", 1, 100},                 /* behind the last message */
    {"\x64\x01", 2, 100},             /* likewise */
    {"\x80", 1, 100},                 /* cut off */
    {"\xff\xff\xff\xff\x1f", 5, 100}, /* more than 32 bits */
    {"\xff\xff\xff\xff\x0f", 5, 100},
    {"\x08", 1, 3}, /* a bit too many */
};

START_TEST(a_damaged_list_is_told_and_sets_nothing_outside)
{
    struct posting_bits bits = {{0}};

    ck_assert(
        !posting_list_read(slice_make(wrong[_i].bytes, wrong[_i].len), wrong[_i].count, 0, &bits));
    for (uint32_t i = wrong[_i].count; i < POSTING_MESSAGES_MAX; i++)
        ck_assert_uint_eq(bits.words[i / 64] >> i % 64 & 1, 0);
}
END_TEST

/* ---- batches ---- */

/* Message `uid` holds the words of its number's digits in several systems, and in some sizes. */
static int
add_number(struct fts *fts, uint32_t uid)
{
    char text[200];

    (void)snprintf(text, sizeof(text), "\r\nby%uthree by%useven by%uhundred numero %u 第%u封\r\n",
                   uid % 3, uid % 7, uid % 100, uid, uid);
    return add(fts, uid, slice_of(text));
}

static void
add_numbers(uint32_t first, uint32_t last)
{
    struct fts *fts = fts_open(&folder, FTS_WRITE);

    ck_assert_ptr_nonnull(fts);
    for (uint32_t uid = first; uid <= last; uid++)
        ck_assert_int_eq(add_number(fts, uid), 0);
    ck_assert_int_eq(fts_commit(fts), 0);
    fts_close(&fts);
}

/* Every message with number % system == rest is named, and of the others hardly any. */
static void
check_numbers(uint32_t last, uint32_t system, const char *name)
{
    struct fts *fts = fts_open(&folder, FTS_READ);

    ck_assert_ptr_nonnull(fts);
    for (uint32_t rest = 0; rest < system; rest++) {
        char needle[40];
        struct fts_uids uids;
        size_t expected = 0;

        (void)snprintf(needle, sizeof(needle), "by%u%s", rest, name);
        ck_assert_int_eq(ask(fts, needle, &uids), FTS_CANDIDATES);
        for (uint32_t uid = 1; uid <= last; uid++)
            if (uid % system == rest) {
                expected++;
                ck_assert(is_candidate(&uids, uid));
            }
        ck_assert_uint_le(uids.count, expected * 3 / 2 + 2);
        free(uids.uids);
    }
    fts_close(&fts);
}

START_TEST(however_they_came_all_are_found)
{
    /* one by one, by tens, a large one, small ones behind it */
    uint32_t last = 0;

    for (unsigned i = 0; i < 40; i++, last++)
        add_numbers(last + 1, last + 1);
    for (unsigned i = 0; i < 12; i++, last += 10)
        add_numbers(last + 1, last + 10);
    add_numbers(last + 1, last + 3000);
    last += 3000;
    for (unsigned i = 0; i < 9; i++, last += 70)
        add_numbers(last + 1, last + 70);
    ck_assert_uint_eq(last_uid(), last);
    check_numbers(last, 3, "three");
    check_numbers(last, 7, "seven");
}
END_TEST

static size_t
batch_count(void)
{
    int fd = openat(dir_fd, INDEX, O_RDONLY | O_CLOEXEC);
    struct table_batches batches;
    struct table_row row;
    struct table *table = table_open(dir_fd, fd, true, &row);

    ck_assert_ptr_nonnull(table);
    ck_assert_int_eq(table_batches(table, &batches), 0);
    table_close(&table);
    free(batches.list);
    (void)close(fd);
    return batches.count;
}

/* What a search reads does not grow with how often mail came. */
START_TEST(small_batches_become_few)
{
    for (uint32_t uid = 1; uid <= 2000; uid += 20)
        add_numbers(uid, uid + 19);
    ck_assert_uint_le(batch_count(), 8);
    check_numbers(2000, 3, "three");
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("fts_batch");
    TCase *tc = tcase_create("fts_batch");
    SRunner *sr;
    int failed;

    tcase_add_checked_fixture(tc, begin, end);
    tcase_set_timeout(tc, 120);
    tcase_add_loop_test(tc, a_list_comes_back_at_its_place, 0, (int)ARRAY_LEN(lists));
    tcase_add_loop_test(tc, a_damaged_list_is_told_and_sets_nothing_outside, 0,
                        (int)ARRAY_LEN(wrong));
    tcase_add_test(tc, however_they_came_all_are_found);
    tcase_add_test(tc, small_batches_become_few);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
