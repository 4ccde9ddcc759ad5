/*
 * t/unit/test_pop3_command.c - pop3d/command and pop3d/message_out.
 */
// LINK: pop3d/command.c
// LINK: pop3d/message_out.c
#include <check.h>
#include <stdlib.h>

#include "lib/base/strbuf.h"
#include "pop3d/command.h"
#include "pop3d/message_out.h"

static const struct {
    const char *line;
    int rc;
    const char *verb, *args;
} lines[] = {
    {"STAT", 0, "STAT", ""},
    {"top 1 2", 0, "top", "1 2"},
    {"PASS  two spaces ", 0, "PASS", " two spaces "},
    {"USER j\xc3\xbcrgen", 0, "USER", "j\xc3\xbcrgen"},
    {"", -1, "", ""},
    {" STAT", -1, "", ""},
    {"ST", -1, "", ""},
    {"STATS", -1, "", ""},
    {"LIST\t1", -1, "", ""},
    {"PASS a\nQUIT", -1, "", ""},
    {"PASS a\x7f", -1, "", ""},
};

START_TEST(lines_are_taken_apart)
{
    struct command_line out = {{"", 0}, {"", 0}};

    ck_assert_int_eq(command_parse(slice_of(lines[_i].line), &out), lines[_i].rc);
    if (lines[_i].rc == 0) {
        ck_assert(slice_eq(out.verb, slice_of(lines[_i].verb)));
        ck_assert(slice_eq(out.args, slice_of(lines[_i].args)));
    }
}
END_TEST

static const struct {
    const char *args;
    size_t min, max;
    int count;
    uint64_t first, second;
} numbers[] = {
    {"", 0, 1, 0, 0, 0},
    {" ", 0, 1, 0, 0, 0}, /* some clients send it */
    {"1", 0, 1, 1, 1, 0},
    {"1 ", 1, 1, 1, 1, 0},
    {"1 0", 2, 2, 2, 1, 0},
    {"4294967295 7", 2, 2, 2, UINT32_MAX, 7},
    {"4294967296", 1, 1, -1, 0, 0},
    {"1", 2, 2, -1, 0, 0},
    {"1 2 3", 2, 2, -1, 0, 0},
    {"1  2", 2, 2, -1, 0, 0},
    {"-1", 1, 1, -1, 0, 0},
    {"+1", 1, 1, -1, 0, 0},
    {"x", 0, 1, -1, 0, 0},
    {"", 1, 1, -1, 0, 0},
};

START_TEST(numbers_are_plain_decimals)
{
    uint64_t out[2] = {0};
    int count = command_numbers(slice_of(numbers[_i].args), numbers[_i].min, numbers[_i].max, out);

    ck_assert_int_eq(count, numbers[_i].count);
    if (count > 0)
        ck_assert_uint_eq(out[0], numbers[_i].first);
    if (count > 1)
        ck_assert_uint_eq(out[1], numbers[_i].second);
}
END_TEST

static const struct {
    const char *message;
    uint64_t lines;
    const char *expected;
} messages[] = {
    {"A: b\r\n\r\nbody\r\n", MESSAGE_OUT_ALL, "A: b\r\n\r\nbody\r\n.\r\n"},
    {"", MESSAGE_OUT_ALL, ".\r\n"},
    {".", MESSAGE_OUT_ALL, "..\r\n.\r\n"},
    {".\r\n..\r\n", MESSAGE_OUT_ALL, "..\r\n...\r\n.\r\n"},
    {"a\nb\n\n.c", MESSAGE_OUT_ALL, "a\r\nb\r\n\r\n..c\r\n.\r\n"},
    {"a\rb\r", MESSAGE_OUT_ALL, "a\rb\r\n.\r\n"},
    {"a\r\r\n.b\r\n", MESSAGE_OUT_ALL, "a\r\r\n..b\r\n.\r\n"},
    {"A: b\r\n\r\n1\r\n2\r\n3\r\n", 0, "A: b\r\n\r\n.\r\n"},
    {"A: b\r\n\r\n1\r\n2\r\n3\r\n", 2, "A: b\r\n\r\n1\r\n2\r\n.\r\n"},
    {"A: b\r\n\r\n1\r\n2", 5, "A: b\r\n\r\n1\r\n2\r\n.\r\n"},
    {"A: b\n\n\n.\n3\n", 2, "A: b\r\n\r\n\r\n..\r\n.\r\n"},
    {"A: b\r\nno body", 0, "A: b\r\nno body\r\n.\r\n"},
    {"\r\nonly body\r\n", 0, "\r\n.\r\n"},
    {"A: b\r\n\r\r\n1\r\n", 0, "A: b\r\n\r\r\n1\r\n.\r\n"},
};

static void
collect(void *arg, struct slice bytes)
{
    ck_assert(strbuf_append(arg, bytes));
}

/* Whatever the parts are in which the file is read, the result is the same. */
START_TEST(messages_go_out_stuffed_in_parts_of_any_size)
{
    struct slice all = slice_of(messages[_i].message);

    for (size_t part = 1; part <= all.len + 1; part++) {
        struct strbuf out = strbuf_new(1000);
        struct message_out m = message_out_begin(collect, &out, messages[_i].lines);
        bool more = true;

        for (size_t at = 0; at < all.len && more; at += part)
            more = message_out_feed(&m, slice_sub(all, at, at + part));
        message_out_end(&m);
        ck_assert_str_eq(strbuf_cstr(&out), messages[_i].expected);
        strbuf_free(&out);
    }
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("pop3_command");
    TCase *tc = tcase_create("pop3_command");
    SRunner *sr;
    int failed;

    tcase_add_loop_test(tc, lines_are_taken_apart, 0, (int)ARRAY_LEN(lines));
    tcase_add_loop_test(tc, numbers_are_plain_decimals, 0, (int)ARRAY_LEN(numbers));
    tcase_add_loop_test(tc, messages_go_out_stuffed_in_parts_of_any_size, 0,
                        (int)ARRAY_LEN(messages));
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
