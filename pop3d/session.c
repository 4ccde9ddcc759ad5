/*
 * pop3d/session.c - one POP3 connection: greeting, reading commands, the command table.
 *
 * The client is untrusted from its first byte. Runs in a worker that is in its sandbox already; a
 * process that has opened a maildrop ends with the session.
 */
#include "pop3d/session.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/http_probe.h"
#include "lib/base/mem.h"
#include "lib/log/log.h"
#include "lib/sys/heap.h"
#include "lib/sys/session_table.h"
#include "lib/tls/tls_conf.h"
#include "pop3d/capability.h"
#include "pop3d/login.h"
#include "pop3d/transaction.h"

#define TEXT_MAX 448  /* of a reply of 512 octets (RFC 1939 section 3) */
#define ERRORS_MAX 25 /* commands that are none, in a row */
#define IDLE_AFTER_MS 1000
#define LABEL_TLS "pop3s"

const char *const session_temporary = "SYS/TEMP"; /* RFC 3206 section 4 */
const char *const session_permanent = "SYS/PERM";

struct command {
    const char *verb;
    unsigned legal_in; /* enum session_state */
    enum session_state (*run)(struct session *s, struct slice args);
};

static enum session_state quit_run(struct session *s, struct slice args);

static const struct command commands[] = {
    {"CAPA", ST_ANY, capability_run},          /* RFC 2449 5 */
    {"LANG", ST_ANY, capability_language_run}, /* RFC 6856 3 */
    {"UTF8", ST_BEFORE_LOGIN, capability_utf8_run},
    {"STLS", ST_BEFORE_LOGIN, login_stls_run}, /* RFC 2595 4 */
    {"USER", ST_BEFORE_LOGIN, login_user_run}, /* RFC 1939 7 */
    {"PASS", ST_USER, login_pass_run},
    {"AUTH", ST_BEFORE_LOGIN, login_auth_run},      /* RFC 5034 4 */
    {"STAT", ST_TRANSACTION, transaction_stat_run}, /* RFC 1939 5 */
    {"LIST", ST_TRANSACTION, transaction_list_run},
    {"UIDL", ST_TRANSACTION, transaction_uidl_run},
    {"RETR", ST_TRANSACTION, transaction_retr_run},
    {"TOP", ST_TRANSACTION, transaction_top_run},
    {"DELE", ST_TRANSACTION, transaction_dele_run},
    {"RSET", ST_TRANSACTION, transaction_rset_run},
    {"LAST", ST_TRANSACTION, transaction_last_run}, /* RFC 1460 */
    {"NOOP", ST_TRANSACTION, transaction_noop_run},
    {"QUIT", ST_ANY, quit_run},
};

/* ---- replies ---- */

static void
put_reply(struct session *s, const char *head, const char *code, const char *format, va_list args)
{
    char text[TEXT_MAX]; /* only the banner of the configuration may have to be cut */

    /* clang-tidy 14 does not see the caller's va_start */
    /* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized) */
    (void)vsnprintf(text, sizeof(text), format, args);
    /* an error of the stream sticks, the next read tells */
    if (code != NULL)
        (void)stream_printf(s->stream, "%s [%s] %s\r\n", head, code, text);
    else
        (void)stream_printf(s->stream, "%s %s\r\n", head, text);
}

void
session_ok(struct session *s, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    put_reply(s, "+OK", NULL, format, args);
    va_end(args);
}

void
session_error(struct session *s, const char *code, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    put_reply(s, "-ERR", code, format, args);
    va_end(args);
}

/* ---- reading ---- */

static int64_t
next_deadline(const struct session *s)
{
    int64_t idle = clock_mono_ms() + s->server->idle_ms;

    return s->user == NULL && s->login_deadline < idle ? s->login_deadline : idle;
}

/* Our output goes out; while nothing comes, memory goes back. False: the server is shutting down,
 * for which POP3 has no word; deletions are not done then (RFC 1939 section 3). */
static bool
wait_for_input(struct session *s, int64_t deadline)
{
    int64_t soon = clock_mono_ms() + IDLE_AFTER_MS;
    int ready;

    log_flush();
    if (s->maildrop != NULL)
        transaction_before_wait(s);
    ready = stream_wait(s->stream, -1, soon < deadline ? soon : deadline);
    if (ready == 0 && soon < deadline) {
        stream_release_buffers(s->stream);
        message_in_release(&s->in);
        if (s->maildrop != NULL)
            maildrop_release_memory(s->maildrop);
        heap_give_back();
        ready = stream_wait(s->stream, -1, deadline);
    }
    return ready != 3;
}

enum session_line
session_read_line(struct session *s, size_t max, struct slice *line)
{
    enum session_line result = SESSION_LINE_OK;
    int64_t deadline = next_deadline(s);

    if (!stream_has_input(s->stream) && !wait_for_input(s, deadline)) {
        s->end_reason = "shutdown";
        return SESSION_LINE_GONE;
    }
    for (;;) {
        enum stream_status status = stream_read_line(s->stream, max, deadline, line);

        if (status == STREAM_TOO_LONG) {
            result = SESSION_LINE_LONG;
            continue;
        }
        if (status != STREAM_OK) {
            s->end_reason = status == STREAM_EOF       ? "closed by client"
                            : status == STREAM_TIMEOUT ? "timeout"
                                                       : "connection lost";
            return SESSION_LINE_GONE;
        }
        if (slice_ends(*line, SLICE("\r\n"))) {
            line->len -= 2;
            return result;
        }
        if (result == SESSION_LINE_OK)
            result = SESSION_LINE_BARE_LF;
    }
}

/* ---- commands ---- */

static enum session_state
quit_run(struct session *s, struct slice args)
{
    (void)args;
    if (s->state != ST_TRANSACTION)
        session_ok(s, "bye");
    else
        transaction_update(s);
    s->end_reason = "quit";
    return ST_END;
}

static const struct command *
command_find(struct slice verb)
{
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        if (slice_eq_nocase(verb, slice_of(commands[i].verb)))
            return &commands[i];
    return NULL;
}

static enum session_state
refuse_command(struct session *s, const char *why)
{
    session_error(s, NULL, "%s", why);
    if (++s->errors < ERRORS_MAX)
        return s->state;
    s->end_reason = "too many errors";
    return ST_END;
}

static enum session_state
dispatch(struct session *s, struct slice line)
{
    const struct command *c;
    struct command_line parsed;

    if (command_parse(line, &parsed) < 0)
        return refuse_command(s, "malformed command");
    c = command_find(parsed.verb);
    if (c == NULL)
        return refuse_command(s, "unknown command");
    if (line.len + 2 > COMMAND_MAX && c->run != login_auth_run)
        return refuse_command(s, "line too long");
    if (!(c->legal_in & s->state))
        return refuse_command(s, "not allowed now");
    s->errors = 0;
    return c->run(s, parsed.args);
}

static enum session_state
drop_http(struct session *s, struct slice line)
{
    log_event(LOG_WARN, "http_client", KV_SLICE("line", slice_sub(line, 0, 100)));
    s->end_reason = "http";
    return ST_END;
}

static enum session_state
next_command(struct session *s)
{
    struct slice line;

    switch (session_read_line(s, COMMAND_SASL_MAX, &line)) {
    case SESSION_LINE_LONG:
        return refuse_command(s, "line too long");
    case SESSION_LINE_BARE_LF:
        return refuse_command(s, "a line ends with CR and LF");
    case SESSION_LINE_GONE:
        return ST_END;
    case SESSION_LINE_OK:
        break;
    }
    if (pool_session_is_ended(s->pool)) { /* who never pauses, too */
        s->end_reason = "shutdown";
        return ST_END;
    }
    if (s->state != ST_TRANSACTION && http_probe(line))
        return drop_http(s, line);
    return dispatch(s, line);
}

/* ---- the session ---- */

bool
session_start_tls(struct session *s)
{
    size_t discarded = 0;

    if (stream_start_tls(s->stream, s->server->tls, clock_mono_ms() + s->server->tls_ms,
                         &discarded) < 0) {
        log_event(LOG_INFO, "tls_failed", KV_STR("reason", tls_last_error()));
        s->end_reason = "no TLS";
        return false;
    }
    if (discarded > 0)
        log_event(LOG_WARN, "stls_injection", KV_U64("bytes", discarded));
    session_table_tls();
    return true;
}

static void
greet(struct session *s)
{
    /* no timestamp in angle brackets: that would offer APOP (RFC 1939 section 7) */
    session_ok(s, "%s ready", s->server->banner[0] != '\0' ? s->server->banner : "Posthorn");
}

static void
log_end(const struct session *s)
{
    const struct tls *tls = stream_tls(s->stream);

    stats_add(s->server->count.bytes_out, stream_bytes_out(s->stream));
    log_event(LOG_INFO, "disconnected", KV_STR("user", s->user != NULL ? s->user : ""),
              KV_STR("reason", s->end_reason), KV_U64("retrieved", s->retrieved),
              KV_U64("removed", s->removed), KV_U64("in", stream_bytes_in(s->stream)),
              KV_U64("out", stream_bytes_out(s->stream)),
              KV_STR("tls", tls != NULL ? tls_version(tls) : ""));
}

enum pool_next
session_serve(struct pool_session *pool, void *arg)
{
    struct server *server = arg;
    struct session s = {
        .pool = pool,
        .server = server,
        .stream = stream_new(pool->fd, COMMAND_SASL_MAX),
        .state = ST_AUTHORIZATION,
        .login_deadline = clock_mono_ms() + server->login_ms,
        .in = {.fd = -1},
        .end_reason = "unknown",
    };

    stream_set_end_fd(s.stream, pool->end_fd);
    stream_set_key_fd(s.stream, pool->key_fd);
    stream_set_oldest_tls(s.stream, tls_conf_oldest(pool->daemon->conf, pool->label));
    log_event(LOG_DEBUG, "connected", KV_STR("listener", pool->label));
    if (strcmp(pool->label, LABEL_TLS) == 0 && !session_start_tls(&s)) {
        pool_session_failed(pool);
        s.state = ST_END;
    }
    if (s.state != ST_END)
        greet(&s);
    while (s.state != ST_END)
        s.state = next_command(&s);
    (void)stream_flush(s.stream); /* whoever has gone does not read it */
    log_end(&s);
    transaction_end(&s);
    message_in_release(&s.in);
    maildrop_close(&s.maildrop);
    stream_free(&s.stream);
    xfree(&s.user);
    return s.was_authenticated ? POOL_EXIT : POOL_REUSE;
}
