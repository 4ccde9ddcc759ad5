/*
 * t/unit/test_cert_chain.c - lib/tls/cert_make and lib/tls/cert_chain: what is made can be read,
 * and what does not belong together is named.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/tls/cert_chain.h"
#include "lib/tls/cert_make.h"

#define DAY_MS INT64_C(86400000)

static struct strbuf key, text, error;

static void
set_up(void)
{
    key = strbuf_new(CERT_PEM_MAX);
    text = strbuf_new(CERT_PEM_MAX);
    error = strbuf_new(4096);
}

static void
tear_down(void)
{
    strbuf_free(&key);
    strbuf_free(&text);
    strbuf_free(&error);
}

static void
make(const char *key_type, const char *host, bool is_authority)
{
    const char *const hosts[] = {host, "*.d.test"};
    const struct cert_wish wish = {.key_type = key_type,
                                   .hosts = hosts,
                                   .host_count = is_authority ? 1 : 2,
                                   .is_authority = is_authority,
                                   .days = 30};

    ck_assert_msg(cert_make_self_signed(&wish, &key, &text, &error) == 0, "%s",
                  strbuf_cstr(&error));
}

static const struct {
    const char *key_type, *shown;
} types[] = {{"rsa2048", "RSA 2048"},
             {"rsa3072", "RSA 3072"},
             {"p256", "EC 256"},
             {"p384", "EC 384"},
             {"ed25519", "Ed25519"}};

START_TEST(what_is_made_can_be_read)
{
    struct cert_chain *chain;
    struct cert_about about;

    make(types[_i].key_type, "mail.d.test", false);
    chain = cert_chain_parse(strbuf_slice(&text), "made", &error);
    ck_assert_ptr_nonnull(chain);
    about = cert_chain_about(chain, 0);
    ck_assert_str_eq(about.hosts, "mail.d.test *.d.test");
    ck_assert_str_eq(about.subject, "CN=mail.d.test");
    ck_assert_str_eq(about.key_type, types[_i].shown);
    ck_assert(about.self_signed && !about.is_authority);
    ck_assert_int_lt(about.not_before_ms, clock_real_ms());
    ck_assert_int_gt(about.not_after_ms, clock_real_ms() + 29 * DAY_MS);
    ck_assert_int_eq(cert_chain_check(chain, clock_real_ms(), &error), 0);
    ck_assert_int_eq(cert_chain_check_key(chain, strbuf_slice(&key), "key", &error), 0);
    cert_about_free(&about);
    cert_chain_free(&chain);
}
END_TEST

START_TEST(names_are_matched_as_clients_do)
{
    struct cert_chain *chain;

    make("p256", "mail.d.test", false);
    chain = cert_chain_parse(strbuf_slice(&text), "made", &error);
    ck_assert_ptr_nonnull(chain);
    ck_assert(cert_chain_names(chain, "mail.d.test"));
    ck_assert(cert_chain_names(chain, "other.d.test"));
    ck_assert(!cert_chain_names(chain, "d.test"));
    ck_assert(!cert_chain_names(chain, "a.b.d.test"));
    cert_chain_free(&chain);
}
END_TEST

START_TEST(time_counts)
{
    struct cert_chain *chain;

    make("p256", "mail.d.test", false);
    chain = cert_chain_parse(strbuf_slice(&text), "made", &error);
    ck_assert_ptr_nonnull(chain);
    ck_assert_int_eq(cert_chain_check(chain, clock_real_ms() + 31 * DAY_MS, &error), -1);
    ck_assert_str_eq(strbuf_cstr(&error), "made: certificate 1 (CN=mail.d.test) has expired");
    strbuf_clear(&error);
    ck_assert_int_eq(cert_chain_check(chain, clock_real_ms() - DAY_MS, &error), -1);
    ck_assert_str_eq(strbuf_cstr(&error), "made: certificate 1 (CN=mail.d.test) is not valid yet");
    cert_chain_free(&chain);
}
END_TEST

START_TEST(strangers_in_one_file_are_named)
{
    struct cert_chain *chain;

    make("p256", "mail.d.test", false);
    make("p256", "An authority", true);
    chain = cert_chain_parse(strbuf_slice(&text), "two", &error);
    ck_assert_ptr_nonnull(chain);
    ck_assert_uint_eq(cert_chain_count(chain), 2);
    ck_assert_int_eq(cert_chain_check(chain, clock_real_ms(), &error), -1);
    ck_assert_str_eq(strbuf_cstr(&error), "two: certificate 1 is not signed by certificate 2");
    cert_chain_free(&chain);
}
END_TEST

START_TEST(an_authority_is_no_server)
{
    struct cert_chain *chain;

    make("p256", "An authority", true);
    chain = cert_chain_parse(strbuf_slice(&text), "ca", &error);
    ck_assert_ptr_nonnull(chain);
    ck_assert_int_eq(cert_chain_check(chain, clock_real_ms(), &error), -1);
    ck_assert(strstr(strbuf_cstr(&error), "has no DNS name") != NULL);
    cert_chain_free(&chain);
}
END_TEST

START_TEST(another_key_is_named)
{
    struct strbuf other = strbuf_new(CERT_PEM_MAX);
    struct cert_chain *chain;

    make("p256", "other.test", false);
    (void)strbuf_append(&other, strbuf_slice(&key));
    strbuf_clear(&text);
    strbuf_clear(&key);
    make("p256", "mail.d.test", false);
    chain = cert_chain_parse(strbuf_slice(&text), "mine", &error);
    ck_assert_ptr_nonnull(chain);
    ck_assert_int_eq(cert_chain_check_key(chain, strbuf_slice(&other), "theirs", &error), -1);
    ck_assert_str_eq(strbuf_cstr(&error),
                     "theirs: the private key does not belong to certificate 1 of mine");
    strbuf_free(&other);
    cert_chain_free(&chain);
}
END_TEST

START_TEST(damage_has_a_place)
{
    make("p256", "mail.d.test", false);
    (void)strbuf_str(&text, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    ck_assert_ptr_null(cert_chain_parse(strbuf_slice(&text), "file", &error));
    ck_assert(strncmp(strbuf_cstr(&error), "file: certificate 2, from line 1", 32) == 0);
    strbuf_clear(&error);
    ck_assert_ptr_null(cert_chain_parse(SLICE("no certificate\n"), "file", &error));
    ck_assert_str_eq(strbuf_cstr(&error), "file: holds no certificate in PEM form");
}
END_TEST

START_TEST(a_request_says_what_it_is_for)
{
    const char *const hosts[] = {"mail.d.test"};
    const struct cert_wish wish = {.key_type = "p256",
                                   .hosts = hosts,
                                   .host_count = 1,
                                   .country = "DE",
                                   .organisation = "Some Example"};
    struct cert_about about;

    ck_assert_int_eq(cert_make_request(&wish, &key, &text, &error), 0);
    ck_assert_int_eq(cert_about_request(strbuf_slice(&text), "request", &about, &error), 0);
    ck_assert_str_eq(about.subject, "C=DE, O=Some Example, CN=mail.d.test");
    ck_assert_str_eq(about.hosts, "mail.d.test");
    cert_about_free(&about);
    ck_assert_int_eq(cert_about_request(strbuf_slice(&key), "a key", &about, &error), -1);
}
END_TEST

START_TEST(what_cannot_stand_in_a_certificate_is_refused)
{
    const char *const hosts[] = {"mail.d.test"};
    const struct cert_wish wish = {
        .key_type = "p256", .hosts = hosts, .host_count = 1, .country = "Germany"};

    ck_assert_int_eq(cert_make_request(&wish, &key, &text, &error), -1);
    ck_assert_str_eq(strbuf_cstr(&error), "'Germany' can't be the C of a certificate");
    ck_assert(!cert_make_is_key_type("rsa512") && cert_make_is_key_type("p384"));
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("cert_chain");
    TCase *tc = tcase_create("cert_chain");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_set_timeout(tc, 60); /* RSA */
    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_loop_test(tc, what_is_made_can_be_read, 0, (int)ARRAY_LEN(types));
    tcase_add_test(tc, names_are_matched_as_clients_do);
    tcase_add_test(tc, time_counts);
    tcase_add_test(tc, strangers_in_one_file_are_named);
    tcase_add_test(tc, an_authority_is_no_server);
    tcase_add_test(tc, another_key_is_named);
    tcase_add_test(tc, damage_has_a_place);
    tcase_add_test(tc, a_request_says_what_it_is_for);
    tcase_add_test(tc, what_cannot_stand_in_a_certificate_is_refused);
    suite_add_tcase(suite, tc);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
