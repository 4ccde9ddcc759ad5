/*
 * t/unit/test_smtp_send.c - lib/smtp: whole transactions with a server that says what it shall say,
 * and hangs up where it shall. Two recipients, with PIPELINING and without.
 */
#include "t/unit/smtp_server.h"

static const struct {
    struct {
        int step;
        const char *reply;
    } odd[2];
    enum smtp_outcome outcomes[2];
    const char *dsn; /* of the second recipient; NULL: whatever */
    bool content_sent;
} cases[] = {
    {{{0, NULL}}, {SMTP_DELIVERED, SMTP_DELIVERED}, "2.0.0", true},
    {{{RCPT_1, "550 5.1.1 no"}}, {SMTP_PERMANENT, SMTP_DELIVERED}, "2.0.0", true},
    {{{RCPT_1, "450 4.2.0 later"}}, {SMTP_TEMPORARY, SMTP_DELIVERED}, "2.0.0", true},
    {{{RCPT_1, "251 will forward"}}, {SMTP_DELIVERED, SMTP_DELIVERED}, "2.0.0", true},
    {{{RCPT_2, "552 too many"}}, {SMTP_DELIVERED, SMTP_TEMPORARY}, "4.5.3", true},
    {{{RCPT_1, "550 no"}, {RCPT_2, "451 4.3.0 later"}},
     {SMTP_PERMANENT, SMTP_TEMPORARY},
     "4.3.0",
     false},
    {{{RCPT_2, "354 what"}}, {SMTP_DELIVERED, SMTP_UNTRIED}, NULL, true},
    {{{RCPT_2, "421 4.3.2 enough"}}, {SMTP_TEMPORARY, SMTP_TEMPORARY}, "4.3.2", false},
    {{{MAIL, "550-5.7.1 you\r\n550 5.7.1 are bad"}},
     {SMTP_PERMANENT, SMTP_PERMANENT},
     "5.7.1",
     false},
    {{{MAIL, "451 later"}}, {SMTP_TEMPORARY, SMTP_TEMPORARY}, "4.0.0", false},
    {{{MAIL, "hello"}}, {SMTP_UNTRIED, SMTP_UNTRIED}, "4.5.0", false},
    {{{DATA, "554 5.7.1 no"}}, {SMTP_PERMANENT, SMTP_PERMANENT}, "5.7.1", false},
    {{{DATA, "250 what"}}, {SMTP_UNTRIED, SMTP_UNTRIED}, "4.5.0", false},
    {{{DATA, "354"}}, {SMTP_DELIVERED, SMTP_DELIVERED}, "2.0.0", true},
    {{{END, "552 5.3.4 too big"}}, {SMTP_PERMANENT, SMTP_PERMANENT}, "5.3.4", true},
    {{{END, "452 4.3.1 full"}}, {SMTP_TEMPORARY, SMTP_TEMPORARY}, "4.3.1", true},
    {{{END, "354 more"}}, {SMTP_DOUBTFUL, SMTP_DOUBTFUL}, NULL, true},
    {{{END, "nonsense"}}, {SMTP_DOUBTFUL, SMTP_DOUBTFUL}, "4.5.0", true},
};

/* As most messages are, to fresh recipients. */
static bool
send_to(struct server *s, struct smtp_recipient rcpts[2])
{
    static const struct smtp_terms none;

    memset(rcpts, 0, 2 * sizeof(*rcpts));
    return send_with(s, &none, rcpts);
}

START_TEST(every_recipient_gets_its_verdict)
{
    for (int pipelining = 0; pipelining < 2; pipelining++) {
        struct server s = {.closes_before = -1, .pipelining = pipelining};
        struct smtp_recipient rcpts[2];

        for (size_t i = 0; i < 2; i++)
            if (cases[_i].odd[i].reply != NULL)
                s.replies[cases[_i].odd[i].step] = cases[_i].odd[i].reply;
        ck_assert(send_to(&s, rcpts));
        for (size_t i = 0; i < 2; i++)
            ck_assert_int_eq(rcpts[i].outcome, cases[_i].outcomes[i]);
        if (cases[_i].dsn != NULL)
            ck_assert_str_eq(rcpts[1].verdict.dsn, cases[_i].dsn);
        ck_assert_str_eq(strbuf_cstr(&s.received),
                         cases[_i].content_sent ? "Subject: x\r\n\r\n..dot\r\n" : "");
        strbuf_free(&s.received);
        strbuf_free(&s.mails);
    }
}
END_TEST

/* Nothing counts as delivered without a receipt; in doubt is what was sent whole. */
START_TEST(a_server_may_hang_up_at_any_step)
{
    for (int pipelining = 0; pipelining < 2; pipelining++) {
        struct server s = {.closes_before = _i, .pipelining = pipelining};
        struct smtp_recipient rcpts[2];
        bool opened = send_to(&s, rcpts);

        ck_assert(opened == (_i > HELLO));
        for (size_t i = 0; i < 2 && opened; i++) {
            ck_assert_int_eq(rcpts[i].outcome, _i == END ? SMTP_DOUBTFUL : SMTP_UNTRIED);
            ck_assert_str_eq(rcpts[i].verdict.dsn, "4.4.2");
        }
        strbuf_free(&s.received);
        strbuf_free(&s.mails);
    }
}
END_TEST

/* RFC 2033 section 4.2: one reply for each recipient that RCPT let in. */
static const struct {
    const char *rcpt_1, *rcpt_2, *end;
    enum smtp_outcome outcomes[2];
} lmtp[] = {
    {NULL, NULL, "250 one\r\n250 two", {SMTP_DELIVERED, SMTP_DELIVERED}},
    {NULL, NULL, "250 one\r\n550 5.2.1 two", {SMTP_DELIVERED, SMTP_PERMANENT}},
    {NULL, NULL, "452 4.2.2 full\r\n250 two", {SMTP_TEMPORARY, SMTP_DELIVERED}},
    {"550 no", NULL, "250 two", {SMTP_PERMANENT, SMTP_DELIVERED}},
    {NULL, "450 later", "250 one", {SMTP_DELIVERED, SMTP_TEMPORARY}},
    {NULL, NULL, "250 one", {SMTP_DELIVERED, SMTP_DOUBTFUL}},
    {NULL, NULL, "421 4.3.2 down", {SMTP_TEMPORARY, SMTP_DOUBTFUL}},
};

START_TEST(lmtp_has_a_reply_for_each_recipient)
{
    struct server s = {.closes_before = -1, .pipelining = true, .is_lmtp = true};
    struct smtp_recipient rcpts[2];

    s.replies[RCPT_1] = lmtp[_i].rcpt_1;
    s.replies[RCPT_2] = lmtp[_i].rcpt_2;
    s.replies[END] = lmtp[_i].end;
    s.hangs_up_after_end = true;
    ck_assert(send_to(&s, rcpts));
    for (size_t i = 0; i < 2; i++)
        ck_assert_int_eq(rcpts[i].outcome, lmtp[_i].outcomes[i]);
    strbuf_free(&s.received);
    strbuf_free(&s.mails);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("smtp_send");
    TCase *tc = tcase_create("smtp_send");
    SRunner *sr;
    int failed;

    (void)signal(SIGPIPE, SIG_IGN);
    tcase_add_loop_test(tc, every_recipient_gets_its_verdict, 0, (int)ARRAY_LEN(cases));
    tcase_add_loop_test(tc, a_server_may_hang_up_at_any_step, GREETING, STEPS);
    tcase_add_loop_test(tc, lmtp_has_a_reply_for_each_recipient, 0, (int)ARRAY_LEN(lmtp));
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
