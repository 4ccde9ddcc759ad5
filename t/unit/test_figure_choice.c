/*
 * t/unit/test_figure_choice.c - lib/figures/figure_choice: which counter, which periods.
 */
#include "t/unit/scratch.h"

#include <check.h>
#include <fcntl.h>

#include "lib/base/io.h"
#include "lib/figures/figure_choice.h"

#define MINUTE_MS 60000ll
#define HOUR_MS 3600000ll
#define DAY_MS (24 * HOUR_MS)
#define NOW (20000 * DAY_MS + 5 * HOUR_MS)

START_TEST(a_counter_is_found_by_its_name_alone_if_one_service_has_it)
{
    struct strbuf names = strbuf_new(FIGURE_NAMES_MAX);
    struct figure_series *series;
    int dirfd, logins, smtp;

    ck_assert_ptr_nonnull(scratch_make());
    dirfd = open(scratch_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    series = figure_series_open(dirfd, true);
    ck_assert_ptr_nonnull(series);
    logins = figure_series_add(series, "imap", "logins", false, 1);
    smtp = figure_series_add(series, "smtp", "connections", false, 1);
    (void)figure_series_add(series, "imap", "connections", false, 1);
    ck_assert_int_eq(figure_choose(series, SLICE("logins"), &names), logins);
    ck_assert_int_eq(figure_choose(series, SLICE("smtp/connections"), &names), smtp);
    ck_assert_int_eq(figure_choose(series, SLICE("pop3/logins"), &names), FIGURE_UNKNOWN);
    ck_assert_int_eq(figure_choose(series, SLICE(""), &names), FIGURE_UNKNOWN);
    strbuf_clear(&names);
    ck_assert_int_eq(figure_choose(series, SLICE("connections"), &names), FIGURE_AMBIGUOUS);
    ck_assert(slice_find(strbuf_slice(&names), SLICE(" smtp/connections")) < names.len);
    ck_assert(slice_find(strbuf_slice(&names), SLICE(" imap/connections")) < names.len);
    figure_series_close(&series);
    close_keep_errno(dirfd);
    strbuf_free(&names);
    scratch_remove();
}
END_TEST

static const struct {
    const char *by;
    int64_t length_ms;
    int rc;
    enum figure_step step;
} steps[] = {
    {"", HOUR_MS, 0, FIGURE_MINUTE},       {"", 3 * HOUR_MS, 0, FIGURE_MINUTE},
    {"", 3 * HOUR_MS + 1, 0, FIGURE_HOUR}, {"", 4 * DAY_MS, 0, FIGURE_HOUR},
    {"", 4 * DAY_MS + 1, 0, FIGURE_DAY},   {"minute", 30 * DAY_MS, 0, FIGURE_MINUTE},
    {"day", HOUR_MS, 0, FIGURE_DAY},       {"year", HOUR_MS, -1, FIGURE_STEPS},
    {"hours", HOUR_MS, -1, FIGURE_STEPS},
};

START_TEST(steps_fit_the_time_or_are_named)
{
    enum figure_step step = FIGURE_STEPS;

    ck_assert_int_eq(figure_step_choose(slice_of(steps[_i].by), steps[_i].length_ms, &step),
                     steps[_i].rc);
    ck_assert_int_eq(step, steps[_i].step);
}
END_TEST

START_TEST(a_span_has_the_periods_that_are_kept)
{
    struct figure_span span;

    ck_assert_int_eq(figure_span_find(FIGURE_HOUR, NOW - 2 * HOUR_MS, NOW, &span), 0);
    ck_assert_int_eq(span.last - span.first + 1, 2);
    ck_assert_int_eq(figure_span_find(FIGURE_HOUR, NOW - 2 * HOUR_MS - 1, NOW + 1, &span), 0);
    ck_assert_int_eq(span.last - span.first + 1, 4);
    ck_assert_int_eq(figure_span_find(FIGURE_MINUTE, 0, NOW, &span), 0);
    ck_assert_int_eq(span.last, (NOW - 1) / MINUTE_MS);
    ck_assert_int_eq(span.last - span.first + 1, figure_step_slots(FIGURE_MINUTE));
    ck_assert_int_eq(figure_span_find(FIGURE_DAY, NOW, NOW, &span), -1);
    ck_assert_int_eq(figure_span_find(FIGURE_DAY, -1, NOW, &span), -1);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("figure_choice");
    TCase *tc = tcase_create("all");
    SRunner *sr;
    int failed;

    tcase_add_test(tc, a_counter_is_found_by_its_name_alone_if_one_service_has_it);
    tcase_add_loop_test(tc, steps_fit_the_time_or_are_named, 0, (int)ARRAY_LEN(steps));
    tcase_add_test(tc, a_span_has_the_periods_that_are_kept);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_NORMAL);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed != 0;
}
