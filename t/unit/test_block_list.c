/*
 * t/unit/test_block_list.c - lib/auth/block_list and its way to a copy (lib/ipc/accountd_block).
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "lib/auth/block_list.h"
#include "lib/ipc/accountd_block.h"

enum { FIRST = 1000, NOW = 50000, MINUTE = 60000 };

static struct block_list *list;

static struct block
block_of(enum block_kind kind, enum block_cause cause, const char *name, int64_t end_ms)
{
    return (struct block){.kind = (uint8_t)kind,
                          .cause = (uint8_t)cause,
                          .name = slice_of(name),
                          .reason = SLICE("55 failed logins"),
                          .start_ms = NOW,
                          .end_ms = end_ms};
}

static bool
set(enum block_kind kind, enum block_cause cause, const char *name, int64_t end_ms)
{
    struct block block = block_of(kind, cause, name, end_ms);

    return block_list_set(list, &block);
}

static bool
is_blocked(enum block_kind kind, const char *name, int64_t now_ms)
{
    return block_list_find(list, kind, slice_of(name), now_ms) != NULL;
}

START_TEST(a_block_holds_until_its_end_for_its_kind_alone)
{
    list = block_list_new(10, FIRST);
    ck_assert(set(BLOCK_ADDRESS, BLOCK_GUESSING, "192.0.2.1", NOW + MINUTE));
    ck_assert(is_blocked(BLOCK_ADDRESS, "192.0.2.1", NOW + MINUTE - 1));
    ck_assert(!is_blocked(BLOCK_ADDRESS, "192.0.2.1", NOW + MINUTE));
    ck_assert(!is_blocked(BLOCK_ADDRESS, "192.0.2.10", NOW));
    ck_assert(!is_blocked(BLOCK_USER, "192.0.2.1", NOW));
    ck_assert(set(BLOCK_ADDRESS, BLOCK_GUESSING, "192.0.2.1", 0));
    ck_assert(!is_blocked(BLOCK_ADDRESS, "192.0.2.1", NOW));
    block_list_free(&list);
}
END_TEST

START_TEST(a_full_list_lets_go_of_the_oldest_but_not_of_what_was_set_by_hand)
{
    list = block_list_new(3, FIRST);
    ck_assert(set(BLOCK_ADDRESS, BLOCK_BY_HAND, "192.0.2.1", BLOCK_FOREVER));
    ck_assert(set(BLOCK_ADDRESS, BLOCK_GUESSING, "192.0.2.2", NOW + MINUTE));
    ck_assert(set(BLOCK_ADDRESS, BLOCK_GUESSING, "192.0.2.3", NOW + MINUTE));
    ck_assert(set(BLOCK_ADDRESS, BLOCK_BY_HAND, "192.0.2.4", NOW + MINUTE));
    ck_assert(is_blocked(BLOCK_ADDRESS, "192.0.2.1", NOW));
    ck_assert(!is_blocked(BLOCK_ADDRESS, "192.0.2.2", NOW));
    ck_assert(is_blocked(BLOCK_ADDRESS, "192.0.2.3", NOW));
    ck_assert(set(BLOCK_ADDRESS, BLOCK_BY_HAND, "192.0.2.5", NOW + MINUTE));
    ck_assert(!set(BLOCK_ADDRESS, BLOCK_BY_HAND, "192.0.2.6", NOW + MINUTE));
    ck_assert(set(BLOCK_ADDRESS, BLOCK_BY_HAND, "192.0.2.5", NOW + 2 * MINUTE));
    block_list_free(&list);
}
END_TEST

/* A copy that knows up to a number gets what came after it, in order, and each name once. */
START_TEST(a_copy_can_follow_from_where_it_is)
{
    const struct listed_block *at;
    uint64_t known;

    list = block_list_new(10, FIRST);
    ck_assert(set(BLOCK_ADDRESS, BLOCK_GUESSING, "192.0.2.1", NOW + MINUTE));
    ck_assert(set(BLOCK_USER, BLOCK_GUESSING, "a@d.test", NOW + MINUTE));
    known = block_list_last(list);
    ck_assert(block_list_can_follow(list, known) && block_list_after(list, known) == NULL);
    ck_assert(set(BLOCK_ADDRESS, BLOCK_GUESSING, "192.0.2.1", 0));
    ck_assert(set(BLOCK_ADDRESS, BLOCK_GUESSING, "192.0.2.2", NOW + MINUTE));
    at = block_list_after(list, known);
    ck_assert(slice_eq(at->block.name, SLICE("192.0.2.1")) && at->block.end_ms == 0);
    at = TAILQ_NEXT(at, link);
    ck_assert(slice_eq(at->block.name, SLICE("192.0.2.2")) && TAILQ_NEXT(at, link) == NULL);
    ck_assert(block_list_can_follow(list, FIRST) && !block_list_can_follow(list, FIRST - 1));
    ck_assert(!block_list_can_follow(list, block_list_last(list) + 1)); /* of another accountd */
    at = block_list_after(list, 0);
    ck_assert(slice_eq(at->block.name, SLICE("a@d.test")));
    ck_assert_ptr_null(block_list_before(list, at));
    at = block_list_before(list, NULL); /* and back */
    ck_assert(slice_eq(at->block.name, SLICE("192.0.2.2")));
    ck_assert(slice_eq(block_list_before(list, at)->block.name, SLICE("192.0.2.1")));
    block_list_free(&list);
}
END_TEST

static void
count_gone(void *arg, const struct block *block)
{
    (void)block;
    ++*(int *)arg;
}

/* Who missed that a block was lifted has to begin anew when nothing is left to tell of it. */
START_TEST(what_was_lifted_is_remembered_for_a_while)
{
    uint64_t known;
    int gone = 0;

    list = block_list_new(10, FIRST);
    ck_assert(set(BLOCK_ADDRESS, BLOCK_GUESSING, "192.0.2.1", NOW + 90 * MINUTE));
    ck_assert(set(BLOCK_ADDRESS, BLOCK_GUESSING, "192.0.2.2", NOW + MINUTE));
    known = block_list_last(list);
    ck_assert(set(BLOCK_ADDRESS, BLOCK_GUESSING, "192.0.2.1", 0));
    block_list_expire(list, NOW + 2 * MINUTE, count_gone, &gone);
    ck_assert_int_eq(gone, 1); /* 192.0.2.2 ended */
    ck_assert(block_list_can_follow(list, known) && block_list_after(list, known) != NULL);
    block_list_expire(list, NOW + 60 * MINUTE, count_gone, &gone);
    ck_assert_int_eq(gone, 2);
    ck_assert(!block_list_can_follow(list, known));
    ck_assert(block_list_can_follow(list, block_list_last(list)));
    block_list_free(&list);
}
END_TEST

static const struct {
    const char *ip, *name;
} addresses[] = {
    {"192.0.2.7", "192.0.2.7"},
    {"::ffff:192.0.2.7", "192.0.2.7"},
    {"2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"},
    {"::1", "::/64"},
    {"fe80:1111:2222:3333:4444:5555:6666:7777", "fe80:1111:2222:3333::/64"},
};

START_TEST(an_address_has_one_name)
{
    char name[BLOCK_ADDRESS_NAME_MAX];
    struct cidr net;

    ck_assert_int_eq(cidr_parse(slice_of(addresses[_i].ip), &net), 0);
    block_address_name(&net.net, name);
    ck_assert_str_eq(name, addresses[_i].name);
}
END_TEST

START_TEST(rows_are_read_as_they_were_written)
{
    struct block block = block_of(BLOCK_USER, BLOCK_MASS_MAIL, "a@d.test", BLOCK_FOREVER), back;
    struct strbuf row = strbuf_new(512);

    ck_assert(block_print(&block, &row));
    ck_assert_int_eq(block_parse(strbuf_slice(&row), &back), 0);
    ck_assert(back.cause == BLOCK_MASS_MAIL && back.start_ms == NOW &&
              back.end_ms == BLOCK_FOREVER);
    ck_assert(slice_eq(back.reason, block.reason));
    ck_assert_int_eq(block_parse(SLICE("1 2"), &back), -1);
    ck_assert_int_eq(block_parse(SLICE("9 2 3 x"), &back), -1);
    ck_assert_int_eq(block_parse(SLICE("1 -2 3 x"), &back), -1);
    strbuf_free(&row);
}
END_TEST

static struct slice
payload_of(const struct strbuf *frame)
{
    return slice_sub(strbuf_slice(frame), FRAME_HEADER, frame->len);
}

START_TEST(blocks_survive_the_way_and_no_cut_does)
{
    struct block items[] = {block_of(BLOCK_ADDRESS, BLOCK_GUESSING, "192.0.2.1", NOW + MINUTE),
                            block_of(BLOCK_SENDING, BLOCK_BY_HAND, "a@d.test", 0)};
    const struct accountd_blocks blocks = {.number = 7, .anew = true, .items = items, .count = 2};
    static struct block taken[ACCOUNTD_BLOCKS_MAX];
    struct strbuf frame = strbuf_new(4096);
    struct accountd_blocks back;
    struct slice payload;

    ck_assert_int_eq(accountd_blocks_reply_encode(&frame, 3, &blocks), 0);
    payload = payload_of(&frame);
    ck_assert_int_eq(accountd_blocks_reply_decode(payload, &back, taken), 0);
    ck_assert(back.number == 7 && back.anew && back.count == 2);
    ck_assert(slice_eq(taken[1].name, SLICE("a@d.test")) && taken[1].kind == BLOCK_SENDING);
    for (size_t len = 0; len < payload.len; len++)
        ck_assert_int_eq(accountd_blocks_reply_decode(slice_sub(payload, 0, len), &back, taken),
                         -1);
    strbuf_free(&frame);
}
END_TEST

START_TEST(nonsense_is_refused)
{
    struct block block = block_of(BLOCK_USER, BLOCK_GUESSING, "a@d.test", NOW), back;
    struct strbuf frame = strbuf_new(4096);
    struct block wrong[4] = {block, block, block, block};

    wrong[0].kind = 'x';
    wrong[1].cause = 9;
    wrong[2].name = SLICE("");
    wrong[3].end_ms = -1;
    ck_assert_int_eq(accountd_block_encode(&frame, &block), 0);
    ck_assert_int_eq(accountd_block_decode(payload_of(&frame), &back), 0);
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        strbuf_clear(&frame);
        ck_assert_int_eq(accountd_block_encode(&frame, &wrong[i]), 0);
        ck_assert_int_eq(accountd_block_decode(payload_of(&frame), &back), -1);
    }
    strbuf_free(&frame);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("block_list");
    TCase *tc = tcase_create("block_list");
    SRunner *sr;
    int failed;

    tcase_add_test(tc, a_block_holds_until_its_end_for_its_kind_alone);
    tcase_add_test(tc, a_full_list_lets_go_of_the_oldest_but_not_of_what_was_set_by_hand);
    tcase_add_test(tc, a_copy_can_follow_from_where_it_is);
    tcase_add_test(tc, what_was_lifted_is_remembered_for_a_while);
    tcase_add_loop_test(tc, an_address_has_one_name, 0, (int)ARRAY_LEN(addresses));
    tcase_add_test(tc, rows_are_read_as_they_were_written);
    tcase_add_test(tc, blocks_survive_the_way_and_no_cut_does);
    tcase_add_test(tc, nonsense_is_refused);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
