/*
 * t/unit/test_trigger.c - lib/queue/trigger: domains through the FIFO, in whatever pieces.
 */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/mem.h"
#include "lib/base/strbuf.h"
#include "lib/queue/trigger.h"

#define LONGEST "a123456789b123456789c123456789d123456789e123456789f123456789g1234"

static struct strbuf heard;

static void
hear(void *arg, struct slice domain)
{
    (void)arg;
    (void)strbuf_append(&heard, domain);
    (void)strbuf_char(&heard, ' ');
}

static const struct {
    const char *bytes, *domains;
} streams[] = {
    {"!", ""},
    {"!!<far.test>!", "far.test "},
    {"<far.test><x.y>", "far.test x.y "},
    {"<far.test", ""},
    {"far.test>", ""},
    {"<>", ""},
    {"<far.te!st>", "far.te!st "}, /* no domain of ours: nothing will wait for it */
    {"<far <x.y>", "x.y "},
    {"<a\nb>", ""},
    {"<far\xc3\xa4>", ""},
    {"<<far.test>>", "far.test "},
    {"<" LONGEST LONGEST LONGEST LONGEST ">!<x.y>", "x.y "},
};

START_TEST(domains_come_out_of_any_pieces)
{
    struct slice bytes = slice_of(streams[_i].bytes);

    for (size_t step = 1; step <= bytes.len; step++) {
        struct trigger_reader reader = {.inside = false};

        heard = strbuf_new(2000);
        for (size_t at = 0; at < bytes.len; at += step)
            trigger_read(&reader, slice_sub(bytes, at, at + step), hear, NULL);
        ck_assert_str_eq(strbuf_cstr(&heard), streams[_i].domains);
        strbuf_free(&heard);
    }
}
END_TEST

START_TEST(what_is_asked_is_heard)
{
    struct trigger_reader reader = {.inside = false};
    char bytes[1000];
    int ends[2];
    ssize_t n;

    heard = strbuf_new(2000);
    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_eq(trigger_ask(ends[1], SLICE("far.test")), 0);
    ck_assert_int_eq(trigger_ask(ends[1], SLICE("[192.0.2.1]")), 0);
    n = read(ends[0], bytes, sizeof(bytes));
    trigger_read(&reader, slice_make(bytes, (size_t)n), hear, NULL);
    ck_assert_str_eq(strbuf_cstr(&heard), "far.test [192.0.2.1] ");
    (void)close(ends[0]);
    (void)close(ends[1]);
    strbuf_free(&heard);
}
END_TEST

START_TEST(what_is_no_domain_is_not_asked)
{
    static const char *const bad[] = {"",   "a b",   "a>b",
                                      "<a", "a\r\n", LONGEST LONGEST LONGEST LONGEST};

    ck_assert_int_eq(trigger_ask(-1, slice_of(bad[_i])), -1);
    ck_assert_int_eq(errno, EINVAL);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("trigger");
    TCase *tc = tcase_create("trigger");
    SRunner *sr;
    int failed;

    tcase_add_loop_test(tc, domains_come_out_of_any_pieces, 0, (int)ARRAY_LEN(streams));
    tcase_add_test(tc, what_is_asked_is_heard);
    tcase_add_loop_test(tc, what_is_no_domain_is_not_asked, 0, 6);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
