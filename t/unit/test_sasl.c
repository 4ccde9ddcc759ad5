/*
 * t/unit/test_sasl.c - lib/auth/sasl: PLAIN, LOGIN, and SCRAM with the values of RFC 5802 and 7677.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "lib/auth/digest.h"
#include "lib/auth/sasl.h"
#include "lib/auth/scram.h"
#include "lib/base/encode.h"
#include "lib/base/strbuf.h"

static const struct {
    const char *message;
    size_t len;
    enum sasl_status status;
    const char *user, *password;
} plain[] = {
    {"\0tim\0tanstaaftanstaaf", 21, SASL_PASSWORD, "tim", "tanstaaftanstaaf"}, /* RFC 4616 */
    {"Ursel\0Kurt\0xipj3plmq", 20, SASL_DENIED, "Kurt", NULL},
    {"tim\0tim\0x", 9, SASL_PASSWORD, "tim", "x"},
    {"", 0, SASL_MALFORMED, NULL, NULL},
    {"tim", 3, SASL_MALFORMED, NULL, NULL},
    {"\0tim", 4, SASL_MALFORMED, NULL, NULL},
    {"\0tim\0", 5, SASL_MALFORMED, NULL, NULL},
    {"\0\0x", 3, SASL_MALFORMED, NULL, NULL},
    {"\0tim\0x\0", 7, SASL_MALFORMED, NULL, NULL},
};

START_TEST(plain_has_three_parts)
{
    struct sasl *sasl = sasl_new(SASL_PLAIN, SLICE(""));
    struct strbuf challenge = strbuf_new(SASL_CHALLENGE_MAX);
    struct slice message = slice_make(plain[_i].message, plain[_i].len);

    ck_assert_int_eq(sasl_step(sasl, NULL, &challenge), SASL_CHALLENGE);
    ck_assert_uint_eq(challenge.len, 0);
    ck_assert_int_eq(sasl_step(sasl, &message, &challenge), plain[_i].status);
    if (plain[_i].status == SASL_PASSWORD) {
        ck_assert(slice_eq(sasl_user(sasl), slice_of(plain[_i].user)));
        ck_assert(slice_eq(sasl_password(sasl), slice_of(plain[_i].password)));
    }
    sasl_free(&sasl);
    strbuf_free(&challenge);
}
END_TEST

START_TEST(login_asks_twice)
{
    struct sasl *sasl = sasl_new(SASL_LOGIN, SLICE(""));
    struct strbuf challenge = strbuf_new(SASL_CHALLENGE_MAX);

    ck_assert_int_eq(sasl_step(sasl, NULL, &challenge), SASL_CHALLENGE);
    ck_assert_str_eq(strbuf_cstr(&challenge), "Username:");
    strbuf_clear(&challenge);
    ck_assert_int_eq(sasl_step(sasl, &SLICE("tim"), &challenge), SASL_CHALLENGE);
    ck_assert_str_eq(strbuf_cstr(&challenge), "Password:");
    ck_assert_int_eq(sasl_step(sasl, &SLICE("x y"), &challenge), SASL_PASSWORD);
    ck_assert(slice_eq(sasl_password(sasl), SLICE("x y")));
    ck_assert_int_eq(sasl_step(sasl, &SLICE("more"), &challenge), SASL_MALFORMED);
    sasl_free(&sasl);
    strbuf_free(&challenge);
}
END_TEST

static const struct {
    const char *message;
    enum scram_status status;
    const char *user;
} first[] = {
    {"n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL", SCRAM_MORE, "user"}, /* RFC 5802 section 5 */
    {"y,,n=user,r=x,ext=1", SCRAM_MORE, "user"},
    {"p=tls-exporter,,n=user,r=x", SCRAM_MORE, "user"},
    {"n,,n=a=2Cb=3Dc,r=x", SCRAM_MORE, "a,b=c"},
    {"n,a=user,n=user,r=x", SCRAM_MORE, "user"},
    {"n,a=boss,n=user,r=x", SCRAM_DENIED, NULL},
    {"n,,n=a=2c,r=x", SCRAM_MALFORMED, NULL},
    {"n,,n=a=,r=x", SCRAM_MALFORMED, NULL},
    {"n,,n=a=2,r=x", SCRAM_MALFORMED, NULL},
    {"n,,n=,r=x", SCRAM_MALFORMED, NULL},
    {"n,,m=ext,n=user,r=x", SCRAM_MALFORMED, NULL},
    {"n,,n=user", SCRAM_MALFORMED, NULL},
    {"n,,r=x,n=user", SCRAM_MALFORMED, NULL},
    {"x,,n=user,r=x", SCRAM_MALFORMED, NULL},
    {"p=,,n=user,r=x", SCRAM_MALFORMED, NULL},
    {"p=tls exporter,,n=user,r=x", SCRAM_MALFORMED, NULL},
    {"n,n=user,r=x", SCRAM_MALFORMED, NULL},
    {"n,,n=\xff,r=x", SCRAM_MALFORMED, NULL},
    {"", SCRAM_MALFORMED, NULL},
};

START_TEST(scram_first_messages)
{
    struct strbuf user = strbuf_new(SASL_NAME_MAX);

    ck_assert_int_eq(scram_parse_first(slice_of(first[_i].message), &user), first[_i].status);
    if (first[_i].user != NULL)
        ck_assert_str_eq(strbuf_cstr(&user), first[_i].user);
    strbuf_free(&user);
}
END_TEST

/* The examples of RFC 5802 section 5 and RFC 7677 section 3: user "user", password "pencil". */
static const struct {
    enum digest digest;
    const char *salt, *bare, *first, *final, *proof, *verifier;
} rfc[] = {
    {DIGEST_SHA1, "QSXCR+Q6sek8bf92", "n=user,r=fyko+d2lbbFgONRv9qkxdawL",
     "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
     "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j",
     "v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=", "rmF9pqV8S7suAoZWja4dJRkFsKQ="},
    {DIGEST_SHA256, "W22ZaJ0SNY7soEsUEjb6gQ==", "n=user,r=rOprNGfwEbeRWgbNEkqO",
     "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
     "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0",
     "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
     "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="},
};

static void
keys_for(size_t i, struct password_scram *keys)
{
    struct strbuf salt = strbuf_new(PASSWORD_SALT_MAX);

    ck_assert_int_eq(base64_decode(slice_of(rfc[i].salt), &salt), 0);
    *keys = (struct password_scram){.iterations = 4096, .salt_len = salt.len};
    memcpy(keys->salt, salt.ptr, salt.len);
    password_scram_make(rfc[i].digest, SLICE("pencil"), keys);
    strbuf_free(&salt);
}

START_TEST(keys_fit_the_examples)
{
    size_t size = digest_size(rfc[_i].digest);
    struct strbuf message = strbuf_new(1024), proof = strbuf_new(64), verifier = strbuf_new(100);
    unsigned char signature[DIGEST_MAX], client_key[DIGEST_MAX], stored[DIGEST_MAX];
    struct password_scram keys;

    keys_for((size_t)_i, &keys);
    ck_assert(strbuf_printf(&message, "%s,%s,%s", rfc[_i].bare, rfc[_i].first, rfc[_i].final));
    digest_hmac(rfc[_i].digest, slice_make(keys.server_key, size), strbuf_slice(&message),
                signature);
    ck_assert(base64_encode(slice_make(signature, size), &verifier));
    ck_assert_str_eq(strbuf_cstr(&verifier), rfc[_i].verifier);
    digest_hmac(rfc[_i].digest, slice_make(keys.stored_key, size), strbuf_slice(&message),
                signature);
    ck_assert_int_eq(base64_decode(slice_of(rfc[_i].proof), &proof), 0);
    for (size_t i = 0; i < size; i++)
        client_key[i] = (unsigned char)proof.ptr[i] ^ signature[i];
    digest_of(rfc[_i].digest, slice_make(client_key, size), SLICE(""), stored);
    ck_assert_mem_eq(stored, keys.stored_key, size);
    strbuf_free(&message);
    strbuf_free(&proof);
    strbuf_free(&verifier);
}
END_TEST

START_TEST(binding_rules)
{
    struct strbuf challenge = strbuf_new(SASL_CHALLENGE_MAX);
    struct slice binding = SLICE("01234567890123456789012345678901");
    struct password_scram keys;
    struct sasl *sasl;

    keys_for(1, &keys);
    ck_assert_ptr_null(sasl_new(SASL_SCRAM_SHA_256_PLUS, SLICE("")));
    sasl = sasl_new(SASL_SCRAM_SHA_256, binding);
    ck_assert_int_eq(sasl_step(sasl, &SLICE("y,,n=user,r=x"), &challenge), SASL_WANT_KEYS);
    ck_assert_int_eq(sasl_keys(sasl, &keys, 1, &challenge), SASL_DENIED);
    sasl_free(&sasl);
    sasl = sasl_new(SASL_SCRAM_SHA_256_PLUS, binding);
    ck_assert_int_eq(sasl_step(sasl, &SLICE("n,,n=user,r=x"), &challenge), SASL_WANT_KEYS);
    ck_assert_int_eq(sasl_keys(sasl, &keys, 1, &challenge), SASL_DENIED);
    sasl_free(&sasl);
    sasl = sasl_new(SASL_SCRAM_SHA_256, binding);
    ck_assert_int_eq(sasl_step(sasl, &SLICE("n,,n=user,r=x"), &challenge), SASL_WANT_KEYS);
    ck_assert_int_eq(sasl_keys(sasl, &keys, 1, &challenge), SASL_CHALLENGE);
    ck_assert_int_eq(sasl_step(sasl,
                               &SLICE("c=biws,r=x,p=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="),
                               &challenge),
                     SASL_DENIED);
    sasl_free(&sasl);
    strbuf_free(&challenge);
}
END_TEST

START_TEST(names_of_mechanisms)
{
    ck_assert_int_eq(sasl_find(SLICE("plain")), SASL_PLAIN);
    ck_assert_int_eq(sasl_find(SLICE("SCRAM-SHA-256-PLUS")), SASL_SCRAM_SHA_256_PLUS);
    ck_assert_int_eq(sasl_find(SLICE("SCRAM-SHA-2")), SASL_NONE);
    ck_assert_int_eq(sasl_find(SLICE("")), SASL_NONE);
    ck_assert(sasl_reveals_password(SASL_LOGIN));
    ck_assert(!sasl_reveals_password(SASL_SCRAM_SHA_1));
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("sasl");
    TCase *tc = tcase_create("sasl");
    SRunner *sr;
    int failed;

    tcase_add_loop_test(tc, plain_has_three_parts, 0, (int)ARRAY_LEN(plain));
    tcase_add_test(tc, login_asks_twice);
    tcase_add_loop_test(tc, scram_first_messages, 0, (int)ARRAY_LEN(first));
    tcase_add_loop_test(tc, keys_fit_the_examples, 0, (int)ARRAY_LEN(rfc));
    tcase_add_test(tc, binding_rules);
    tcase_add_test(tc, names_of_mechanisms);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
