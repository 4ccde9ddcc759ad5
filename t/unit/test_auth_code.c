/*
 * t/unit/test_auth_code.c - lib/auth/code, lib/account/auth_code, authd/means: codes in place of
 * passwords.
 */
// LINK: authd/means.c
#include "t/unit/account_base.h"

#include "authd/means.h"
#include "lib/account/auth_code.h"
#include "lib/account/transfer.h"
#include "lib/ipc/accountd_means.h"

static uint32_t
add(const char *user, const char *property, const char *value, struct auth_code_made *made)
{
    const struct object_field field = {slice_of(property), slice_of(value)};

    test_begin();
    return test_end(
        account_code_add(&test_edit, slice_of(user), &field, property == NULL ? 0 : 1, made));
}

/* ---- what a code is ---- */

static const struct {
    const char *given;
    bool is_code;
} given[] = {
    {"abcd-efgh-ijkl-mnop-q234", true},
    {"ABCDEFGHIJKLMNOPQ234", true},
    {"abcd efgh ijkl mnop q234", true},
    {"abcd-efgh-ijkl-mnop-q23", false},
    {"abcd-efgh-ijkl-mnop-q2345", false},
    {"abcd-efgh-ijkl-mnop-q231", false},
    {"", false},
    {"abcd_efgh-ijkl-mnop-q234", false},
};

START_TEST(a_code_is_read_as_it_is_typed)
{
    char letters[CODE_LETTERS + 1];

    ck_assert_int_eq(code_letters(slice_of(given[_i].given), letters), given[_i].is_code ? 0 : -1);
    if (given[_i].is_code)
        ck_assert_str_eq(letters, "abcdefghijklmnopq234");
}
END_TEST

START_TEST(a_record_fits_its_code_alone)
{
    const struct password_scram like = {.iterations = 10, .salt_len = 4, .salt = "salt"};
    struct strbuf record = strbuf_new(PASSWORD_RECORD_MAX);
    struct password_scram keys, want = like;
    char text[CODE_TEXT_LEN + 1], other[CODE_TEXT_LEN + 1], letters[CODE_LETTERS + 1];

    code_make(text);
    code_make(other);
    ck_assert_str_ne(text, other);
    ck_assert_int_eq(code_record(slice_of(text), &like, &like, &record), 0);
    ck_assert_int_eq(code_letters(slice_of(text), letters), 0);
    ck_assert(code_fits(strbuf_slice(&record), letters));
    ck_assert_int_eq(code_letters(slice_of(other), letters), 0);
    ck_assert(!code_fits(strbuf_slice(&record), letters));
    ck_assert_ptr_null(strstr(strbuf_cstr(&record), letters));
    ck_assert_int_eq(password_scram_find(strbuf_slice(&record), DIGEST_SHA256, &keys), 0);
    password_scram_make(DIGEST_SHA256, slice_of(text), &want);
    ck_assert_mem_eq(keys.stored_key, want.stored_key, 32);
    strbuf_free(&record);
}
END_TEST

/* ---- the account base ---- */

struct found {
    unsigned count;
    char text[1000];
};

static int
note(void *arg, const struct auth_code *code)
{
    struct found *found = arg;

    found->count++;
    (void)snprintf(found->text + strlen(found->text), sizeof(found->text) - strlen(found->text),
                   "%.*s:%.*s:%.*s;", (int)code->services.len, code->services.ptr,
                   (int)code->addresses.len, code->addresses.ptr, (int)code->expires.len,
                   code->expires.ptr);
    return 0;
}

static void
check_codes(const char *user, const char *expected)
{
    struct strbuf key = strbuf_new(ACCOUNT_KEY_MAX);
    struct found found = {.count = 0};

    account_entry_key(slice_of(user), &key);
    ck_assert_int_eq(auth_codes_each(&test_base, strbuf_slice(&key), note, &found), 0);
    ck_assert_str_eq(found.text, expected);
    ck_assert(auth_codes_exist(&test_base, strbuf_slice(&key)) == (found.count > 0));
    strbuf_free(&key);
}

START_TEST(codes_are_made_and_revoked)
{
    struct auth_code_made made;

    test_populate();
    check_codes("alice@d.test", "");
    ck_assert_uint_eq(add("alice@d.test", "addresses", "192.0.2.0/24;::1", &made), 0);
    check_codes("alice@d.test", "smtp imap pop3:192.0.2.0/24 ::1:;");
    check_codes("bob@d.test", "");
    test_begin();
    ck_assert_uint_ne(
        test_end(account_code_del(&test_edit, SLICE("bob@d.test"), slice_of(made.id))), 0);
    test_begin();
    ck_assert_uint_eq(
        test_end(account_code_del(&test_edit, SLICE("alice@d.test"), slice_of(made.id))), 0);
    check_codes("alice@d.test", "");
    test_close();
}
END_TEST

static const struct {
    const char *user, *property, *value;
} refused[] = {
    {"nobody@d.test", "description", "x"},
    {"alice@d.test", "services", "smtp;http"},
    {"alice@d.test", "addresses", "300.1.1.1"},
    {"alice@d.test", "expires", "tomorrow"},
    {"alice@d.test", "secret", "{PLAIN}x"},
    {"alice@d.test", "last_used", "2026-01-01T00:00:00Z"},
};

START_TEST(what_is_refused)
{
    struct auth_code_made made;

    test_populate();
    ck_assert_uint_ne(add(refused[_i].user, refused[_i].property, refused[_i].value, &made), 0);
    check_codes("alice@d.test", "");
    test_close();
}
END_TEST

START_TEST(there_are_not_too_many)
{
    struct auth_code_made made;

    test_populate();
    for (int i = 0; i < AUTH_CODES_MAX; i++)
        ck_assert_uint_eq(add("alice@d.test", NULL, NULL, &made), 0);
    ck_assert_uint_ne(add("alice@d.test", NULL, NULL, &made), 0);
    test_close();
}
END_TEST

START_TEST(codes_follow_accounts)
{
    struct auth_code_made made;

    test_populate();
    ck_assert_uint_eq(test_add(ACCOUNT_DOMAIN, "e.test", NULL, NULL), 0);
    ck_assert_uint_eq(test_add(ACCOUNT_USER, "ann@e.test", NULL, NULL), 0);
    ck_assert_uint_eq(add("ann@e.test", "services", "imap", &made), 0);
    ck_assert_uint_eq(test_rename(ACCOUNT_DOMAIN, "e.test", "f.test"), 0);
    check_codes("ann@f.test", "imap::;");
    ck_assert_uint_eq(test_rename(ACCOUNT_USER, "ann@f.test", "eve@f.test"), 0);
    check_codes("ann@f.test", "");
    check_codes("eve@f.test", "imap::;");
    ck_assert_uint_eq(test_del(ACCOUNT_USER, "eve@f.test"), 0);
    ck_assert_uint_eq(test_add(ACCOUNT_USER, "eve@f.test", NULL, NULL), 0);
    check_codes("eve@f.test", "");
    test_close();
}
END_TEST

START_TEST(the_last_use_is_noted_once_a_minute)
{
    static const int expected[] = {1, 0, 1};
    const char *from[] = {"192.0.2.1", "192.0.2.1", "192.0.2.2"};
    struct auth_code_made made;

    test_populate();
    ck_assert_uint_eq(add("alice@d.test", NULL, NULL, &made), 0);
    for (size_t i = 0; i < ARRAY_LEN(from); i++) {
        test_begin();
        ck_assert_int_eq(account_code_used(&test_edit, SLICE("alice@d.test"), slice_of(made.id),
                                           slice_of(from[i])),
                         expected[i]);
        ck_assert_int_eq(account_db_commit_figures(test_base.db), 0);
    }
    test_begin();
    ck_assert_int_eq(
        account_code_used(&test_edit, SLICE("alice@d.test"), SLICE("nocode"), SLICE("192.0.2.1")),
        0);
    account_db_abort(test_base.db);
    test_close();
}
END_TEST

START_TEST(an_import_brings_codes_back)
{
    struct strbuf text = strbuf_new(100000), cursor = strbuf_new(4096);
    struct auth_code_made made;

    test_populate();
    ck_assert_uint_eq(add("alice@d.test", "expires", "2030-01-01", &made), 0);
    ck_assert_int_eq(transfer_export(&test_base, &cursor, &text, &test_result), 0);
    ck_assert_ptr_null(strstr(strbuf_cstr(&text), made.text));
    test_begin();
    ck_assert_uint_eq(test_end(account_clear(&test_edit)), 0);
    test_begin();
    ck_assert_uint_eq(test_end(transfer_import(&test_edit, strbuf_slice(&text))), 0);
    check_codes("alice@d.test", "smtp imap pop3::2030-01-01;");
    strbuf_free(&text);
    strbuf_free(&cursor);
    test_close();
}
END_TEST

/* ---- where a code is taken ---- */

static const struct {
    const char *services, *addresses, *expires;
    bool in_scope;
} scopes[] = {
    {"imap", "", "", true},
    {"smtp imap", "192.0.2.0/24", "2027-01-15", true},
    {"smtp", "", "", false},
    {"imap", "198.51.100.0/24 192.0.2.1", "", true},
    {"imap", "198.51.100.0/24", "", false},
    {"imap", "", "2027-01-14", false},
    {"ima", "", "", false},
};

START_TEST(scope)
{
    const struct password_scram like = {.iterations = 10, .salt_len = 4, .salt = "salt"};
    const struct means_place place = {"imap", "192.0.2.1", TEST_NOW_MS};
    struct strbuf record = strbuf_new(PASSWORD_RECORD_MAX), reply = strbuf_new(4096);
    struct accountd_code code = {.id = SLICE("abcdef"),
                                 .services = slice_of(scopes[_i].services),
                                 .addresses = slice_of(scopes[_i].addresses),
                                 .expires = slice_of(scopes[_i].expires)};
    const struct accountd_means said = {.known = true, .codes = &code, .code_count = 1};
    struct password_scram keys[MEANS_KEYS_MAX];
    const struct accountd_code *codes[MEANS_KEYS_MAX];
    struct means means = {.bytes = NULL};
    char text[CODE_TEXT_LEN + 1];
    bool in_scope;

    code_make(text);
    ck_assert_int_eq(code_record(slice_of(text), &like, &like, &record), 0);
    code.record = strbuf_slice(&record);
    ck_assert_int_eq(accountd_means_reply_encode(&reply, 1, &said), 0);
    ck_assert_int_eq(means_set(&means, slice_sub(strbuf_slice(&reply), FRAME_HEADER, reply.len)),
                     0);
    ck_assert(means.no_mail_password);
    ck_assert_ptr_eq(means_code(&means, slice_of(text), &place, &in_scope), &means.codes[0]);
    ck_assert(in_scope == scopes[_i].in_scope);
    ck_assert_ptr_null(means_code(&means, SLICE("aaaa-aaaa-aaaa-aaaa-aaaa"), &place, &in_scope));
    ck_assert_uint_eq(means_scram_keys(&means, SLICE(""), DIGEST_SHA256, &place, keys, codes),
                      scopes[_i].in_scope ? 1 : 0);
    means_clear(&means);
    strbuf_free(&record);
    strbuf_free(&reply);
}
END_TEST

int
main(void)
{
    TCase *tc = tcase_create("auth_code");

    tcase_add_loop_test(tc, a_code_is_read_as_it_is_typed, 0, (int)ARRAY_LEN(given));
    tcase_add_test(tc, a_record_fits_its_code_alone);
    tcase_add_test(tc, codes_are_made_and_revoked);
    tcase_add_loop_test(tc, what_is_refused, 0, (int)ARRAY_LEN(refused));
    tcase_add_test(tc, there_are_not_too_many);
    tcase_add_test(tc, codes_follow_accounts);
    tcase_add_test(tc, the_last_use_is_noted_once_a_minute);
    tcase_add_test(tc, an_import_brings_codes_back);
    tcase_add_loop_test(tc, scope, 0, (int)ARRAY_LEN(scopes));
    return test_run(suite_create("auth_code"), tc);
}
