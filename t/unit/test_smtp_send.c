/*
 * t/unit/test_smtp_send.c - lib/smtp: whole transactions with a server that says what it shall say,
 * and hangs up where it shall. Two recipients, with PIPELINING and without.
 */
#include <check.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/io.h"
#include "lib/smtp/smtp_send.h"

#define CONTENT "Subject: x\r\n\r\n.dot\r\n"
#define STEP_MS 5000

enum { GREETING, HELLO, MAIL, RCPT_1, RCPT_2, DATA, END, STEPS };

struct server {
    int listener;
    const char *replies[STEPS]; /* NULL: 250, 354 or 220, as it should be */
    int closes_before;          /* the step whose reply does not come; STEPS: none */
    bool pipelining, is_lmtp, hangs_up_after_end;
    struct strbuf received; /* behind DATA */
};

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

/* ---- the server ---- */

static const char *
reply_for(const struct server *s, int step)
{
    if (s->replies[step] != NULL)
        return s->replies[step];
    if (step == HELLO && s->pipelining)
        return "250-x\r\n250 PIPELINING";
    return step == GREETING ? "220 x" : step == DATA ? "354 go on" : "250 ok";
}

/* A line with its CRLF; false at the end. */
static bool
read_command(FILE *f, char *line, size_t room)
{
    return fgets(line, (int)room, f) != NULL;
}

static int
step_of(const char *line, int before)
{
    if (strncmp(line, "EHLO", 4) == 0 || strncmp(line, "LHLO", 4) == 0)
        return HELLO;
    if (strncmp(line, "MAIL", 4) == 0)
        return MAIL;
    if (strncmp(line, "RCPT", 4) == 0)
        return before == RCPT_1 ? RCPT_2 : RCPT_1;
    return strncmp(line, "DATA", 4) == 0 ? DATA : STEPS; /* RSET, QUIT */
}

static void
converse(struct server *s, FILE *f)
{
    char line[1000];
    int step = GREETING;

    for (;;) {
        if (step == s->closes_before)
            return;
        if (dprintf(fileno(f), "%s\r\n", step == STEPS ? "250 ok" : reply_for(s, step)) < 0)
            return;
        if (step == DATA && strncmp(reply_for(s, DATA), "354", 3) == 0) {
            while (read_command(f, line, sizeof(line)) && strcmp(line, ".\r\n") != 0)
                (void)strbuf_str(&s->received, line);
            step = END;
            continue;
        }
        if (step == END && s->hangs_up_after_end)
            return;
        if (!read_command(f, line, sizeof(line)))
            return;
        step = step_of(line, step);
    }
}

static void *
serve(void *arg)
{
    struct server *s = arg;
    int fd = accept(s->listener, NULL, NULL);
    FILE *f = fdopen(fd, "r");

    ck_assert_ptr_nonnull(f);
    converse(s, f);
    (void)fclose(f);
    return NULL;
}

/* ---- the client ---- */

static void
listen_on(struct server *s, struct smtp_peer *peer)
{
    struct sockaddr_in *address = (struct sockaddr_in *)&peer->address;

    *peer =
        (struct smtp_peer){.host = "mx.test", .ip = "127.0.0.1", .address_len = sizeof(*address)};
    address->sin_family = AF_INET;
    address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    s->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(s->listener, (struct sockaddr *)address, peer->address_len), 0);
    ck_assert_int_eq(listen(s->listener, 1), 0);
    ck_assert_int_eq(getsockname(s->listener, (struct sockaddr *)address, &peer->address_len), 0);
}

static int
content_fd(void)
{
    int fd = memfd_create("content", MFD_CLOEXEC);

    ck_assert_int_eq(write_all(fd, SLICE(CONTENT)), 0);
    return fd;
}

/* True if the conversation came as far as a transaction. */
static bool
send_to(struct server *s, struct smtp_recipient rcpts[2])
{
    struct smtp_client_options options = {
        .helo_name = "client.test",
        .timeouts = {STEP_MS, STEP_MS, STEP_MS, STEP_MS, STEP_MS, STEP_MS, STEP_MS}};
    struct smtp_message message = {
        .fd = content_fd(), .size = sizeof(CONTENT) - 1, .sender = SLICE("a@b.test")};
    struct smtp_verdict why;
    struct smtp_client *client;
    struct smtp_peer peer;
    pthread_t thread;
    bool opened;

    memset(rcpts, 0, 2 * sizeof(*rcpts));
    rcpts[0].address = SLICE("one@mx.test");
    rcpts[1].address = SLICE("two@mx.test");
    s->received = strbuf_new(1000);
    listen_on(s, &peer);
    peer.is_lmtp = s->is_lmtp;
    ck_assert_int_eq(pthread_create(&thread, NULL, serve, s), 0);
    client = smtp_client_open(&peer, &options, clock_mono_ms() + STEP_MS, &why);
    opened = client != NULL;
    if (opened)
        smtp_send(client, &message, rcpts, 2);
    smtp_client_close(&client);
    (void)pthread_join(thread, NULL);
    (void)close(s->listener);
    (void)close(message.fd);
    return opened;
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
