/*
 * smtpd/session.c - greets, reads command lines until the end, and makes replies.
 *
 * Runs in a confined worker. Everything read here is untrusted.
 */
#include "smtpd/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/http_probe.h"
#include "lib/base/mem.h"
#include "lib/log/log.h"
#include "lib/sys/session_table.h"
#include "lib/tls/tls_conf.h"
#include "smtpd/command.h"
#include "smtpd/message_log.h"
#include "smtpd/tarpit.h"
#include "smtpd/xclient.h"

enum {
    REPLY_MAX = 512,    /* octets of a reply line with CRLF (RFC 5321 section 4.5.3.1.5) */
    JUNK_MAX = 1 << 20, /* octets of one line that is too long before we hang up */
    PRESSED_TIMEOUT_MS = 10000,
};

/* ---- replies ---- */

__attribute__((format(printf, 4, 0))) static void
write_reply(struct session *s, unsigned code, const char *dsn, const char *format, va_list args)
{
    char line[REPLY_MAX + 1];
    int head, text;
    size_t room, len;

    rcpt_settle(s); /* replies leave in the order of their commands */
    head = snprintf(line, sizeof(line), "%u %s%s", code, dsn, dsn[0] != '\0' ? " " : "");
    room = REPLY_MAX - 2 - (size_t)head; /* code and dsn are ours: a few octets */
    text = vsnprintf(line + head, room + 1, format, args);
    len = (size_t)head + (text < 0 ? 0 : (size_t)text > room ? room : (size_t)text);
    s->last_code = code;
    line[len] = '\r';
    line[len + 1] = '\n';
    (void)stream_write(s->stream, slice_make(line, len + 2)); /* an error sticks */
}

void
session_reply(struct session *s, unsigned code, const char *dsn, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    write_reply(s, code, dsn, format, args);
    va_end(args);
}

static void
end_after_errors(struct session *s)
{
    if (s->errors < s->settings->max_errors)
        return;
    log_event(LOG_WARN, "too_many_errors", KV_U64("errors", s->errors));
    session_shut(s, "4.7.0", "too many errors");
}

void
session_error(struct session *s, unsigned code, const char *dsn, const char *format, ...)
{
    va_list args;

    rcpt_settle(s); /* before the error is counted: theirs come first */
    s->errors++;
    tarpit_wait(s);
    va_start(args, format);
    write_reply(s, code, dsn, format, args);
    va_end(args);
    end_after_errors(s);
}

void
session_refuse(struct session *s, const struct refusal *why)
{
    session_reply(s, why->code, why->dsn, "%s", why->text);
    if (why->code == 421)
        s->closing = true;
}

uint64_t
session_end_replies(const struct session *s)
{
    const struct transaction *t = &s->transaction;

    return s->is_lmtp ? t->local_count + t->remote_count : 1;
}

/* What ends the session, if it does, comes behind the last of them. */
void
session_refuse_end(struct session *s, const struct refusal *why)
{
    uint64_t count = session_end_replies(s);

    for (uint64_t i = 1; i < count; i++)
        session_reply(s, why->code, why->dsn, "%s", why->text);
    if (count == 0) { /* RFC 2033 section 4.3: BDAT LAST may have no reply */
        s->errors++;
        end_after_errors(s);
    } else if (why->code >= 500) {
        session_error(s, why->code, why->dsn, "%s", why->text);
    } else {
        session_refuse(s, why);
    }
}

void
session_shut(struct session *s, const char *dsn, const char *text)
{
    if (s->closing)
        return;
    session_reply(s, 421, dsn, "%s %s", s->settings->hostname, text);
    s->closing = true;
}

/* ---- state ---- */

enum session_state
session_reset(struct session *s)
{
    message_log_abandoned(s, s->closing ? "close" : "reset");
    transaction_clear(&s->transaction);
    filter_reset(s);
    xclient_forget(s);
    return s->state == ST_NEW ? ST_NEW : ST_GREETED;
}

void
session_forget(struct session *s)
{
    message_log_abandoned(s, "reset");
    transaction_clear(&s->transaction);
    filter_reset(s);
    xclient_forget(s);
    s->helo[0] = '\0';
    s->is_extended = false;
    s->state = ST_NEW;
}

bool
session_submits(const struct session *s)
{
    return s->is_submission || s->auth_user != NULL;
}

struct reception_client
session_client(const struct session *s)
{
    return (struct reception_client){.ip = slice_of(s->pool->client_ip),
                                     .user = slice_of(s->auth_user),
                                     .is_trusted = s->is_trusted,
                                     .is_submission = s->is_submission,
                                     .is_lmtp = s->is_lmtp};
}

uint64_t
session_size_limit(const struct session *s)
{
    struct reception_client client = session_client(s);

    return reception_size_limit(&s->settings->rules, &client);
}

const struct refusal *
session_size_refusal(const struct session *s)
{
    struct reception_client client = session_client(s);

    return reception_size_refusal(&s->settings->rules, &client);
}

/* ---- lines ---- */

static enum session_line
end_of_input(struct session *s, enum stream_status status)
{
    if (status == STREAM_TIMEOUT)
        session_shut(s, "4.4.2", "timeout, closing the connection");
    s->closing = true;
    return SESSION_LINE_GONE;
}

static enum session_line
drop_http(struct session *s, struct slice line)
{
    log_event(LOG_WARN, "http_client", KV_SLICE("line", slice_sub(line, 0, 80)));
    s->closing = true;
    return SESSION_LINE_GONE;
}

/* Where places are short, who has not shown to be honest does not keep one (smtpd.8). */
static int64_t
command_timeout_ms(const struct session *s)
{
    int64_t timeout = s->settings->command_timeout_ms;
    bool hurry = s->pool->is_pressed && !s->pool->is_known && !s->is_trusted && s->messages == 0 &&
                 s->auth_user == NULL;

    return hurry && timeout > PRESSED_TIMEOUT_MS ? PRESSED_TIMEOUT_MS : timeout;
}

/* RFC 5321 section 3.8 */
static void
shut_ended(struct session *s)
{
    if (pool_session_is_revoked(s->pool))
        session_shut(s, "4.7.0", "your account has changed, log in again");
    else
        session_shut(s, "4.3.2", "shutting down, try again later");
}

/* One line may come in several parts: behind a bare LF, and behind SESSION_LINE_MAX octets, it goes
 * on. The deadline holds for all of it. */
enum session_line
session_read_line(struct session *s, struct slice *line)
{
    int64_t deadline = clock_mono_ms() + command_timeout_ms(s);
    enum session_line result = SESSION_LINE_OK;
    bool after_cr = false;
    size_t total = 0;

    if (!stream_has_input(s->stream) && stream_wait(s->stream, -1, deadline) == 3) {
        shut_ended(s);
        return SESSION_LINE_GONE;
    }
    while (total <= JUNK_MAX) {
        struct slice part = SLICE("");
        enum stream_status status = stream_read_line(s->stream, SESSION_LINE_MAX, deadline, &part);

        if (status != STREAM_OK && status != STREAM_TOO_LONG)
            return end_of_input(s, status);
        if (total == 0 && http_probe(part))
            return drop_http(s, part);
        if (slice_ends(part, SLICE("\r\n")) || (after_cr && slice_eq(part, SLICE("\n")))) {
            *line = slice_sub(part, 0, part.len - (part.len > 1 ? 2 : 1));
            return result;
        }
        if (status == STREAM_TOO_LONG)
            result = SESSION_LINE_LONG;
        else if (result == SESSION_LINE_OK)
            result = SESSION_LINE_BARE_LF;
        after_cr = slice_ends(part, SLICE("\r"));
        total += part.len;
    }
    session_shut(s, "4.7.0", "endless line");
    return SESSION_LINE_GONE;
}

static void
run_line(struct session *s)
{
    struct slice line;

    switch (session_read_line(s, &line)) {
    case SESSION_LINE_OK:
        if (s->user_proved && pool_session_is_revoked(s->pool)) /* who never pauses, too */
            shut_ended(s);
        else
            command_run(s, line);
        break;
    case SESSION_LINE_LONG:
        session_error(s, 500, "5.5.2", "line too long");
        break;
    case SESSION_LINE_BARE_LF:
        session_error(s, 500, "5.5.2", "bare LF: a line ends with CRLF (RFC 5321 2.3.8)");
        break;
    case SESSION_LINE_GONE:
        break;
    }
}

/* ---- the session ---- */

static int
start_tls_at_once(struct session *s)
{
    int64_t deadline = clock_mono_ms() + s->settings->tls_timeout_ms;

    if (s->server->tls != NULL &&
        stream_start_tls(s->stream, s->server->tls, deadline, NULL) == 0) {
        session_table_tls();
        return 0;
    }
    stats_add(s->server->counters.tls_failures, 1);
    pool_session_failed(s->pool);
    log_event(LOG_INFO, "tls_failed", KV_STR("reason", tls_last_error()));
    return -1;
}

void
session_greet(struct session *s, bool is_greeted)
{
    const struct refusal *why = filter_connect(s);

    if (why != NULL && (!is_greeted || why->code == 421))
        session_refuse(s, why); /* RFC 5321 section 3.1: no service, and QUIT is waited for */
    else if (!is_greeted)
        (void)stream_write(s->stream, slice_of(s->is_lmtp ? s->settings->lmtp_greeting
                                                          : s->settings->greeting)); /* sticks */
}

static int
open_session(struct session *s)
{
    if (strcmp(s->pool->label, "smtps") == 0 && start_tls_at_once(s) < 0)
        return -1;
    session_greet(s, s->pool->is_greeted);
    return 0;
}

static void
begin(struct session *s, struct pool_session *pool, struct server *server)
{
    bool is_lmtp = strcmp(pool->label, "lmtp") == 0;

    *s = (struct session){
        .pool = pool,
        .server = server,
        .settings = &server->settings,
        .stream = stream_new(pool->fd, SESSION_READ_MAX),
        .state = ST_NEW,
        .is_submission = !is_lmtp && strcmp(pool->label, "smtp") != 0,
        .is_lmtp = is_lmtp,
        .is_odmr = strcmp(pool->label, "odmr") == 0,
        .relay_fd = -1,
        .is_trusted = reception_trusts(&server->settings.rules, slice_of(pool->client_ip)),
        .slots = queue_slots_new(server->tmp_dirfd),
    };
    stream_set_end_fd(s->stream, pool->end_fd);
    stream_set_key_fd(s->stream, pool->key_fd);
    stream_set_oldest_tls(s->stream, tls_conf_oldest(pool->daemon->conf, pool->label));
    stats_add(server->counters.connections, 1);
    log_event(LOG_INFO, "connected", KV_U64("port", pool->client_port),
              KV_STR("service", pool->label));
}

static void
end(struct session *s)
{
    message_log_abandoned(s, "close");
    transaction_clear(&s->transaction);
    xclient_forget(s);
    xfree(&s->speaks_for);
    recipients_clear(&s->recipients);
    log_event(LOG_INFO, "disconnected", KV_STR("helo", s->helo), KV_U64("messages", s->messages),
              KV_U64("bytes_in", stream_bytes_in(s->stream)),
              KV_U64("bytes_out", stream_bytes_out(s->stream)));
    stream_free(&s->stream);
    queue_slots_free(&s->slots);
    xfree(&s->auth_user);
    xfree(&s->auth_method);
}

enum pool_next
session_serve(struct pool_session *pool, void *arg)
{
    struct session s;

    begin(&s, pool, arg);
    if (open_session(&s) == 0) {
        while (!s.closing) {
            if (!stream_has_line(s.stream)) { /* we shall wait for the client: first its replies */
                rcpt_settle(&s);
                (void)stream_flush(s.stream); /* a failure sticks and ends the next read */
                log_flush();
            }
            if (!s.closing) /* a refused RCPT may have been the end */
                run_line(&s);
        }
    }
    if (s.relay_fd >= 0)
        atrn_carry(&s);
    pool->is_proved = s.messages > 0 || s.held_capability;
    end(&s);
    return s.held_capability ? POOL_EXIT : POOL_REUSE;
}
