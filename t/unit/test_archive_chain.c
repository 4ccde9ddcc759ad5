/*
 * t/unit/test_archive_chain.c - lib/archive: lines of the chain, days, and reading a chain.
 */
#include "t/unit/scratch.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/archive/days.h"
#include "lib/base/io.h"

#define HASH "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824" /* of "hello" */
#define GOOD                                                                                       \
    "7 2026-11-27T08:00:00.123Z ab1 local,incoming <a@d.test> <b@d.test>,<c@d.test> 5 " HASH       \
    " " CHAIN_HASH_NONE

START_TEST(a_line_is_written_and_read)
{
    struct chain_entry e = {.number = 7,
                            .time = SLICE("2026-11-27T08:00:00.123Z"),
                            .id = SLICE("ab1"),
                            .classes = SLICE("local,incoming"),
                            .sender = SLICE("a@d.test"),
                            .rcpts = SLICE("b@d.test\nc@d.test\n"),
                            .size = 5,
                            .sha256 = SLICE(HASH),
                            .previous = SLICE(CHAIN_HASH_NONE)};
    struct strbuf line = strbuf_new(CHAIN_LINE_MAX);
    char hash[CHAIN_HASH_LEN + 1];

    chain_encode(&line, &e);
    ck_assert_str_eq(strbuf_cstr(&line), GOOD);
    ck_assert_int_eq(chain_decode(strbuf_slice(&line), &e), 0);
    ck_assert_uint_eq(e.number, 7);
    ck_assert(slice_eq(e.sender, SLICE("a@d.test")));
    ck_assert_uint_eq(e.size, 5);
    chain_hash(SLICE("hello"), hash);
    ck_assert_str_eq(hash, HASH);
    strbuf_free(&line);
}
END_TEST

static const struct {
    struct slice sender, rcpts; /* plain */
    const char *written;        /* of both */
} addresses[] = {
    {{"", 0}, {"b@d.test\n", 9}, "<> <b@d.test>"},
    {{"\"a b\"@d.test", 12}, {"b@d.test\n", 9}, "<\"a%20b\"@d.test> <b@d.test>"},
    {{"\"<,>%\"@d", 8}, {"b@d.test\n", 9}, "<\"%3c%2c%3e%25\"@d> <b@d.test>"},
    {{"d\xc3\xa4@d", 5}, {"b@d.test\n", 9}, "<d\xc3\xa4@d> <b@d.test>"},
    {{"a\x01\x7f@d", 5}, {"b@d.test\n", 9}, "<a%01%7f@d> <b@d.test>"},
    {{"a@d", 3}, {"b@d\n+17\n", 8}, "<a@d> <b@d>,+17"},
    {{"a@d", 3}, {"+b@d\n", 5}, "<a@d> <+b@d>"},
    {{"a@d", 3}, {"+b\n", 3}, "<a@d> <+b>"},
};

START_TEST(addresses_come_back_as_they_were)
{
    struct chain_entry e = {.number = 1,
                            .time = SLICE("2026-11-27T08:00:00.123Z"),
                            .id = SLICE("x"),
                            .classes = SLICE("local"),
                            .sender = addresses[_i].sender,
                            .rcpts = addresses[_i].rcpts,
                            .sha256 = SLICE(HASH),
                            .previous = SLICE(HASH)};
    struct strbuf line = strbuf_new(CHAIN_LINE_MAX), plain = strbuf_new(1000);
    struct slice rcpt;

    chain_encode(&line, &e);
    ck_assert_msg(strstr(strbuf_cstr(&line), addresses[_i].written) != NULL, "%s",
                  strbuf_cstr(&line));
    ck_assert_int_eq(chain_decode(strbuf_slice(&line), &e), 0);
    chain_plain(e.sender, &plain);
    ck_assert(slice_eq(strbuf_slice(&plain), addresses[_i].sender));
    strbuf_clear(&plain);
    while (chain_next_rcpt(&e.rcpts, &rcpt)) {
        chain_plain(rcpt, &plain);
        (void)strbuf_char(&plain, '\n');
    }
    ck_assert(slice_eq(strbuf_slice(&plain), addresses[_i].rcpts));
    strbuf_free(&line);
    strbuf_free(&plain);
}
END_TEST

#define TIME "2026-11-27T08:00:00.123Z"
#define TAIL "5 " HASH " " HASH
static const char *const bad[] = {
    "",
    "7",
    "x " TIME " a local <> <b> " TAIL,
    "7 2026-11-27 a local <> <b> " TAIL,
    "7 2026-11-27T08:00:00.123z a local <> <b> " TAIL,
    "7 " TIME " ../a local <> <b> " TAIL,
    "7 " TIME "  local <> <b> " TAIL,
    "7 " TIME " a  <> <b> " TAIL,
    "7 " TIME " a Local <> <b> " TAIL,
    "7 " TIME " a local a <b> " TAIL,
    "7 " TIME " a local <a>> <b> " TAIL,
    "7 " TIME " a local <<a> <b> " TAIL,
    "7 " TIME " a local < <b> " TAIL,
    "7 " TIME " a local <> b " TAIL,
    "7 " TIME " a local <> <b>, " TAIL,
    "7 " TIME " a local <> +3,<b> " TAIL,
    "7 " TIME " a local <>  " TAIL,
    "7 " TIME " a local <> <b> -5 " HASH " " HASH,
    "7 " TIME " a local <> <b> 5 " HASH " ",
    "7 " TIME " a local <> <b> 5 " HASH " " HASH " ",
    "7 " TIME " a local <> <b> 5 " HASH "0 " HASH,
    "7 " TIME " a local <> <b> 5 " HASH
    " 2CF24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
};

START_TEST(what_is_no_line_is_refused)
{
    struct chain_entry e;

    ck_assert_int_eq(chain_decode(slice_of(bad[_i]), &e), -1);
}
END_TEST

static const struct {
    const char *text, *day; /* NULL: none */
} days[] = {
    {"2026-11-27", "2026/11/27"},
    {"2026/11/27", "2026/11/27"},
    {"2026-11/27", NULL},
    {"26-11-27", NULL},
    {"2026-1-27", NULL},
    {"2026-11-27T", NULL},
    {"", NULL},
    {"../..-../x", NULL},
    {"2026-11-2x", NULL},
};

START_TEST(days_are_read)
{
    char day[ARCHIVE_DAY_SIZE] = "";

    ck_assert_int_eq(archive_day_parse(slice_of(days[_i].text), day),
                     days[_i].day == NULL ? -1 : 0);
    if (days[_i].day != NULL)
        ck_assert_str_eq(day, days[_i].day);
    archive_day_of(INT64_C(951825599999), day); /* 2000-02-29T11:59:59.999Z */
    ck_assert_str_eq(day, "2000/02/29");
}
END_TEST

static int
scratch_open(void)
{
    (void)scratch_make();
    return open(scratch_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

START_TEST(a_directory_has_its_days_in_order)
{
    static const char *const made[] = {"2026",        "2026/11", "2026/11/28", "2026/11/03",
                                       "2025",        "2025/12", "2025/12/31", "2026/11/x1",
                                       "2026/11/123", "tmp",     "20266"};
    struct archive_days found;
    int rootfd = scratch_open();

    for (size_t i = 0; i < ARRAY_LEN(made); i++)
        ck_assert_int_eq(mkdirat(rootfd, made[i], 0700), 0);
    ck_assert_int_eq(symlinkat("03", rootfd, "2026/11/04"), 0);
    ck_assert_int_eq(archive_days_read(rootfd, &found), 0);
    ck_assert_uint_eq(found.count, 3);
    ck_assert_str_eq(found.items[0], "2025/12/31");
    ck_assert_str_eq(found.items[1], "2026/11/03");
    ck_assert_str_eq(found.items[2], "2026/11/28");
    archive_days_free(&found);
    (void)close(rootfd);
    scratch_remove();
}
END_TEST

/* Also a line longer than a read, and an end without a newline. */
START_TEST(a_chain_is_read_line_by_line)
{
    int rootfd = scratch_open();
    struct strbuf text = strbuf_new(1u << 20);
    struct chain_reader *reader;
    struct slice line;
    uint64_t torn = 99;

    (void)strbuf_str(&text, "one\n\n");
    for (int i = 0; i < 100000; i++)
        (void)strbuf_str(&text, "ab");
    (void)strbuf_str(&text, "\nlast\ntorn");
    ck_assert_int_eq(replace_file(rootfd, "chain", strbuf_slice(&text), 0600), 0);
    reader = chain_reader_new(openat(rootfd, "chain", O_RDONLY | O_CLOEXEC));
    ck_assert_int_eq(chain_reader_next(reader, &line, &torn), 1);
    ck_assert(slice_eq(line, SLICE("one")));
    ck_assert_int_eq(chain_reader_next(reader, &line, &torn), 1);
    ck_assert_uint_eq(line.len, 0);
    ck_assert_int_eq(chain_reader_next(reader, &line, &torn), 1);
    ck_assert_uint_eq(line.len, 200000);
    ck_assert_int_eq(chain_reader_next(reader, &line, &torn), 1);
    ck_assert(slice_eq(line, SLICE("last")));
    ck_assert_int_eq(chain_reader_next(reader, &line, &torn), 0);
    ck_assert_uint_eq(torn, 4);
    chain_reader_free(&reader);
    strbuf_free(&text);
    (void)close(rootfd);
    scratch_remove();
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("archive_chain");
    TCase *tc = tcase_create("archive_chain");
    SRunner *sr;
    int failed;

    tcase_add_test(tc, a_line_is_written_and_read);
    tcase_add_loop_test(tc, addresses_come_back_as_they_were, 0, (int)ARRAY_LEN(addresses));
    tcase_add_loop_test(tc, what_is_no_line_is_refused, 0, (int)ARRAY_LEN(bad));
    tcase_add_loop_test(tc, days_are_read, 0, (int)ARRAY_LEN(days));
    tcase_add_test(tc, a_directory_has_its_days_in_order);
    tcase_add_test(tc, a_chain_is_read_line_by_line);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
