/*
 * t/unit/test_admission.c - lib/sys/admission and lib/base/cidr.
 */
#include <arpa/inet.h>
#include <check.h>
#include <stdlib.h>

#include "lib/base/mem.h"
#include "lib/sys/admission.h"

static struct ip
ip_of(const char *text)
{
    struct cidr net;

    ck_assert_int_eq(cidr_parse(slice_of(text), &net), 0);
    ck_assert_uint_eq(net.bits, 128);
    return net.net;
}

static const struct {
    const char *net;
    int rc;
    const char *inside, *outside;
} nets[] = {
    {"192.0.2.1", 0, "192.0.2.1", "192.0.2.2"},
    {"192.0.2.0/24", 0, "192.0.2.255", "192.0.3.0"},
    {"192.0.2.128/25", 0, "192.0.2.129", "192.0.2.127"},
    {"192.0.", 0, "192.0.255.1", "192.1.0.0"},
    {"0.0.0.0/0", 0, "198.51.100.7", "2001:db8::1"},
    {"2001:db8::/32", 0, "2001:db8:ffff::1", "2001:db9::1"},
    {"::1", 0, "::1", "::2"},
    {"::ffff:192.0.2.1", 0, "192.0.2.1", "192.0.2.2"},
    {"", -1, "", ""},
    {"192.0.2.1/24", -1, "", ""}, /* bits behind the prefix */
    {"192.0.2.0/33", -1, "", ""},
    {"192.0.2.0/", -1, "", ""},
    {"192.0.2", -1, "", ""},
    {"256.", -1, "", ""},
    {"1.2.3.4.", -1, "", ""},
    {"example.test", -1, "", ""},
};

START_TEST(networks_are_read_strictly)
{
    struct cidr net;
    struct ip ip;

    ck_assert_int_eq(cidr_parse(slice_of(nets[_i].net), &net), nets[_i].rc);
    if (nets[_i].rc < 0)
        return;
    ip = ip_of(nets[_i].inside);
    ck_assert(cidr_has(&net, &ip));
    ip = ip_of(nets[_i].outside);
    ck_assert(!cidr_has(&net, &ip));
}
END_TEST

START_TEST(addresses_print_as_people_write_them)
{
    struct sockaddr_storage from = {.ss_family = AF_INET6};
    char text[INET6_ADDRSTRLEN];
    struct ip ip;

    ck_assert_int_eq(
        inet_pton(AF_INET6, "::ffff:127.0.0.1", &((struct sockaddr_in6 *)&from)->sin6_addr), 1);
    ck_assert_int_eq(ip_of_sockaddr(&from, &ip), 0);
    ip_text(&ip, text);
    ck_assert_str_eq(text, "127.0.0.1");
    ck_assert(ip_is_v4(&ip) && ip_is_loopback(&ip));
    ip = ip_of("2001:db8::1");
    ip_text(&ip, text);
    ck_assert_str_eq(text, "2001:db8::1");
    ck_assert(!ip_is_loopback(&ip));
    from.ss_family = AF_UNIX;
    ck_assert_int_eq(ip_of_sockaddr(&from, &ip), -1);
}
END_TEST

static const struct networks none;

START_TEST(clients_max_counts_places)
{
    const struct admission_limits limits = {.clients_max = 4, .reserved = 1};
    struct admission *a = admission_new(&limits, none, none, none);

    ck_assert_int_eq(admission_sit(a, false), ADMISSION_OK);
    ck_assert(!admission_is_pressed(a));
    ck_assert_int_eq(admission_sit(a, false), ADMISSION_OK);
    ck_assert(admission_is_pressed(a));
    ck_assert_int_eq(admission_sit(a, false), ADMISSION_OK);
    ck_assert_int_eq(admission_sit(a, false), ADMISSION_FULL);
    ck_assert_int_eq(admission_sit(a, true), ADMISSION_OK);
    ck_assert_int_eq(admission_sit(a, true), ADMISSION_FULL);
    admission_rise(a);
    ck_assert_int_eq(admission_sit(a, true), ADMISSION_OK);
    admission_free(&a);
}
END_TEST

static struct networks
list_of(const char *text)
{
    struct networks list = {.items = xcalloc(1, sizeof(struct cidr)), .count = 1};

    ck_assert_int_eq(cidr_parse(slice_of(text), &list.items[0]), 0);
    return list;
}

START_TEST(who_was_honest_is_known_for_a_time)
{
    const struct admission_limits limits = {.clients_max = 4, .known_ms = 100000};
    struct ip one = ip_of("192.0.2.1"), two = ip_of("192.0.2.2"), friend = ip_of("198.51.100.1");
    struct admission *a;

    a = admission_new(&limits, none, none, list_of("198.51.100.1"));
    admission_know(a, &one, 1000);
    for (int i = 0; i < 5000; i++) { /* what is known is not swept away */
        ck_assert_int_eq(admission_enter(a, &two, 70000), ADMISSION_OK);
        admission_leave(a, &two);
    }
    ck_assert(admission_knows(a, &one, 100999));
    ck_assert(!admission_knows(a, &one, 101000));
    ck_assert(!admission_knows(a, &two, 70000));
    ck_assert(admission_knows(a, &friend, 1000));
    admission_free(&a);
}
END_TEST

START_TEST(an_address_has_its_own_limits)
{
    const struct admission_limits limits = {.per_address_max = 1, .per_minute_max = 3};
    struct admission *a = admission_new(&limits, none, none, none);
    struct ip one = ip_of("192.0.2.1"), two = ip_of("192.0.2.2");

    ck_assert_int_eq(admission_enter(a, &one, 0), ADMISSION_OK);
    ck_assert_int_eq(admission_enter(a, &one, 1), ADMISSION_ADDRESS_BUSY);
    ck_assert_int_eq(admission_enter(a, &two, 1), ADMISSION_OK);
    admission_leave(a, &one);
    ck_assert_int_eq(admission_enter(a, &one, 2), ADMISSION_OK);
    admission_leave(a, &one);
    ck_assert_int_eq(admission_enter(a, &one, 3), ADMISSION_OK);
    admission_leave(a, &one);
    ck_assert_int_eq(admission_enter(a, &one, 59999), ADMISSION_TOO_FAST);
    ck_assert_int_eq(admission_enter(a, &one, 60000), ADMISSION_OK);
    admission_free(&a);
}
END_TEST

START_TEST(ipv6_is_counted_by_network)
{
    const struct admission_limits limits = {.per_address_max = 1};
    struct admission *a = admission_new(&limits, none, none, none);
    struct ip one = ip_of("2001:db8::1"), same = ip_of("2001:db8::2"),
              other = ip_of("2001:db8:0:1::1");

    ck_assert_int_eq(admission_enter(a, &one, 0), ADMISSION_OK);
    ck_assert_int_eq(admission_enter(a, &same, 0), ADMISSION_ADDRESS_BUSY);
    ck_assert_int_eq(admission_enter(a, &other, 0), ADMISSION_OK);
    admission_free(&a);
}
END_TEST

START_TEST(listed_only_means_nobody_without_a_list)
{
    const struct admission_limits open = {.clients_max = 1},
                                  closed = {.clients_max = 1, .listed_only = true};
    struct admission *a = admission_new(&open, none, none, none),
                     *b = admission_new(&closed, none, none, none);
    struct ip from = ip_of("127.0.0.1");

    ck_assert_int_eq(admission_enter(a, &from, 0), ADMISSION_OK);
    ck_assert_int_eq(admission_enter(b, &from, 0), ADMISSION_NOT_ALLOWED);
    admission_free(&a);
    admission_free(&b);
}
END_TEST

START_TEST(lists_decide_before_limits)
{
    const struct admission_limits limits = {.per_address_max = 1};
    struct networks allow = list_of("192.0.2.0/24"), deny = list_of("192.0.2.66"),
                    unlimited = list_of("192.0.2.1");
    struct admission *a = admission_new(&limits, allow, deny, unlimited);
    struct ip good = ip_of("192.0.2.1"), bad = ip_of("192.0.2.66"), far = ip_of("198.51.100.1");

    ck_assert_int_eq(admission_enter(a, &bad, 0), ADMISSION_DENIED);
    ck_assert_int_eq(admission_enter(a, &far, 0), ADMISSION_NOT_ALLOWED);
    for (int i = 0; i < 5; i++)
        ck_assert_int_eq(admission_enter(a, &good, 0), ADMISSION_OK);
    admission_free(&a);
}
END_TEST

/* A flood of addresses neither fills the memory nor shuts out the rest. */
START_TEST(a_flood_of_addresses_is_bounded)
{
    const struct admission_limits limits = {.per_address_max = 1};
    struct admission *a = admission_new(&limits, none, none, none);
    struct ip ip = ip_of("10.0.0.0");
    unsigned taken = 0;

    for (unsigned i = 0; i < 200000; i++) {
        ip.bytes[13] = (unsigned char)(i >> 16);
        ip.bytes[14] = (unsigned char)(i >> 8);
        ip.bytes[15] = (unsigned char)i;
        taken += admission_enter(a, &ip, 0) == ADMISSION_OK;
        admission_leave(a, &ip);
    }
    ck_assert_uint_eq(taken, 200000);
    admission_free(&a);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("admission");
    TCase *tc = tcase_create("admission");
    SRunner *sr;
    int failed;

    tcase_set_timeout(tc, 30);
    tcase_add_loop_test(tc, networks_are_read_strictly, 0, (int)ARRAY_LEN(nets));
    tcase_add_test(tc, addresses_print_as_people_write_them);
    tcase_add_test(tc, clients_max_counts_places);
    tcase_add_test(tc, who_was_honest_is_known_for_a_time);
    tcase_add_test(tc, an_address_has_its_own_limits);
    tcase_add_test(tc, ipv6_is_counted_by_network);
    tcase_add_test(tc, lists_decide_before_limits);
    tcase_add_test(tc, listed_only_means_nobody_without_a_list);
    tcase_add_test(tc, a_flood_of_addresses_is_bounded);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
