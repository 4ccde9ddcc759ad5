/*
 * posthorn/setup_test.c - does the new server work? A message to postmaster, sent and read as a
 * mail program would; a call of the administrative API.
 *
 * Talks to our own services alone. What they say is cut before it is shown.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define POSTHORN_WITHOUT_CALLS
#include "include/posthorn.h"
#include "lib/base/clock.h"
#include "lib/base/connect.h"
#include "lib/base/encode.h"
#include "lib/base/mem.h"
#include "lib/base/random.h"
#include "lib/tls/stream.h"
#include "posthorn/dial.h"
#include "posthorn/output.h"
#include "posthorn/setup.h"

enum {
    STEP_MS = 30000, /* for one conversation */
    ARRIVAL_MS = 30000,
    POLL_MS = 100,
    LINE_MAX_LEN = 4096,
    DETAIL_MAX = 300,
    TOKEN_LEN = 20,
    ADMIN_PORT = 6000,
    SUBMISSION_PORT = 587,
    IMAPS_PORT = 993,
    POP3S_PORT = 995
};

struct test {
    struct setup *setup;
    struct conf *conf;
    struct tls_context *tls;
    char *certificate, *address; /* of the server; where it listens */
    char *mailbox;
    const char *password;
    char token[TOKEN_LEN + 1];
    struct table *table;
    bool failed;
};

/* ---- a conversation ---- */

struct talk {
    struct test *test;
    struct stream *stream;
    int64_t deadline;
    struct strbuf last; /* the line that was read last */
    bool failed;
};

static bool
secure(struct talk *t)
{
    const struct tls_check check = {.server_name = t->test->setup->hostname};

    if (stream_start_tls_client(t->stream, t->test->tls, &check, t->deadline) == 0)
        return true;
    strbuf_clear(&t->last);
    (void)strbuf_printf(&t->last, "TLS: %s", tls_last_error()); /* what does not fit is cut */
    t->failed = true;
    return false;
}

static struct talk
talk_to(struct test *test, unsigned port, bool tls_first)
{
    struct talk t = {
        .test = test, .deadline = clock_mono_ms() + STEP_MS, .last = strbuf_new(LINE_MAX_LEN)};
    struct dial_peer peer;
    uint64_t offset = conf_u64(test->conf, SYSTEM_PORT_OFFSET);
    int fd =
        dial_address(test->address, (uint16_t)(port + offset), &peer) ? dial(&peer, STEP_MS) : -1;

    if (fd < 0 || make_blocking(fd) < 0) {
        (void)strbuf_printf(&t.last, "port %u: %s", (unsigned)(port + offset), strerror(errno));
        t.failed = true;
        return t;
    }
    t.stream = stream_new(fd, (size_t)LINE_MAX_LEN * 2);
    if (tls_first)
        (void)secure(&t);
    return t;
}

static bool
hear(struct talk *t)
{
    struct slice line;

    if (t->failed)
        return false;
    strbuf_clear(&t->last);
    if (stream_read_line(t->stream, LINE_MAX_LEN, t->deadline, &line) == STREAM_OK)
        return strbuf_append(&t->last, slice_trim(line));
    (void)strbuf_str(&t->last, "the connection ended");
    t->failed = true;
    return false;
}

/* Reads lines up to the one that answers: it begins with `good`, or with `bad`. With `needle`
 * (NULL: none) one of them has to hold it. */
static bool
expect(struct talk *t, const char *good, const char *bad, const char *needle)
{
    bool found = needle == NULL;

    while (hear(t)) {
        struct slice line = strbuf_slice(&t->last);

        if (needle != NULL && strstr(strbuf_cstr(&t->last), needle) != NULL)
            found = true;
        if (slice_starts(line, slice_of(good)))
            return found;
        if (bad != NULL && slice_starts(line, slice_of(bad)))
            break;
    }
    t->failed = t->failed || bad == NULL || slice_starts(strbuf_slice(&t->last), slice_of(bad));
    return false;
}

/* An SMTP reply of that code. */
static bool
reply(struct talk *t, const char *code)
{
    while (hear(t)) {
        const char *line = strbuf_cstr(&t->last);

        if (strlen(line) >= 3 && line[3] == '-')
            continue;
        if (strncmp(line, code, 3) == 0)
            return true;
        t->failed = true;
    }
    return false;
}

static void
say(struct talk *t, const char *text)
{
    if (!t->failed)
        (void)stream_printf(t->stream, "%s\r\n", text); /* a failure comes back when it is read */
}

__attribute__((format(printf, 2, 3))) static void
sayf(struct talk *t, const char *format, ...)
{
    struct strbuf text = strbuf_new(LINE_MAX_LEN);
    va_list args;

    va_start(args, format);
    (void)strbuf_room(&text, LINE_MAX_LEN); /* growing would leave copies of a secret behind */
    (void)strbuf_vprintf(&text, format, args);
    va_end(args);
    say(t, strbuf_cstr(&text));
    setup_wipe(&text);
}

/* ---- the report ---- */

static void
report(struct test *test, const char *service, bool works, const char *detail)
{
    const struct object_field fields[] = {
        {SLICE("service"), slice_of(service)},
        {SLICE("works"), works ? SLICE("yes") : SLICE("no")},
        {SLICE("detail"), slice_sub(slice_of(detail), 0, DETAIL_MAX)}};

    table_add(test->table, fields, (uint32_t)ARRAY_LEN(fields));
    if (!works && test->setup->cli->json)
        cli_warn(test->setup->cli, "%s does not work: %.*s", service, DETAIL_MAX, detail);
    test->failed = test->failed || !works;
}

static void
end(struct talk *t, const char *service, const char *detail)
{
    report(t->test, service, !t->failed, t->failed ? strbuf_cstr(&t->last) : detail);
    if (t->stream != NULL)
        stream_free(&t->stream);
    strbuf_free(&t->last);
}

/* ---- the steps ---- */

static void
send_message(struct test *test)
{
    struct talk t = talk_to(test, SUBMISSION_PORT, false);
    struct strbuf login = strbuf_new(LINE_MAX_LEN), encoded = strbuf_new(LINE_MAX_LEN);

    (void)strbuf_room(&login, LINE_MAX_LEN);
    (void)strbuf_room(&encoded, LINE_MAX_LEN);
    (void)strbuf_char(&login, '\0');
    (void)strbuf_str(&login, test->mailbox);
    (void)strbuf_char(&login, '\0');
    (void)strbuf_str(&login, test->password);
    (void)base64_encode(strbuf_slice(&login), &encoded); /* both fit */
    if (reply(&t, "220"))
        say(&t, "EHLO setup.invalid");
    if (reply(&t, "250"))
        say(&t, "STARTTLS");
    if (reply(&t, "220") && secure(&t))
        say(&t, "EHLO setup.invalid");
    if (reply(&t, "250"))
        sayf(&t, "AUTH PLAIN %s", strbuf_cstr(&encoded));
    if (reply(&t, "235"))
        sayf(&t, "MAIL FROM:<%s>", test->mailbox);
    if (reply(&t, "250"))
        sayf(&t, "RCPT TO:<%s>", test->mailbox);
    if (reply(&t, "250"))
        say(&t, "DATA");
    if (reply(&t, "354"))
        sayf(&t,
             "From: <%s>\r\nTo: <%s>\r\nSubject: %s\r\n\r\nThe setup of this server tests it with "
             "this message.\r\n.",
             test->mailbox, test->mailbox, test->token);
    if (reply(&t, "250"))
        say(&t, "QUIT");
    setup_wipe(&login);
    setup_wipe(&encoded);
    end(&t, "SMTP", "a message to postmaster was taken, with STARTTLS and a login");
}

/* Polls until the message is there. */
static void
read_by_imap(struct test *test)
{
    struct talk t = talk_to(test, IMAPS_PORT, true);
    int64_t until = clock_mono_ms() + ARRIVAL_MS;
    char needle[64];
    bool there = false;

    (void)snprintf(needle, sizeof(needle), "Subject: %s", test->token);
    t.deadline += ARRIVAL_MS;
    if (expect(&t, "* OK", "* BYE", NULL))
        sayf(&t, "a LOGIN \"%s\" {%zu+}\r\n%s", test->mailbox, strlen(test->password),
             test->password);
    if (expect(&t, "a OK", "a ", NULL))
        say(&t, "b EXAMINE INBOX");
    if (expect(&t, "b OK", "b ", NULL)) {
        while (!t.failed && !there && clock_mono_ms() < until) {
            say(&t, "c FETCH * (BODY.PEEK[HEADER.FIELDS (Subject)])");
            there = expect(&t, "c ", NULL, needle);
            t.failed = t.failed && !slice_starts(strbuf_slice(&t.last), SLICE("c "));
            if (there)
                break;
            (void)usleep(POLL_MS * 1000);
            say(&t, "d NOOP");
            (void)expect(&t, "d OK", "d ", NULL);
        }
    }
    say(&t, "e LOGOUT");
    if (!t.failed && !there) {
        t.failed = true;
        strbuf_clear(&t.last);
        (void)strbuf_str(&t.last, "the message has not arrived");
    }
    end(&t, "IMAP", "postmaster logged in and read it, over TLS");
}

/* The newest message, which is taken away again. */
static void
read_by_pop3(struct test *test)
{
    struct talk t = talk_to(test, POP3S_PORT, true);
    char needle[64];
    unsigned count = 0;

    (void)snprintf(needle, sizeof(needle), "Subject: %s", test->token);
    if (expect(&t, "+OK", "-ERR", NULL))
        sayf(&t, "USER %s", test->mailbox);
    if (expect(&t, "+OK", "-ERR", NULL))
        sayf(&t, "PASS %s", test->password);
    if (expect(&t, "+OK", "-ERR", NULL))
        say(&t, "STAT");
    if (expect(&t, "+OK", "-ERR", NULL))
        count = (unsigned)strtoul(strbuf_cstr(&t.last) + strlen("+OK "), NULL, 10);
    sayf(&t, "RETR %u", count);
    if (expect(&t, "+OK", "-ERR", NULL) && expect(&t, ".", NULL, needle))
        sayf(&t, "DELE %u", count);
    else
        t.failed = true;
    if (expect(&t, "+OK", "-ERR", NULL))
        say(&t, "QUIT");
    (void)expect(&t, "+OK", "-ERR", NULL);
    end(&t, "POP3", "the same, and took it away");
}

static void
call_admin(struct test *test, const char *password)
{
    unsigned port = (unsigned)(ADMIN_PORT + conf_u64(test->conf, SYSTEM_PORT_OFFSET));
    const struct posthorn_param params[] = {{"user", "postmaster", 0, 0}};
    struct posthorn *p = posthorn_new(test->address, port);
    int rc = p == NULL ? -1 : posthorn_trust(p, test->certificate);

    if (rc == 0)
        rc = posthorn_expect_name(p, test->setup->hostname);
    if (rc == 0)
        rc = posthorn_login(p, "admin", password);
    if (rc == 0)
        rc = posthorn_call(p, "CheckUser", params, ARRAY_LEN(params));
    /* 2: there is such a mailbox */
    report(test, "ADMIN", rc == 2,
           rc == 2     ? "the administrator logged in and was answered"
           : p != NULL ? posthorn_text(p)
                       : "no memory");
    posthorn_free(&p);
}

/* ---- all of it ---- */

/* An address that a client on this host reaches. */
static char *
address_of(const struct conf *conf)
{
    const char *first =
        conf_list_count(conf, SYSTEM_BIND) > 0 ? conf_list_item(conf, SYSTEM_BIND, 0) : "0.0.0.0";

    if (strcmp(first, "0.0.0.0") == 0)
        first = "127.0.0.1";
    else if (strcmp(first, "::") == 0)
        first = "::1";
    return xstrdup(first);
}

static bool
begin(struct test *test)
{
    const struct instance *inst = &test->setup->cli->inst;
    struct strbuf errors = strbuf_new(65536);

    test->conf = conf_load(inst->conf_path, &errors);
    if (test->conf != NULL) {
        const char *file = conf_str(test->conf, TLS_CERTIFICATE);

        test->certificate = file[0] == '/' ? xstrdup(file) : xasprintf("%s/%s", inst->etc, file);
        test->tls = tls_client_context(test->certificate, &errors);
        test->address = address_of(test->conf);
    }
    if (test->tls == NULL)
        (void)cli_fail(test->setup->cli, "%s", strbuf_cstr(&errors));
    strbuf_free(&errors);
    return test->tls != NULL;
}

int
setup_test(struct setup *setup, struct slice admin_password, struct slice postmaster_password)
{
    static const struct column columns[] = {{"service", COLUMN_TEXT, false},
                                            {"works", COLUMN_BOOL, false},
                                            {"detail", COLUMN_TEXT, false}};
    struct test test = {.setup = setup};
    struct cli cli = {.inst = setup->cli->inst}; /* of `start`, which knows no --json */
    char *start[] = {(char *)(uintptr_t) "start"};
    char *admin = xslicedup(admin_password), *postmaster = xslicedup(postmaster_password);
    int rc = command_run(&cli, 1, start);

    if (rc == CLI_OK && begin(&test)) {
        test.mailbox = xasprintf("postmaster@%s", setup->domain);
        test.password = postmaster;
        random_name(test.token, TOKEN_LEN);
        test.table = table_new(columns, ARRAY_LEN(columns));
        send_message(&test);
        read_by_imap(&test);
        read_by_pop3(&test);
        call_admin(&test, admin);
        if (setup->cli->json)
            table_free(&test.table); /* there is one object on stdout; failures were told */
        else
            table_print(&test.table, false);
    } else {
        test.failed = true;
    }
    mem_wipe(admin, admin_password.len);
    mem_wipe(postmaster, postmaster_password.len);
    free(admin);
    free(postmaster);
    free(test.mailbox);
    free(test.certificate);
    free(test.address);
    tls_context_free(&test.tls);
    conf_free(&test.conf);
    return test.failed ? CLI_FAILED : CLI_OK;
}
