/*
 * t/unit/test_tls_form.c - what keyd signs with a TLS key, and what it does not.
 */
// LINK: keyd/tls_form.c
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "keyd/tls_form.h"
#include "lib/base/mem.h"

#define SERVER "TLS 1.3, server CertificateVerify"
#define CLIENT "TLS 1.3, client CertificateVerify"

static char content[TLS_KEY_CONTENT_MAX + 1];

/* RFC 8446 section 4.4.3 */
static struct slice
certificate_verify(const char *context, size_t hash)
{
    size_t len = strlen(context) + 1;

    memset(content, 0x20, 64);
    memcpy(content + 64, context, len);
    memset(content + 64 + len, 'h', hash);
    return slice_make(content, 64 + len + hash);
}

/* RFC 8422 section 5.4 */
static struct slice
key_exchange(unsigned curve, unsigned point_len, const char *end_of_random)
{
    memset(content, 'r', 64);
    memcpy(content + 56, end_of_random, 8);
    content[64] = 3;
    content[65] = 0;
    content[66] = (char)curve;
    content[67] = (char)point_len;
    memset(content + 68, 'p', point_len);
    content[68] = 4;
    return slice_make(content, 68 + point_len);
}

START_TEST(a_servers_certificate_verify_passes)
{
    ck_assert(tls_form_is_handshake(TLS_ECDSA_SHA256, certificate_verify(SERVER, 32)));
    ck_assert(tls_form_is_handshake(TLS_RSA_PSS_SHA256, certificate_verify(SERVER, 48)));
    ck_assert(tls_form_is_handshake(TLS_ED25519, certificate_verify(SERVER, 32)));
}
END_TEST

START_TEST(another_certificate_verify_is_refused)
{
    struct slice whole = certificate_verify(SERVER, 32);

    ck_assert(!tls_form_is_handshake(TLS_RSA_PKCS1_SHA256, whole)); /* section 4.2.3 */
    ck_assert(!tls_form_is_handshake(TLS_ECDSA_SHA256, slice_sub(whole, 0, whole.len - 1)));
    ck_assert(!tls_form_is_handshake(TLS_ECDSA_SHA256, slice_sub(whole, 1, whole.len)));
    ck_assert(!tls_form_is_handshake(TLS_ECDSA_SHA256, certificate_verify(SERVER, 33)));
    ck_assert(!tls_form_is_handshake(TLS_ECDSA_SHA256, certificate_verify(SERVER, 64)));
    ck_assert(!tls_form_is_handshake(TLS_ECDSA_SHA256, certificate_verify(CLIENT, 32)));
    whole = certificate_verify(SERVER, 32);
    content[63] = 0x21;
    ck_assert(!tls_form_is_handshake(TLS_ECDSA_SHA256, whole));
    content[63] = 0x20;
    content[64 + strlen(SERVER)] = 'x';
    ck_assert(!tls_form_is_handshake(TLS_ECDSA_SHA256, whole));
}
END_TEST

static const struct {
    unsigned curve, point_len;
    const char *random;
    bool good;
} exchanges[] = {
    {23, 65, "DOWNGRD\1", true},   {24, 97, "DOWNGRD\1", true},  {29, 32, "DOWNGRD\1", true},
    {29, 32, "rrrrrrrr", false}, /* nothing says that the server speaks 1.3 */
    {29, 32, "DOWNGRD\0", false},  {29, 33, "DOWNGRD\1", false}, {23, 64, "DOWNGRD\1", false},
    {25, 133, "DOWNGRD\1", false}, {0, 32, "DOWNGRD\1", false},
};

START_TEST(a_key_exchange_passes_as_it_should)
{
    struct slice whole =
        key_exchange(exchanges[_i].curve, exchanges[_i].point_len, exchanges[_i].random);

    ck_assert(tls_form_is_handshake(TLS_RSA_PKCS1_SHA256, whole) == exchanges[_i].good);
    ck_assert(tls_form_is_handshake(TLS_ECDSA_SHA256, whole) == exchanges[_i].good);
    for (size_t cut = 0; cut < whole.len; cut++)
        ck_assert(!tls_form_is_handshake(TLS_ECDSA_SHA256, slice_sub(whole, 0, cut)));
}
END_TEST

/* RFC 8446 section 4.1.3 */
START_TEST(an_old_signature_stands_only_where_the_number_says_old)
{
    const uint16_t old[] = {TLS_RSA_MD5_SHA1, TLS_ECDSA_SHA1};

    for (size_t i = 0; i < ARRAY_LEN(old); i++) {
        ck_assert(tls_form_is_old(old[i]));
        ck_assert(tls_form_is_handshake(old[i], key_exchange(23, 65, "DOWNGRD\0")));
        ck_assert(!tls_form_is_handshake(old[i], key_exchange(23, 65, "DOWNGRD\1")));
        ck_assert(!tls_form_is_handshake(old[i], key_exchange(23, 65, "rrrrrrrr")));
        ck_assert(!tls_form_is_handshake(old[i], certificate_verify(SERVER, 32)));
    }
    ck_assert(!tls_form_is_old(TLS_ECDSA_SHA256) && !tls_form_is_old(TLS_RSA_PKCS1_SHA256));
}
END_TEST

START_TEST(a_point_that_is_compressed_or_a_curve_in_words_is_refused)
{
    struct slice whole = key_exchange(23, 65, "DOWNGRD\1");

    content[68] = 2;
    ck_assert(!tls_form_is_handshake(TLS_ECDSA_SHA256, whole));
    content[68] = 4;
    content[64] = 1; /* explicit_prime */
    ck_assert(!tls_form_is_handshake(TLS_ECDSA_SHA256, whole));
    ck_assert(!tls_form_is_handshake(TLS_ECDSA_SHA256, SLICE("")));
    ck_assert(!tls_form_is_handshake(TLS_ECDSA_SHA256, SLICE("mail from a friend")));
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("tls_form");
    TCase *tc = tcase_create("tls_form");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_test(tc, a_servers_certificate_verify_passes);
    tcase_add_test(tc, another_certificate_verify_is_refused);
    tcase_add_loop_test(tc, a_key_exchange_passes_as_it_should, 0, (int)ARRAY_LEN(exchanges));
    tcase_add_test(tc, an_old_signature_stands_only_where_the_number_says_old);
    tcase_add_test(tc, a_point_that_is_compressed_or_a_curve_in_words_is_refused);
    suite_add_tcase(suite, tc);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
