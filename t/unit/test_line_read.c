/*
 * t/unit/test_line_read.c - lib/log/line_read: lines as JSON objects, and back.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "lib/log/line.h"
#include "lib/log/line_read.h"

#define HEAD "2026-11-27T10:00:00.123Z smtpd[7] info "

/* Each is what the encoder writes, and comes back as it was. */
static const char *const lines[] = {
    HEAD "event=received queue_id=4fXk2q size=12",
    HEAD "event=e",
    HEAD "event=\"an odd one\" a=b",
    HEAD "event=e a=\"two words\" b=\"\" c=\"q \\\" \\\\ \\n\\r\\t\\x01\\x7f\"",
    HEAD
    "event=e a=\"Grüße\" b=\"\\xe2\\x80\\xae\" c=\"\\xc2\\x85\"", /* what turns writing round */
    HEAD "event=e a=\"}, \\\"event\\\": \\\"forged\\\"\" pid=9 time=now",
    HEAD "event=e a=b and then something",
    HEAD "no event at all",
    HEAD "event=e a=\"\xf0\x9f\x93\xaf\"",
};

START_TEST(a_line_comes_back_as_it_was)
{
    struct strbuf json = strbuf_new(LOG_JSON_MAX), text = strbuf_new(LOG_JSON_MAX);

    log_line_json(slice_of(lines[_i]), "smtp", &json);
    for (size_t i = 0; i < json.len; i++)
        ck_assert_int_ge((unsigned char)json.ptr[i], 0x20);
    ck_assert_ptr_null(strstr(strbuf_cstr(&json), "\xe2\x80\xae"));
    ck_assert_ptr_null(strstr(strbuf_cstr(&json), "\xc2\x85"));
    ck_assert_int_eq(log_line_of_json(strbuf_slice(&json), &text), 0);
    ck_assert_str_eq(strbuf_cstr(&text), lines[_i]);
    ck_assert(slice_eq(log_line_as_text(strbuf_slice(&json), &text), slice_of(lines[_i])));
    ck_assert(slice_eq(log_line_as_text(slice_of(lines[_i]), &text), slice_of(lines[_i])));
    ck_assert(slice_eq(log_line_as_text(SLICE("{none}"), &text), SLICE("{none}")));
    strbuf_free(&json);
    strbuf_free(&text);
}
END_TEST

START_TEST(bytes_that_are_no_text_are_replaced)
{
    struct strbuf json = strbuf_new(LOG_JSON_MAX), text = strbuf_new(LOG_JSON_MAX);

    log_line_json(SLICE(HEAD "event=e a=\"\\xff\\xe2\""), "smtp", &json);
    ck_assert_ptr_nonnull(strstr(strbuf_cstr(&json), "\"a\": \"\\ufffd\\ufffd\""));
    ck_assert_int_eq(log_line_of_json(strbuf_slice(&json), &text), 0);
    ck_assert_str_eq(strbuf_cstr(&text), HEAD "event=e a=\"\xef\xbf\xbd\xef\xbf\xbd\"");
    strbuf_free(&json);
    strbuf_free(&text);
}
END_TEST

/* Of the longest line all of which grows most. */
START_TEST(the_longest_line_has_room)
{
    static const char *const worst[] = {"\\x80", "\\x01", "a=b ", "x"};
    struct strbuf line = strbuf_new(LOG_LINE_MAX + 16), json = strbuf_new(LOG_JSON_MAX);

    (void)strbuf_str(&line, HEAD "event=e a=\"");
    if (_i == 2)
        (void)strbuf_str(&line, "\" ");
    while (line.len < LOG_LINE_MAX - 6)
        (void)strbuf_str(&line, worst[_i]);
    (void)strbuf_char(&line, '"');
    log_line_json(strbuf_slice(&line), "a-service-with-a-name-of-32-bytes", &json);
    ck_assert(!json.overflow);
    strbuf_free(&line);
    strbuf_free(&json);
}
END_TEST

#define GOOD(rest)                                                                                 \
    "{\"time\": \"T\", \"service\": \"s\", \"program\": \"p\", \"pid\": 1, \"level\": \"info\", "  \
    "\"event\": \"e\", \"fields\": " rest

static const struct {
    const char *json, *text; /* NULL: it is none */
} objects[] = {
    {GOOD("{}}"), "T p[1] info event=e"},
    {GOOD("{\"a\": \"b\"}}"), "T p[1] info event=e a=b"},
    {GOOD("{\"a\": \"b c=d\"}}"), "T p[1] info event=e a=\"b c=d\""},
    {GOOD("{\"a\": \"\\u0041\\u00e4\\u20ac\"}}"), "T p[1] info event=e a=\"Aä€\""},
    {"{\"time\":\"T\",\"program\":\"p\",\"pid\":null,\"level\":\"x\"}", "T p[] x"},
    {GOOD("{\"a\": \"\\ud800\"}}"), NULL},
    {GOOD("{\"a\": \"\\n\"}}"), NULL}, /* not of our writer */
    {GOOD("{\"a b\": \"c\"}}"), NULL},
    {GOOD("{\"a\": {}}}"), NULL},
    {GOOD("{\"a\": \"b\"}"), NULL},
    {GOOD("{\"a\": \"b\"}} more"), NULL},
    {GOOD("{\"a\": \"b"), NULL},
    {GOOD("{\"a\": \"b\\"), NULL},
    {"{\"time\": \"T x\", \"program\": \"p\", \"pid\": 1, \"level\": \"info\"}", NULL},
    {GOOD("{}, \"text\": \"and more\"}"), "T p[1] info event=e and more"},
    {GOOD("{}, \"text\": \"\\u000aT p[1] info event=forged\"}"), NULL},
    {GOOD("{\"a\": \"\\u000a\"}}"), "T p[1] info event=e a=\"\\n\""},
    {"{\"other\": \"x\"}", NULL},
    {"{}", NULL},
    {"{", NULL},
    {"", NULL},
    {"T p[1] info event=e", NULL},
};

START_TEST(only_our_objects_are_taken)
{
    struct strbuf text = strbuf_new(LOG_JSON_MAX);
    int rc = log_line_of_json(slice_of(objects[_i].json), &text);

    ck_assert_int_eq(rc, objects[_i].text == NULL ? -1 : 0);
    ck_assert_str_eq(strbuf_cstr(&text), objects[_i].text == NULL ? "" : objects[_i].text);
    strbuf_free(&text);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("line_read");
    TCase *tc = tcase_create("line_read");
    SRunner *runner;
    int failed;

    tcase_add_loop_test(tc, a_line_comes_back_as_it_was, 0, (int)ARRAY_LEN(lines));
    tcase_add_test(tc, bytes_that_are_no_text_are_replaced);
    tcase_add_loop_test(tc, the_longest_line_has_room, 0, 4);
    tcase_add_loop_test(tc, only_our_objects_are_taken, 0, (int)ARRAY_LEN(objects));
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
