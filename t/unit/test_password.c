/*
 * t/unit/test_password.c - lib/auth/password: every scheme, new records, SCRAM keys.
 */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/auth/password.h"
#include "lib/base/strbuf.h"

/* Sources: openssl passwd, crypt_blowfish's wrapper.c, argon2's test.c, RFC 5802 and 7677, and
 * for the plain digests Python's hashlib. */
static const struct {
    const char *record, *password;
} right[] = {
    {"{PLAIN}secret", "secret"},
    {"{plain}two words {here}", "two words {here}"},
    {"{CLEARTEXT}secret", "secret"},
    {"{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=", "secret"},
    {"{SSHA}1G904nLkTkGWjKNnQuB/hpWXC/hzYWx0c2FsdA==", "secret"},
    {"{MD5}Xr4ilOzQ4PCOq3aQ0qbuaQ==", "secret"},
    {"{MD5}5ebe2294ecd0e0f08eab7690d2a6ee69", "secret"},
    {"{PLAIN-MD5}5ebe2294ecd0e0f08eab7690d2a6ee69", "secret"},
    {"{SMD5}mc0uWpXVVe5747A4pKhGJXNhbHQ=", "secret"},
    {"{MD5}$1$saltsalt$9xy1btjgzLYfb7hivXtC//", "secret"},
    {"{MD5-CRYPT}$1$saltsalt$9xy1btjgzLYfb7hivXtC//", "secret"},
    {"{CRYPT}$1$saltsalt$9xy1btjgzLYfb7hivXtC//", "secret"},
    {"$1$saltsalt$9xy1btjgzLYfb7hivXtC//", "secret"},
    {"{CRYPT}rl.3StKT.4T8M", "rasmuslerdorf"},
    {"{SHA256}K7gNU3sdo+OL0wNhqoVWhr3g6s1xYv72ol/pe/Unols=", "secret"},
    {"{SSHA256}YHwWAhvYSecp3KMnWk68BDFr3xsXX9GS62TGo7+BLF5hYmNkZWZnaA==", "secret"},
    {"{SSHA512}ytFH9I94cCMEuw3MMIIYlWHg5tW7mxuNqsMin6bOQdsAyNAZaBWPv4ZEzVYJZDGlh9hW/"
     "r21q/6wnzthF/SVrWFiY2RlZmdo",
     "secret"},
    {"{SM3}20638af3353fa5bd39a93300cf525ec1e86e82f52b965e20671461cc8d357dba", "secret"},
    {"{SHA256-CRYPT}$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5", "Hello world!"},
    {"{SHA512-CRYPT}$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnI"
     "FNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1",
     "Hello world!"},
    {"{BCRYPT}$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "U*U"},
    {"{BLF-CRYPT}$2y$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "U*U"},
    {"{ARGON2ID}$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/"
     "4",
     "password"},
    {"{SCRAM-SHA-256}4096,W22ZaJ0SNY7soEsUEjb6gQ==,WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=,"
     "wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=",
     "pencil"},
    {"{SCRAM-SHA-1}4096,QSXCR+Q6sek8bf92,6dlGYMOdZcOPutkcNY8U2g7vK9Y=,D+CSWLOshSulAsxiupA+qs2/"
     "fTE=",
     "pencil"},
    /* the hash decides, not the keys of another password beside it */
    {"{SCRAM-SHA-1}4096,QSXCR+Q6sek8bf92,6dlGYMOdZcOPutkcNY8U2g7vK9Y=,D+CSWLOshSulAsxiupA+qs2/"
     "fTE= {SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=",
     "secret"},
};

START_TEST(each_scheme_takes_the_right_password_alone)
{
    struct slice record = slice_of(right[_i].record);

    ck_assert_int_eq(password_verify(record, slice_of(right[_i].password)), PASSWORD_RIGHT);
    ck_assert_int_eq(password_verify(record, SLICE("Secret")), PASSWORD_WRONG);
    ck_assert_int_eq(password_verify(record, SLICE("")), PASSWORD_WRONG);
    ck_assert_int_eq(password_verify(record, SLICE("sec\0ret")), PASSWORD_WRONG);
}
END_TEST

static const char *const unusable[] = {
    "",
    "{PLAIN}",
    "!",
    "*",
    "{NTLM}0123456789abcdef",
    "{SSHA}not base64",
    "{SSHA}c2hvcnQ=",
    "{CRYPT}*0",
    "{YESCRYPT}$y$",
    "{ARGON2ID}$argon2id$v=19$m=0,t=0,p=0$c2FsdA$aGFzaA",
    "{SCRAM-SHA-256}0,W22ZaJ0SNY7soEsUEjb6gQ==,AAAA,AAAA",
    "{SCRAM-SHA-256}4096,,,",
    "{SHA",
};

START_TEST(damaged_records_let_nobody_in)
{
    struct slice record = slice_of(unusable[_i]);

    ck_assert_int_eq(password_verify(record, SLICE("secret")), PASSWORD_UNUSABLE);
}
END_TEST

static const struct password_policy yescrypt = {
    .yescrypt_cost = 1, .scram = true, .scram_iterations = 4096};
static const struct password_policy argon2 = {.argon2id = true,
                                              .argon2_kib = 1024,
                                              .argon2_passes = 1,
                                              .scram = true,
                                              .scram_iterations = 4096};

START_TEST(new_records_verify_and_carry_scram_keys)
{
    const struct password_policy *policy = _i == 0 ? &yescrypt : &argon2;
    struct strbuf record = strbuf_new(PASSWORD_RECORD_MAX);
    struct slice password = SLICE("p\xc3\xa4ss w\xc3\xb6rd");
    struct password_scram stored, again;

    ck_assert_int_eq(password_hash(policy, password, &record), 0);
    ck_assert(slice_starts(strbuf_slice(&record), slice_of(_i == 0 ? "{YESCRYPT}" : "{ARGON2ID}")));
    ck_assert_int_eq(password_verify(strbuf_slice(&record), password), PASSWORD_RIGHT);
    ck_assert_int_eq(password_verify(strbuf_slice(&record), SLICE("x")), PASSWORD_WRONG);
    ck_assert(!password_is_cheap(strbuf_slice(&record)));
    ck_assert(!password_is_outdated(policy, strbuf_slice(&record), password));
    ck_assert_int_eq(password_scram_find(strbuf_slice(&record), DIGEST_SHA256, &stored), 0);
    again = stored;
    memset(again.stored_key, 0, sizeof(again.stored_key));
    password_scram_make(DIGEST_SHA256, password, &again);
    ck_assert_mem_eq(stored.stored_key, again.stored_key, 32);
    ck_assert_mem_eq(stored.server_key, again.server_key, 32);
    strbuf_free(&record);
}
END_TEST

START_TEST(two_records_of_one_password_differ)
{
    struct strbuf a = strbuf_new(PASSWORD_RECORD_MAX), b = strbuf_new(PASSWORD_RECORD_MAX);

    ck_assert_int_eq(password_hash(&yescrypt, SLICE("secret"), &a), 0);
    ck_assert_int_eq(password_hash(&yescrypt, SLICE("secret"), &b), 0);
    ck_assert(!slice_eq(strbuf_slice(&a), strbuf_slice(&b)));
    strbuf_free(&a);
    strbuf_free(&b);
}
END_TEST

START_TEST(passwords_out_of_bounds_make_no_record)
{
    struct strbuf record = strbuf_new(PASSWORD_RECORD_MAX);
    char longest[PASSWORD_MAX + 1];

    memset(longest, 'x', sizeof(longest));
    ck_assert_int_eq(password_hash(&yescrypt, SLICE(""), &record), -1);
    ck_assert_int_eq(errno, EINVAL);
    ck_assert_int_eq(password_hash(&yescrypt, SLICE("a\nb"), &record), -1);
    ck_assert_int_eq(password_hash(&yescrypt, slice_make("a\0b", 3), &record), -1);
    ck_assert_int_eq(password_hash(&yescrypt, slice_make(longest, sizeof(longest)), &record), -1);
    ck_assert_uint_eq(record.len, 0);
    ck_assert_int_eq(password_hash(&yescrypt, slice_make(longest, PASSWORD_MAX), &record), 0);
    ck_assert_int_eq(password_verify(strbuf_slice(&record), slice_make(longest, PASSWORD_MAX)),
                     PASSWORD_RIGHT);
    strbuf_free(&record);
}
END_TEST

START_TEST(imported_schemes_are_outdated)
{
    struct strbuf record = strbuf_new(PASSWORD_RECORD_MAX);
    struct password_policy without_keys = yescrypt;

    without_keys.scram = false;
    ck_assert(password_is_outdated(&without_keys, SLICE("{PLAIN}x"), SLICE("x")));
    ck_assert(password_is_outdated(&yescrypt, SLICE("{PLAIN}x"), SLICE("x")));
    ck_assert(password_is_outdated(&yescrypt, SLICE("{BCRYPT}$2a$05$CCCC"), SLICE("x")));
    ck_assert(password_is_outdated(&yescrypt, SLICE("{YESCRYPT}$y$j9T$x"), SLICE("x")));
    ck_assert(!password_is_outdated(&yescrypt, SLICE("{YESCRYPT}$y$j9T$x"), SLICE("\xe4")));
    ck_assert_int_eq(password_hash(&yescrypt, SLICE("x"), &record), 0);
    ck_assert(!password_is_outdated(&yescrypt, strbuf_slice(&record), SLICE("x")));
    strbuf_free(&record);
    ck_assert(password_is_cheap(SLICE("{PLAIN}x")));
    ck_assert(password_is_cheap(SLICE("{SSHA}1G904nLkTkGWjKNnQuB/hpWXC/hzYWx0c2FsdA==")));
    ck_assert(!password_is_cheap(SLICE("{MD5}$1$saltsalt$9xy1btjgzLYfb7hivXtC//")));
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("password");
    TCase *tc = tcase_create("password");
    SRunner *sr;
    int failed;

    tcase_add_loop_test(tc, each_scheme_takes_the_right_password_alone, 0, (int)ARRAY_LEN(right));
    tcase_add_loop_test(tc, damaged_records_let_nobody_in, 0, (int)ARRAY_LEN(unusable));
    tcase_add_loop_test(tc, new_records_verify_and_carry_scram_keys, 0, 2);
    tcase_add_test(tc, two_records_of_one_password_differ);
    tcase_add_test(tc, passwords_out_of_bounds_make_no_record);
    tcase_add_test(tc, imported_schemes_are_outdated);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
