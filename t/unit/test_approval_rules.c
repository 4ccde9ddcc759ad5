/* lib/conf/approval_rules: which entries are right, and what they decide. */
#include <check.h>
#include <stdlib.h>

#include "lib/base/mem.h"
#include "lib/conf/approval_rules.h"

static const struct {
    const char *entry;
    bool right;
} entries[] = {
    {"sales *@s.test,bob@d.test external=boss@d.test", true},
    {"all * local=a@d.test,b@d.test external=a@d.test", true},
    {"\xe9\x94\x80\xe5\x94\xae * local=\xe8\x80\x81\xe6\x9d\xbf@d.test", true},
    {"sales *@s.test", false},
    {"sales external=boss@d.test", false},
    {"sales *@ external=boss@d.test", false},
    {"sales bob external=boss@d.test", false},
    {"sales bob@d.test, external=boss@d.test", false},
    {"sales bob@d.test external=", false},
    {"sales bob@d.test external=*@d.test", false},
    {"sales bob@d.test external=a@d.test external=b@d.test", false},
    {"sales bob@d.test remote=a@d.test", false},
    {"sales bob@d.test external=\"a\"@d.test", false},
    {"n2345678901234567890123456789012345678901234567890123456789012345 * local=a@d.test", false},
    {"many * local=a@d,b@d,c@d,d@d,e@d,f@d,g@d,h@d,i@d,j@d,k@d,l@d,m@d,n@d,o@d,p@d", true},
    {"many * local=a@d,b@d,c@d,d@d,e@d,f@d,g@d,h@d,i@d,j@d,k@d,l@d,m@d,n@d,o@d,p@d,q@d", false},
};

START_TEST(entries_are_checked)
{
    ck_assert_int_eq(approval_rule_expected(slice_of(entries[_i].entry)) == NULL,
                     entries[_i].right);
}
END_TEST

static const char rules_text[] =
    "# mail of ours\n"
    "special bob@d.test external=x@d.test\n"
    "sales *@d.test external=boss@d.test,chief@d.test local=boss@d.test\n"
    "rest * local=last@e.test\n";

enum { OUT = APPROVAL_EXTERNAL, IN = APPROVAL_LOCAL, BOTH = APPROVAL_KINDS_ALL };

static const struct {
    const char *user, *sender;
    bool by_system, began_here;
    int to, kinds; /* masks */
    unsigned line; /* of the rule that decided; 0: none */
} cases[] = {
    {"alice@d.test", "alice@d.test", false, true, OUT, OUT, 3},
    {"alice@d.test", "alice@d.test", false, true, IN, IN, 3},
    {"alice@d.test", "alice@d.test", false, true, BOTH, BOTH, 3},
    {"alice@d.test", "alice@d.test", false, true, 0, 0, 3},
    {"Alice@D.Test", "alice@d.test", false, true, OUT, OUT, 3},
    /* the first rule that names him counts, and has nobody for local mail */
    {"bob@d.test", "bob@d.test", false, true, BOTH, OUT, 2},
    {"bob@d.test", "bob@d.test", false, true, IN, 0, 2},
    /* another address as sender helps neither way */
    {"alice@d.test", "bob@d.test", false, true, BOTH, OUT, 2},
    {"bob@d.test", "", false, true, OUT, OUT, 2},
    {"carol@e.test", "carol@e.test", false, true, BOTH, IN, 4},
    /* a host that we trust, without a user */
    {"", "alice@d.test", false, true, OUT, OUT, 3},
    /* an approver needs no approval of his own kind */
    {"boss@d.test", "boss@d.test", false, true, BOTH, 0, 3},
    {"chief@d.test", "chief@d.test", false, true, BOTH, IN, 3},
    {"alice@d.test", "boss@d.test", false, true, OUT, OUT, 3},
    /* mail from outside, also with a name of ours, and our own notices */
    {"", "alice@d.test", false, false, BOTH, 0, 0},
    {"alice@d.test", "alice@d.test", true, true, BOTH, 0, 0},
    {"", "", true, true, BOTH, 0, 0},
};

START_TEST(rules_decide)
{
    struct strbuf errors = strbuf_new(1000);
    struct list_kind kind = {approval_rule_expected};
    struct approval_rules *rules =
        approval_rules_new(list_file_parse(slice_of(rules_text), "rules", &kind, &errors));
    struct approval_decision decision;

    approval_decide(rules,
                    &(struct approval_mail){.by_system = cases[_i].by_system,
                                            .began_here = cases[_i].began_here,
                                            .user = slice_of(cases[_i].user),
                                            .sender = slice_of(cases[_i].sender),
                                            .to_external = (cases[_i].to & OUT) != 0,
                                            .to_local = (cases[_i].to & IN) != 0},
                    &decision);
    ck_assert_int_eq(decision.kinds, cases[_i].kinds);
    ck_assert_uint_eq(decision.rule == NULL ? 0 : decision.rule->line, cases[_i].line);
    ck_assert_ptr_nonnull(decision.why);
    approval_rules_free(&rules);
    strbuf_free(&errors);
}
END_TEST

START_TEST(without_rules_mail_goes)
{
    struct approval_decision decision;

    approval_decide(NULL,
                    &(struct approval_mail){
                        .began_here = true, .sender = SLICE("a@d.test"), .to_external = true},
                    &decision);
    ck_assert_int_eq(decision.kinds, 0);
    ck_assert_ptr_null(decision.rule);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("approval_rules");
    TCase *tc = tcase_create("approval_rules");
    SRunner *runner;
    int failed;

    tcase_add_loop_test(tc, entries_are_checked, 0, (int)ARRAY_LEN(entries));
    tcase_add_loop_test(tc, rules_decide, 0, (int)ARRAY_LEN(cases));
    tcase_add_test(tc, without_rules_mail_goes);
    suite_add_tcase(s, tc);
    runner = srunner_create(s);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
