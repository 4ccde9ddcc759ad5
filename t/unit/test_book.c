/*
 * t/unit/test_book.c - users' books: rings that keep the newest, sums by day and month, renames,
 * damage.
 */
// LINK: accountd/book.c
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "accountd/book.h"
#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "t/unit/scratch.h"

#define ANN "d.test/3f/ann"
#define NOON 1800014400000 /* 2027-01-15T12:00:00Z */
#define DAY 86400000

static struct books *books;
static int dirfd;

static void
open_all(void)
{
    ck_assert_ptr_nonnull(scratch_make());
    dirfd = open(scratch_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ck_assert_int_ge(dirfd, 0);
    books = books_new(dirfd);
}

static void
close_all(void)
{
    books_free(&books);
    (void)close(dirfd);
    scratch_remove();
}

static void
reopen(void)
{
    books_free(&books);
    books = books_new(dirfd);
}

static void
note(const char *path, enum book_kind kind, int64_t time_ms, const char *what, uint64_t bytes)
{
    const struct book_entry entry = {.time_ms = time_ms,
                                     .bytes = bytes,
                                     .local = 1,
                                     .remote = 2,
                                     .client = SLICE("192.0.2.7"),
                                     .what = slice_of(what),
                                     .result = SLICE("accepted")};
    const uint64_t figures[BOOK_FIGURES] = {
        [BOOK_SENT_LOCAL_MESSAGES] = 1, [BOOK_SENT_LOCAL_BYTES] = bytes};

    ck_assert_int_eq(books_note(books, path, kind, &entry, true, figures), 0);
}

/* What was listed, "what" of each with a comma. */
static void
take(void *arg, const struct book_entry *entry)
{
    ck_assert(slice_eq(entry->client, SLICE("192.0.2.7")));
    ck_assert(slice_eq(entry->result, SLICE("accepted")));
    ck_assert_uint_eq(entry->local, 1);
    ck_assert_uint_eq(entry->remote, 2);
    (void)strbuf_append(arg, entry->what);
    (void)strbuf_char(arg, ',');
}

static const char *
listed(const char *path, enum book_kind kind)
{
    static char text[10000];
    struct strbuf out = strbuf_new(sizeof(text) - 1);

    ck_assert_int_eq(books_list(books, path, kind, take, &out), 0);
    (void)snprintf(text, sizeof(text), "%s", strbuf_cstr(&out));
    strbuf_free(&out);
    return text;
}

static uint64_t
sum(const char *path, uint32_t first_day, uint32_t last_day)
{
    const struct book_period period = {.first_day = first_day, .last_day = last_day};
    uint64_t figures[BOOK_FIGURES];

    ck_assert_int_eq(books_sums(books, path, &period, figures), 0);
    return figures[BOOK_SENT_LOCAL_BYTES];
}

static uint64_t
month_sum(const char *path, uint32_t month)
{
    const struct book_period period = {.by_month = true, .month = month};
    uint64_t figures[BOOK_FIGURES];

    ck_assert_int_eq(books_sums(books, path, &period, figures), 0);
    return figures[BOOK_SENT_LOCAL_BYTES];
}

START_TEST(a_ring_keeps_the_newest_of_its_kind)
{
    char what[20];

    open_all();
    ck_assert_str_eq(listed(ANN, BOOK_SENT), "");
    note(ANN, BOOK_RECEIVED, NOON, "in", 1);
    for (unsigned i = 0; i < BOOK_ENTRIES + 2; i++) {
        (void)snprintf(what, sizeof(what), "m%u", i);
        note(ANN, BOOK_SENT, NOON + i, what, 1);
    }
    for (unsigned again = 0; again < 2; again++) {
        const char *text = listed(ANN, BOOK_SENT);

        ck_assert(slice_starts(slice_of(text), SLICE("m33,m32,m31,")));
        ck_assert(slice_ends(slice_of(text), SLICE(",m3,m2,")));
        ck_assert_str_eq(listed(ANN, BOOK_RECEIVED), "in,");
        ck_assert_str_eq(listed(ANN, BOOK_DELETED), "");
        reopen();
    }
    close_all();
}
END_TEST

START_TEST(sums_are_kept_by_day_and_month)
{
    uint32_t today = book_day_of(NOON), month = book_month_of_day(today);

    open_all();
    ck_assert_uint_eq(month, 57 * 12); /* January 2027 */
    note(ANN, BOOK_SENT, NOON, "a", 10);
    note(ANN, BOOK_SENT, NOON + 1, "b", 20);
    note(ANN, BOOK_SENT, NOON + DAY, "c", 400);
    note(ANN, BOOK_SENT, NOON + 20 * (int64_t)DAY, "d", 8000); /* February */
    reopen();
    ck_assert_uint_eq(sum(ANN, today, today), 30);
    ck_assert_uint_eq(sum(ANN, today, today + 6), 430);
    ck_assert_uint_eq(sum(ANN, today + 2, today + 6), 0);
    ck_assert_uint_eq(month_sum(ANN, month), 430);
    ck_assert_uint_eq(month_sum(ANN, month + 1), 8000);
    ck_assert_uint_eq(month_sum(ANN, month + 2), 0);
    ck_assert_uint_eq(sum("d.test/00/nobody", today, today), 0);
    /* The place of a day is taken by the one 62 days later, of a month by that 14 months later. */
    note(ANN, BOOK_SENT, NOON + BOOK_DAYS * (int64_t)DAY, "e", 5);
    ck_assert_uint_eq(sum(ANN, today, today), 0);
    ck_assert_uint_eq(sum(ANN, today + BOOK_DAYS, today + BOOK_DAYS), 5);
    ck_assert_uint_eq(month_sum(ANN, month), 430);
    close_all();
}
END_TEST

START_TEST(what_is_not_listed_counts)
{
    const struct book_entry entry = {.time_ms = NOON, .what = SLICE("secret")};
    const uint64_t figures[BOOK_FIGURES] = {[BOOK_SENT_LOCAL_BYTES] = 7};
    uint32_t today = book_day_of(NOON);

    open_all();
    ck_assert_int_eq(books_note(books, ANN, BOOK_SENT, &entry, false, figures), 0);
    ck_assert_str_eq(listed(ANN, BOOK_SENT), "");
    ck_assert_uint_eq(sum(ANN, today, today), 7);
    close_all();
}
END_TEST

START_TEST(long_texts_are_cut_between_characters)
{
    char what[1001];
    const char *text;

    open_all();
    for (size_t i = 0; i < 1000; i += 2)
        memcpy(what + i, "\xc3\xa4", 2);
    what[1000] = '\0';
    note(ANN, BOOK_SENT, NOON, what, 1);
    text = listed(ANN, BOOK_SENT);
    ck_assert_uint_gt(strlen(text), 150);
    ck_assert_uint_lt(strlen(text), 256);
    ck_assert_uint_eq(strlen(text) % 2, 1); /* whole characters, and the comma */
    close_all();
}
END_TEST

START_TEST(a_book_goes_with_its_mailbox)
{
    struct stat st;

    open_all();
    note(ANN, BOOK_SENT, NOON, "a", 10);
    ck_assert_int_eq(books_move(books, ANN, "e.test/01/bob"), 0);
    ck_assert_str_eq(listed(ANN, BOOK_SENT), "");
    ck_assert_str_eq(listed("e.test/01/bob", BOOK_SENT), "a,");
    ck_assert_int_eq(fstatat(dirfd, "d.test", &st, 0), -1); /* nobody is there any more */
    ck_assert_int_eq(books_move(books, "d.test/00/nobody", "e.test/01/bob"), 0); /* again */
    ck_assert_str_eq(listed("e.test/01/bob", BOOK_SENT), "a,");
    ck_assert_int_eq(books_remove(books, "e.test/01/bob"), 0);
    ck_assert_int_eq(books_remove(books, "e.test/01/bob"), 0);
    ck_assert_str_eq(listed("e.test/01/bob", BOOK_SENT), "");
    note(ANN, BOOK_SENT, NOON, "of ann", 10);
    note("e.test/01/bob", BOOK_SENT, NOON, "of a bob of before", 10); /* and it is open */
    ck_assert_int_eq(books_move(books, ANN, "e.test/01/bob"), 0);
    ck_assert_str_eq(listed("e.test/01/bob", BOOK_SENT), "of ann,");
    reopen();
    ck_assert_str_eq(listed("e.test/01/bob", BOOK_SENT), "of ann,");
    close_all();
}
END_TEST

START_TEST(many_books_need_few_descriptors)
{
    char path[100];
    uint32_t today = book_day_of(NOON);

    open_all();
    for (unsigned round = 0; round < 2; round++)
        for (unsigned i = 0; i < 530; i++) {
            (void)snprintf(path, sizeof(path), "d.test/%02x/user%u", i % 256, i);
            note(path, BOOK_SENT, NOON, "a", 10);
        }
    for (unsigned i = 0; i < 530; i++) {
        (void)snprintf(path, sizeof(path), "d.test/%02x/user%u", i % 256, i);
        ck_assert_uint_eq(sum(path, today, today), 20);
        ck_assert_str_eq(listed(path, BOOK_SENT), "a,a,");
    }
    close_all();
}
END_TEST

static void
damage(off_t at)
{
    char path[4096];
    unsigned char byte;
    int fd;

    (void)snprintf(path, sizeof(path), "%s/" ANN, scratch_dir);
    fd = open(path, O_RDWR | O_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(pread(fd, &byte, 1, at), 1);
    byte ^= 0x40;
    ck_assert_int_eq(pwrite(fd, &byte, 1, at), 1);
    (void)close(fd);
}

START_TEST(damage_costs_what_it_hits)
{
    uint32_t today = book_day_of(NOON);
    size_t day_at = 512 + (size_t)(today % BOOK_DAYS) * (8 + 8 * BOOK_FIGURES) + 20;

    open_all();
    note(ANN, BOOK_SENT, NOON, "a", 10);
    note(ANN, BOOK_SENT, NOON, "b", 10);
    books_free(&books);
    damage(8192 + 100); /* the first entry */
    damage((off_t)day_at);
    books = books_new(dirfd);
    ck_assert_str_eq(listed(ANN, BOOK_SENT), "b,");
    ck_assert_uint_eq(sum(ANN, today, today), 0);
    ck_assert_uint_eq(month_sum(ANN, book_month_of_day(today)), 20);
    books_free(&books);
    damage(9); /* the head: all begins anew */
    books = books_new(dirfd);
    ck_assert_str_eq(listed(ANN, BOOK_SENT), "");
    note(ANN, BOOK_SENT, NOON, "c", 3);
    ck_assert_str_eq(listed(ANN, BOOK_SENT), "c,");
    ck_assert_uint_eq(sum(ANN, today, today), 3);
    close_all();
}
END_TEST

START_TEST(nothing_outside_of_its_directory)
{
    const struct book_entry entry = {.time_ms = NOON};
    char path[700];

    open_all();
    memset(path, 'x', sizeof(path) - 1);
    path[sizeof(path) - 1] = '\0';
    ck_assert_int_eq(books_note(books, "", BOOK_SENT, &entry, true, NULL), -1);
    ck_assert_int_eq(books_note(books, path, BOOK_SENT, &entry, true, NULL), -1);
    ck_assert_int_eq(books_move(books, path, ANN), -1);
    ck_assert_int_eq(mkdirat(dirfd, "d.test", 0700), 0);
    ck_assert_int_eq(mkdirat(dirfd, "d.test/3f", 0700), 0);
    ck_assert_int_eq(symlinkat("/dev/null", dirfd, ANN), 0);
    ck_assert_int_eq(books_note(books, ANN, BOOK_SENT, &entry, true, NULL), -1);
    ck_assert_int_eq(errno, ELOOP);
    close_all();
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("book");
    TCase *tc = tcase_create("book");
    SRunner *sr;
    int failed;

    tcase_set_timeout(tc, 60); /* it makes many files */
    tcase_add_test(tc, a_ring_keeps_the_newest_of_its_kind);
    tcase_add_test(tc, sums_are_kept_by_day_and_month);
    tcase_add_test(tc, what_is_not_listed_counts);
    tcase_add_test(tc, long_texts_are_cut_between_characters);
    tcase_add_test(tc, a_book_goes_with_its_mailbox);
    tcase_add_test(tc, many_books_need_few_descriptors);
    tcase_add_test(tc, damage_costs_what_it_hits);
    tcase_add_test(tc, nothing_outside_of_its_directory);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
