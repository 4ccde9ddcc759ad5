/*
 * lib/smtp/smtp_client.c - connects to a server and gets as far as EHLO, TLS and AUTH.
 *
 * Touches the network and nothing else. The server is untrusted: its lines, replies and waits are
 * bounded.
 */
#include "lib/smtp/smtp_client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/cidr.h"
#include "lib/base/clock.h"
#include "lib/base/connect.h"
#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "lib/smtp/smtp_auth.h"
#include "lib/smtp/smtp_terms.h"
#include "lib/tls/stream.h"

enum {
    READ_MAX = 8192,
    LINE_MAX_BYTES = 4096,   /* 512 by RFC 5321 section 4.5.3.1.5; some servers write more */
    LONG_LINE_MAX = 1 << 16, /* what is cut off one is read up to here */
    QUIT_TIMEOUT_MS = 2000,
};

struct smtp_client {
    struct smtp_peer peer;
    struct smtp_client_options options;
    int64_t deadline;
    struct stream *stream;
    struct smtp_reply reply;
    unsigned capabilities;
    uint64_t size_max;
    int64_t min_by_s;
    struct smtp_limits limits;
    uint32_t mails; /* MAIL commands so far */
    char tls_trouble[SMTP_TEXT_MAX];
    bool failed;
};

/* ---- small questions ---- */

void
smtp_client_set_deadline(struct smtp_client *client, int64_t deadline_mono_ms)
{
    client->deadline = deadline_mono_ms;
}

bool
smtp_client_can(const struct smtp_client *client, enum smtp_capability capability)
{
    return (client->capabilities & capability) != 0;
}

uint64_t
smtp_client_size_max(const struct smtp_client *client)
{
    return client->size_max;
}

int64_t
smtp_client_min_by(const struct smtp_client *client)
{
    return client->min_by_s;
}

const struct smtp_limits *
smtp_client_limits(const struct smtp_client *client)
{
    return &client->limits;
}

bool
smtp_client_takes_mail(const struct smtp_client *client)
{
    return client->limits.mails == 0 || client->mails < client->limits.mails;
}

void
smtp_client_count_mail(struct smtp_client *client)
{
    client->mails++;
}

const struct smtp_peer *
smtp_client_peer(const struct smtp_client *client)
{
    return &client->peer;
}

const char *
smtp_client_tls_version(const struct smtp_client *client)
{
    const struct tls *tls = stream_tls(client->stream);

    return tls == NULL ? "" : tls_version(tls);
}

const char *
smtp_client_tls_trouble(const struct smtp_client *client)
{
    return client->tls_trouble;
}

bool
smtp_client_is_alive(const struct smtp_client *client)
{
    return !client->failed;
}

struct stream *
smtp_client_stream(struct smtp_client *client)
{
    return client->stream;
}

const struct smtp_timeouts *
smtp_client_timeouts(const struct smtp_client *client)
{
    return &client->options.timeouts;
}

void
smtp_client_fail(struct smtp_client *client)
{
    client->failed = true;
}

bool
smtp_client_is_late(const struct smtp_client *client)
{
    return clock_mono_ms() >= client->deadline;
}

/* The deadline of a step that may take `step_ms`. */
static int64_t
deadline_of_step(const struct smtp_client *client, int64_t step_ms)
{
    int64_t step = clock_mono_ms() + step_ms;

    return step < client->deadline ? step : client->deadline;
}

/* ---- replies ---- */

static void
connection_verdict(const struct smtp_peer *peer, const char *dsn, const char *what,
                   const char *reason, struct smtp_verdict *verdict)
{
    verdict->code = 0;
    (void)snprintf(verdict->dsn, sizeof(verdict->dsn), "%s", dsn);
    (void)snprintf(verdict->text, sizeof(verdict->text), "%s[%s]: %s: %s", peer->host, peer->ip,
                   what, reason);
}

static void
reply_verdict(const struct smtp_client *client, const char *command, struct smtp_verdict *verdict)
{
    char said[400];

    verdict->code = client->reply.code;
    smtp_reply_dsn(&client->reply, verdict->dsn);
    smtp_reply_text(&client->reply, said, sizeof(said));
    (void)snprintf(verdict->text, sizeof(verdict->text), "%s[%s] said: %s (in reply to %s)",
                   client->peer.host, client->peer.ip, said, command);
}

/* The RFC 3463 code and the words for a stream that gave no reply. */
static int
no_reply(struct smtp_client *client, const char *command, enum stream_status status,
         struct smtp_verdict *verdict)
{
    static const char *const reasons[] = {
        [STREAM_OK] = "not an SMTP reply",
        [STREAM_EOF] = "connection closed by the server",
        [STREAM_TIMEOUT] = "timed out",
        [STREAM_ERROR] = "connection lost",
        [STREAM_TOO_LONG] = "reply line too long",
    };
    char what[64];

    client->failed = true;
    (void)snprintf(what, sizeof(what), "waiting for the reply to %s", command);
    connection_verdict(&client->peer, status == STREAM_OK ? "4.5.0" : "4.4.2", what,
                       reasons[status], verdict);
    return -1;
}

/* The text of a long line is cut; its code is what counts. */
static enum stream_status
skip_rest_of_line(struct smtp_client *client, int64_t deadline)
{
    enum stream_status status = STREAM_TOO_LONG;
    struct slice part;

    for (size_t skipped = 0; status == STREAM_TOO_LONG && skipped < LONG_LINE_MAX;
         skipped += LINE_MAX_BYTES)
        status = stream_read_line(client->stream, LINE_MAX_BYTES, deadline, &part);
    return status;
}

int
smtp_client_reply(struct smtp_client *client, const char *command, int64_t step_ms,
                  struct smtp_verdict *verdict)
{
    int64_t deadline = deadline_of_step(client, step_ms);
    enum smtp_reply_status status = SMTP_REPLY_MORE;

    smtp_reply_clear(&client->reply);
    while (status == SMTP_REPLY_MORE) {
        struct slice line;
        enum stream_status got = stream_read_line(client->stream, LINE_MAX_BYTES, deadline, &line);

        if (got == STREAM_OK || got == STREAM_TOO_LONG)
            status = smtp_reply_line(&client->reply, line);
        if (got == STREAM_TOO_LONG)
            got = skip_rest_of_line(client, deadline);
        if (got != STREAM_OK)
            return no_reply(client, command, got, verdict);
    }
    if (status == SMTP_REPLY_BAD)
        return no_reply(client, command, STREAM_OK, verdict);
    reply_verdict(client, command, verdict);
    if (client->reply.code == 421) /* the server closes (RFC 5321 section 4.2.3) */
        client->failed = true;
    return client->failed ? -1 : 0;
}

/* ---- for reports ---- */

/* The first word of the answer to EHLO (RFC 5321 section 4.1.1.1). */
static void
note_helo(struct smtp_client *client)
{
    struct smtp_tls_result *result = client->options.tls_result;
    struct slice text = strbuf_slice(&client->reply.text), word;

    if (result == NULL)
        return;
    text = slice_split(&text, '\n');
    word = slice_split(&text, ' ');
    (void)snprintf(result->helo, sizeof(result->helo), "%.*s",
                   parse_is_ascii_print(word) ? (int)word.len : 0, word.ptr);
}

static void
note_local_ip(const struct smtp_client *client, int fd)
{
    struct smtp_tls_result *result = client->options.tls_result;
    struct sockaddr_storage own = {.ss_family = AF_UNSPEC};
    socklen_t len = sizeof(own);

    if (result == NULL || getsockname(fd, (struct sockaddr *)&own, &len) < 0)
        return;
    (void)inet_ntop(own.ss_family,
                    own.ss_family == AF_INET6
                        ? (const void *)&((const struct sockaddr_in6 *)&own)->sin6_addr
                        : (const void *)&((const struct sockaddr_in *)&own)->sin_addr,
                    result->local_ip, sizeof(result->local_ip)); /* a Unix socket has none */
}

static void
note_tls(const struct smtp_client *client, enum smtp_tls_end end, enum tls_distrust distrust,
         const char *reason)
{
    struct smtp_tls_result *result = client->options.tls_result;

    if (result == NULL)
        return;
    result->end = end;
    result->distrust = distrust;
    (void)snprintf(result->reason, sizeof(result->reason), "%.*s", SMTP_TLS_REASON_MAX - 1,
                   end == SMTP_TLS_FAILED || distrust != TLS_DISTRUST_NONE ? reason : "");
}

/* ---- connecting ---- */

static int
bind_source(int fd, sa_family_t family, const struct smtp_sources *sources)
{
    if (sources != NULL && family == AF_INET && sources->v4.sin_family != 0)
        return bind(fd, (const struct sockaddr *)&sources->v4, sizeof(sources->v4));
    if (sources != NULL && family == AF_INET6 && sources->v6.sin6_family != 0)
        return bind(fd, (const struct sockaddr *)&sources->v6, sizeof(sources->v6));
    return 0;
}

/* What is on this machine no proxy leads to. */
static const struct socks_proxy *
proxy_for(const struct smtp_client *client)
{
    struct ip ip;

    if (ip_of_sockaddr(&client->peer.address, &ip) < 0 || ip_is_loopback(&ip))
        return NULL;
    return client->options.proxy;
}

/* A connected blocking socket, or -1 with *why it failed. */
static int
open_socket(const struct smtp_client *client, const char **why)
{
    const struct smtp_peer *peer = &client->peer;
    const struct socks_proxy *proxy = proxy_for(client);
    const struct sockaddr_storage *to = proxy == NULL ? &peer->address : &proxy->address;
    socklen_t len = proxy == NULL ? peer->address_len : proxy->address_len;
    int64_t deadline = deadline_of_step(client, client->options.timeouts.connect);
    int fd = socket(to->ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    *why = NULL;
    if (fd >= 0 && bind_source(fd, to->ss_family, client->options.sources) == 0 &&
        connect_until(fd, to, len, deadline) == 0 &&
        (proxy == NULL || socks_open(fd, proxy, &peer->address, deadline, why) == 0) &&
        make_blocking(fd) == 0)
        return fd;
    if (*why == NULL)
        *why = strerror(errno);
    close_keep_errno(fd);
    return -1;
}

/* ---- greeting, EHLO, TLS ---- */

static void
take_mechanisms(struct smtp_client *client, struct slice names)
{
    while (names.len > 0) {
        struct slice name = slice_split(&names, ' ');

        if (slice_eq_nocase(name, SLICE("PLAIN")))
            client->capabilities |= SMTP_CAN_AUTH_PLAIN;
        else if (slice_eq_nocase(name, SLICE("LOGIN")))
            client->capabilities |= SMTP_CAN_AUTH_LOGIN;
    }
}

/* What an earlier EHLO said counts no more (RFC 3207 section 4.2, RFC 9422 section 3.6). */
static void
forget_capabilities(struct smtp_client *client)
{
    client->capabilities = 0;
    client->size_max = 0;
    client->min_by_s = 0;
    client->limits = (struct smtp_limits){.mails = 0};
}

static void
take_capabilities(struct smtp_client *client)
{
    static const struct {
        const char *keyword;
        enum smtp_capability capability;
    } known[] = {
        {"PIPELINING", SMTP_CAN_PIPELINING},   {"8BITMIME", SMTP_CAN_8BITMIME},
        {"CHUNKING", SMTP_CAN_CHUNKING},       {"BINARYMIME", SMTP_CAN_BINARYMIME},
        {"SMTPUTF8", SMTP_CAN_SMTPUTF8},       {"DSN", SMTP_CAN_DSN},
        {"STARTTLS", SMTP_CAN_STARTTLS},       {"SIZE", SMTP_CAN_SIZE},
        {"REQUIRETLS", SMTP_CAN_REQUIRETLS},   {"DELIVERBY", SMTP_CAN_DELIVERBY},
        {"MT-PRIORITY", SMTP_CAN_MT_PRIORITY},
    };
    struct slice value;

    forget_capabilities(client);
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (smtp_reply_keyword(&client->reply, known[i].keyword, &value))
            client->capabilities |= known[i].capability;
    if (smtp_reply_keyword(&client->reply, "SIZE", &value))
        (void)parse_u64(value, UINT64_MAX, &client->size_max); /* "SIZE" alone: no limit known */
    if (smtp_reply_keyword(&client->reply, "DELIVERBY", &value))
        client->min_by_s = smtp_terms_min_by(value);
    if (smtp_reply_keyword(&client->reply, "LIMITS", &value))
        (void)smtp_limits_parse(value, &client->limits); /* not a list of limits: there are none */
    if (smtp_reply_keyword(&client->reply, "AUTH", &value))
        take_mechanisms(client, value);
}

/* EHLO, and HELO where EHLO is refused for good (RFC 5321 section 3.2); LMTP has LHLO alone (RFC
 * 2033 section 4.1). */
static int
say_hello(struct smtp_client *client, struct smtp_verdict *why)
{
    int64_t step_ms = client->options.timeouts.command;
    const char *verb = client->peer.is_lmtp ? "LHLO" : "EHLO";

    (void)stream_printf(client->stream, "%s %s\r\n", verb, client->options.helo_name); /* sticks */
    if (smtp_client_reply(client, verb, step_ms, why) < 0)
        return -1;
    if (why->code / 100 == 2) {
        take_capabilities(client);
        note_helo(client);
        return 0;
    }
    if (why->code / 100 != 5 || client->peer.is_lmtp)
        return -1;
    (void)stream_printf(client->stream, "HELO %s\r\n", client->options.helo_name);
    if (smtp_client_reply(client, "HELO", step_ms, why) < 0 || why->code / 100 != 2)
        return -1;
    forget_capabilities(client);
    return 0;
}

/* The handshake. 0, or -1 with *why: the connection is of no more use. */
static int
shake_hands(struct smtp_client *client, struct smtp_verdict *why)
{
    const struct smtp_client_options *o = &client->options;
    const struct smtp_peer *peer = &client->peer;
    struct tls_context *tls = peer->login != NULL ? o->verifying_tls : o->tls;
    /* an address literal has no name */
    struct tls_check check = {.server_name = peer->host[0] == '[' ? peer->ip : peer->host};

    if (peer->login == NULL && o->check != NULL)
        check = *o->check;
    if (tls != NULL && stream_start_tls_client(client->stream, tls, &check,
                                               deadline_of_step(client, o->timeouts.tls)) == 0) {
        note_tls(client, SMTP_TLS_STARTED,
                 check.note_only ? tls_last_distrust() : TLS_DISTRUST_NONE, tls_last_error());
        return 0;
    }
    note_tls(client, SMTP_TLS_FAILED, tls_last_distrust(), tls_last_error());
    client->failed = true;
    connection_verdict(peer, "4.7.5", "TLS handshake", tls_last_error(), why);
    return -1;
}

/* From the greeting to EHLO over a new connection. */
static int
begin(struct smtp_client *client, int fd, struct smtp_verdict *why)
{
    client->failed = false;
    note_local_ip(client, fd);
    client->stream = stream_new(fd, READ_MAX);
    stream_set_write_timeout(client->stream, client->options.timeouts.data_block);
    if (client->peer.tls_at_once && shake_hands(client, why) < 0)
        return -1;
    if (smtp_client_reply(client, "connect", client->options.timeouts.greeting, why) < 0 ||
        why->code / 100 != 2)
        return -1;
    return say_hello(client, why);
}

static int
greet(struct smtp_client *client, struct smtp_verdict *why)
{
    const char *reason;
    int fd = open_socket(client, &reason);

    if (fd >= 0)
        return begin(client, fd, why);
    connection_verdict(&client->peer, "4.4.1",
                       proxy_for(client) == NULL ? "connect" : "connect by the proxy", reason, why);
    return -1;
}

enum tls_result { TLS_STARTED, TLS_REFUSED, TLS_BROKEN };

/* REFUSED: the server said no, the connection is as before. BROKEN: it is of no more use. */
static enum tls_result
start_tls(struct smtp_client *client, struct smtp_verdict *why)
{
    (void)stream_write(client->stream, SLICE("STARTTLS\r\n")); /* an error sticks */
    if (smtp_client_reply(client, "STARTTLS", client->options.timeouts.command, why) < 0)
        return TLS_BROKEN;
    if (why->code != 220) {
        note_tls(client, SMTP_TLS_FAILED, TLS_DISTRUST_NONE, why->text);
        return TLS_REFUSED;
    }
    if (shake_hands(client, why) < 0)
        return TLS_BROKEN;
    return say_hello(client, why) < 0 ? TLS_BROKEN : TLS_STARTED;
}

static void
drop_connection(struct smtp_client *client)
{
    if (client->stream != NULL)
        stream_free(&client->stream);
}

/* Opportunistic (RFC 7435): what TLS spoils, a second connection without it repairs. */
static int
secure(struct smtp_client *client, struct smtp_verdict *why)
{
    const struct smtp_client_options *o = &client->options;
    bool demanded = o->demand_tls || client->peer.login != NULL;
    enum tls_result result;

    if (client->peer.tls_at_once || client->peer.address.ss_family == AF_UNIX)
        return 0; /* what goes to a socket of this machine leaves it by no wire */
    if (!smtp_client_can(client, SMTP_CAN_STARTTLS) || (o->tls == NULL && !demanded)) {
        if (!smtp_client_can(client, SMTP_CAN_STARTTLS))
            note_tls(client, SMTP_TLS_ABSENT, TLS_DISTRUST_NONE, "");
        if (demanded)
            connection_verdict(&client->peer, "4.7.4", "TLS is demanded", "not offered", why);
        return demanded ? -1 : 0;
    }
    result = start_tls(client, why);
    if (result == TLS_STARTED)
        return 0;
    if (demanded)
        return -1;
    memcpy(client->tls_trouble, why->text, sizeof(client->tls_trouble));
    if (result == TLS_REFUSED)
        return 0;
    drop_connection(client);
    return greet(client, why);
}

static struct smtp_client *
client_new(const struct smtp_peer *peer, const struct smtp_client_options *options,
           int64_t deadline_mono_ms)
{
    struct smtp_client *client = xcalloc(1, sizeof(*client));

    *client = (struct smtp_client){.peer = *peer,
                                   .options = *options,
                                   .deadline = deadline_mono_ms,
                                   .reply = smtp_reply_new()};
    return client;
}

struct smtp_client *
smtp_client_adopt(int fd, const struct smtp_peer *peer, const struct smtp_client_options *options,
                  int64_t deadline_mono_ms, struct smtp_verdict *why)
{
    struct smtp_client *client = client_new(peer, options, deadline_mono_ms);

    client->peer.tls_at_once = false;
    client->options.tls_result = NULL;
    if (begin(client, fd, why) < 0)
        smtp_client_close(&client);
    return client;
}

struct smtp_client *
smtp_client_open(const struct smtp_peer *peer, const struct smtp_client_options *options,
                 int64_t deadline_mono_ms, struct smtp_verdict *why)
{
    struct smtp_client *client = client_new(peer, options, deadline_mono_ms);

    if (options->tls_result != NULL)
        *options->tls_result = (struct smtp_tls_result){.end = SMTP_TLS_UNTRIED};
    if (greet(client, why) == 0 && secure(client, why) == 0 &&
        (peer->login == NULL || smtp_auth(client, peer->login, why) == 0)) {
        client->options.tls_result = NULL; /* the caller's, for this call */
        return client;
    }
    smtp_client_close(&client);
    return NULL;
}

void
smtp_client_close(struct smtp_client **clientp)
{
    struct smtp_client *client = *clientp;
    struct smtp_verdict ignored;

    if (client == NULL)
        return;
    if (client->stream != NULL && !client->failed) {
        client->deadline = clock_mono_ms() + QUIT_TIMEOUT_MS;
        stream_set_write_timeout(client->stream, QUIT_TIMEOUT_MS);
        (void)stream_write(client->stream, SLICE("QUIT\r\n")); /* a courtesy: no result counts */
        (void)smtp_client_reply(client, "QUIT", QUIT_TIMEOUT_MS, &ignored);
    }
    drop_connection(client);
    smtp_reply_free(&client->reply);
    xfree(clientp);
}
