/*
 * t/unit/test_record.c - lib/store/record: the bytes of a journal, whole and damaged.
 */
#include "t/unit/store_test.h"

#include "lib/base/crc32c.h"
#include "lib/store/record.h"

static const struct uid_range two_ranges[] = {{1, 1}, {5, 9}};

static void
add_all(struct strbuf *out)
{
    const struct gone_range gone[] = {{1, 3, 77}, {7, 7, 78}};
    const struct arrival a = {.m = {.uid = 4,
                                    .flags = MESSAGE_SEEN | MESSAGE_RECENT,
                                    .keywords = 5,
                                    .modseq = 6,
                                    .size = UINT64_C(5) << 32,
                                    .internal_ms = -7},
                              .saved_ms = 8,
                              .crc = 0xfedcba98u,
                              .email_id = SLICE("Mabc_-9"),
                              .name = SLICE("1.a,S=3:2,"),
                              .key = SLICE("queueid")};

    record_begin(out, RECORD_LASTING, 1234);
    record_add_arrival(out, &a);
    record_add_ranges(out, ITEM_EXPUNGE, two_ranges, 2);
    record_add_ranges(out, ITEM_VOID, two_ranges, 1);
    record_add_flags(out, 1, 2, 3, 4, two_ranges, 2);
    record_add_keyword(out, 63, SLICE("$Forwarded"));
    record_add_gone(out, gone, 2);
    record_add_key(out, 99, SLICE("key"));
    record_add_origin(out, "Fabcdefghijklmnopqrstuv", SLICE("Sent"), two_ranges, 2);
}

static void
make(struct strbuf *out)
{
    const struct record_state state = {.uidnext = 5, .count = 1, .modseq = 42};

    *out = strbuf_new(RECORD_MAX);
    add_all(out);
    ck_assert_int_eq(record_finish(out, &state, 128), 0);
}

static struct item
next(const struct record *rec, size_t *at, enum item_type type)
{
    struct item item;

    ck_assert_int_eq(record_next_item(rec, at, &item), 1);
    ck_assert_int_eq(item.type, type);
    return item;
}

START_TEST(what_was_written_is_read)
{
    struct strbuf out;
    struct record rec;
    struct item item;
    uint32_t need;
    size_t at = 0;

    make(&out);
    ck_assert_uint_eq(out.len % 8, 0);
    ck_assert_uint_eq(record_last_length(strbuf_slice(&out)), out.len);
    ck_assert_int_eq(record_parse(strbuf_slice(&out), 128, &rec, &need), RECORD_OK);
    ck_assert_uint_eq(rec.end, 128 + out.len);
    ck_assert_int_eq(rec.written_ms, 1234);
    ck_assert_uint_eq(rec.flags, RECORD_LASTING);
    ck_assert(!rec.marked);
    ck_assert_uint_eq(rec.state.uidnext, 5);
    ck_assert_uint_eq(rec.state.modseq, 42);
    item = next(&rec, &at, ITEM_ARRIVE);
    ck_assert_uint_eq(item.arrival.m.uid, 4);
    ck_assert_uint_eq(item.arrival.m.flags, MESSAGE_SEEN);
    ck_assert_uint_eq(item.arrival.m.size, UINT64_C(5) << 32);
    ck_assert_int_eq(item.arrival.m.internal_ms, -7);
    ck_assert(slice_eq(item.arrival.name, SLICE("1.a,S=3:2,")));
    ck_assert(slice_eq(item.arrival.key, SLICE("queueid")));
    ck_assert_uint_eq(item.arrival.crc, 0xfedcba98u);
    ck_assert(slice_eq(item.arrival.email_id, SLICE("Mabc_-9")));
    item = next(&rec, &at, ITEM_EXPUNGE);
    ck_assert_uint_eq(item.range_count, 2);
    ck_assert_uint_eq(item_range(&item, 1).last, 9);
    item = next(&rec, &at, ITEM_VOID);
    ck_assert_uint_eq(item.range_count, 1);
    item = next(&rec, &at, ITEM_FLAGS);
    ck_assert_uint_eq(item.keywords_on, 4);
    ck_assert_uint_eq(item_range(&item, 1).first, 5);
    item = next(&rec, &at, ITEM_KEYWORD);
    ck_assert(slice_eq(item.text, SLICE("$Forwarded")));
    item = next(&rec, &at, ITEM_GONE);
    ck_assert_uint_eq(item_gone(&item, 1).modseq, 78);
    item = next(&rec, &at, ITEM_KEY);
    ck_assert_int_eq(item.saved_ms, 99);
    item = next(&rec, &at, ITEM_ORIGIN);
    ck_assert(slice_eq(item.text, SLICE("Sent")));
    ck_assert_str_eq(item.mailbox_id, "Fabcdefghijklmnopqrstuv");
    ck_assert_int_eq(record_next_item(&rec, &at, &item), 0);
    strbuf_free(&out);
}
END_TEST

/* Any byte but those of the mark. */
START_TEST(a_flipped_bit_is_noticed)
{
    struct strbuf out;
    struct record rec;
    uint32_t need;

    make(&out);
    for (size_t i = 0; i < out.len - 4; i++) {
        out.ptr[i] = (char)(out.ptr[i] ^ 0x10);
        ck_assert_int_ne(record_parse(strbuf_slice(&out), 128, &rec, &need), RECORD_OK);
        out.ptr[i] = (char)(out.ptr[i] ^ 0x10);
    }
    record_set_mark(&out);
    ck_assert_int_eq(record_parse(strbuf_slice(&out), 128, &rec, &need), RECORD_OK);
    ck_assert(rec.marked);
    strbuf_free(&out);
}
END_TEST

START_TEST(a_part_of_a_record_asks_for_the_rest)
{
    struct strbuf out;
    struct record rec;
    uint32_t need;

    make(&out);
    for (size_t len = 0; len < out.len; len++)
        ck_assert_int_eq(record_parse(slice_sub(strbuf_slice(&out), 0, len), 128, &rec, &need),
                         RECORD_SHORT);
    ck_assert_uint_eq(need, out.len);
    /* `settled` lies behind the record: nobody writes that */
    ck_assert_int_eq(record_parse(strbuf_slice(&out), 120, &rec, &need), RECORD_BAD);
    strbuf_free(&out);
}
END_TEST

static const struct {
    struct uid_range list[3];
    uint32_t count;
    int rc;
} range_cases[] = {
    {{{1, 1}}, 1, 1},  {{{1, 2}, {3, 4}}, 2, 1},  {{{1, UINT32_MAX}}, 1, 1}, {{{0, 1}}, 1, -1},
    {{{2, 1}}, 1, -1}, {{{1, 3}, {3, 4}}, 2, -1}, {{{5, 6}, {1, 2}}, 2, -1}, {{{1, 1}}, 0, 1},
};

START_TEST(ranges_ascend)
{
    const struct record_state state = {0};
    struct strbuf out = strbuf_new(4096);
    struct record rec;
    struct item item;
    uint32_t need;
    size_t at = 0;

    record_begin(&out, 0, 0);
    record_add_ranges(&out, ITEM_EXPUNGE, range_cases[_i].list, range_cases[_i].count);
    ck_assert_int_eq(record_finish(&out, &state, 0), 0);
    ck_assert_int_eq(record_parse(strbuf_slice(&out), 0, &rec, &need), RECORD_OK);
    ck_assert_int_eq(record_next_item(&rec, &at, &item), range_cases[_i].rc);
    strbuf_free(&out);
}
END_TEST

static const struct {
    const char *name;
    bool valid;
} file_names[] = {
    {"1.a:2,S", true}, {"", false},    {".", false},    {"..", false},
    {".a", false},     {"a/b", false}, {"a\nb", false}, {"\xc3\xa4", true},
};

/* Sums are taken off from signed ones: what could not be is damage. */
START_TEST(a_size_beyond_all_measure_is_damage)
{
    struct record_state state = {.uidnext = 2, .count = 1, .bytes = UINT64_C(1) << 63};
    struct arrival a = {
        .m = {.uid = 1, .size = RECORD_SIZE_MAX}, .name = SLICE("n"), .email_id = SLICE("M1")};
    struct strbuf out = strbuf_new(RECORD_MAX);
    struct record rec;
    uint32_t need;

    record_begin(&out, 0, 0);
    record_add_arrival(&out, &a);
    ck_assert_int_eq(record_finish(&out, &state, 0), 0);
    ck_assert_int_eq(record_parse(strbuf_slice(&out), 0, &rec, &need), RECORD_BAD);
    record_begin(&out, 0, 0);
    a.m.size = UINT64_C(1) << 63;
    record_add_arrival(&out, &a);
    state.bytes = INT64_MAX;
    ck_assert_int_eq(record_finish(&out, &state, 0), -1);
    strbuf_free(&out);
}
END_TEST

START_TEST(a_file_name_stays_in_its_directory)
{
    ck_assert_int_eq(record_name_valid(slice_of(file_names[_i].name)), file_names[_i].valid);
}
END_TEST

START_TEST(a_header_is_checked)
{
    struct journal_header h = {.generation = 1, .uidvalidity = 7, .mailbox_id = "F"};

    journal_header_seal(&h);
    ck_assert_int_eq(journal_header_check(&h), 0);
    for (size_t i = 0; i < sizeof(h); i++) {
        ((char *)&h)[i] = (char)(((char *)&h)[i] ^ 1);
        ck_assert_int_eq(journal_header_check(&h), -1);
        ((char *)&h)[i] = (char)(((char *)&h)[i] ^ 1);
    }
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("record");
    TCase *tc = tcase_create("bytes");

    tcase_add_test(tc, what_was_written_is_read);
    tcase_add_test(tc, a_flipped_bit_is_noticed);
    tcase_add_test(tc, a_part_of_a_record_asks_for_the_rest);
    tcase_add_loop_test(tc, ranges_ascend, 0, (int)ARRAY_LEN(range_cases));
    tcase_add_loop_test(tc, a_file_name_stays_in_its_directory, 0, (int)ARRAY_LEN(file_names));
    tcase_add_test(tc, a_size_beyond_all_measure_is_damage);
    tcase_add_test(tc, a_header_is_checked);
    suite_add_tcase(suite, tc);
    return store_test_run(suite);
}
