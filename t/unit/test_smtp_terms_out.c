/*
 * t/unit/test_smtp_terms_out.c - lib/smtp: DELIVERBY, MT-PRIORITY and LIMITS of the next server.
 */
#include "lib/ipc/queue_manager.h"
#include "t/unit/smtp_server.h"

static const struct {
    const char *name, *extensions;
    bool is_lmtp;
    struct smtp_terms terms; /* deliver_by_ms: from now */
    uint8_t notify;
    enum smtp_outcome outcome;
    const char *dsn, *mail, *rcpt; /* what follows the address */
    bool tell_relayed;
} terms[] = {
    {"nothing known", "250 x", false, {.priority = 3}, 0, SMTP_DELIVERED, "2.0.0", "", "", false},
    {"priority",
     "250-x\r\n250 MT-PRIORITY",
     false,
     {.priority = -4},
     0,
     SMTP_DELIVERED,
     "2.0.0",
     " MT-PRIORITY=-4",
     "",
     false},
    {"priority 0 (RFC 6710 section 4.2)",
     "250-x\r\n250 MT-PRIORITY STANAG4406",
     false,
     {.priority = 0},
     0,
     SMTP_DELIVERED,
     "2.0.0",
     " MT-PRIORITY=0",
     "",
     false},
    {"R passed on",
     "250-x\r\n250 DELIVERBY",
     false,
     {QUEUE_BY_RETURN, false, 120900, 0},
     0,
     SMTP_DELIVERED,
     "2.0.0",
     " BY=120;R",
     "",
     false},
    {"N and trace",
     "250-x\r\n250 DELIVERBY",
     false,
     {QUEUE_BY_NOTIFY, true, 120900, 0},
     0,
     SMTP_DELIVERED,
     "2.0.0",
     " BY=120;NT",
     "",
     true},
    {"N that is over",
     "250-x\r\n250 DELIVERBY",
     false,
     {QUEUE_BY_NOTIFY, false, -4500, 0},
     0,
     SMTP_DELIVERED,
     "2.0.0",
     " BY=-5;N",
     "",
     false},
    {"R unknown there",
     "250 x",
     false,
     {QUEUE_BY_RETURN, false, 120900, 0},
     0,
     SMTP_PERMANENT,
     "5.3.3",
     NULL,
     NULL,
     false},
    {"R unknown to LMTP",
     "250 x",
     true,
     {QUEUE_BY_RETURN, true, 120900, 0},
     0,
     SMTP_DELIVERED,
     "2.0.0",
     "",
     "",
     false},
    {"R too slow",
     "250-x\r\n250 DELIVERBY 240,X=1",
     false,
     {QUEUE_BY_RETURN, false, 120900, 0},
     0,
     SMTP_PERMANENT,
     "5.3.3",
     NULL,
     NULL,
     false},
    {"R fast enough",
     "250-x\r\n250 DELIVERBY 120",
     false,
     {QUEUE_BY_RETURN, false, 120900, 0},
     0,
     SMTP_DELIVERED,
     "2.0.0",
     " BY=120;R",
     "",
     false},
    {"the minimum is not for N",
     "250-x\r\n250 DELIVERBY 240",
     false,
     {QUEUE_BY_NOTIFY, false, 120900, 0},
     0,
     SMTP_DELIVERED,
     "2.0.0",
     " BY=120;N",
     "",
     false},
    {"R that is over",
     "250-x\r\n250 DELIVERBY",
     false,
     {QUEUE_BY_RETURN, false, 900, 0},
     0,
     SMTP_PERMANENT,
     "5.4.7",
     NULL,
     NULL,
     false},
    {"N unknown there",
     "250 x",
     false,
     {QUEUE_BY_NOTIFY, false, 120900, 0},
     0,
     SMTP_DELIVERED,
     "2.0.0",
     "",
     "",
     true},
    {"N unknown there, and over",
     "250-x\r\n250 DSN",
     false,
     {QUEUE_BY_NOTIFY, false, -900, 0},
     0,
     SMTP_DELIVERED,
     "2.0.0",
     "",
     "",
     false},
    {"N unknown, DSN known",
     "250-x\r\n250-DSN\r\n250 SIZE",
     false,
     {QUEUE_BY_NOTIFY, false, 120900, 0},
     0,
     SMTP_DELIVERED,
     "2.0.0",
     NULL,
     " NOTIFY=FAILURE,DELAY",
     true},
    {"DELAY is added",
     "250-x\r\n250 DSN",
     false,
     {QUEUE_BY_NOTIFY, false, 120900, 0},
     QUEUE_NOTIFY_SUCCESS,
     SMTP_DELIVERED,
     "2.0.0",
     "",
     " NOTIFY=SUCCESS,DELAY",
     true},
    {"NEVER stays",
     "250-x\r\n250 DSN",
     false,
     {QUEUE_BY_NOTIFY, false, 120900, 0},
     QUEUE_NOTIFY_NEVER,
     SMTP_DELIVERED,
     "2.0.0",
     "",
     " NOTIFY=NEVER",
     true}, /* the queue manager heeds it */
    {"both known: nothing added",
     "250-x\r\n250-DSN\r\n250 DELIVERBY",
     false,
     {QUEUE_BY_NOTIFY, false, 120900, 0},
     0,
     SMTP_DELIVERED,
     "2.0.0",
     " BY=120;N",
     "",
     false},
};

/* What follows the address in the first line that begins so; the line's end is cut off. */
static const char *
params_of(const struct strbuf *mails, const char *command, char *out, size_t room)
{
    const char *line = strstr(strbuf_cstr((struct strbuf *)mails), command), *from, *end;

    ck_assert_ptr_nonnull(line);
    from = strchr(line, '>') + 1;
    end = strstr(from, "\r\n");
    (void)snprintf(out, room, "%.*s", (int)(end - from), from);
    return out;
}

START_TEST(terms_go_along)
{
    struct server s = {
        .closes_before = -1, .extensions = terms[_i].extensions, .is_lmtp = terms[_i].is_lmtp};
    struct smtp_recipient rcpts[2] = {{.notify = terms[_i].notify}, {.notify = 0}};
    struct smtp_terms asked = terms[_i].terms;
    char params[200];

    if (s.is_lmtp)
        s.replies[END] = "250 one\r\n250 two";
    if (asked.by_mode != QUEUE_BY_NONE)
        asked.deliver_by_ms += clock_real_ms();
    ck_assert(send_with(&s, &asked, rcpts));
    ck_assert_msg(rcpts[0].outcome == terms[_i].outcome, "%s", terms[_i].name);
    ck_assert_str_eq(rcpts[0].verdict.dsn, terms[_i].dsn);
    if (terms[_i].mail != NULL)
        ck_assert_str_eq(params_of(&s.mails, "MAIL", params, sizeof(params)), terms[_i].mail);
    if (terms[_i].rcpt != NULL)
        ck_assert_str_eq(params_of(&s.mails, "RCPT", params, sizeof(params)), terms[_i].rcpt);
    else
        ck_assert(s.mails.len == 0 || terms[_i].outcome == SMTP_DELIVERED);
    ck_assert_msg(rcpts[0].tell_relayed == terms[_i].tell_relayed, "%s", terms[_i].name);
    strbuf_free(&s.received);
    strbuf_free(&s.mails);
}
END_TEST

/* ---- LIMITS ---- */

static const struct {
    const char *text;
    int rc;
    struct smtp_limits limits;
} limits[] = {
    {"RCPTMAX=20 MAILMAX=5", 0, {5, 20, 0}}, /* RFC 9422 section 5 */
    {"rcptmax=20", 0, {0, 20, 0}},
    {"RCPTDOMAINMAX=1 FUTURE-LIMIT_2=a;b", -1, {0, 0, 0}},
    {"RCPTDOMAINMAX=1 FUTURE-LIMIT_2=a=b FLAG", 0, {0, 0, 1}},
    {"", 0, {0, 0, 0}},
    {" RCPTMAX=1 ", 0, {0, 1, 0}},
    {"RCPTMAX=999999", 0, {0, 999999, 0}},
    {"RCPTMAX=1000000 MAILMAX=2", 0, {2, 0, 0}},
    {"RCPTMAX=0 MAILMAX=2", 0, {2, 0, 0}},
    {"RCPTMAX=01 MAILMAX=2", 0, {2, 0, 0}},
    {"RCPTMAX=many MAILMAX=2", 0, {2, 0, 0}},
    {"RCPTMAX=-1 MAILMAX=2", 0, {2, 0, 0}},
    {"RCPTMAX MAILMAX=2", 0, {2, 0, 0}},
    {"RCPTMAX= MAILMAX=2", -1, {0, 0, 0}},
    {"RCPTMAX=1  MAILMAX=2", -1, {0, 0, 0}},
    {"=5 MAILMAX=2", -1, {0, 0, 0}},
    {"MAILMAX=2 RCPT MAX=3 \x01=3", -1, {0, 0, 0}},
    {"MAILMAX=2 X=\xc3\xa4", -1, {0, 0, 0}},
};

START_TEST(limits_are_taken_apart)
{
    struct smtp_limits found = {9, 9, 9};

    ck_assert_int_eq(smtp_limits_parse(slice_of(limits[_i].text), &found), limits[_i].rc);
    ck_assert_uint_eq(found.mails, limits[_i].limits.mails);
    ck_assert_uint_eq(found.rcpts, limits[_i].limits.rcpts);
    ck_assert_uint_eq(found.rcpt_domains, limits[_i].limits.rcpt_domains);
}
END_TEST

static size_t
count(const struct strbuf *text, const char *what)
{
    size_t found = 0;

    for (const char *at = strbuf_cstr((struct strbuf *)text); (at = strstr(at, what)) != NULL; at++)
        found++;
    return found;
}

START_TEST(limits_are_heeded)
{
    static const struct {
        const char *extensions;
        size_t mails, rcpts;
        enum smtp_outcome outcome; /* of the second */
        bool left_out;
    } cases[] = {
        {"250 x", 1, 2, SMTP_DELIVERED, false},
        {"250-x\r\n250 LIMITS RCPTMAX=1", 2, 2, SMTP_DELIVERED, false},
        {"250-x\r\n250 LIMITS RCPTMAX=2 MAILMAX=1", 1, 2, SMTP_DELIVERED, false},
        {"250-x\r\n250 LIMITS RCPTMAX=1 MAILMAX=1", 1, 1, SMTP_TEMPORARY, true},
        {"250-x\r\n250 LIMITS RCPTMAX=1;MAILMAX=1", 1, 2, SMTP_DELIVERED, false},
    };
    struct server s = {.closes_before = -1, .extensions = cases[_i].extensions};
    struct smtp_recipient rcpts[2] = {{.notify = 0}, {.notify = 0}};
    static const struct smtp_terms none;

    ck_assert(send_with(&s, &none, rcpts));
    ck_assert_int_eq(rcpts[0].outcome, SMTP_DELIVERED);
    ck_assert_int_eq(rcpts[1].outcome, cases[_i].outcome);
    ck_assert(rcpts[1].left_out == cases[_i].left_out);
    ck_assert_uint_eq(count(&s.mails, "MAIL"), cases[_i].mails);
    ck_assert_uint_eq(count(&s.mails, "RCPT"), cases[_i].rcpts);
    strbuf_free(&s.received);
    strbuf_free(&s.mails);
}
END_TEST

/* Behind "421" no further transaction is begun (RFC 5321 section 3.8). */
START_TEST(a_server_that_closes_between_two_transactions)
{
    struct server s = {.closes_before = -1, .extensions = "250-x\r\n250 LIMITS RCPTMAX=1"};
    struct smtp_recipient rcpts[2] = {{.notify = 0}, {.notify = 0}};
    static const struct smtp_terms none;

    s.replies[END] = "421 4.3.2 down";
    ck_assert(send_with(&s, &none, rcpts));
    ck_assert_int_eq(rcpts[0].outcome, SMTP_TEMPORARY);
    ck_assert_int_eq(rcpts[1].outcome, SMTP_UNTRIED);
    ck_assert_uint_eq(count(&s.mails, "MAIL"), 1);
    strbuf_free(&s.received);
    strbuf_free(&s.mails);
}
END_TEST

/* What is behind a lost connection was never asked about. */
START_TEST(a_loss_between_two_transactions)
{
    struct server s = {.closes_before = -1, .extensions = "250-x\r\n250 LIMITS RCPTMAX=1"};
    struct smtp_recipient rcpts[2] = {{.notify = 0}, {.notify = 0}};
    static const struct smtp_terms none;

    s.hangs_up_after_end = true;
    ck_assert(send_with(&s, &none, rcpts));
    ck_assert_int_eq(rcpts[0].outcome, SMTP_DELIVERED);
    ck_assert_int_eq(rcpts[1].outcome, SMTP_UNTRIED);
    ck_assert(!rcpts[1].left_out);
    ck_assert_str_eq(rcpts[1].verdict.dsn, "4.4.2");
    strbuf_free(&s.received);
    strbuf_free(&s.mails);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("smtp_terms_out");
    TCase *tc = tcase_create("smtp_terms_out");
    SRunner *sr;
    int failed;

    (void)signal(SIGPIPE, SIG_IGN);
    tcase_add_loop_test(tc, terms_go_along, 0, (int)ARRAY_LEN(terms));
    tcase_add_loop_test(tc, limits_are_taken_apart, 0, (int)ARRAY_LEN(limits));
    tcase_add_loop_test(tc, limits_are_heeded, 0, 5);
    tcase_add_test(tc, a_loss_between_two_transactions);
    tcase_add_test(tc, a_server_that_closes_between_two_transactions);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
