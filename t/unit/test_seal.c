/*
 * t/unit/test_seal.c - sealed secrets: they open with their keys and their names alone; files with
 * passwords; key files.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/conf/seal.h"
#include "lib/conf/secret_file.h"
#include "t/unit/scratch.h"

static struct seal_keys
fresh_keys(void)
{
    struct seal_keys keys = {.count = 0};

    seal_keys_add(&keys);
    return keys;
}

START_TEST(what_is_sealed_opens_under_its_name)
{
    static const char *const secrets[] = {"x", "p\xc3\xa4ss word", "{SEALED1}"};
    struct seal_keys keys = fresh_keys();

    for (size_t i = 0; i < ARRAY_LEN(secrets); i++) {
        struct strbuf sealed = strbuf_new(SEAL_TEXT_MAX), again = strbuf_new(SEAL_TEXT_MAX),
                      plain = strbuf_new(SEAL_SECRET_MAX);

        ck_assert(seal_close(&keys, SLICE("a"), slice_of(secrets[i]), &sealed));
        ck_assert(seal_close(&keys, SLICE("a"), slice_of(secrets[i]), &again));
        ck_assert_str_ne(strbuf_cstr(&sealed), strbuf_cstr(&again)); /* nobody sees equal ones */
        ck_assert(seal_is_sealed(strbuf_slice(&sealed)));
        ck_assert_uint_eq(slice_find(strbuf_slice(&sealed), SLICE("ss word")), sealed.len);
        ck_assert_ptr_null(seal_open(&keys, SLICE("a"), strbuf_slice(&sealed), &plain));
        ck_assert_str_eq(strbuf_cstr(&plain), secrets[i]);
        strbuf_clear(&plain);
        ck_assert_ptr_nonnull(
            strstr(seal_open(&keys, SLICE("b"), strbuf_slice(&sealed), &plain), "elsewhere"));
        ck_assert_uint_eq(plain.len, 0);
        strbuf_free(&sealed);
        strbuf_free(&again);
        strbuf_free(&plain);
    }
}
END_TEST

START_TEST(every_changed_byte_is_seen)
{
    struct seal_keys keys = fresh_keys();
    struct strbuf sealed = strbuf_new(SEAL_TEXT_MAX), plain = strbuf_new(SEAL_SECRET_MAX);

    ck_assert(seal_close(&keys, SLICE("a"), SLICE("secret"), &sealed));
    for (size_t i = 0; i < sealed.len; i++) {
        char was = sealed.ptr[i];

        sealed.ptr[i] = was == 'A' ? 'B' : 'A';
        ck_assert_msg(seal_open(&keys, SLICE("a"), strbuf_slice(&sealed), &plain) != NULL,
                      "byte %zu", i);
        sealed.ptr[i] = was;
        ck_assert_ptr_nonnull(
            seal_open(&keys, SLICE("a"), slice_make(sealed.ptr, i), &plain)); /* cut off */
    }
    ck_assert_uint_eq(plain.len, 0);
    ck_assert_ptr_nonnull(
        strstr(seal_open(&keys, SLICE("a"), SLICE("{SEALED2}AAAA"), &plain), "version"));
    strbuf_free(&sealed);
    strbuf_free(&plain);
}
END_TEST

START_TEST(an_older_key_opens_and_a_newer_one_seals)
{
    struct seal_keys keys = fresh_keys(), both;
    struct strbuf old = strbuf_new(SEAL_TEXT_MAX), new = strbuf_new(SEAL_TEXT_MAX),
                  plain = strbuf_new(SEAL_SECRET_MAX);

    ck_assert(seal_close(&keys, SLICE("a"), SLICE("secret"), &old));
    both = keys;
    seal_keys_add(&both);
    ck_assert_uint_eq(both.count, 2);
    ck_assert(!seal_is_by_first(&both, strbuf_slice(&old)));
    ck_assert_ptr_null(seal_open(&both, SLICE("a"), strbuf_slice(&old), &plain));
    ck_assert(seal_close(&both, SLICE("a"), SLICE("secret"), &new));
    ck_assert(seal_is_by_first(&both, strbuf_slice(&new)));
    ck_assert_ptr_nonnull(
        strstr(seal_open(&keys, SLICE("a"), strbuf_slice(&new), &plain), "not in the key file"));
    seal_keys_add(&both); /* the oldest goes */
    ck_assert_ptr_nonnull(seal_open(&both, SLICE("a"), strbuf_slice(&old), &plain));
    strbuf_free(&old);
    strbuf_free(&new);
    strbuf_free(&plain);
}
END_TEST

/* ---- key files ---- */

#define KEY "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="

static const struct {
    const char *text;
    mode_t mode;
    size_t count;
    const char *error;
} key_files[] = {
    {"# a comment\n" KEY "\n", 0400, 1, NULL},
    {KEY "\n\n" KEY "\n", 0600, 2, NULL},
    {KEY "\n", 0440, 0, "chmod 400"},
    {"# nothing\n", 0400, 0, "no key in it"},
    {KEY "\n" KEY "\n" KEY "\n", 0400, 0, ":3: there are more than two keys"},
    {"\nAAAA\n", 0400, 0, ":2: expected a key of 32 bytes"},
    {NULL, 0, 0, "No such file"},
};

START_TEST(key_files_are_checked)
{
    struct strbuf error = strbuf_new(4096);
    struct seal_keys keys;
    char path[200];
    int rc;

    ck_assert_ptr_nonnull(scratch_make());
    (void)snprintf(path, sizeof(path), "%s/a.key", scratch_dir);
    if (key_files[_i].text != NULL) {
        ck_assert_int_eq(replace_file(AT_FDCWD, path, slice_of(key_files[_i].text), 0600), 0);
        ck_assert_int_eq(chmod(path, key_files[_i].mode), 0);
    }
    rc = seal_keys_read(path, &keys, &error);
    ck_assert_int_eq(errno == ENOENT, key_files[_i].text == NULL);
    scratch_remove();
    ck_assert_int_eq(rc, key_files[_i].error == NULL ? 0 : -1);
    ck_assert_uint_eq(keys.count, key_files[_i].count);
    if (key_files[_i].error != NULL)
        ck_assert_msg(strstr(strbuf_cstr(&error), key_files[_i].error) != NULL, "%s",
                      strbuf_cstr(&error));
    ck_assert_ptr_null(strstr(strbuf_cstr(&error), "AAAA"));
    strbuf_free(&error);
}
END_TEST

/* ---- files with passwords ---- */

static void
write_keys(const char *path, const struct seal_keys *keys)
{
    struct strbuf text = strbuf_new(4096);

    seal_keys_print(keys, &text);
    ck_assert_int_eq(replace_file(AT_FDCWD, path, strbuf_slice(&text), 0400), 0);
    strbuf_free(&text);
}

/* Seals the password of one line and writes a file with it and plain ones around. */
static int
open_file(const char *name, const char *line, const char *secret, struct strbuf *text,
          struct strbuf *error)
{
    struct seal_keys keys = fresh_keys();
    char path[200], key_path[200];
    struct secret_place place = {secret_kind_find(REMOTE_RELAY_PASSWORDS), path, key_path};
    struct strbuf raw = strbuf_new(SECRET_FILE_MAX);
    int rc;

    (void)snprintf(path, sizeof(path), "%s/passwords", scratch_dir);
    (void)snprintf(key_path, sizeof(key_path), "%s/out.key", scratch_dir);
    write_keys(key_path, &keys);
    (void)strbuf_printf(&raw, "# {SEALED1} in a comment\nplain.x a plain one\n%s", line);
    ck_assert(seal_close(&keys, slice_of(name), slice_of(secret), &raw));
    (void)strbuf_str(&raw, "\n\nlast.x c d");
    ck_assert_int_eq(replace_file(AT_FDCWD, path, strbuf_slice(&raw), 0600), 0);
    rc = secret_file_open(&place, text, error);
    strbuf_free(&raw);
    return rc;
}

START_TEST(a_file_is_read_with_its_passwords_opened)
{
    struct strbuf text = strbuf_new(SECRET_FILE_MAX), error = strbuf_new(4096);

    ck_assert_ptr_nonnull(scratch_make());
    ck_assert_msg(open_file("remote.relay_passwords relay.x a@B", "Relay.X\ta@B  ", "two words",
                            &text, &error) == 0,
                  "%s", strbuf_cstr(&error));
    ck_assert_str_eq(strbuf_cstr(&text), "# {SEALED1} in a comment\nplain.x a plain one\n"
                                         "Relay.X\ta@B  two words\n\nlast.x c d\n");
    strbuf_clear(&text);
    ck_assert_int_eq(
        open_file("remote.relay_passwords relay.x a@B", "relay.x a@b ", "two words", &text, &error),
        -1);
    ck_assert_ptr_nonnull(strstr(strbuf_cstr(&error), "/passwords:3: the sealed text belongs"));
    strbuf_clear(&text);
    strbuf_clear(&error);
    ck_assert_int_eq(open_file("remote.relay_passwords relay.x a@B", "relay.x a@B ",
                               "one\nother.x b sent elsewhere", &text, &error),
                     -1);
    ck_assert_ptr_nonnull(strstr(strbuf_cstr(&error), "/passwords:3: what is sealed there is no"));
    scratch_remove();
    secret_wipe(&text);
    strbuf_free(&error);
}
END_TEST

START_TEST(without_its_key_a_file_is_refused)
{
    struct strbuf text = strbuf_new(SECRET_FILE_MAX), error = strbuf_new(4096);
    char path[200], key_path[200];
    struct secret_place place = {secret_kind_find(PROXY_PASSWORD_FILE), path, key_path};

    ck_assert_ptr_nonnull(scratch_make());
    (void)snprintf(path, sizeof(path), "%s/proxy.password", scratch_dir);
    (void)snprintf(key_path, sizeof(key_path), "%s/missing.key", scratch_dir);
    ck_assert_int_eq(replace_file(AT_FDCWD, path, SLICE("plain\n"), 0600), 0);
    ck_assert_int_eq(secret_file_open(&place, &text, &error), 0); /* none is needed */
    ck_assert_str_eq(strbuf_cstr(&text), "plain\n");
    ck_assert_int_eq(replace_file(AT_FDCWD, path, SLICE("{SEALED1}AAAA\n"), 0600), 0);
    ck_assert_int_eq(secret_file_open(&place, &text, &error), -1);
    ck_assert_ptr_nonnull(strstr(strbuf_cstr(&error), "missing.key: No such file"));
    ck_assert_ptr_nonnull(strstr(strbuf_cstr(&error), "proxy.password: the password is sealed"));
    scratch_remove();
    secret_wipe(&text);
    strbuf_free(&error);
}
END_TEST

static const mode_t open_modes[] = {0640, 0620, 0610, 0604, 0602, 0601};

START_TEST(a_file_that_others_may_reach_is_refused)
{
    struct strbuf text = strbuf_new(SECRET_FILE_MAX), error = strbuf_new(4096);
    char path[200];

    ck_assert_ptr_nonnull(scratch_make());
    (void)snprintf(path, sizeof(path), "%s/passwords", scratch_dir);
    ck_assert_int_eq(replace_file(AT_FDCWD, path, SLICE("secret\n"), 0600), 0);
    ck_assert_int_eq(secret_file_read(path, &text, &error), 0);
    strbuf_clear(&text);
    ck_assert_int_eq(chmod(path, open_modes[_i]), 0);
    ck_assert_int_eq(secret_file_read(path, &text, &error), -1);
    ck_assert_int_eq(errno, EINVAL);
    ck_assert_uint_eq(text.len, 0);
    ck_assert_ptr_nonnull(strstr(strbuf_cstr(&error), "chmod 600"));
    scratch_remove();
    secret_wipe(&text);
    strbuf_free(&error);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("seal");
    TCase *tc = tcase_create("seal");
    SRunner *sr;
    int failed;

    tcase_add_test(tc, what_is_sealed_opens_under_its_name);
    tcase_add_test(tc, every_changed_byte_is_seen);
    tcase_add_test(tc, an_older_key_opens_and_a_newer_one_seals);
    tcase_add_loop_test(tc, key_files_are_checked, 0, (int)ARRAY_LEN(key_files));
    tcase_add_test(tc, a_file_is_read_with_its_passwords_opened);
    tcase_add_test(tc, without_its_key_a_file_is_refused);
    tcase_add_loop_test(tc, a_file_that_others_may_reach_is_refused, 0, (int)ARRAY_LEN(open_modes));
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
