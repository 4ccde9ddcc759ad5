/*
 * t/unit/test_figures.c - lib/figures and figured/book: rings, names, and what readings become.
 */
// LINK: figured/book.c
// LINK: figured/last.c
#include "t/unit/scratch.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "figured/book.h"
#include "lib/base/io.h"
#include "lib/figures/figure_history.h"
#include "lib/figures/metric.h"

#define HOUR_MS 3600000ll
#define DAY_MS (24 * HOUR_MS)
#define NOON (20000 * DAY_MS + 12 * HOUR_MS) /* a day of 2024 */
#define BORN (NOON - 30 * DAY_MS)

static int dir_fd;
static struct figure_slot slot;

static void
setup(void)
{
    char path[96];

    ck_assert_ptr_nonnull(scratch_make());
    (void)snprintf(path, sizeof(path), "%s/" FIGURES_DIR, scratch_dir);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    dir_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static void
teardown(void)
{
    (void)close(dir_fd);
    scratch_remove();
}

/* ---- figured/book ---- */

static void
sample_of(struct book *book, const char *counter, uint64_t value, int64_t born_ms)
{
    const struct stats_sample sample = {"smtp", born_ms, counter, value};

    book_sample(book, &sample);
}

/* A reading of one counter. */
static void
read_one(struct book *book, int64_t now_ms, uint64_t value, int64_t born_ms)
{
    book_begin(book, now_ms);
    sample_of(book, "messages_received", value, born_ms);
    ck_assert_int_eq(book_end(book), 0);
}

/* The figure of the period in which `at_ms` lies, or -1. */
static int64_t
figure_of(const char *counter, enum figure_step step, int64_t at_ms)
{
    struct figure_history *history = figure_history_open(scratch_dir);
    int64_t value = -1;
    int place;

    ck_assert_ptr_nonnull(history);
    place = figure_series_find(figure_history_series(history), "smtp", counter);
    ck_assert_int_ge(place, 0);
    if (figure_history_read(history, step, at_ms / figure_step_ms(step), &slot) == 0 &&
        slot.values[place] != FIGURE_NONE)
        value = (int64_t)slot.values[place];
    figure_history_close(&history);
    return value;
}

static int64_t
messages(enum figure_step step, int64_t at_ms)
{
    return figure_of("messages_received", step, at_ms);
}

static struct book *
open_book(int64_t now_ms)
{
    struct book *book = book_open(dir_fd, now_ms);

    ck_assert_ptr_nonnull(book);
    return book;
}

START_TEST(growth_goes_to_the_minute_the_hour_and_the_day)
{
    struct book *book = open_book(NOON);

    read_one(book, NOON, 100, BORN); /* what was before is nobody's */
    read_one(book, NOON + 60000, 103, BORN);
    read_one(book, NOON + 120000, 110, BORN);
    read_one(book, NOON + HOUR_MS + 60000, 111, BORN);
    ck_assert_int_eq(messages(FIGURE_MINUTE, NOON - 60000), 0);
    ck_assert_int_eq(messages(FIGURE_MINUTE, NOON), 3);
    ck_assert_int_eq(messages(FIGURE_MINUTE, NOON + 60000), 7);
    ck_assert_int_eq(messages(FIGURE_MINUTE, NOON + 120000), -1);
    ck_assert_int_eq(messages(FIGURE_HOUR, NOON), 10);
    ck_assert_int_eq(messages(FIGURE_HOUR, NOON + HOUR_MS), 1);
    ck_assert_int_eq(messages(FIGURE_DAY, NOON), 11);
    ck_assert_int_eq(messages(FIGURE_DAY, NOON - DAY_MS), -1);
    book_close(&book);
}
END_TEST

START_TEST(a_service_that_begins_anew_is_counted_from_zero)
{
    struct book *book = open_book(NOON);

    read_one(book, NOON, 5, BORN);
    read_one(book, NOON + 60000, 9, NOON + 30000); /* 9 is more than 5, yet all of it is new */
    ck_assert_int_eq(messages(FIGURE_MINUTE, NOON), 9);
    read_one(book, NOON + 120000, 2, NOON + 30000); /* went back without a new block */
    ck_assert_int_eq(messages(FIGURE_MINUTE, NOON + 60000), 2);
    book_close(&book);
}
END_TEST

START_TEST(a_block_as_young_as_figured_counts_from_its_first_message)
{
    struct book *book = open_book(NOON);

    read_one(book, NOON, 4, NOON - 5000);
    ck_assert_int_eq(messages(FIGURE_DAY, NOON), 4);
    book_close(&book);
}
END_TEST

START_TEST(a_counter_of_a_later_version_counts_from_zero)
{
    struct book *book = open_book(NOON);

    read_one(book, NOON, 5, BORN);
    book_begin(book, NOON + 60000);
    sample_of(book, "messages_received", 5, BORN);
    sample_of(book, "new", 3, BORN);
    ck_assert_int_eq(book_end(book), 0);
    ck_assert_int_eq(figure_of("new", FIGURE_MINUTE, NOON), 3);
    ck_assert_int_eq(figure_of("new", FIGURE_MINUTE, NOON - 60000), -1);
    book_close(&book);
}
END_TEST

START_TEST(of_a_level_the_highest_reading_is_kept)
{
    struct book *book = open_book(NOON);

    ck_assert(metric_is_level("messages_active"));
    for (int i = 0; i < 3; i++) {
        book_begin(book, NOON + (i + 1) * 60000ll);
        sample_of(book, "messages_active", (uint64_t[]){2, 9, 1}[i], BORN);
        ck_assert_int_eq(book_end(book), 0);
    }
    ck_assert_int_eq(figure_of("messages_active", FIGURE_MINUTE, NOON + 120000), 1);
    ck_assert_int_eq(figure_of("messages_active", FIGURE_HOUR, NOON), 9);
    ck_assert_int_eq(figure_of("messages_active", FIGURE_DAY, NOON), 9);
    book_close(&book);
}
END_TEST

START_TEST(figured_may_end_and_begin_while_the_service_goes_on)
{
    struct book *book = open_book(NOON);

    read_one(book, NOON, 5, BORN);
    read_one(book, NOON + 60000, 6, BORN);
    book_close(&book);
    book = open_book(NOON + 70000);
    read_one(book, NOON + 70000, 8, BORN);
    read_one(book, NOON + 120000, 9, BORN);
    ck_assert_int_eq(messages(FIGURE_MINUTE, NOON), 3);
    ck_assert_int_eq(messages(FIGURE_MINUTE, NOON + 60000), 1);
    ck_assert_int_eq(messages(FIGURE_HOUR, NOON), 4);
    ck_assert_int_eq(messages(FIGURE_DAY, NOON), 4);
    book_close(&book);
}
END_TEST

START_TEST(days_without_figured_are_empty_and_what_happened_then_comes_at_its_start)
{
    struct book *book = open_book(NOON);

    read_one(book, NOON, 5, BORN);
    book_close(&book);
    book = open_book(NOON + 3 * DAY_MS);
    read_one(book, NOON + 3 * DAY_MS, 50, BORN);
    ck_assert_int_eq(messages(FIGURE_DAY, NOON + DAY_MS), -1);
    ck_assert_int_eq(messages(FIGURE_DAY, NOON + 3 * DAY_MS), 45);
    book_close(&book);
}
END_TEST

START_TEST(a_clock_that_is_set_back_or_forward_loses_nothing)
{
    struct book *book = open_book(NOON);

    read_one(book, NOON, 0, BORN);
    read_one(book, NOON + 60000, 2, BORN);
    read_one(book, NOON + 120000, 4, BORN);
    read_one(book, NOON + 60000, 5, BORN); /* back by a minute */
    ck_assert_int_eq(messages(FIGURE_MINUTE, NOON), 3);
    ck_assert_int_eq(messages(FIGURE_MINUTE, NOON + 60000), 2);
    ck_assert_int_eq(messages(FIGURE_DAY, NOON), 5);
    read_one(book, NOON + 3000 * DAY_MS, 6, BORN);
    read_one(book, NOON + 180000, 8, BORN); /* and again here */
    ck_assert_int_eq(messages(FIGURE_DAY, NOON), 7);
    ck_assert_int_eq(messages(FIGURE_DAY, NOON + 3000 * DAY_MS), 1);
    book_close(&book);
}
END_TEST

/* ---- crashes ---- */

START_TEST(what_cannot_be_written_is_counted_once_by_the_next_reading)
{
    const struct rlimit none = {.rlim_max = RLIM_INFINITY};
    const struct rlimit all = {.rlim_cur = RLIM_INFINITY, .rlim_max = RLIM_INFINITY};
    struct book *book = open_book(NOON);

    (void)signal(SIGXFSZ, SIG_IGN);
    read_one(book, NOON, 0, BORN);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &none), 0);
    book_begin(book, NOON + 60000);
    sample_of(book, "messages_received", 10, BORN);
    ck_assert_int_eq(book_end(book), -1);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &all), 0);
    read_one(book, NOON + 120000, 13, BORN);
    ck_assert_int_eq(messages(FIGURE_HOUR, NOON), 13);
    ck_assert_int_eq(messages(FIGURE_DAY, NOON), 13);
    book_close(&book);
}
END_TEST

/* As if the process had been killed between two writes: what the last one would have changed is as
 * it was. */
static void
undo(const char *file, const struct strbuf *before)
{
    int fd = openat(dir_fd, file, O_WRONLY | O_TRUNC | O_CLOEXEC);

    ck_assert_int_eq(write_all(fd, strbuf_slice(before)), 0);
    (void)close(fd);
}

START_TEST(killed_between_two_writes_it_neither_loses_nor_doubles)
{
    static const char *const files[] = {"last", "minutes", "hours", "days"}; /* as written */
    struct book *book = open_book(NOON);
    struct strbuf before[ARRAY_LEN(files)];

    read_one(book, NOON, 0, BORN);
    read_one(book, NOON + 60000, 10, BORN);
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        before[i] = strbuf_new(64u << 20);
        ck_assert_int_eq(read_file(dir_fd, files[i], &before[i]), 0);
    }
    read_one(book, NOON + 120000, 13, BORN);
    book_close(&book);
    for (size_t i = ARRAY_LEN(files); i-- > (size_t)_i;)
        undo(files[i], &before[i]); /* it came as far as the file before files[_i] */
    book = open_book(NOON + 130000);
    read_one(book, NOON + 180000, 14, BORN);
    ck_assert_int_eq(messages(FIGURE_HOUR, NOON), 14);
    ck_assert_int_eq(messages(FIGURE_DAY, NOON), 14);
    book_close(&book);
    for (size_t i = 0; i < ARRAY_LEN(files); i++)
        strbuf_free(&before[i]);
}
END_TEST

static void
spoil(const char *file, off_t at)
{
    int fd = openat(dir_fd, file, O_WRONLY | O_CLOEXEC);

    ck_assert_int_eq(pwrite(fd, "\xff\xfe", 2, at), 2);
    (void)close(fd);
}

START_TEST(a_torn_slot_is_not_there_and_is_made_anew_of_its_minutes)
{
    int64_t next_day = NOON + DAY_MS;
    struct book *book = open_book(NOON);

    read_one(book, NOON, 0, BORN);
    read_one(book, NOON + 60000, 10, BORN);
    read_one(book, NOON + HOUR_MS, 12, BORN); /* the hour's last minute */
    book_close(&book);
    spoil("hours", NOON / HOUR_MS % figure_step_slots(FIGURE_HOUR) * 8192 + 4000);
    ck_assert_int_eq(messages(FIGURE_HOUR, NOON), -1);
    book = open_book(NOON + HOUR_MS);
    ck_assert_int_eq(messages(FIGURE_HOUR, NOON), 12);
    read_one(book, NOON + DAY_MS / 2, 15, BORN); /* the day's last minute */
    read_one(book, NOON + DAY_MS / 2 + 60000, 100, BORN);
    book_close(&book);
    spoil("days", NOON / DAY_MS % figure_step_slots(FIGURE_DAY) * 8192 + 4000);
    ck_assert_int_eq(messages(FIGURE_DAY, NOON), -1);
    book = open_book(next_day);
    ck_assert_int_eq(messages(FIGURE_DAY, NOON), 15);
    book_close(&book);
    spoil("minutes", NOON / 60000 % figure_step_slots(FIGURE_MINUTE) * 8192 + 8000);
    ck_assert_int_eq(messages(FIGURE_MINUTE, NOON), -1);
}
END_TEST

START_TEST(the_files_have_their_bounds)
{
    struct book *book = open_book(NOON);
    struct stat st;
    off_t total = 0;

    for (int i = 0; i < 600; i++) /* each day another, over the end of every ring */
        read_one(book, NOON + i * (DAY_MS + HOUR_MS + 60000), (uint64_t)i, BORN);
    book_close(&book);
    ck_assert_int_eq(messages(FIGURE_DAY, NOON + (DAY_MS + HOUR_MS + 60000)), -1); /* overwritten */
    ck_assert_int_eq(messages(FIGURE_DAY, NOON + 599 * (DAY_MS + HOUR_MS + 60000)), 1);
    for (size_t i = 0; i < 5; i++) {
        const char *file = (const char *[]){"series", "last", "minutes", "hours", "days"}[i];

        ck_assert_int_eq(fstatat(dir_fd, file, &st, 0), 0);
        total += st.st_size;
    }
    ck_assert_int_le(total, 36 * 1048576 + 200000);
}
END_TEST

/* ---- names ---- */

START_TEST(a_series_keeps_its_place)
{
    struct figure_series *series = figure_series_open(dir_fd, true);
    int first = figure_series_add(series, "smtp", "a", false, 1);
    int second = figure_series_add(series, "smtp", "b.smtps", true, 1);

    ck_assert_int_ge(first, 0);
    ck_assert_int_ne(first, second);
    figure_series_close(&series);
    series = figure_series_open(dir_fd, false);
    ck_assert_int_eq(figure_series_find(series, "smtp", "a"), first);
    ck_assert_int_eq(figure_series_find(series, "smtp", "b.smtps"), second);
    ck_assert_int_eq(figure_series_find(series, "smtp", "c"), -1);
    ck_assert_int_eq(figure_series_find(series, "smt", "p/a"), -1);
    ck_assert(figure_series_is_level(series, second) && !figure_series_is_level(series, first));
    ck_assert_str_eq(figure_series_name(series, first), "smtp/a");
    figure_series_close(&series);
}
END_TEST

START_TEST(one_service_cannot_take_all_places)
{
    struct figure_series *series = figure_series_open(dir_fd, true);
    char name[32];

    for (int i = 0; i < FIGURE_SERIES_PER_SERVICE; i++) {
        (void)snprintf(name, sizeof(name), "made_up%d", i);
        ck_assert_int_ge(figure_series_add(series, "smtp", name, false, 1), 0);
    }
    ck_assert_int_eq(figure_series_add(series, "smtp", "more", false, 1), -1);
    ck_assert_int_eq(errno, ENOSPC);
    ck_assert_int_ge(figure_series_add(series, "smt", "more", false, 1), 0);
    ck_assert_int_eq(figure_series_add(series, "imap", "no\nname", false, 1), -1);
    ck_assert_int_eq(errno, EINVAL);
    figure_series_close(&series);
}
END_TEST

START_TEST(a_place_is_given_away_when_no_ring_remembers_it)
{
    struct figure_series *series = figure_series_open(dir_fd, true);
    char service[32];

    for (int i = 0; i < FIGURE_SERIES_MAX; i++) {
        (void)snprintf(service, sizeof(service), "s%d", i);
        ck_assert_int_ge(figure_series_add(series, service, "a", false, i == 7 ? 1 : 2), 0);
    }
    ck_assert_int_eq(figure_series_add(series, "late", "a", false, 513), -1);
    ck_assert_int_eq(figure_series_add(series, "late", "a", false, 514), 7);
    ck_assert_int_eq(figure_series_find(series, "s7", "a"), -1);
    figure_series_close(&series);
    series = figure_series_open(dir_fd, false);
    ck_assert_int_eq(figure_series_find(series, "late", "a"), 7);
    figure_series_close(&series);
}
END_TEST

START_TEST(numbers_stop_below_the_sign_for_none)
{
    ck_assert_uint_eq(figure_sum(FIGURE_NONE, 3), 3);
    ck_assert_uint_eq(figure_sum(3, FIGURE_NONE), 3);
    ck_assert_uint_eq(figure_sum(FIGURE_NONE - 2, 7), FIGURE_NONE - 1);
    ck_assert_uint_eq(figure_max(FIGURE_NONE, 3), 3);
    ck_assert_uint_eq(figure_max(4, 3), 4);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("figures");
    TCase *tc = tcase_create("figures");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, growth_goes_to_the_minute_the_hour_and_the_day);
    tcase_add_test(tc, a_service_that_begins_anew_is_counted_from_zero);
    tcase_add_test(tc, a_block_as_young_as_figured_counts_from_its_first_message);
    tcase_add_test(tc, a_counter_of_a_later_version_counts_from_zero);
    tcase_add_test(tc, of_a_level_the_highest_reading_is_kept);
    tcase_add_test(tc, figured_may_end_and_begin_while_the_service_goes_on);
    tcase_add_test(tc, days_without_figured_are_empty_and_what_happened_then_comes_at_its_start);
    tcase_add_test(tc, a_clock_that_is_set_back_or_forward_loses_nothing);
    tcase_add_test(tc, what_cannot_be_written_is_counted_once_by_the_next_reading);
    tcase_add_loop_test(tc, killed_between_two_writes_it_neither_loses_nor_doubles, 0, 5);
    tcase_add_test(tc, a_torn_slot_is_not_there_and_is_made_anew_of_its_minutes);
    tcase_add_test(tc, the_files_have_their_bounds);
    tcase_add_test(tc, a_series_keeps_its_place);
    tcase_add_test(tc, one_service_cannot_take_all_places);
    tcase_add_test(tc, a_place_is_given_away_when_no_ring_remembers_it);
    tcase_add_test(tc, numbers_stop_below_the_sign_for_none);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
