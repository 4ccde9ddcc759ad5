/*
 * t/unit/test_monitor_rules.c - lib/conf/monitor_rules: which files are right, which rules are
 * found.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/conf/monitor_rules.h"

#define RULE "[r]\nmonitored = a@d.test\nincoming = b@d.test\n"

static const struct {
    const char *text, *errors;
} files[] = {
    {"", ""},
    {"# none\n\n", ""},
    {RULE, ""},
    {"[r]\r\nmonitored = a@d.test, *@e.test # both\r\noutgoing = b@x.test\r\nmail = internal\r\n",
     ""},
    {"[r]\nmonitored = a@d.test\nmonitored = b@d.test\nincoming = c@d.test\nincoming = d@d.test\n",
     ""},
    {"[r]\nowner = d.test\nmonitored = *@D.test a@d.test\noutgoing = B@d.Test\n", ""},
    {"monitored = a@d.test\n", "f:1: expected a [rule] before the first setting\n"},
    {RULE RULE, "f:4: [r] is there twice\n"},
    {"[r]\nincoming = b@d.test\n", "f:1: [r] has nobody in 'monitored'\n"},
    {"[r]\nmonitored = a@d.test\n",
     "f:1: [r] has nobody in 'outgoing' and 'incoming' who gets a copy\n"},
    {RULE "mail = some\n", "f:4: mail: expected internal, external or both\n"},
    {RULE "mail = both\nmail = both\n", "f:5: 'mail' is there twice\n"},
    {RULE "cc = c@d.test\n", "f:4: 'cc': expected owner, monitored, outgoing, incoming or mail\n"},
    {RULE "monitored = *@\n", "f:4: monitored: expected user@domain or *@domain, not '*@'\n"},
    {RULE "monitored = *\n", "f:4: monitored: expected user@domain or *@domain, not '*'\n"},
    {RULE "monitored = a*@d.test@\n",
     "f:4: monitored: expected user@domain or *@domain, not 'a*@d.test@'\n"},
    {RULE "outgoing = *@d.test@\n", "f:4: outgoing: expected user@domain, not '*@d.test@'\n"},
    {RULE "outgoing = boss\n", "f:4: outgoing: expected user@domain, not 'boss'\n"},
    {RULE "owner = all\x01\n", "f:4: owner: expected a domain such as example.org\n"},
    {RULE "owner = e.test\n", "f:1: [r] is a rule of e.test: 'a@d.test' is not of that domain\n"
                              "f:1: [r] is a rule of e.test: 'b@d.test' is not of that domain\n"},
    {"[r]\nowner = d.test\nmonitored = *@e.test\nincoming = a@d.test\n",
     "f:1: [r] is a rule of d.test: '@e.test' is not of that domain\n"},
    {"[r]\nowner = d.test\nmonitored = a@sub.d.test\nincoming = a@d.test\n",
     "f:1: [r] is a rule of d.test: 'a@sub.d.test' is not of that domain\n"},
    {"nonsense\n", "f:1: expected 'name = value', '[section]' or a comment that starts with '#'\n"},
};

START_TEST(a_file_is_right_or_says_where_it_is_not)
{
    struct strbuf errors = strbuf_new(4096);
    struct monitor_rules *rules = monitor_rules_parse(slice_of(files[_i].text), "f", &errors);

    ck_assert_str_eq(strbuf_cstr(&errors), files[_i].errors);
    ck_assert((rules != NULL) == (files[_i].errors[0] == '\0'));
    monitor_rules_free(&rules);
    strbuf_free(&errors);
}
END_TEST

START_TEST(many_errors_are_counted)
{
    struct strbuf text = strbuf_new(4096), errors = strbuf_new(65536);
    struct monitor_rules *rules;

    for (int i = 0; i < 30; i++)
        (void)strbuf_str(&text, "?\n");
    rules = monitor_rules_parse(strbuf_slice(&text), "f", &errors);
    ck_assert_ptr_null(rules);
    ck_assert(strbuf_ends_with(&errors, "f: and 10 more errors\n"));
    strbuf_free(&text);
    strbuf_free(&errors);
}
END_TEST

static void
name_rule(void *arg, const struct monitor_rule *rule)
{
    (void)strbuf_str(arg, rule->name);
    (void)strbuf_char(arg, ' ');
}

static const char text[] =
    "[one]\nmonitored = Alice@d.test\nincoming = x@d.test\n"
    "[all]\nmonitored = *@d.test\nincoming = x@d.test y@d.test\n"
    "[two]\nmonitored = bob@e.test alice@d.test bob@e.test\noutgoing = X@D.test\n";

static const struct {
    const char *address, *rules;
} found[] = {
    {"alice@d.test", "one two all "},
    {"ALICE@D.TEST", "one two all "},
    {"bob@d.test", "all "},
    {"bob@e.test", "two "},
    {"alice@e.test", ""},
    {"alice@x.d.test", ""},
    {"@d.test@e.test", ""},
    {"", ""},
    {"d.test", ""},
    {"alice", ""},
};

START_TEST(an_address_finds_its_rules)
{
    struct strbuf errors = strbuf_new(4096), names = strbuf_new(4096);
    struct monitor_rules *rules = monitor_rules_parse(slice_of(text), "f", &errors);

    ck_assert_msg(rules != NULL, "%s", strbuf_cstr(&errors));
    monitor_rules_find(rules, slice_of(found[_i].address), NULL, name_rule, &names);
    ck_assert_str_eq(strbuf_cstr(&names), found[_i].rules);
    ck_assert_uint_eq(monitor_rules_copies(rules), 2); /* x and y, however they are written */
    monitor_rules_free(&rules);
    strbuf_free(&names);
}
END_TEST

START_TEST(a_rule_knows_its_lines)
{
    struct strbuf errors = strbuf_new(4096);
    struct monitor_rules *rules = monitor_rules_parse(slice_of(text), "f", &errors);
    const struct monitor_rule *rule = monitor_rules_named(rules, SLICE("all"));

    ck_assert_uint_eq(rule->first, 4);
    ck_assert_uint_eq(rule->last, 6);
    ck_assert_ptr_null(monitor_rules_named(rules, SLICE("none")));
    monitor_rules_free(&rules);
}
END_TEST

/* Ten thousand rules: a hundred thousand look-ups take no more than with one. */
START_TEST(many_rules_cost_nothing_to_ask)
{
    struct strbuf many = strbuf_new(MONITOR_FILE_MAX), errors = strbuf_new(4096);
    struct strbuf names = strbuf_new(1u << 20);
    struct monitor_rules *rules;

    for (int i = 0; i < MONITOR_RULES_MAX; i++)
        (void)strbuf_printf(&many, "[r%d]\nmonitored = u%d@d.test\nincoming = c%d@d.test\n", i, i,
                            i);
    rules = monitor_rules_parse(strbuf_slice(&many), "f", &errors);
    ck_assert_msg(rules != NULL, "%s", strbuf_cstr(&errors));
    for (int i = 0; i < 100000; i++)
        monitor_rules_find(rules, SLICE("u9999@d.test"), NULL, name_rule, &names);
    ck_assert_uint_eq(names.len, 100000 * strlen("r9999 "));
    (void)strbuf_str(&many, "[more]\nmonitored = x@d.test\nincoming = c1@d.test\n");
    monitor_rules_free(&rules);
    rules = monitor_rules_parse(strbuf_slice(&many), "f", &errors);
    ck_assert_ptr_null(rules);
    ck_assert_str_eq(strbuf_cstr(&errors), "f:30001: expected at most 10000 rules\n");
    strbuf_free(&many);
    strbuf_free(&names);
    strbuf_free(&errors);
}
END_TEST

/* A message for many, each of whom every rule names twice: a rule is handed out once. */
START_TEST(many_addresses_meet_a_rule_once)
{
    struct strbuf many = strbuf_new(MONITOR_FILE_MAX), errors = strbuf_new(4096);
    struct strbuf names = strbuf_new(1u << 20), address = strbuf_new(100);
    struct monitor_rules *rules;
    struct monitor_met *met;

    for (int i = 0; i < 1000; i++)
        (void)strbuf_printf(&many,
                            "[r%03d]\nmonitored = *@d.test u0@d.test u1@d.test\n"
                            "incoming = c@d.test\n",
                            i);
    (void)strbuf_str(&many, "[one]\nmonitored = u7@d.test\nincoming = c@d.test\n");
    rules = monitor_rules_parse(strbuf_slice(&many), "f", &errors);
    ck_assert_msg(rules != NULL, "%s", strbuf_cstr(&errors));
    met = monitor_met_new(rules);
    for (int i = 0; i < 100000; i++) {
        strbuf_clear(&address);
        (void)strbuf_printf(&address, "u%d@d.test", i);
        monitor_rules_find(rules, strbuf_slice(&address), met, name_rule, &names);
    }
    ck_assert_uint_eq(names.len, 1000 * strlen("r000 ") + strlen("one "));
    monitor_met_free(&met);
    monitor_rules_free(&rules);
    strbuf_free(&many);
    strbuf_free(&names);
    strbuf_free(&address);
    strbuf_free(&errors);
}
END_TEST

int
main(void)
{
    TCase *tc = tcase_create("monitor_rules");
    Suite *suite = suite_create("monitor_rules");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_loop_test(tc, a_file_is_right_or_says_where_it_is_not, 0, (int)ARRAY_LEN(files));
    tcase_add_test(tc, many_errors_are_counted);
    tcase_add_loop_test(tc, an_address_finds_its_rules, 0, (int)ARRAY_LEN(found));
    tcase_add_test(tc, a_rule_knows_its_lines);
    tcase_add_test(tc, many_rules_cost_nothing_to_ask);
    tcase_add_test(tc, many_addresses_meet_a_rule_once);
    suite_add_tcase(suite, tc);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
