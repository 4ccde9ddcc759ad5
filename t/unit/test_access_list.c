/*
 * t/unit/test_access_list.c - from which addresses a user may use a service.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/auth/access_list.h"

static const struct {
    const char *given, *stored; /* NULL: refused */
} texts[] = {
    {"none", "none"},
    {" none ", "none"},
    {"allow 192.0.2.7", "allow 192.0.2.7"},
    {"deny 192.0.2.0/24; 198.51.100.;2001:db8::/32", "deny 192.0.2.0/24 198.51.100. 2001:db8::/32"},
    {"allow;192.0.2.7,192.0.2.8", "allow 192.0.2.7 192.0.2.8"},
    {"allow", NULL},
    {"deny ;", NULL},
    {"none 192.0.2.7", NULL},
    {"192.0.2.7", NULL},
    {"Allow 192.0.2.7", NULL},
    {"allow 192.0.2.7/24", NULL}, /* bits behind the prefix: it is not clear what is meant */
    {"allow 192.0.2.256", NULL},
    {"allow mail.d.test", NULL},
    {"", NULL},
};

START_TEST(text)
{
    struct strbuf stored = strbuf_new(ACCESS_LIST_MAX + 1);
    const char *expected = access_list_normalize(slice_of(texts[_i].given), &stored);

    ck_assert_int_eq(expected == NULL, texts[_i].stored != NULL);
    if (texts[_i].stored != NULL)
        ck_assert_str_eq(strbuf_cstr(&stored), texts[_i].stored);
    strbuf_free(&stored);
}
END_TEST

START_TEST(number_is_bounded)
{
    struct strbuf given = strbuf_new(ACCESS_LIST_MAX), stored = strbuf_new(ACCESS_LIST_MAX + 1);

    (void)strbuf_str(&given, "deny");
    for (unsigned i = 0; i < ACCESS_LIST_NETS_MAX; i++)
        (void)strbuf_printf(&given, " 2001:db8:aaaa:bbbb:cccc:dddd:eeee:%x", 0xf000 + i);
    ck_assert_ptr_null(access_list_normalize(strbuf_slice(&given), &stored));
    ck_assert_uint_le(stored.len, ACCESS_LIST_MAX);
    (void)strbuf_str(&given, " ::1");
    strbuf_clear(&stored);
    ck_assert_ptr_nonnull(access_list_normalize(strbuf_slice(&given), &stored));
    strbuf_free(&given);
    strbuf_free(&stored);
}
END_TEST

static const struct {
    const char *list, *client;
    bool takes;
} clients[] = {
    {"", "192.0.2.7", true},
    {"none", "192.0.2.7", true},
    {"allow 192.0.2.7", "192.0.2.7", true},
    {"allow 192.0.2.7", "192.0.2.8", false},
    {"allow 192.0.2.7", "2001:db8::1", false},
    {"allow 198.51.100.1 192.0.2.", "192.0.2.8", true},
    {"deny 192.0.2.0/24", "192.0.2.255", false},
    {"deny 192.0.2.0/24", "192.0.3.0", true},
    {"deny 2001:db8::/32", "2001:db8:1::7", false},
    {"deny 2001:db8::/32", "::ffff:192.0.2.7", true},
    {"deny 192.0.2.7", "::ffff:192.0.2.7", false}, /* the same host */
    {"gibberish 192.0.2.7", "192.0.2.7", false},
};

START_TEST(client)
{
    struct cidr one;

    ck_assert_int_eq(cidr_parse(slice_of(clients[_i].client), &one), 0);
    ck_assert_int_eq(access_list_takes(slice_of(clients[_i].list), &one.net), clients[_i].takes);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("access_list");
    TCase *tc = tcase_create("access_list");
    SRunner *sr;
    int failed;

    tcase_add_loop_test(tc, text, 0, (int)ARRAY_LEN(texts));
    tcase_add_test(tc, number_is_bounded);
    tcase_add_loop_test(tc, client, 0, (int)ARRAY_LEN(clients));
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
