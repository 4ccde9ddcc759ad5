/*
 * t/unit/test_url_keys.c - lib/store/url_keys: a mailbox keeps its key, and what takes it away.
 */
#include "t/unit/store_test.h"

#include <sys/wait.h>

#include "lib/store/url_keys.h"

static const char *
id_of(const char *folder)
{
    static struct mailbox_info info;

    ck_assert_int_eq(mailbox_status(store_test, slice_of(folder), &info), 0);
    return info.mailbox_id;
}

static void
make(const char *id, uint8_t key[URL_KEY_SIZE])
{
    ck_assert_msg(url_keys_make(store_test, id, key) == 0, "%s", strerror(errno));
}

static void
assert_has(const char *id, const uint8_t key[URL_KEY_SIZE])
{
    uint8_t found[URL_KEY_SIZE];

    ck_assert_msg(url_keys_find(store_test_fd, id, found) == 0, "%s", strerror(errno));
    ck_assert_mem_eq(found, key, URL_KEY_SIZE);
}

static void
assert_has_none(const char *id)
{
    uint8_t found[URL_KEY_SIZE];

    errno = 0;
    ck_assert_int_eq(url_keys_find(store_test_fd, id, found), -1);
    ck_assert_int_eq(errno, ENOENT);
}

/* ---- what keeps a key, and what does not ---- */

START_TEST(a_key_is_made_once)
{
    uint8_t inbox[URL_KEY_SIZE], again[URL_KEY_SIZE], sent[URL_KEY_SIZE];
    struct stat st;

    assert_has_none(id_of("INBOX"));
    make(id_of("INBOX"), inbox);
    make(id_of("Sent"), sent);
    make(id_of("INBOX"), again);
    ck_assert_mem_eq(inbox, again, URL_KEY_SIZE);
    ck_assert_mem_ne(inbox, sent, URL_KEY_SIZE);
    assert_has(id_of("INBOX"), inbox);
    assert_has(id_of("Sent"), sent);
    ck_assert_int_eq(fstatat(store_test_fd, URL_KEYS_NAME, &st, AT_SYMLINK_NOFOLLOW), 0);
    ck_assert_uint_eq(st.st_mode & 07777, 0600);
}
END_TEST

START_TEST(a_renewed_key_is_another)
{
    uint8_t inbox[URL_KEY_SIZE], sent[URL_KEY_SIZE], found[URL_KEY_SIZE];

    make(id_of("INBOX"), inbox);
    make(id_of("Sent"), sent);
    ck_assert_int_eq(url_keys_renew(store_test, id_of("INBOX")), 0);
    ck_assert_int_eq(url_keys_find(store_test_fd, id_of("INBOX"), found), 0);
    ck_assert_mem_ne(found, inbox, URL_KEY_SIZE);
    assert_has(id_of("Sent"), sent);
    ck_assert_int_eq(url_keys_renew(store_test, id_of("Drafts")), 0); /* had none */
    ck_assert_int_eq(url_keys_find(store_test_fd, id_of("Drafts"), found), 0);
}
END_TEST

/* RFC 4467, BASE.6.3.RESETKEY: who has the mailbox selected is told. */
START_TEST(a_reset_is_seen_once)
{
    struct url_keys_seen inbox, sent;
    uint8_t key[URL_KEY_SIZE];

    url_keys_see(store_test, id_of("INBOX"), &inbox);
    url_keys_see(store_test, id_of("Sent"), &sent);
    make(id_of("INBOX"), key); /* a first one voids nothing */
    ck_assert(!url_keys_were_reset(store_test, &inbox));
    ck_assert_int_eq(url_keys_renew(store_test, id_of("INBOX")), 0);
    ck_assert(url_keys_were_reset(store_test, &inbox));
    ck_assert(!url_keys_were_reset(store_test, &inbox));
    ck_assert(!url_keys_were_reset(store_test, &sent));
    ck_assert_int_eq(url_keys_renew(store_test, id_of("Sent")), 0); /* had none */
    ck_assert(!url_keys_were_reset(store_test, &inbox));
    make(id_of("Drafts"), key);
    ck_assert(url_keys_were_reset(store_test, &sent)); /* the mark stays with the line */
    url_keys_forget(store_test, id_of("Drafts"));
    ck_assert_int_eq(url_keys_clear(store_test), 0);
    ck_assert(url_keys_were_reset(store_test, &inbox));
    make(id_of("INBOX"), key);
    ck_assert(!url_keys_were_reset(store_test, &inbox));
}
END_TEST

START_TEST(all_keys_go_at_once)
{
    uint8_t key[URL_KEY_SIZE];

    ck_assert_int_eq(url_keys_clear(store_test), 0);
    make(id_of("INBOX"), key);
    make(id_of("Sent"), key);
    ck_assert_int_eq(url_keys_clear(store_test), 0);
    assert_has_none(id_of("INBOX"));
    assert_has_none(id_of("Sent"));
}
END_TEST

START_TEST(a_key_follows_its_mailbox)
{
    uint8_t key[URL_KEY_SIZE], inbox[URL_KEY_SIZE];
    char id[MAILBOX_ID_SIZE];

    ck_assert_int_eq(store_create(store_test, SLICE("Work"), STORE_USE_NONE), 0);
    (void)snprintf(id, sizeof(id), "%s", id_of("Work"));
    make(id, key);
    make(id_of("INBOX"), inbox);
    ck_assert_int_eq(store_rename(store_test, SLICE("Work"), SLICE("Play")), 0);
    assert_has(id_of("Play"), key);
    ck_assert_int_eq(store_remove(store_test, SLICE("Play")), 0);
    assert_has_none(id);
    assert_has(id_of("INBOX"), inbox);
    ck_assert_int_eq(store_create(store_test, SLICE("Play"), STORE_USE_NONE), 0);
    assert_has_none(id_of("Play"));
}
END_TEST

/* ---- who may not, and what is wrong ---- */

START_TEST(a_store_that_may_only_be_read_makes_none)
{
    const struct store_options options = {.read_only = true};
    struct store *reader = store_open(store_test_fd, &options);
    uint8_t key[URL_KEY_SIZE], made[URL_KEY_SIZE];

    ck_assert_ptr_nonnull(reader);
    ck_assert_int_eq(url_keys_make(reader, id_of("INBOX"), key), -1);
    ck_assert_int_eq(errno, EROFS);
    make(id_of("INBOX"), made);
    ck_assert_int_eq(url_keys_make(reader, id_of("INBOX"), key), 0); /* it can be read */
    ck_assert_mem_eq(key, made, URL_KEY_SIZE);
    ck_assert_int_eq(url_keys_renew(reader, id_of("INBOX")), -1);
    ck_assert_int_eq(url_keys_clear(reader), -1);
    assert_has(id_of("INBOX"), made);
    store_close(&reader);
}
END_TEST

static void
put_file(struct slice text)
{
    ck_assert_int_eq(replace_file(store_test_fd, URL_KEYS_NAME, text, 0600), 0);
}

#define ZEROS "00000000000000000000000000000000"

START_TEST(lines_that_are_none_are_passed_over)
{
    static const uint8_t zeros[URL_KEY_SIZE];
    uint8_t key[URL_KEY_SIZE];

    put_file(SLICE("\n \nM1\nM1 \nM1 " ZEROS "\nM1 " ZEROS ZEROS "00\nM1 " ZEROS ZEROS "x\n"
                   "M2 " ZEROS ZEROS "\n" ZEROS));
    assert_has_none("M1");
    assert_has_none("");
    assert_has("M2", zeros);
    make("M1", key);
    assert_has("M1", key);
    assert_has("M2", zeros);
}
END_TEST

START_TEST(no_link_leads_out)
{
    uint8_t key[URL_KEY_SIZE];

    put_file(SLICE("M1 " ZEROS ZEROS "\n"));
    ck_assert_int_eq(renameat(store_test_fd, URL_KEYS_NAME, store_test_fd, "elsewhere"), 0);
    ck_assert_int_eq(symlinkat("elsewhere", store_test_fd, URL_KEYS_NAME), 0);
    ck_assert_int_eq(url_keys_find(store_test_fd, "M1", key), -1);
    ck_assert_int_eq(errno, ELOOP);
}
END_TEST

/* They write at the same time, each under the lock. */
START_TEST(sessions_do_not_lose_each_others_keys)
{
    enum { WRITERS = 4, KEYS = 200 };
    uint8_t key[URL_KEY_SIZE];
    int status;

    for (int i = 0; i < WRITERS; i++) {
        pid_t pid = fork();

        ck_assert_int_ge(pid, 0);
        if (pid == 0) {
            struct store *mine = store_open(store_test_fd, &store_test_options);
            int rc = mine == NULL ? -1 : 0;
            char id[40];

            for (int k = 0; k < KEYS && rc == 0; k++) {
                (void)snprintf(id, sizeof(id), "M%d-%d", i, k);
                rc = url_keys_make(mine, id, key);
            }
            _exit(rc == 0 ? 0 : 1);
        }
    }
    for (int i = 0; i < WRITERS; i++) {
        ck_assert_int_gt(wait(&status), 0);
        ck_assert_int_eq(status, 0);
    }
    for (int i = 0; i < WRITERS * KEYS; i++) {
        char id[40];

        (void)snprintf(id, sizeof(id), "M%d-%d", i / KEYS, i % KEYS);
        ck_assert_msg(url_keys_find(store_test_fd, id, key) == 0, "%s", id);
    }
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("url_keys");
    TCase *tc = tcase_create("url_keys");
    SRunner *sr = srunner_create(s);
    int failed;

    tcase_add_checked_fixture(tc, store_test_setup, store_test_teardown);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, a_key_is_made_once);
    tcase_add_test(tc, a_renewed_key_is_another);
    tcase_add_test(tc, a_reset_is_seen_once);
    tcase_add_test(tc, all_keys_go_at_once);
    tcase_add_test(tc, a_key_follows_its_mailbox);
    tcase_add_test(tc, a_store_that_may_only_be_read_makes_none);
    tcase_add_test(tc, lines_that_are_none_are_passed_over);
    tcase_add_test(tc, no_link_leads_out);
    tcase_add_test(tc, sessions_do_not_lose_each_others_keys);
    suite_add_tcase(s, tc);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
