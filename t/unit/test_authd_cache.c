/*
 * t/unit/test_authd_cache.c - authd's verified credentials, back-off, client addresses.
 */
// LINK: authd/cache.c
// LINK: authd/login_delay.c
// LINK: authd/throttle.c
// LINK: authd/client_address.c
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "authd/cache.h"
#include "authd/client_address.h"
#include "authd/login_delay.h"
#include "authd/throttle.h"

static const struct credentials alice = {
    .user = {"alice", 5}, .record = {"{A}x", 4}, .password = {"secret", 6}};

START_TEST(hits_the_same_credentials_alone)
{
    struct cache *cache = cache_new(100, 1000);
    struct credentials other = alice;

    ck_assert(!cache_has(cache, &alice, 0));
    cache_add(cache, &alice, 0);
    ck_assert(cache_has(cache, &alice, 999));
    ck_assert(!cache_has(cache, &alice, 1000));
    other.password = SLICE("Secret");
    ck_assert(!cache_has(cache, &other, 1));
    other = alice;
    other.record = SLICE("{A}y"); /* the password was changed */
    ck_assert(!cache_has(cache, &other, 1));
    other = (struct credentials){SLICE("alice{"), SLICE("A}x"), SLICE("secret")};
    ck_assert(!cache_has(cache, &other, 1)); /* the same bytes in a row */
    cache_free(&cache);
}
END_TEST

START_TEST(is_bounded_and_keeps_what_is_young)
{
    struct cache *cache = cache_new(100, 1000000);
    unsigned kept = 0;

    for (unsigned i = 0; i < 10000; i++) {
        char name[16];
        struct credentials c = alice;

        (void)snprintf(name, sizeof(name), "user%u", i);
        c.user = slice_of(name);
        cache_add(cache, &c, (int64_t)i);
        ck_assert(cache_has(cache, &c, (int64_t)i));
    }
    for (unsigned i = 0; i < 10000; i++) {
        char name[16];
        struct credentials c = alice;

        (void)snprintf(name, sizeof(name), "user%u", i);
        c.user = slice_of(name);
        kept += cache_has(cache, &c, 10000);
    }
    ck_assert_uint_ge(kept, 50);
    ck_assert_uint_le(kept, 104);
    cache_free(&cache);
}
END_TEST

START_TEST(without_lifetime_nothing_hits)
{
    struct cache *cache = cache_new(100, 0);

    cache_add(cache, &alice, 0);
    ck_assert(!cache_has(cache, &alice, 0));
    cache_free(&cache);
}
END_TEST

START_TEST(delays_grow_and_fade)
{
    struct throttle *throttle = throttle_new(1000);
    static const int64_t delays[] = {1000, 2000, 4000, 8000, 16000, 16000, 16000};

    struct client_address one = {.share = 7}, two = {.share = 8};
    struct client_address local = {.share = 0x7f000001, .loopback = true};

    for (size_t i = 0; i < ARRAY_LEN(delays); i++)
        ck_assert_int_eq(throttle_failed(throttle, &one, 100), delays[i]);
    ck_assert_int_eq(throttle_failed(throttle, &two, 100), 1000);
    ck_assert_int_eq(throttle_failed(throttle, &one, 100 + 600000), 1000);
    for (size_t i = 0; i < ARRAY_LEN(delays); i++)
        ck_assert_int_eq(throttle_failed(throttle, &local, 100), 1000);
    throttle_free(&throttle);
}
END_TEST

START_TEST(a_login_is_remembered_for_the_delay_and_no_longer)
{
    struct login_delay *ld = login_delay_new(1000), *none = login_delay_new(0);
    struct slice ann = SLICE("ann@d.test"), bob = SLICE("bob@d.test");

    login_delay_note(ld, ann, 5000);
    ck_assert(login_delay_is_too_soon(ld, ann, 5000));
    ck_assert(login_delay_is_too_soon(ld, ann, 5999));
    ck_assert(!login_delay_is_too_soon(ld, bob, 5999));
    ck_assert(!login_delay_is_too_soon(ld, ann, 6000));
    login_delay_note(ld, bob, 6500); /* another generation */
    ck_assert(login_delay_is_too_soon(ld, bob, 7499));
    login_delay_note(ld, ann, 7499);
    login_delay_note(ld, SLICE("cyd@d.test"), 7500);
    ck_assert(login_delay_is_too_soon(ld, ann, 8498));
    ck_assert(!login_delay_is_too_soon(ld, ann, 8499));
    login_delay_note(none, ann, 0);
    ck_assert(!login_delay_is_too_soon(none, ann, 0));
    login_delay_free(&ld);
    login_delay_free(&none);
}
END_TEST

static const struct {
    const char *ip;
    int rc;
    bool loopback;
    uint64_t share;
} addresses[] = {
    {"192.0.2.1", 0, false, 0xc0000201},
    {"127.0.0.1", 0, true, 0x7f000001},
    {"127.255.0.1", 0, true, 0x7fff0001},
    {"::1", 0, true, 0},
    {"2001:db8:0:1::5", 0, false, 0x20010db800000001},
    {"2001:db8:0:1:ffff::6", 0, false, 0x20010db800000001},
    {"2001:db8:0:2::5", 0, false, 0x20010db800000002},
    {"", -1, false, 0},
    {"localhost", -1, false, 0},
    {"1.2.3", -1, false, 0},
};

START_TEST(one_share_for_an_address_or_a_network)
{
    struct client_address address;

    ck_assert_int_eq(client_address_parse(slice_of(addresses[_i].ip), &address), addresses[_i].rc);
    if (addresses[_i].rc == 0) {
        ck_assert_int_eq(address.loopback, addresses[_i].loopback);
        ck_assert_uint_eq(address.share, addresses[_i].share);
    }
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("authd_cache");
    TCase *tc = tcase_create("authd_cache");
    SRunner *sr;
    int failed;

    tcase_add_test(tc, hits_the_same_credentials_alone);
    tcase_add_test(tc, is_bounded_and_keeps_what_is_young);
    tcase_add_test(tc, without_lifetime_nothing_hits);
    tcase_add_test(tc, delays_grow_and_fade);
    tcase_add_test(tc, a_login_is_remembered_for_the_delay_and_no_longer);
    tcase_add_loop_test(tc, one_share_for_an_address_or_a_network, 0, (int)ARRAY_LEN(addresses));
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
