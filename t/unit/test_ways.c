/*
 * t/unit/test_ways.c - lib/remote/ways: which ways mail for a domain may leave by, and in what
 * order.
 */
#include <check.h>
#include <stdlib.h>

#include "lib/remote/ways.h"

static const struct {
    const char *domain;
    enum policy policy;
    bool fallback;
    const char *ways; /* "setting:line after;" */
} cases[] = {
    {"a.x", POLICY_DNS, false, "remote.policy:0 ;"},
    {"a.x", POLICY_RELAY, false, "remote.relay_hosts:0 ;"},
    {"a.x", POLICY_DNS_THEN_RELAY, false, "remote.policy:0 ;remote.relay_hosts:0 remote.policy;"},
    {"own.x", POLICY_DNS, false, "remote.direct_domains:7 ;"},
    {"OWN.x", POLICY_RELAY, false, "remote.direct_domains:7 ;"},
    {"own.x", POLICY_DNS, true, "remote.direct_domains:7 ;remote.policy:0 remote.direct_fallback;"},
    {"own.x", POLICY_RELAY, true,
     "remote.direct_domains:7 ;remote.relay_hosts:0 remote.direct_fallback;"},
    {"own.x", POLICY_DNS_THEN_RELAY, true,
     "remote.direct_domains:7 ;remote.policy:0 remote.direct_fallback;"
     "remote.relay_hosts:0 remote.policy;"},
    {"[192.0.2.1]", POLICY_DNS, true, "remote.policy:0 ;"},
};

START_TEST(ways_in_their_order)
{
    char name[] = "own.x";
    struct direct_domain own = {name, {NULL, 1, 7}};
    struct remote_settings settings = {
        .policy = cases[_i].policy, .direct = {&own, 1}, .direct_fallback = cases[_i].fallback};
    struct strbuf told = strbuf_new(500);
    struct way ways[WAYS_MAX];
    size_t count = ways_for(&settings, slice_of(cases[_i].domain), ways);

    for (size_t i = 0; i < count; i++) {
        (void)strbuf_printf(&told, "%s:%u %s;", conf_decider(ways[i].setting), ways[i].line,
                            conf_decider(ways[i].after));
        ck_assert_ptr_eq(ways[i].hosts, ways[i].setting == REMOTE_POLICY ? NULL
                                        : ways[i].setting == REMOTE_DIRECT_DOMAINS
                                            ? &own.servers
                                            : &settings.relays);
    }
    ck_assert_str_eq(strbuf_cstr(&told), cases[_i].ways);
    strbuf_free(&told);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("ways");
    TCase *tc = tcase_create("ways");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_loop_test(tc, ways_in_their_order, 0, (int)ARRAY_LEN(cases));
    suite_add_tcase(suite, tc);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
