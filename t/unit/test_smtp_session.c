/*
 * t/unit/test_smtp_session.c - whole SMTP sessions in this process: each a script of what the
 * client sends and the codes that it gets. Runs under the sanitizers too, where the real smtpd
 * cannot.
 */
// LINK: smtpd/accounts.c
// LINK: smtpd/atrn.c
// LINK: smtpd/auth.c
// LINK: smtpd/burl.c
// LINK: smtpd/command.c
// LINK: smtpd/content.c
// LINK: smtpd/data.c
// LINK: smtpd/dot.c
// LINK: smtpd/etrn.c
// LINK: smtpd/extensions.c
// LINK: smtpd/filter.c
// LINK: smtpd/filtered.c
// LINK: smtpd/hello.c
// LINK: smtpd/line.c
// LINK: smtpd/mail.c
// LINK: smtpd/footer.c
// LINK: smtpd/message.c
// LINK: smtpd/message_log.c
// LINK: smtpd/misc.c
// LINK: smtpd/params.c
// LINK: smtpd/params_terms.c
// LINK: smtpd/recipients.c
// LINK: smtpd/sender.c
// LINK: smtpd/session.c
// LINK: smtpd/settings.c
// LINK: smtpd/starttls.c
// LINK: smtpd/terms.c
// LINK: smtpd/tarpit.c
// LINK: smtpd/trace.c
// LINK: smtpd/transaction.c
// LINK: smtpd/verify.c
// LINK: smtpd/xattr.c
// LINK: smtpd/xclient.c
#include <check.h>
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/ipc/accountd.h"
#include "lib/ipc/client.h"
#include "lib/log/log.h"
#include "lib/queue/queue_pressure.h"
#include "smtpd/session.h"
#include "smtpd/tarpit.h"
#include "t/unit/scratch.h"

#define EHLO "EHLO x\r\n"
#define LMTP "LHLO x\r\nMAIL FROM:<a@b.c>\r\nRCPT TO:<bob@d.test>\r\nRCPT TO:<amy@d.test>\r\n"
#define BEGIN EHLO "MAIL FROM:<a@b.c>\r\nRCPT TO:<bob@d.test>\r\n"
#define X100                                                                                       \
    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" \
    "xxxxxxxx"
#define X500 X100 X100 X100 X100 X100

static const struct {
    const char *label;
    const char *script;
    const char *codes;
    unsigned messages; /* in new/ afterwards */
} sessions[] = {
    {"smtp", "QUIT\r\n", "220 221", 0},
    {"smtp", "", "220", 0},
    {"smtp", BEGIN "DATA\r\nA: b\r\n\r\nc\r\n.\r\nQUIT\r\n", "220 250 250 250 354 250 221", 1},
    {"smtp", BEGIN "DATA\r\n.\r\nQUIT\r\n", "220 250 250 250 354 250 221", 1},
    {"smtp", BEGIN "DATA\r\nno end", "220 250 250 250 354", 0},
    {"smtp", BEGIN "DATA\r\na\n.\r\nMAIL\r\n.\r\nQUIT\r\n", "220 250 250 250 354 554 221", 0},
    {"smtp", BEGIN "RSET\r\nDATA\r\nQUIT\r\n", "220 250 250 250 250 503 221", 0},
    {"smtp", BEGIN "BDAT 5\r\nA: b\nBDAT 2 LAST\r\n\r\nQUIT\r\n", "220 250 250 250 250 554 221", 0},
    {"smtp", BEGIN "BDAT 6\r\nA: b\r\nBDAT 0 LAST\r\nQUIT\r\n", "220 250 250 250 250 250 221", 1},
    {"smtp", BEGIN "BDAT 3\r\nabcRSET\r\nQUIT\r\n", "220 250 250 250 250 250 221", 0},
    {"smtp", BEGIN "BDAT 3\r\nabc", "220 250 250 250 250", 0},
    {"smtp", BEGIN "BDAT x\r\nabc", "220 250 250 250 421", 0},
    {"smtp", EHLO "BDAT 6\r\nQUIT\r\nQUIT\r\n", "220 250 503 221", 0},
    {"smtp", BEGIN "DATA\r\n" X500 X500 "\r\n.\r\nQUIT\r\n", "220 250 250 250 354 554 221", 0},
    {"smtp",
     BEGIN "DATA\r\nA: " X500 "\r\nB: " X500 "\r\nC: " X500 "\r\nD: " X500
           "\r\n\r\nx\r\n.\r\nQUIT\r\n",
     "220 250 250 250 354 552 221", 0},
    {"smtp", BEGIN "DATA\r\nReceived: a\r\nReceived: b\r\nReceived: c\r\n\r\n.\r\nQUIT\r\n",
     "220 250 250 250 354 554 221", 0},
    {"smtp",
     BEGIN "DATA\r\n\r\n" X500 "\r\n" X500 "\r\n" X500 "\r\n" X500 "\r\n" X500 "\r\n" X500
           "\r\n" X500 "\r\n" X100 "\r\n.\r\nQUIT\r\n",
     "220 250 250 250 354 552 221", 0},
    {"smtp", BEGIN "RCPT TO:<nobody@d.test>\r\nRCPT TO:<x@far.test>\r\nDATA\r\n.\r\nQUIT\r\n",
     "220 250 250 250 550 553 354 250 221", 1},
    {"smtp", BEGIN "RCPT TO:<bob@d.test>\r\nRCPT TO:<bob@d.test>\r\nDATA\r\n.\r\nQUIT\r\n",
     "220 250 250 250 250 452 354 250 221", 1},
    /* replies come in the order of the commands, also where accountd is asked about several at
     * once, and the limit counts who was accepted */
    {"smtp",
     BEGIN "RCPT TO:<nobody@d.test>\r\nRCPT TO:broken\r\nRCPT TO:<x@far.test>\r\nNOOP\r\nRCPT "
           "TO:<bob@d.test>\r\nQUIT\r\n",
     "220 250 250 250 550 501 553 250 250 221", 0},
    {"smtp",
     EHLO "MAIL FROM:<>\r\nRCPT TO:<nobody@d.test>\r\nRCPT TO:<nobody@d.test>\r\nRCPT "
          "TO:<bob@d.test>\r\nDATA\r\n.\r\nQUIT\r\n",
     "220 250 250 550 550 250 354 250 221", 1},
    {"smtp", BEGIN "RCPT TO:<hangup@d.test>\r\nDATA\r\n.\r\nMAIL FROM:<>\r\n",
     "220 250 250 250 451 354 250 421", 1},
    {"smtp", EHLO "MAIL FROM:<>\r\nRCPT TO:<nobody@d.test>\r\nDATA\r\nQUIT\r\n",
     "220 250 250 550 554 221", 0},
    {"smtp", EHLO "MAIL FROM:<> SIZE=3500\r\nMAIL FROM:<> SIZE=6000\r\nQUIT\r\n",
     "220 250 250 503 221", 0},
    {"smtp", EHLO "MAIL FROM:<> SIZE=6000\r\nQUIT\r\n", "220 250 552 221", 0},
    {"smtp", EHLO "MAIL FROM:<>\r\nRCPT TO:<hangup@d.test>\r\nRSET\r\nMAIL FROM:<>\r\n",
     "220 250 250 451 250 421", 0},
    {"smtp", "NOOP\nNOOP\r\nNOOP\r\nQUIT\r\n", "220 500 250 221", 0},
    {"smtp", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", "220", 0},
    {"smtp", "A\r\nB\r\nC\r\nD\r\nE\r\n", "220 500 500 500 500 421", 0},
    {"smtp", "RSET\r\nRSET\r\nRSET\r\n", "220 250 250 421", 0},
    {"smtp", "STARTTLS\r\nQUIT\r\n", "220 502 221", 0},
    {"smtp", EHLO "AUTH PLAIN AAAA\r\nAUTH\r\nQUIT\r\n", "220 250 538 501 221", 0},
    {"smtp", "NOOP " X500 X500 X500 X500 X100 "\r\nNOOP\r\nQUIT\r\n", "220 500 250 221", 0},
    {"smtp", BEGIN "BDAT 3 FIRST\r\nabc", "220 250 250 250 421", 0},
    {"smtp", BEGIN "DATA\r\na\rb\r\n.\r\nQUIT\r\n", "220 250 250 250 354 554 221", 0},
    {"smtp", BEGIN EHLO "DATA\r\nQUIT\r\n", "220 250 250 250 250 503 221", 0},
    {"smtp", BEGIN BEGIN "DATA\r\n.\r\nQUIT\r\n", "220 250 250 250 250 250 250 354 250 221", 1},
    {"smtp", "EHLO \xc3\xa4\r\nQUIT\r\n", "220 501 221", 0},
    /* an extension that is not offered has no commands */
    {"smtp", BEGIN "BURL imap://h/ LAST\r\nQUIT\r\n", "220 250 250 250 500 221", 0},
    {"submission", "EHLO x\r\nBURL imap://h/ LAST\r\nQUIT\r\n", "220 250 530 221", 0},
    {"submission", BEGIN "DATA\r\nQUIT\r\n", "220 250 530 530 503 221", 0},
    /* RFC 2033: as many replies to the end as recipients were accepted */
    {"lmtp", LMTP "DATA\r\n.\r\nQUIT\r\n", "220 250 250 250 250 354 250 250 221", 1},
    {"lmtp", LMTP "DATA\r\na\rb\r\n.\r\nQUIT\r\n", "220 250 250 250 250 354 554 554 221", 0},
    {"lmtp", LMTP "BDAT 6\r\nA: b\r\nBDAT 0 LAST\r\nQUIT\r\n",
     "220 250 250 250 250 250 250 250 221", 1},
    {"lmtp", LMTP "BDAT 1600\r\n" X500 X500 X500 X100 "BDAT 2 LAST\r\n\r\nQUIT\r\n",
     "220 250 250 250 250 552 503 503 221", 0},
    {"lmtp",
     "LHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<nobody@d.test>\r\nDATA\r\nBDAT 1 LAST\r\nxQUIT\r\n",
     "220 250 250 550 503 221", 0},
    {"lmtp",
     "LHLO x\r\n" /* without an end to them a client would be served for ever */
     "BDAT 0 LAST\r\nBDAT 0 LAST\r\nBDAT 0 LAST\r\nBDAT 0 LAST\r\nQUIT\r\n",
     "220 250 421", 0},
    {"lmtp", "EHLO x\r\nHELO x\r\nMAIL FROM:<>\r\nQUIT\r\n", "220 500 500 503 221", 0},
    {"lmtp", "LHLO x\r\nSTARTTLS\r\nAUTH PLAIN AAAA\r\nXCLIENT NAME=x\r\nQUIT\r\n",
     "220 250 500 500 500 221", 0},
    {"lmtp", "LHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<x@far.test>\r\nQUIT\r\n", "220 250 250 550 221",
     0},
    {"smtp", "LHLO x\r\nQUIT\r\n", "220 500 221", 0},
};

static struct server server;
static bool greeted;
static _Atomic uint64_t spare;

/* Local: d.test. "nobody" is unknown there, and for "hangup" the connection ends. */
static int
answer_one(int fd, const struct frame_header *header, struct slice payload)
{
    struct strbuf out = strbuf_new(4096);
    struct accountd_rcpt_reply reply = {
        .verdict = ACCOUNTD_LOCAL, .dsn = SLICE(""), .text = SLICE("")};
    struct accountd_rcpt request;
    int rc;

    ck_assert_int_eq(accountd_rcpt_decode(payload, &request), 0);
    if (slice_starts(request.address, SLICE("hangup")))
        return -1;
    if (slice_starts(request.address, SLICE("nobody")))
        reply = (struct accountd_rcpt_reply){.verdict = ACCOUNTD_REFUSED,
                                             .code = 550,
                                             .dsn = SLICE("5.1.1"),
                                             .text = SLICE("no such mailbox")};
    else if (!slice_ends(request.address, SLICE("@d.test")))
        reply.verdict = ACCOUNTD_FOREIGN;
    ck_assert_int_eq(accountd_rcpt_reply_encode(&out, header->request_id, &reply), 0);
    rc = write_all(fd, strbuf_slice(&out));
    strbuf_free(&out);
    return rc;
}

static void *
fake_accountd(void *arg)
{
    int fd = *(int *)arg;
    char head[FRAME_HEADER], payload[4096];
    struct frame_header header;

    while (read_exact(fd, head, sizeof(head)) == 0) {
        ck_assert_int_eq(frame_header_decode(head, sizeof(payload), &header), 0);
        ck_assert_int_eq(read_exact(fd, payload, header.length), 0);
        if (answer_one(fd, &header, slice_make(payload, header.length)) < 0)
            break;
    }
    (void)close(fd);
    return NULL;
}

static unsigned
count_messages(int dirfd)
{
    int copy = openat(dirfd, ".", O_RDONLY | O_DIRECTORY);
    DIR *d = fdopendir(copy);
    struct dirent *entry;
    unsigned count = 0;

    ck_assert_ptr_nonnull(d);
    while ((entry = readdir(d)) != NULL)
        count += entry->d_name[0] != '.' && strchr(entry->d_name, '.') == NULL;
    (void)closedir(d);
    return count;
}

static void
read_all(int fd, struct strbuf *all)
{
    char block[4096];
    ssize_t n;

    while ((n = read(fd, block, sizeof(block))) > 0)
        ck_assert(strbuf_append(all, slice_make(block, (size_t)n)));
}

/* The codes of the replies' last lines, separated by spaces. */
static void
collect_codes(struct slice rest, struct strbuf *codes)
{
    while (rest.len > 0) {
        struct slice line = slice_cut_after(&rest, '\n');

        ck_assert(slice_ends(line, SLICE("\r\n")) && line.len <= 512 && line.len > 4);
        if (line.ptr[3] != ' ')
            continue;
        if (codes->len > 0)
            (void)strbuf_char(codes, ' ');
        (void)strbuf_append(codes, slice_sub(line, 0, 3));
    }
}

static int
make_subdir(const char *name)
{
    int parent = open(scratch_dir, O_PATH | O_DIRECTORY | O_CLOEXEC), fd;

    ck_assert_int_eq(mkdirat(parent, name, 0700), 0);
    fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    (void)close(parent);
    return fd;
}

static void
setup(void)
{
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    struct strbuf errors = strbuf_new(100);
    struct conf *conf = conf_parse(SLICE(""), "", &errors);

    log_open("test", "smtp", null);
    ck_assert_ptr_nonnull(scratch_make());
    server = (struct server){
        .settings = {.hostname = "mail.d.test",
                     .mechanisms = mechanisms_new(conf),
                     .greeting = (char *)(uintptr_t) "220 mail.d.test ESMTP Posthorn\r\n",
                     .lmtp_greeting = (char *)(uintptr_t) "220 mail.d.test LMTP Posthorn\r\n",
                     .free_errors = 100,
                     .rules = {.close_relay = true, .max_message_size = 3500, .max_recipients = 2},
                     .max_header_size = 1500,
                     .max_line = 900,
                     .max_hops = 2,
                     .max_rset = 2,
                     .max_errors = 4,
                     .extensions = EXTENSION_ALL,
                     .command_timeout_ms = 5000,
                     .data_timeout_ms = 5000,
                     .transfer_timeout_ms = 5000,
                     .tls_timeout_ms = 5000},
        .trigger_fd = null,
    };
    conf_free(&conf);
    strbuf_free(&errors);
    server.counters = (struct counters){&spare, &spare, &spare,
                                        &spare, &spare, &spare,
                                        &spare, &spare, .ports = {{&spare, &spare, &spare}}};
    server.tmp_dirfd = make_subdir("tmp");
    server.new_dirfd = make_subdir("new");
}

static void
teardown(void)
{
    (void)close(server.tmp_dirfd);
    (void)close(server.new_dirfd);
    scratch_remove();
}

/* One session whose client says all of `script` at once; `said` gets what the server says. */
static void
serve(const char *label, const char *client_ip, struct slice script, struct strbuf *said)
{
    struct strbuf errors = strbuf_new(1000);
    struct conf *conf = conf_parse(SLICE(""), "", &errors);
    struct daemon daemon = {.conf = conf};
    struct pool_session pool = {
        .label = label, .end_fd = -1, .key_fd = -1, .is_greeted = greeted, .daemon = &daemon};
    int client[2], accounts[2];
    pthread_t thread;

    (void)snprintf(pool.client_ip, sizeof(pool.client_ip), "%s", client_ip);
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, client), 0);
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, accounts), 0);
    ck_assert_int_eq(pthread_create(&thread, NULL, fake_accountd, &accounts[1]), 0);
    pool.fd = client[0];
    pool.backend = ipc_client_adopt(accounts[0], 4096);
    ck_assert_int_eq(write_all(client[1], script), 0);
    ck_assert_int_eq(shutdown(client[1], SHUT_WR), 0);
    ck_assert_int_eq(session_serve(&pool, &server), POOL_REUSE);
    conf_free(&conf);
    strbuf_free(&errors);
    ipc_client_free(&pool.backend);
    (void)pthread_join(thread, NULL);
    read_all(client[1], said);
    (void)close(client[1]);
}

static void
codes_are(const char *label, struct slice script, const char *expected)
{
    struct strbuf said = strbuf_new(1 << 16), codes = strbuf_new(1000);

    serve(label, "192.0.2.1", script, &said);
    collect_codes(strbuf_slice(&said), &codes);
    ck_assert_str_eq(strbuf_cstr(&codes), expected);
    strbuf_free(&codes);
    strbuf_free(&said);
}

START_TEST(session_gets_its_codes)
{
    codes_are(sessions[_i].label, slice_of(sessions[_i].script), sessions[_i].codes);
    ck_assert_uint_eq(count_messages(server.new_dirfd), sessions[_i].messages);
    ck_assert_uint_eq(count_messages(server.tmp_dirfd), 0);
}
END_TEST

/* However a line that is too long is cut into parts, it ends with its CRLF and the next is read. */
START_TEST(a_long_line_ends_where_it_ends)
{
    struct strbuf script = strbuf_new(2 * SESSION_LINE_MAX);

    for (int i = 0; i < SESSION_LINE_MAX - 2 + _i; i++)
        ck_assert(strbuf_char(&script, 'x'));
    ck_assert(strbuf_str(&script, "\r\nNOOP\r\nQUIT\r\n"));
    codes_are("smtp", strbuf_slice(&script), "220 500 250 221");
    strbuf_free(&script);
}
END_TEST

/* Who may be offered a mechanism that reveals the password without TLS. */
static const struct {
    const char *label, *client_ip;
    bool plain_on_loopback, no_cleartext_auth, no_auth_on_25;
    bool auth, plain; /* is AUTH offered, and PLAIN by it? */
} offers[] = {
    {"submission", "127.0.0.1", false, false, false, true, false},
    {"submission", "127.0.0.1", true, false, false, true, true},
    {"submission", "::1", true, false, false, true, true},
    {"submission", "192.0.2.1", true, false, false, true, false},
    {"submission", "127.0.0.1", true, true, false, true, false},
    {"smtp", "127.0.0.1", true, false, false, true, true},
    {"smtp", "127.0.0.1", true, false, true, false, false},
    {"submission", "127.0.0.1", true, false, true, true, true},
};

START_TEST(passwords_in_clear_are_for_the_same_machine)
{
    struct strbuf said = strbuf_new(1 << 16);
    bool offered;

    server.settings.plain_on_loopback = offers[_i].plain_on_loopback;
    server.settings.no_cleartext_auth = offers[_i].no_cleartext_auth;
    server.settings.no_auth_on_25 = offers[_i].no_auth_on_25;
    serve(offers[_i].label, offers[_i].client_ip, SLICE(EHLO "QUIT\r\n"), &said);
    ck_assert((strstr(strbuf_cstr(&said), "250-AUTH ") != NULL) == offers[_i].auth);
    offered = strstr(strbuf_cstr(&said), " PLAIN") != NULL;
    ck_assert(offered == offers[_i].plain);
    strbuf_free(&said);
}
END_TEST

START_TEST(a_disk_with_too_little_room_takes_no_mail)
{
    server.settings.min_free_space = UINT64_MAX / 2;
    codes_are("smtp", SLICE(EHLO "MAIL FROM:<>\r\nQUIT\r\n"), "220 250 452 221");
    server.settings.min_free_space = 1;
    server.settings.rules.max_message_size = 0;
    codes_are("smtp", SLICE(EHLO "MAIL FROM:<> SIZE=900000000000000000\r\nQUIT\r\n"),
              "220 250 452 221");
    codes_are("smtp", SLICE(EHLO "MAIL FROM:<> SIZE=1\r\nQUIT\r\n"), "220 250 250 221");
}
END_TEST

/* Others than users lose the connection: they have another server to go to, or a queue. */
START_TEST(what_queue_manager_says_stops_mail)
{
    static const struct {
        unsigned pressure;
        const char *label, *codes, *text;
    } cases[] = {{0, "smtp", "220 250 250 221", "250 2.1.0"},
                 {QUEUE_PRESSURE_LOW, "smtp", "220 250 250 221", "250 2.1.0"},
                 {QUEUE_PRESSURE_DISK, "smtp", "220 250 421", "421 4.3.1"},
                 {QUEUE_PRESSURE_LENGTH, "smtp", "220 250 421", "421 4.3.2"}};
    int trigger_fd = server.trigger_fd;

    ck_assert_int_eq(mkfifoat(server.tmp_dirfd, "pressure", 0622), 0);
    server.trigger_fd = openat(server.tmp_dirfd, "pressure", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct strbuf said = strbuf_new(1 << 16);

        ck_assert_int_eq(queue_pressure_set(server.trigger_fd, cases[i].pressure), 0);
        codes_are(cases[i].label, SLICE(EHLO "MAIL FROM:<a@b.c>\r\nQUIT\r\n"), cases[i].codes);
        serve(cases[i].label, "192.0.2.1", SLICE(EHLO "MAIL FROM:<a@b.c>\r\nQUIT\r\n"), &said);
        ck_assert_ptr_nonnull(strstr(strbuf_cstr(&said), cases[i].text));
        strbuf_free(&said);
    }
    (void)close(server.trigger_fd);
    server.trigger_fd = trigger_fd;
}
END_TEST

START_TEST(a_long_banner_is_cut_to_one_reply_line)
{
    struct strbuf errors = strbuf_new(100);
    struct conf *conf = conf_parse(
        SLICE("[system]\nhostname = mail.d.test\nbanner = " X500 X100 "\n"), "", &errors);
    static struct settings settings; /* reachable at the end: nobody frees settings */

    ck_assert_ptr_nonnull(conf);
    settings_load(&settings, conf);
    ck_assert_uint_eq(strlen(settings.greeting), 512);
    ck_assert(slice_starts(slice_of(settings.greeting), SLICE("220 mail.d.test ESMTP xxx")));
    ck_assert(slice_ends(slice_of(settings.greeting), SLICE("x\r\n")));
    conf_free(&conf);
    strbuf_free(&errors);
}
END_TEST

/* The parent has greeted: no second greeting. */
START_TEST(who_is_greeted_is_not_greeted_again)
{
    greeted = true;
    codes_are("smtp", SLICE(EHLO "QUIT\r\n"), "250 221");
    greeted = false;
}
END_TEST

static const struct {
    const char *script, *codes;
} groups[] = {
    {"EHLO x\r\nQUIT\r\n", "220 554"},   {"HELO x\r\nMAIL FROM:<a@b.c>\r\n", "220 554"},
    {"EHLO x\r\n", "220 250"},           {"NOOP\r\nQUIT\r\n", "220 554"},
    {"RSET\r\nQUIT\r\n", "220 250 221"},
};

START_TEST(what_has_to_be_last_may_have_to_be_last)
{
    server.settings.reject_pipelining = true;
    codes_are("smtp", slice_of(groups[_i].script), groups[_i].codes);
}
END_TEST

static const struct {
    uint64_t errors;
    int64_t delay_ms;
} delays[] = {{0, 0}, {3, 0}, {4, 250}, {5, 500}, {43, 10000}, {1000000, 10000}};

START_TEST(errors_make_replies_later)
{
    const struct settings settings = {.free_errors = 3, .error_delay_ms = 250}, none = {0};

    ck_assert_int_eq(tarpit_delay_ms(&settings, delays[_i].errors), delays[_i].delay_ms);
    ck_assert_int_eq(tarpit_delay_ms(&none, delays[_i].errors), 0);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("smtp_session");
    TCase *tc = tcase_create("smtp_session");
    SRunner *sr;
    int failed;

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, session_gets_its_codes, 0, (int)ARRAY_LEN(sessions));
    tcase_add_loop_test(tc, a_long_line_ends_where_it_ends, 0, 4);
    tcase_add_loop_test(tc, passwords_in_clear_are_for_the_same_machine, 0, (int)ARRAY_LEN(offers));
    tcase_add_test(tc, a_disk_with_too_little_room_takes_no_mail);
    tcase_add_test(tc, what_queue_manager_says_stops_mail);
    tcase_add_test(tc, a_long_banner_is_cut_to_one_reply_line);
    tcase_add_test(tc, who_is_greeted_is_not_greeted_again);
    tcase_add_loop_test(tc, what_has_to_be_last_may_have_to_be_last, 0, (int)ARRAY_LEN(groups));
    tcase_add_loop_test(tc, errors_make_replies_later, 0, (int)ARRAY_LEN(delays));
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
