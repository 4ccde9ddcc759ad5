/*
 * t/unit/test_adopt.c - lib/store/adopt: a foreign Maildir, and foreign mail in new/.
 */
#include "t/unit/store_test.h"

#include <poll.h>
#include <signal.h>

#include "lib/store/compact.h"
#include "lib/store/watch.h"

static void
put_file(const char *path, const char *text)
{
    int fd = openat(store_test_fd, path, O_WRONLY | O_CREAT | O_EXCL, 0600);

    ck_assert_msg(fd >= 0, "%s: %s", path, strerror(errno));
    ck_assert_int_eq(write_all(fd, slice_of(text)), 0);
    (void)close(fd);
}

static void
make_maildir(const char *prefix)
{
    static const char *const subs[] = {"cur", "new", "tmp"};
    char path[100];

    if (prefix[0] != '\0')
        ck_assert_int_eq(mkdirat(store_test_fd, prefix, 0700), 0);
    for (size_t i = 0; i < ARRAY_LEN(subs); i++) {
        (void)snprintf(path, sizeof(path), "%s%s%s", prefix, prefix[0] == '\0' ? "" : "/", subs[i]);
        ck_assert_int_eq(mkdirat(store_test_fd, path, 0700), 0);
    }
}

static void
open_store(void)
{
    store_test = store_open(store_test_fd, &store_test_options);
    ck_assert_ptr_nonnull(store_test);
}

START_TEST(a_dropped_in_maildir_is_taken_over)
{
    struct mailbox *mb;
    uint64_t bytes, messages;
    char *text;

    make_maildir("");
    make_maildir(".Old");
    put_file("cur/1000000002.b:2,S", "two\n\nx\n");
    put_file("cur/1000000001.a:2,FRT", "one\r\n");
    put_file("new/1000000003.c", "three\n");
    put_file(".Old/cur/5.x:2,P", "old\n");
    ck_assert_int_eq(symlinkat("/etc/passwd", store_test_fd, "cur/4.link:2,"), 0);
    open_store();
    mb = store_test_select("INBOX");
    ck_assert_uint_eq(mailbox_count(mb), 3);
    ck_assert_uint_eq(mailbox_message(mb, 1)->flags,
                      MESSAGE_FLAGGED | MESSAGE_ANSWERED | MESSAGE_DELETED | MESSAGE_RECENT);
    ck_assert_uint_eq(mailbox_message(mb, 2)->flags, MESSAGE_SEEN | MESSAGE_RECENT);
    ck_assert_uint_eq(mailbox_message(mb, 2)->size, 10);
    text = store_test_read(mb, 2);
    ck_assert_str_eq(text, "two\r\n\r\nx\r\n");
    free(text);
    text = store_test_read(mb, 3);
    ck_assert_str_eq(text, "three\r\n");
    free(text);
    mailbox_close(&mb);
    mb = store_test_select("Old");
    ck_assert_uint_eq(mailbox_count(mb), 1);
    ck_assert_str_eq(mailbox_keyword(mb, 0), "$Forwarded");
    ck_assert_uint_eq(mailbox_message(mb, 1)->keywords, 1);
    mailbox_close(&mb);
    ck_assert_int_eq(store_usage(store_test, &bytes, &messages), 0);
    ck_assert_uint_eq(messages, 4);
    ck_assert_uint_eq(bytes, 5 + 10 + 7 + 5);
}
END_TEST

/* A file is read in steps of 64 KiB: line ends across their border. */
START_TEST(long_mail_gets_its_line_ends_wherever_they_are)
{
    static char text[200000], wanted[400000];
    struct mailbox *mb;
    char *found;

    for (size_t shift = 0; shift < 3; shift++) {
        char name[20];
        size_t len = 0, out = 0;

        for (size_t i = 0; i < 140000 + shift; i++) {
            bool ends = (i + shift) % 64 == 0;

            if (ends && i % 128 < 64)
                wanted[out++] = text[len++] = '\r';
            else if (ends)
                wanted[out++] = '\r';
            wanted[out++] = text[len++] = ends ? '\n' : 'x';
        }
        text[len] = wanted[out] = '\0';
        if (shift == 0)
            make_maildir("");
        (void)snprintf(name, sizeof(name), "cur/%zu", shift + 1);
        put_file(name, text);
        if (shift < 2)
            continue;
        open_store();
        mb = store_test_select("INBOX");
        found = store_test_read(mb, 3);
        ck_assert_uint_eq(mailbox_message(mb, 3)->size, out);
        ck_assert_str_eq(found, wanted);
        free(found);
        mailbox_close(&mb);
    }
}
END_TEST

START_TEST(mail_in_new_comes_into_a_running_session)
{
    struct mailbox *mb;
    struct mailbox_changes c;

    open_store();
    mb = store_test_select("INBOX");
    put_file("new/1.a", "x\n");
    usleep(1100000); /* new/ is looked at once a second */
    ck_assert_int_eq(mailbox_sync(mb, false, &c), 0);
    ck_assert_uint_eq(c.new_count, 1);
    mailbox_changes_free(&c);
    ck_assert_int_eq(faccessat(store_test_fd, "new/1.a", F_OK, 0), -1);
    mailbox_close(&mb);
}
END_TEST

START_TEST(an_adoption_that_was_cut_short_is_not_done_twice)
{
    struct mailbox *mb;

    open_store();
    put_file("new/1.a", "x\r\n");
    mb = store_test_select("INBOX");
    ck_assert_uint_eq(mailbox_count(mb), 1);
    mailbox_close(&mb);
    /* as if the process had died before it removed the name in new/ */
    ck_assert_int_eq(linkat(store_test_fd, "cur/1.a:2,", store_test_fd, "new/1.a", 0), 0);
    mb = store_test_select("INBOX");
    ck_assert_uint_eq(mailbox_count(mb), 1);
    ck_assert_int_eq(faccessat(store_test_fd, "new/1.a", F_OK, 0), -1);
    mailbox_close(&mb);
}
END_TEST

START_TEST(a_file_renamed_by_another_program_is_found)
{
    struct mailbox *mb;
    char *text;

    open_store();
    put_file("new/1.a", "x\r\n");
    mb = store_test_select("INBOX");
    ck_assert_int_eq(renameat(store_test_fd, "cur/1.a:2,", store_test_fd, "cur/1.a:2,S"), 0);
    text = store_test_read(mb, 1);
    ck_assert_str_eq(text, "x\r\n");
    free(text);
    mailbox_close(&mb);
}
END_TEST

/* Another session has put a new journal in the old one's place since this one looked. */
START_TEST(mail_in_new_comes_in_after_a_compaction)
{
    struct mailbox *a, *b;
    uint32_t uid = 1;

    open_store();
    for (unsigned i = 0; i < 5; i++)
        (void)store_test_append("INBOX", "x\r\n", 0);
    a = store_test_select("INBOX");
    b = store_test_select("INBOX");
    ck_assert_int_eq(mailbox_remove(a, &uid, 1), 0);
    ck_assert_int_eq(mailbox_sync(a, true, NULL), 0);
    ck_assert_int_eq(compact_journal(a), 0);
    put_file("new/1.a", "x\r\n");
    b->new_checked_ms = 0;
    ck_assert_int_eq(mailbox_sync(b, true, NULL), 0);
    ck_assert_uint_eq(mailbox_count(b), 5);
    ck_assert_uint_eq(mailbox_message(b, 5)->uid, 6);
    free(store_test_read(b, 5));
    mailbox_close(&b);
    mailbox_close(&a);
}
END_TEST

/* What cannot be taken stays, and stops nothing. */
START_TEST(what_is_no_message_stays_in_new)
{
    struct mailbox *mb;

    open_store();
    ck_assert_int_eq(symlinkat("/etc/passwd", store_test_fd, "new/1.link"), 0);
    ck_assert_int_eq(mkfifoat(store_test_fd, "new/2.fifo", 0600), 0);
    put_file("new/3.a", "x\r\n");
    mb = store_test_select("INBOX");
    ck_assert_uint_eq(mailbox_count(mb), 1);
    ck_assert_int_eq(faccessat(store_test_fd, "new/1.link", F_OK, AT_SYMLINK_NOFOLLOW), 0);
    ck_assert_int_eq(faccessat(store_test_fd, "new/2.fifo", F_OK, 0), 0);
    ck_assert_int_eq(faccessat(store_test_fd, "new/3.a", F_OK, 0), -1);
    mailbox_close(&mb);
}
END_TEST

/* A script that drops each mail under the same name loses none of them. */
START_TEST(a_name_may_come_twice)
{
    struct mailbox *mb;
    char *text;

    open_store();
    put_file("new/mail", "one\r\n");
    mb = store_test_select("INBOX");
    mailbox_close(&mb);
    put_file("new/mail", "two\r\n");
    mb = store_test_select("INBOX");
    ck_assert_uint_eq(mailbox_count(mb), 2);
    text = store_test_read(mb, 2);
    ck_assert_str_eq(text, "two\r\n");
    free(text);
    mailbox_close(&mb);
}
END_TEST

START_TEST(many_files_in_new_come_in_at_once)
{
    struct mailbox *mb;
    uint64_t bytes, messages;
    char path[32];

    open_store();
    ck_assert_int_eq(store_create(store_test, SLICE("Old"), STORE_USE_NONE), 0);
    for (unsigned i = 0; i < 150; i++) {
        (void)snprintf(path, sizeof(path), ".Old/new/%u.a", 1000 + i);
        put_file(path, "x\n");
    }
    mb = store_test_select("Old");
    ck_assert_uint_eq(mailbox_count(mb), 150);
    mailbox_close(&mb);
    ck_assert_int_eq(store_usage(store_test, &bytes, &messages), 0);
    ck_assert_uint_eq(messages, 150);
}
END_TEST

START_TEST(a_watcher_is_woken)
{
    struct mailbox *mb;
    struct watch *w = watch_new();
    struct pollfd p = {.events = POLLIN};
    int number;

    open_store();
    mb = store_test_select("INBOX");
    ck_assert_ptr_nonnull(w);
    p.fd = watch_fd(w);
    number = mailbox_watch(mb, w);
    ck_assert_int_ge(number, 0);
    ck_assert_int_eq(poll(&p, 1, 0), 0);
    put_file("new/1.a", "x\r\n");
    ck_assert_int_eq(poll(&p, 1, 1000), 1);
    ck_assert_int_eq(watch_next(w), number);
    mailbox_wake(mb); /* it has just looked at new/ */
    ck_assert_int_eq(mailbox_sync(mb, true, NULL), 0);
    ck_assert_uint_eq(mailbox_count(mb), 1);
    while (watch_next(w) >= 0) /* its own work */
        continue;
    ck_assert_int_eq(poll(&p, 1, 0), 0);
    (void)store_test_append("INBOX", "y\r\n", 0);
    ck_assert_int_eq(poll(&p, 1, 1000), 1);
    ck_assert_int_eq(watch_next(w), number);
    mailbox_close(&mb);
    watch_free(&w);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("adopt");
    TCase *tc = tcase_create("foreign");

    tcase_add_checked_fixture(tc, store_test_setup_empty, store_test_teardown);
    tcase_add_test(tc, a_dropped_in_maildir_is_taken_over);
    tcase_add_test(tc, long_mail_gets_its_line_ends_wherever_they_are);
    tcase_add_test(tc, mail_in_new_comes_into_a_running_session);
    tcase_add_test(tc, an_adoption_that_was_cut_short_is_not_done_twice);
    tcase_add_test(tc, a_file_renamed_by_another_program_is_found);
    tcase_add_test(tc, mail_in_new_comes_in_after_a_compaction);
    tcase_add_test(tc, what_is_no_message_stays_in_new);
    tcase_add_test(tc, a_name_may_come_twice);
    tcase_add_test(tc, many_files_in_new_come_in_at_once);
    tcase_add_test(tc, a_watcher_is_woken);
    suite_add_tcase(suite, tc);
    return store_test_run(suite);
}
