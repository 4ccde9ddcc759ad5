/*
 * imapd/login.c - STARTTLS, LOGIN, AUTHENTICATE: from a stranger to a user with one directory.
 *
 * Input:  commands of a stranger. Untrusted. Passwords pass through to authd, which alone judges
 *         them; nothing of them is kept or logged here.
 */
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "imapd/capability.h"
#include "imapd/command.h"
#include "imapd/input.h"
#include "imapd/places.h"
#include "imapd/updates.h"
#include "lib/base/clock.h"
#include "lib/base/encode.h"
#include "lib/base/mem.h"
#include "lib/ipc/accountd.h"
#include "lib/ipc/authd_call.h"
#include "lib/log/log.h"
#include "lib/sys/session_table.h"

enum {
    SASL_LINE_MAX = AUTHD_SASL_MAX / 3 * 4 + 4 + 2, /* base64 and CRLF */
    MECHANISM_MAX = 40,                             /* RFC 4422 section 3.1 allows 20 */
    SASL_STEPS_MAX = 10
};

struct reply
login_starttls(struct session *s, struct parser *p, unsigned flags)
{
    size_t discarded = 0;

    (void)flags;
    if (!parser_end(p))
        return reply_bad(p->error);
    if (s->tls_started)
        return reply_bad("TLS is in use already");
    if (s->server->tls == NULL)
        return reply_bad("TLS is not available");
    (void)stream_printf(s->stream, "%.*s OK Begin TLS negotiation now\r\n", (int)s->tag.len,
                        s->tag.ptr); /* sticks */
    if (stream_start_tls(s->stream, s->server->tls, s->login_deadline, &discarded) < 0) {
        log_event(LOG_INFO, "tls_failed", KV_STR("reason", tls_last_error()));
        s->state = STATE_LOGOUT; /* nothing more can be said on this connection */
        return (struct reply){.kind = REPLY_SENT};
    }
    if (discarded > 0)
        log_event(LOG_WARN, "starttls_injection", KV_U64("bytes", discarded));
    session_table_tls();
    s->tls_started = true;
    s->commands_before_login = 0;
    return (struct reply){.kind = REPLY_SENT};
}

static struct reply
reply_failure(const struct authd_fail *fail)
{
    switch ((enum authd_failure)fail->failure) {
    case AUTHD_BAD_CREDENTIALS:
        return reply_no("AUTHENTICATIONFAILED", "Authentication failed");
    case AUTHD_DISABLED:
        return reply_no("CONTACTADMIN", "This account may not log in here");
    case AUTHD_EXPIRED: /* RFC 5530 section 3 */
        return reply_no("EXPIRED", "The password has expired and must be changed");
    case AUTHD_NEEDS_TLS:
        return reply_no("PRIVACYREQUIRED", "Use TLS first");
    case AUTHD_BAD_MECHANISM:
        return reply_no("CANNOT", "Mechanism is not supported");
    case AUTHD_BAD_MESSAGE:
        return reply_bad("Wrong response");
    case AUTHD_BLOCKED:
        return reply_no("LIMIT", "Too many failed logins, try again later");
    case AUTHD_CANCELLED:
        return reply_bad("Authentication cancelled");
    case AUTHD_TEMPORARY:
    case AUTHD_TOO_SOON: /* of POP3 alone */
    case AUTHD_NO_TOTP:  /* of administrators alone */
        break;
    }
    return reply_no("UNAVAILABLE", "Authentication is not possible now, try again later");
}

/* Confines this process to the user's directory and to what it has of others, for good, before
 * their first use. What may only be read can only be read. */
static bool
confine(struct session *s, bool may_change)
{
    struct sandbox_dir dirs[1 + AUTHD_FOLDERS_MAX];
    struct stats *stats = s->pool->daemon->stats;
    size_t count = 1;

    dirs[0] = (struct sandbox_dir){.fd = s->mail_dirfd,
                                   .access = SANDBOX_READ | (may_change ? SANDBOX_WRITE : 0u)};
    for (unsigned i = 0; i < s->place_count; i++)
        if (s->places[i].dirfd >= 0)
            dirs[count++] = (struct sandbox_dir){
                .fd = s->places[i].dirfd,
                .access = SANDBOX_READ | (s->places[i].options.read_only ? 0u : SANDBOX_WRITE)};
    if (sandbox_restrict_paths(dirs, count) < 0) {
        log_event(LOG_ERROR, "sandbox_failed", KV_ERRNO());
        return false;
    }
    stats_process_landlock(stats, sandbox_landlock_abi(), sandbox_landlock_layers());
    stats_process_state(stats, "logged in");
    return true;
}

/* authd said yes. */
static struct reply
enter(struct session *s, struct authd_result *result, const char *mechanism)
{
    const struct authd_ok *ok = &result->ok;
    bool may_remove = (ok->rights & ACCOUNTD_MAY_REMOVE_MAIL) != 0;
    bool may_change = (ok->rights & ACCOUNTD_MAY_CHANGE_MAIL) != 0;

    s->has_logged_in = true;
    s->mail_dirfd = result->dir_fd;
    if (ok->user.len <= SESSION_USER_MAX) /* the next message takes its memory */
        memcpy(s->user, ok->user.ptr, ok->user.len);
    result->ok.data = arena_copy(&s->arena, ok->data);
    if (s->mail_dirfd < 0 || ok->user.len > SESSION_USER_MAX ||
        places_receive(s, ok->folder_count, may_remove) < 0 || !confine(s, may_change)) {
        session_bye(s, "Internal error, try again later");
        return reply_no("UNAVAILABLE", "Internal error, try again later");
    }
    s->store_options = (struct store_options){
        .quota_bytes = ok->quota_bytes,
        .quota_messages = ok->quota_messages,
        .may_remove = may_remove,
        .read_only = !may_change,
        .undelete_days = s->server->settings.undelete_days,
        .flush_interval_ms = s->server->settings.flush_interval_ms,
    };
    s->state = STATE_AUTHENTICATED;
    s->errors = 0;
    stats_add(s->server->counters.logins, 1);
    session_table_user(s->user);
    log_event(LOG_INFO, "login", KV_STR("user", s->user), KV_STR("mechanism", mechanism),
              KV_STR("tls", s->tls_started ? session_tls_version(s) : "no"));
    capability_write(s, &s->code);
    return (struct reply){REPLY_OK, strbuf_cstr(&s->code), "Logged in"};
}

static struct reply
refuse(struct session *s, const struct authd_result *result)
{
    stats_add(s->server->counters.login_failures, 1);
    pool_session_login_failed(s->pool);
    s->errors++;
    s->login_failures++;
    if (s->errors >= s->server->settings.errors_max ||
        s->login_failures >= s->server->settings.errors_max)
        session_bye(s, "Too many failed logins");
    return reply_failure(&result->fail);
}

struct reply
login_login(struct session *s, struct parser *p, unsigned flags)
{
    struct slice name, password;
    struct authd_result result;

    (void)flags;
    if (!parser_space(p) || !parser_astring(p, &name) || !parser_space(p) ||
        !parser_astring(p, &password) || !parser_end(p))
        return reply_bad(p->error);
    if (!capability_login_allowed(s) && s->tls_started)
        return reply_no("CANNOT", "LOGIN is switched off, use AUTHENTICATE");
    if (!capability_login_allowed(s))
        return reply_no("PRIVACYREQUIRED", "Use TLS first");
    log_flush();
    authd_call_login(s->pool->auth,
                     &(const struct authd_login){name, password, s->tls_started,
                                                 tls_server_name(stream_tls(s->stream))},
                     &result);
    return result.step == AUTHD_STEP_OK ? enter(s, &result, "LOGIN") : refuse(s, &result);
}

/* ---- AUTHENTICATE ---- */

struct exchange {
    char mechanism[MECHANISM_MAX + 1];
    struct strbuf line;     /* what the client sent */
    struct strbuf response; /* the same decoded */
    bool cancelled, wrong, gone;
};

static bool
decode(struct exchange *x, struct slice base64)
{
    strbuf_clear(&x->response);
    x->wrong = base64_decode(base64, &x->response) < 0;
    return !x->wrong;
}

/* Sends a challenge and reads the answer. False: see the flags. */
static bool
ask(struct session *s, struct exchange *x, struct slice challenge)
{
    (void)strbuf_str(&s->out, "+ ");
    (void)base64_encode(challenge, &s->out);
    (void)strbuf_str(&s->out, "\r\n");
    updates_put_out(s);
    strbuf_clear(&x->line);
    x->gone = !input_read_line(s, SASL_LINE_MAX, s->login_deadline, &x->line);
    if (x->gone)
        return false;
    x->cancelled = slice_eq(strbuf_slice(&x->line), SLICE("*"));
    return !x->cancelled && decode(x, strbuf_slice(&x->line));
}

/* Relays until authd decides. False: the client did not play along; see the flags. */
static bool
relay(struct session *s, struct exchange *x, struct authd_result *result)
{
    for (int step = 0; result->step == AUTHD_STEP_CHALLENGE && step < SASL_STEPS_MAX; step++) {
        if (!ask(s, x, result->challenge)) {
            authd_call_cancel(s->pool->auth);
            return false;
        }
        authd_call_step(s->pool->auth, strbuf_slice(&x->response), result);
    }
    x->wrong = result->step == AUTHD_STEP_CHALLENGE;
    return !x->wrong;
}

static bool
parse_arguments(struct parser *p, struct exchange *x, bool *has_initial)
{
    struct slice name, initial;

    if (!parser_space(p) || !parser_atom(p, &name))
        return false;
    if (name.len > MECHANISM_MAX)
        return parser_fail(p, "Unknown mechanism");
    for (size_t i = 0; i < name.len; i++)
        x->mechanism[i] = (char)toupper((unsigned char)name.ptr[i]);
    *has_initial = parser_optional(p, ' '); /* RFC 4959 */
    if (!*has_initial)
        return parser_end(p);
    if (!parser_atom(p, &initial) || !parser_end(p))
        return false;
    if (slice_eq(initial, SLICE("=")))
        return true; /* an empty one */
    return decode(x, initial) || parser_fail(p, "Wrong base64");
}

static void
start(struct session *s, struct exchange *x, bool has_initial, struct authd_result *result)
{
    unsigned char binding[32];
    bool bound = session_channel_binding(s, binding);
    const struct authd_start first = {
        .mechanism = slice_of(x->mechanism),
        .has_initial = has_initial,
        .initial = strbuf_slice(&x->response),
        .tls = s->tls_started,
        .binding = bound ? slice_make(binding, sizeof(binding)) : (struct slice){NULL, 0},
        .host = tls_server_name(stream_tls(s->stream)),
    };

    log_flush();
    authd_call_start(s->pool->auth, &first, result);
}

static struct reply
authenticate(struct session *s, struct exchange *x, bool has_initial)
{
    struct authd_result result;
    struct reply reply;

    start(s, x, has_initial, &result);
    if (!relay(s, x, &result)) {
        if (x->gone)
            return (struct reply){.kind = REPLY_SENT};
        return reply_bad(x->cancelled ? "Authentication cancelled" : "Wrong base64");
    }
    if (result.step == AUTHD_STEP_FAIL)
        return refuse(s, &result);
    reply = enter(s, &result, x->mechanism);
    /* IMAP has no room for data beside the OK: it goes as a challenge (RFC 4422 section 3.6). */
    if (reply.kind == REPLY_OK && result.ok.data.len > 0 && !ask(s, x, result.ok.data)) {
        s->state = STATE_LOGOUT; /* the server failed the client's check, or it is gone */
        return reply_bad("Authentication cancelled");
    }
    return reply;
}

struct reply
login_authenticate(struct session *s, struct parser *p, unsigned flags)
{
    struct exchange x = {.line = strbuf_new(SASL_LINE_MAX), .response = strbuf_new(AUTHD_SASL_MAX)};
    bool has_initial = false;
    struct reply reply;

    (void)flags;
    if (parse_arguments(p, &x, &has_initial))
        reply = authenticate(s, &x, has_initial);
    else
        reply = reply_bad(p->error);
    mem_wipe(x.line.ptr, x.line.len);
    mem_wipe(x.response.ptr, x.response.len);
    strbuf_free(&x.line);
    strbuf_free(&x.response);
    return reply;
}
