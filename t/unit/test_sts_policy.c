/*
 * t/unit/test_sts_policy.c - lib/sts/sts_policy: records, policies, names (RFC 8461 sections
 * 3, 4.1).
 */
#include <check.h>
#include <stdlib.h>

#include "lib/sts/sts_policy.h"

static const struct {
    const char *record, *id;
    int rc;
} records[] = {
    {"v=STSv1; id=20160831085700Z;", "20160831085700Z", 0},
    {"v=STSv1;id=1", "1", 0},
    {"v=STSv1 ;\tx=y ; id=A ;", "A", 0},
    {"v=STSv1; id=A; id=B", "A", 0},
    {"v=spf1 -all", "", 1},
    {"v=STSv10; id=1", "", 1},
    {" id=1; v=STSv1", "", 1},
    {"", "", 1},
    {"v=STSv1", "", -1},
    {"v=STSv1;", "", -1},
    {"v=STSv1; id=", "", -1},
    {"v=STSv1; id=a-b", "a-b", -1},
    {"v=STSv1; id=123456789012345678901234567890123", "123456789012345678901234567890123", -1},
    {"v=STSv1; id", "", -1},
    {"v=STSv1; id=1;; x=y", "1", -1},
};

START_TEST(records_tell_their_id)
{
    struct slice id;

    ck_assert_int_eq(sts_record_parse(slice_of(records[_i].record), &id), records[_i].rc);
    ck_assert(slice_eq(id, slice_of(records[_i].id)));
}
END_TEST

static const struct {
    const char *text;
    bool right;
    enum sts_mode mode;
    uint32_t max_age_s;
    size_t mx_count;
} policies[] = {
    {"version: STSv1\r\nmode: enforce\r\nmx: a.test\r\nmx: *.b.test\r\nmax_age: 604800\r\n", true,
     STS_ENFORCE, 604800, 2},
    {"version: STSv1\nmode: testing\nmx:a.test\nmax_age: 0", true, STS_TESTING, 0, 1},
    {"max_age: 9999999999\nx: y\nmode: none\nversion: STSv1\n", true, STS_NONE, STS_MAX_AGE_MAX, 0},
    {"version: STSv1\nmode: none\nmode: enforce\nmax_age: 1\nmax_age: 2\n", true, STS_NONE, 1, 0},
    {"version: STSv2\nmode: none\nmax_age: 1\n", false, STS_NONE, 0, 0},
    {"mode: enforce\nmx: a.test\nmax_age: 1\n", false, STS_NONE, 0, 0},
    {"version: STSv1\nmx: a.test\nmax_age: 1\n", false, STS_NONE, 0, 0},
    {"version: STSv1\nmode: enforce\nmx: a.test\n", false, STS_NONE, 0, 0},
    {"version: STSv1\nmode: enforce\nmax_age: 1\n", false, STS_NONE, 0, 0},
    {"version: STSv1\nmode: enforce\nmx: *a.test\nmax_age: 1\n", false, STS_NONE, 0, 0},
    {"version: STSv1\nmode: enforce\nmx: \nmax_age: 1\n", false, STS_NONE, 0, 0},
    {"version: STSv1\nmode: none\nmax_age: -1\n", false, STS_NONE, 0, 0},
    {"version: STSv1\nmode: none\nmax_age: 1\n<html>\n", false, STS_NONE, 0, 0},
    {"", false, STS_NONE, 0, 0},
};

START_TEST(policies_are_parsed)
{
    struct sts_policy p;

    ck_assert_int_eq(sts_policy_parse(slice_of(policies[_i].text), &p) == NULL, policies[_i].right);
    if (!policies[_i].right)
        return;
    ck_assert_int_eq(p.mode, policies[_i].mode);
    ck_assert_uint_eq(p.max_age_s, policies[_i].max_age_s);
    ck_assert_uint_eq(p.mx_count, policies[_i].mx_count);
}
END_TEST

static const struct {
    const char *host;
    bool allowed;
} hosts[] = {
    {"a.test", true},  {"A.Test", true},   {"x.b.test", true}, {"x.y.b.test", false},
    {"b.test", false}, {"xb.test", false}, {"c.test", false},  {"", false},
};

START_TEST(patterns_stand_for_one_label)
{
    struct sts_policy p;

    ck_assert(sts_policy_parse(slice_of(policies[0].text), &p) == NULL);
    ck_assert(sts_policy_allows(&p, slice_of(hosts[_i].host)) == hosts[_i].allowed);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("sts_policy");
    TCase *tc = tcase_create("sts_policy");
    SRunner *sr;
    int failed;

    tcase_add_loop_test(tc, records_tell_their_id, 0, (int)ARRAY_LEN(records));
    tcase_add_loop_test(tc, policies_are_parsed, 0, (int)ARRAY_LEN(policies));
    tcase_add_loop_test(tc, patterns_stand_for_one_label, 0, (int)ARRAY_LEN(hosts));
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
