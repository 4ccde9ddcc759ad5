/*
 * t/unit/test_mx.c - lib/remote/mx: the order of mail exchangers.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/remote/mx.h"

#define RECORDS_MAX 5

static const struct {
    enum dns_status dns;
    struct {
        uint16_t preference;
        const char *name;
    } records[RECORDS_MAX];
    enum mx_status status;
    const char *hosts; /* in order */
    const char *dsn;
} cases[] = {
    {DNS_FOUND, {{20, "b.x"}, {10, "a.x"}, {30, "c.x"}}, MX_FOUND, "a.x b.x c.x", NULL},
    {DNS_FOUND, {{10, "_mx_.some_host.x"}}, MX_FOUND, "_mx_.some_host.x", NULL},
    {DNS_NODATA, {{0, NULL}}, MX_FOUND, "d.test", NULL},
    {DNS_NXDOMAIN, {{0, NULL}}, MX_NEVER, NULL, "5.1.2"},
    {DNS_TEMPORARY, {{0, NULL}}, MX_LATER, NULL, "4.4.3"},
    {DNS_FOUND, {{0, "."}}, MX_NEVER, NULL, "5.1.10"},
    {DNS_FOUND, {{0, ""}}, MX_NEVER, NULL, "5.1.10"},
    {DNS_FOUND, {{0, "."}, {10, "a.x"}}, MX_FOUND, "a.x", NULL},
    {DNS_FOUND, {{10, "-bad-"}, {20, "a..x"}}, MX_NEVER, NULL, "5.4.4"},
    {DNS_FOUND, {{10, "-bad-"}, {20, "a.x"}}, MX_FOUND, "a.x", NULL},
    /* ourselves: that preference and all behind it go */
    {DNS_FOUND, {{10, "a.x"}, {20, "ME.test"}, {30, "c.x"}}, MX_FOUND, "a.x", NULL},
    {DNS_FOUND, {{20, "b.x"}, {20, "me.test"}, {10, "a.x"}}, MX_FOUND, "a.x", NULL},
    {DNS_FOUND, {{10, "me.test"}, {20, "b.x"}}, MX_NEVER, NULL, "5.4.6"},
    {DNS_FOUND, {{10, "b.x"}, {10, "me.test"}}, MX_NEVER, NULL, "5.4.6"},
};

static struct dnsd_answer
answer_of(size_t n)
{
    struct dnsd_answer answer = {.status = (uint8_t)cases[n].dns};

    if (cases[n].dns != DNS_FOUND)
        return answer;
    for (size_t i = 0; i < RECORDS_MAX && cases[n].records[i].name != NULL; i++) {
        answer.records[i].preference = cases[n].records[i].preference;
        answer.records[i].data = slice_of(cases[n].records[i].name);
        answer.count++;
    }
    return answer;
}

/* Each case some times: equal preferences are shuffled. */
START_TEST(exchangers_by_preference)
{
    size_t n = (size_t)_i % ARRAY_LEN(cases);
    struct dnsd_answer answer = answer_of(n);
    struct smtp_verdict why = {0};
    struct mx_list list;
    struct strbuf hosts = strbuf_new(200);

    ck_assert_int_eq(mx_from_answer(&answer, SLICE("d.test"), SLICE("me.test"), &list, &why),
                     cases[n].status);
    if (cases[n].dsn != NULL)
        ck_assert_str_eq(why.dsn, cases[n].dsn);
    if (cases[n].hosts == NULL)
        return;
    for (size_t i = 0; i < list.count; i++) {
        (void)strbuf_str(&hosts, i == 0 ? "" : " ");
        (void)strbuf_str(&hosts, list.hosts[i].name);
    }
    ck_assert_str_eq(strbuf_cstr(&hosts), cases[n].hosts);
    strbuf_free(&hosts);
}
END_TEST

START_TEST(equal_preference_is_shuffled)
{
    struct dnsd_answer answer = {.status = DNS_FOUND, .count = 2};
    unsigned first[2] = {0, 0};
    struct smtp_verdict why;
    struct mx_list list;

    answer.records[0].data = SLICE("a.x");
    answer.records[1].data = SLICE("b.x");
    for (int i = 0; i < 200; i++) {
        ck_assert_int_eq(mx_from_answer(&answer, SLICE("d.test"), SLICE("me"), &list, &why),
                         MX_FOUND);
        first[list.hosts[0].name[0] - 'a']++;
    }
    ck_assert_uint_gt(first[0], 50);
    ck_assert_uint_gt(first[1], 50);
}
END_TEST

START_TEST(many_exchangers_are_cut_to_the_best)
{
    static char names[DNSD_RECORDS_MAX][16];
    struct dnsd_answer answer = {.status = DNS_FOUND, .count = DNSD_RECORDS_MAX};
    struct smtp_verdict why;
    struct mx_list list;

    for (unsigned i = 0; i < DNSD_RECORDS_MAX; i++) {
        (void)snprintf(names[i], sizeof(names[i]), "h%u.x", i);
        answer.records[i].data = slice_of(names[i]);
        answer.records[i].preference = (uint16_t)(DNSD_RECORDS_MAX - i);
    }
    ck_assert_int_eq(mx_from_answer(&answer, SLICE("d.test"), SLICE("me"), &list, &why), MX_FOUND);
    ck_assert_uint_eq(list.count, MX_HOSTS_MAX);
    ck_assert_str_eq(list.hosts[0].name, "h255.x");
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("mx");
    TCase *tc = tcase_create("mx");
    SRunner *sr;
    int failed;

    tcase_add_loop_test(tc, exchangers_by_preference, 0, 20 * (int)ARRAY_LEN(cases));
    tcase_add_test(tc, equal_preference_is_shuffled);
    tcase_add_test(tc, many_exchangers_are_cut_to_the_best);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
