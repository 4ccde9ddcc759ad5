/*
 * t/unit/test_smtp_params.c - smtpd's command lines and the arguments of MAIL and RCPT.
 */
// LINK: smtpd/params.c
// LINK: smtpd/params_terms.c
// LINK: smtpd/line.c
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/ipc/queue_manager.h"
#include "lib/queue/envelope.h"
#include "smtpd/line.h"
#include "smtpd/params.h"

#define GREEK "\xce\xb4\xce\xbf\xce\xba"

static const struct {
    const char *line;
    int rc;
    const char *verb, *args;
} lines[] = {
    {"QUIT", 0, "QUIT", ""},
    {"QUIT \t ", 0, "QUIT", ""},
    {"MAIL FROM:<a@b>", 0, "MAIL", "FROM:<a@b>"},
    {"MAIL  FROM:<a@b>", 0, "MAIL", " FROM:<a@b>"},
    {"NOOP \xce\xb4", 0, "NOOP", "\xce\xb4"},
    {"", -1, NULL, NULL},
    {" QUIT", -1, NULL, NULL},
    {"NOOP\rQUIT", -1, NULL, NULL},
    {"NOOP \x01", -1, NULL, NULL},
    {"NOOP \x7f", -1, NULL, NULL},
};

START_TEST(line_splits_into_verb_and_arguments)
{
    struct slice verb, args;

    ck_assert_int_eq(line_parse(slice_of(lines[_i].line), &verb, &args), lines[_i].rc);
    if (lines[_i].rc < 0)
        return;
    ck_assert(slice_eq(verb, slice_of(lines[_i].verb)));
    ck_assert(slice_eq(args, slice_of(lines[_i].args)));
}
END_TEST

START_TEST(nul_is_a_control_character)
{
    struct slice verb, args;

    ck_assert_int_eq(line_parse(SLICE("NOOP \0x"), &verb, &args), -1);
}
END_TEST

static const struct {
    const char *text;
    bool extended;
    unsigned code; /* 0: accepted */
    const char *sender;
    uint64_t size;
    enum body_type body;
    bool smtputf8;
    uint8_t ret;
    const char *envid;
} mails[] = {
    {"FROM:<a@b.org>", false, 0, "a@b.org", 0, BODY_7BIT, false, 0, ""},
    {"from:<>", true, 0, "", 0, BODY_7BIT, false, 0, ""},
    {"FROM:<@x.org:a@b.org>", true, 0, "a@b.org", 0, BODY_7BIT, false, 0, ""},
    {"FROM:<a@b.org> SIZE=1000 BODY=8BITMIME", true, 0, "a@b.org", 1000, BODY_8BITMIME, false, 0,
     ""},
    {"FROM:<a@b.org> body=binarymime", true, 0, "a@b.org", 0, BODY_BINARYMIME, false, 0, ""},
    {"FROM:<a@b.org> RET=HDRS ENVID=QQ+20314", true, 0, "a@b.org", 0, BODY_7BIT, false, 2,
     "QQ+20314"},
    {"FROM:<a@b.org> RET=full", true, 0, "a@b.org", 0, BODY_7BIT, false, 1, ""},
    {"FROM:<" GREEK "@b.org> SMTPUTF8", true, 0, GREEK "@b.org", 0, BODY_7BIT, true, 0, ""},
    {"FROM:<a@b.org> AUTH=<>", true, 0, "a@b.org", 0, BODY_7BIT, false, 0, ""},
    {"FROM:<a@b.org> AUTH=e+3Dmc2@example.com", true, 0, "a@b.org", 0, BODY_7BIT, false, 0, ""},
    {"FROM:<a@b.org> SIZE=18446744073709551615", true, 0, "a@b.org", INT64_MAX, BODY_7BIT, false, 0,
     ""},
    {"FROM:<" GREEK "@b.org>", true, 550, NULL, 0, 0, false, 0, NULL},
    {"FROM:<a@b.org> SIZE=99999999999999999999", true, 0, "a@b.org", INT64_MAX, BODY_7BIT, false, 0,
     ""},
    {"FROM:<a@b.org> SIZE=999999999999999999999", true, 501, NULL, 0, 0, false, 0, NULL},
    {"FROM:<a@b.org> SIZE=-1", true, 501, NULL, 0, 0, false, 0, NULL},
    {"FROM:<a@b.org> SIZE=", true, 501, NULL, 0, 0, false, 0, NULL},
    {"FROM:<a@b.org> SIZE", true, 501, NULL, 0, 0, false, 0, NULL},
    {"FROM:<a@b.org> SIZE=1 SIZE=1", true, 501, NULL, 0, 0, false, 0, NULL},
    {"FROM:<a@b.org>  SIZE=1", true, 501, NULL, 0, 0, false, 0, NULL},
    {"FROM:<a@b.org>SIZE=1", true, 501, NULL, 0, 0, false, 0, NULL},
    {"FROM:<a@b.org> SMTPUTF8=yes", true, 501, NULL, 0, 0, false, 0, NULL},
    {"FROM:<a@b.org> BODY=9BIT", true, 501, NULL, 0, 0, false, 0, NULL},
    {"FROM:<a@b.org> RET=SOME", true, 501, NULL, 0, 0, false, 0, NULL},
    {"FROM:<a@b.org> ENVID=a+0Ab", true, 501, NULL, 0, 0, false, 0, NULL},
    {"FROM:<a@b.org> AUTH=nobody", true, 501, NULL, 0, 0, false, 0, NULL},
    {"FROM:<a@b.org> FUTURE=1", true, 555, NULL, 0, 0, false, 0, NULL},
    {"FROM:<a@b.org> SIZE=1", false, 555, NULL, 0, 0, false, 0, NULL},
    {"FROM: <a@b.org>", true, 501, NULL, 0, 0, false, 0, NULL},
    {"FROM:a@b.org", true, 501, NULL, 0, 0, false, 0, NULL},
    {"FROM:<a>", true, 501, NULL, 0, 0, false, 0, NULL},
    {"TO:<a@b.org>", true, 501, NULL, 0, 0, false, 0, NULL},
    {"", true, 501, NULL, 0, 0, false, 0, NULL},
};

START_TEST(mail_arguments)
{
    struct refusal why = {0};
    struct param_rules rules = {mails[_i].extended, EXTENSION_ALL};
    struct mail_args args;
    int rc = mail_args_parse(slice_of(mails[_i].text), &rules, &args, &why);

    ck_assert_msg(why.code == mails[_i].code, "%s: %u", mails[_i].text, why.code);
    ck_assert_int_eq(rc, mails[_i].code == 0 ? 0 : -1);
    if (rc < 0)
        return;
    ck_assert(slice_eq(args.sender.text, slice_of(mails[_i].sender)));
    ck_assert_uint_eq(args.size, mails[_i].size);
    ck_assert_int_eq(args.body, mails[_i].body);
    ck_assert_int_eq(args.smtputf8, mails[_i].smtputf8);
    ck_assert_uint_eq(args.ret, mails[_i].ret);
    ck_assert(slice_eq(args.envid, slice_of(mails[_i].envid)));
}
END_TEST

/* What the parameters of the terms say: hold_for_s, hold_until_ms, by_mode, by_s, by_trace,
 * priority. */
static const struct {
    const char *params;
    unsigned code; /* 0: accepted */
    bool requiretls;
    int64_t hold_for_s, hold_until_ms;
    uint8_t by_mode;
    int64_t by_s;
    bool by_trace;
    int8_t priority;
} terms[] = {
    {"REQUIRETLS", 0, true, 0, 0, 0, 0, false, 0},
    {"REQUIRETLS=yes", 501, false, 0, 0, 0, 0, false, 0},
    {"requiretls REQUIRETLS", 501, false, 0, 0, 0, 0, false, 0},
    {"HOLDFOR=1", 0, false, 1, 0, 0, 0, false, 0},
    {"HOLDFOR=999999999", 0, false, 999999999, 0, 0, 0, false, 0},
    {"HOLDFOR=1000000000", 501, false, 0, 0, 0, 0, false, 0},
    {"HOLDFOR=0", 501, false, 0, 0, 0, 0, false, 0},
    {"HOLDFOR=01", 501, false, 0, 0, 0, 0, false, 0},
    {"HOLDFOR=-1", 501, false, 0, 0, 0, 0, false, 0},
    {"HOLDFOR=", 501, false, 0, 0, 0, 0, false, 0},
    {"HOLDFOR", 501, false, 0, 0, 0, 0, false, 0},
    {"HOLDUNTIL=2026-11-27T09:30:00Z", 0, false, 0, 1795771800000, 0, 0, false, 0},
    {"HOLDUNTIL=2026-11-27T09:30:00.2501Z", 0, false, 0, 1795771800251, 0, 0, false, 0},
    {"HOLDUNTIL=2026-11-27T09:30:00+00:00", 0, false, 0, 1795771800000, 0, 0, false, 0},
    {"HOLDUNTIL=2026-11-27T09:30:00+01:00", 501, false, 0, 0, 0, 0, false, 0}, /* not UTC */
    {"HOLDUNTIL=2026-11-27T09:30:00", 501, false, 0, 0, 0, 0, false, 0},
    {"HOLDUNTIL=2026-02-29T09:30:00Z", 501, false, 0, 0, 0, 0, false, 0},
    {"HOLDUNTIL=60", 501, false, 0, 0, 0, 0, false, 0},
    {"HOLDFOR=1 HOLDUNTIL=2026-11-27T09:30:00Z", 501, false, 0, 0, 0, 0, false, 0},
    {"HOLDUNTIL=2026-11-27T09:30:00Z HOLDFOR=1", 501, false, 0, 0, 0, 0, false, 0},
    {"HOLDFOR=1 HOLDFOR=1", 501, false, 0, 0, 0, 0, false, 0},
    {"BY=120;R", 0, false, 0, 0, QUEUE_BY_RETURN, 120, false, 0}, /* RFC 2852 section 6 */
    {"by=+120;rt", 0, false, 0, 0, QUEUE_BY_RETURN, 120, true, 0},
    {"BY=-999999999;N", 0, false, 0, 0, QUEUE_BY_NOTIFY, -999999999, false, 0},
    {"BY=0;NT", 0, false, 0, 0, QUEUE_BY_NOTIFY, 0, true, 0},
    {"BY=0;R", 501, false, 0, 0, 0, 0, false, 0},
    {"BY=-1;R", 501, false, 0, 0, 0, 0, false, 0},
    {"BY=1000000000;N", 501, false, 0, 0, 0, 0, false, 0},
    {"BY=120", 501, false, 0, 0, 0, 0, false, 0},
    {"BY=120;", 501, false, 0, 0, 0, 0, false, 0},
    {"BY=120;X", 501, false, 0, 0, 0, 0, false, 0},
    {"BY=120;NR", 501, false, 0, 0, 0, 0, false, 0},
    {"BY=120;NTT", 501, false, 0, 0, 0, 0, false, 0},
    {"BY=;N", 501, false, 0, 0, 0, 0, false, 0},
    {"BY=+-1;N", 501, false, 0, 0, 0, 0, false, 0},
    {"BY=;", 501, false, 0, 0, 0, 0, false, 0},
    {"BY=125;R ENVID=QQ314159 MT-PRIORITY=3", 0, false, 0, 0, QUEUE_BY_RETURN, 125, false,
     3}, /* RFC 6710 section 8 */
    {"MT-PRIORITY=-9", 0, false, 0, 0, 0, 0, false, -9},
    {"MT-PRIORITY=9", 0, false, 0, 0, 0, 0, false, 9},
    {"MT-PRIORITY=0", 0, false, 0, 0, 0, 0, false, 0},
    {"MT-PRIORITY=10", 501, false, 0, 0, 0, 0, false, 0},
    {"MT-PRIORITY=-0", 501, false, 0, 0, 0, 0, false, 0},
    {"MT-PRIORITY=+1", 501, false, 0, 0, 0, 0, false, 0},
    {"MT-PRIORITY=-", 501, false, 0, 0, 0, 0, false, 0},
    {"MT-PRIORITY=x", 501, false, 0, 0, 0, 0, false, 0},
    {"MT-PRIORITY=1 MT-PRIORITY=1", 501, false, 0, 0, 0, 0, false, 0},
};

static int
parse_terms(const char *params, unsigned offered, struct mail_args *args, struct refusal *why)
{
    static char text[200];
    struct param_rules rules = {true, offered};

    (void)snprintf(text, sizeof(text), "FROM:<a@b.org> %s", params);
    return mail_args_parse(slice_of(text), &rules, args, why);
}

START_TEST(mail_terms)
{
    struct refusal why = {0};
    struct mail_args args;
    int rc = parse_terms(terms[_i].params, EXTENSION_ALL, &args, &why);

    ck_assert_msg(why.code == terms[_i].code, "%s: %u", terms[_i].params, why.code);
    ck_assert_int_eq(rc, terms[_i].code == 0 ? 0 : -1);
    if (rc < 0) {
        bool priority = slice_starts(slice_of(terms[_i].params), SLICE("MT-"));

        ck_assert_str_eq(why.dsn, priority ? "5.5.2" : "5.5.4"); /* RFC 6710 section 4.1 */
        return;
    }
    ck_assert(args.requiretls == terms[_i].requiretls);
    ck_assert_int_eq(args.hold_for_s, terms[_i].hold_for_s);
    ck_assert(args.has_hold_until == (terms[_i].hold_until_ms != 0));
    ck_assert_int_eq(args.hold_until_ms, terms[_i].hold_until_ms);
    ck_assert_int_eq(args.by_mode, terms[_i].by_mode);
    ck_assert_int_eq(args.by_s, terms[_i].by_s);
    ck_assert(args.by_trace == terms[_i].by_trace);
    ck_assert_int_eq(args.priority, terms[_i].priority);
}
END_TEST

/* A parameter of an extension that is not offered here is not known here. */
START_TEST(what_is_not_offered_is_not_recognized)
{
    static const struct {
        const char *params;
        unsigned extension;
    } cases[] = {
        {"REQUIRETLS", EXTENSION_REQUIRETLS},
        {"HOLDFOR=10", EXTENSION_FUTURERELEASE},
        {"HOLDUNTIL=2026-11-27T09:30:00Z", EXTENSION_FUTURERELEASE},
        {"BY=120;R", EXTENSION_DELIVERBY},
        {"MT-PRIORITY=1", EXTENSION_MT_PRIORITY},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct refusal why = {0};
        struct mail_args args;

        ck_assert_int_eq(parse_terms(cases[i].params, cases[i].extension, &args, &why), 0);
        ck_assert_int_eq(
            parse_terms(cases[i].params, EXTENSION_ALL & ~cases[i].extension, &args, &why), -1);
        ck_assert_uint_eq(why.code, 555);
    }
}
END_TEST

static const struct {
    const char *text;
    bool utf8;
    unsigned code;
    const char *recipient;
    uint8_t notify;
    const char *orcpt;
} rcpts[] = {
    {"TO:<a@b.org>", false, 0, "a@b.org", 0, ""},
    {"to:<Postmaster>", false, 0, "Postmaster", 0, ""},
    {"TO:<a@b.org> NOTIFY=NEVER", false, 0, "a@b.org", QUEUE_NOTIFY_NEVER, ""},
    {"TO:<a@b.org> NOTIFY=success,FAILURE,Delay", false, 0, "a@b.org",
     QUEUE_NOTIFY_SUCCESS | QUEUE_NOTIFY_FAILURE | QUEUE_NOTIFY_DELAY, ""},
    {"TO:<a@b.org> ORCPT=rfc822;a+2Bb@b.org", false, 0, "a@b.org", 0, "rfc822;a+2Bb@b.org"},
    {"TO:<" GREEK "@b.org> ORCPT=utf-8;" GREEK "@b.org", true, 0, GREEK "@b.org", 0,
     "utf-8;" GREEK "@b.org"},
    {"TO:<" GREEK "@b.org>", false, 553, NULL, 0, NULL},
    {"TO:<a@b.org> NOTIFY=NEVER,FAILURE", false, 501, NULL, 0, NULL},
    {"TO:<a@b.org> NOTIFY=FAILURE,", false, 501, NULL, 0, NULL},
    {"TO:<a@b.org> NOTIFY=,FAILURE", false, 501, NULL, 0, NULL},
    {"TO:<a@b.org> NOTIFY=", false, 501, NULL, 0, NULL},
    {"TO:<a@b.org> NOTIFY=SOMETIMES", false, 501, NULL, 0, NULL},
    {"TO:<a@b.org> ORCPT=a@b.org", false, 501, NULL, 0, NULL},
    {"TO:<a@b.org> ORCPT=rfc822;a+b", false, 501, NULL, 0, NULL},
    {"TO:<a@b.org> ORCPT=utf-8;" GREEK "@b.org", false, 501, NULL, 0, NULL},
    {"TO:<a@b.org> ORCPT=;a@b", false, 501, NULL, 0, NULL},
    {"TO:<a@b.org> NOTIFY=DELAY NOTIFY=DELAY", false, 501, NULL, 0, NULL},
    {"TO:<a@b.org> SIZE=1", false, 555, NULL, 0, NULL},
    {"TO:<>", false, 501, NULL, 0, NULL},
    {"FROM:<a@b.org>", false, 501, NULL, 0, NULL},
};

START_TEST(rcpt_arguments)
{
    struct refusal why = {0};
    struct param_rules rules = {true, EXTENSION_ALL};
    struct rcpt_args args;
    int rc = rcpt_args_parse(slice_of(rcpts[_i].text), &rules, rcpts[_i].utf8, &args, &why);

    ck_assert_msg(why.code == rcpts[_i].code, "%s: %u", rcpts[_i].text, why.code);
    ck_assert_int_eq(rc, rcpts[_i].code == 0 ? 0 : -1);
    if (rc < 0)
        return;
    ck_assert(slice_eq(args.recipient.text, slice_of(rcpts[_i].recipient)));
    ck_assert_uint_eq(args.notify, rcpts[_i].notify);
    ck_assert(slice_eq(args.orcpt, slice_of(rcpts[_i].orcpt)));
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("smtp_params");
    TCase *tc = tcase_create("smtp_params");
    SRunner *sr;
    int failed;

    tcase_add_loop_test(tc, line_splits_into_verb_and_arguments, 0, (int)ARRAY_LEN(lines));
    tcase_add_test(tc, nul_is_a_control_character);
    tcase_add_loop_test(tc, mail_arguments, 0, (int)ARRAY_LEN(mails));
    tcase_add_loop_test(tc, mail_terms, 0, (int)ARRAY_LEN(terms));
    tcase_add_test(tc, what_is_not_offered_is_not_recognized);
    tcase_add_loop_test(tc, rcpt_arguments, 0, (int)ARRAY_LEN(rcpts));
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
