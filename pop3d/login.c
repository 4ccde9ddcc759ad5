/*
 * pop3d/login.c - from the greeting to the opened maildrop (RFC 1939 section 7, RFC 5034).
 *
 * Passwords and SASL messages pass through here on their way to authd, are wiped, and are never
 * logged. With its OK authd hands over the user's directory; the process shuts itself into it
 * before the first use.
 */
#include "pop3d/login.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/encode.h"
#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "lib/ipc/accountd.h"
#include "lib/ipc/authd_call.h"
#include "lib/log/log.h"
#include "lib/sys/session_table.h"

enum { STEPS_MAX = 10, FAILURES_MAX = 5 };

struct failure {
    const char *code, *text;
};

/* RFC 3206: AUTH says that the credentials are to blame, SYS/TEMP that they are not. */
static const struct failure failures[] = {
    [AUTHD_BAD_CREDENTIALS] = {"AUTH", "wrong user name or password"},
    [AUTHD_DISABLED] = {"AUTH", "this account may not use POP3"},
    [AUTHD_NEEDS_TLS] = {"AUTH", "encryption is required first: STLS"},
    [AUTHD_BAD_MECHANISM] = {NULL, "mechanism not supported"},
    [AUTHD_BAD_MESSAGE] = {NULL, "malformed authentication message"},
    [AUTHD_TEMPORARY] = {"SYS/TEMP", "authentication is not possible at the moment"},
    [AUTHD_BLOCKED] = {"SYS/TEMP", "too many failures, try again later"},
    [AUTHD_CANCELLED] = {NULL, "cancelled"},
    [AUTHD_EXPIRED] = {"AUTH", "the password has expired and must be changed"},
    [AUTHD_NO_TOTP] = {"AUTH", "an authenticator is required"},
    [AUTHD_TOO_SOON] = {"LOGIN-DELAY", "too soon after the last login"}, /* RFC 2449 8.1.1 */
};

/* ---- what is allowed ---- */

static bool
is_loopback(const char *ip)
{
    return strncmp(ip, "127.", 4) == 0 || strcmp(ip, "::1") == 0;
}

static bool
plain_without_tls(const struct session *s)
{
    return s->server->plain_on_loopback && is_loopback(s->pool->client_ip);
}

bool
login_plain_allowed(const struct session *s)
{
    return mechanisms_login_allowed(s->server->mechanisms, stream_tls(s->stream) != NULL,
                                    plain_without_tls(s));
}

bool
login_stls_allowed(const struct session *s)
{
    return s->state != ST_TRANSACTION && stream_tls(s->stream) == NULL && s->server->tls != NULL;
}

const char *
login_mechanisms(const struct session *s)
{
    const struct tls *tls = stream_tls(s->stream);
    unsigned char binding[32];

    return mechanisms_offered(s->server->mechanisms, tls != NULL,
                              tls != NULL && tls_channel_binding(tls, binding) == 0,
                              plain_without_tls(s));
}

static bool
is_offered(const struct session *s, struct slice mechanism)
{
    struct slice list = slice_of(login_mechanisms(s));

    while (list.len > 0)
        if (slice_eq_nocase(slice_split(&list, ' '), mechanism))
            return true;
    return false;
}

/* ---- the end of every login ---- */

static enum session_state
refused(struct session *s, const char *mechanism, const struct failure *why)
{
    stats_add(s->server->count.login_failures, 1);
    pool_session_login_failed(s->pool);
    log_event(LOG_INFO, "login_failed", KV_STR("mechanism", mechanism),
              KV_STR("reason", why->text));
    session_error(s, why->code, "%s", why->text);
    if (++s->login_failures < FAILURES_MAX)
        return ST_AUTHORIZATION;
    s->end_reason = "too many failed logins";
    return ST_END;
}

static const struct failure *
failure_of(const struct authd_fail *fail)
{
    return fail->failure < ARRAY_LEN(failures) ? &failures[fail->failure]
                                               : &failures[AUTHD_TEMPORARY];
}

/* Shuts the process into the user's directory and opens the maildrop there. */
static int
open_maildrop(struct session *s, const struct authd_ok *ok, int dir_fd)
{
    bool may_change = (ok->rights & ACCOUNTD_MAY_CHANGE_MAIL) != 0;
    const struct sandbox_dir dir = {
        .fd = dir_fd, .access = SANDBOX_READ | (may_change ? (unsigned)SANDBOX_WRITE : 0u)};
    const struct store_options options = {
        .quota_bytes = ok->quota_bytes,
        .quota_messages = ok->quota_messages,
        .undelete_days = s->server->undelete_days,
        .read_only = !may_change,
        .may_remove = (ok->rights & ACCOUNTD_MAY_REMOVE_MAIL) != 0,
    };

    if (sandbox_restrict_paths(&dir, 1) < 0)
        return -1;
    s->maildrop = maildrop_open(dir_fd, &options);
    return s->maildrop == NULL ? -1 : 0;
}

static enum session_state
accepted(struct session *s, const char *mechanism, const struct authd_result *result)
{
    int rc;

    s->was_authenticated = true;
    s->user = xslicedup(result->ok.user);
    session_table_user(s->user);
    s->login_is_delayed = (result->ok.rights & ACCOUNTD_POP3_DELAYED) != 0;
    s->marks_seen = (result->ok.rights & ACCOUNTD_POP3_MARKS_SEEN) != 0;
    rc = open_maildrop(s, &result->ok, result->dir_fd);
    if (rc < 0) {
        log_event(LOG_ERROR, "maildrop_failed", KV_STR("user", s->user), KV_ERRNO());
        session_error(s, errno == EBADMSG ? session_permanent : session_temporary,
                      "the maildrop cannot be opened");
        s->end_reason = "no maildrop";
    }
    (void)close(result->dir_fd);
    if (rc < 0)
        return ST_END;
    stats_add(s->server->count.logins, 1);
    stats_process_state(s->pool->daemon->stats, "logged in");
    log_event(
        LOG_INFO, "login", KV_STR("user", s->user), KV_STR("mechanism", mechanism),
        KV_STR("tls", stream_tls(s->stream) != NULL ? tls_version(stream_tls(s->stream)) : ""),
        KV_U64("messages", maildrop_count(s->maildrop)));
    /* no octets: counting them can wait until somebody asks */
    session_ok(s, "maildrop has %u messages", maildrop_count(s->maildrop));
    return ST_TRANSACTION;
}

/* ---- STLS ---- */

enum session_state
login_stls_run(struct session *s, struct slice args)
{
    (void)args;
    if (!login_stls_allowed(s) || s->utf8) { /* RFC 6856 section 2.1: no STLS after UTF8 */
        session_error(s, NULL, "STLS is not possible now");
        return s->state;
    }
    session_ok(s, "begin TLS");
    /* What was said in clear never happened (RFC 2595 section 4). */
    s->login_name[0] = '\0';
    return session_start_tls(s) ? ST_AUTHORIZATION : ST_END;
}

/* ---- USER and PASS ---- */

enum session_state
login_user_run(struct session *s, struct slice args)
{
    struct slice name = slice_trim(args);

    if (!login_plain_allowed(s)) {
        session_error(s, NULL, "%s",
                      stream_tls(s->stream) != NULL ? "USER is switched off: use AUTH"
                                                    : "passwords need encryption first: STLS");
        return ST_AUTHORIZATION;
    }
    /* RFC 6856 section 2.2: what is no UTF-8 must be refused */
    if (name.len == 0 || name.len > SESSION_NAME_MAX || !parse_is_utf8(name)) {
        session_error(s, NULL, "no user name");
        return ST_AUTHORIZATION;
    }
    memcpy(s->login_name, name.ptr, name.len);
    s->login_name[name.len] = '\0';
    session_ok(s, "password?"); /* whether the user exists or not */
    return ST_USER;
}

enum session_state
login_pass_run(struct session *s, struct slice args)
{
    struct authd_result result;

    if (!parse_is_utf8(args))
        return refused(s, "USER", &failures[AUTHD_BAD_CREDENTIALS]);
    authd_call_login(s->pool->auth,
                     &(const struct authd_login){slice_of(s->login_name), args,
                                                 stream_tls(s->stream) != NULL,
                                                 tls_server_name(stream_tls(s->stream))},
                     &result);
    if (result.step != AUTHD_STEP_OK)
        return refused(s, "USER",
                       result.step == AUTHD_STEP_FAIL ? failure_of(&result.fail)
                                                      : &failures[AUTHD_TEMPORARY]);
    return accepted(s, "USER", &result);
}

/* ---- AUTH ---- */

/* Sends a challenge and reads the answer, decoded, into `secret`. NULL, or why it failed. */
static const struct failure *
ask_client(struct session *s, struct slice challenge, struct strbuf *secret)
{
    static const struct failure not_base64 = {NULL, "the response cannot be decoded"};
    static const struct failure too_long = {NULL, "the response is too long"};
    struct strbuf text = strbuf_new(COMMAND_SASL_MAX);
    enum session_line status;
    struct slice line;

    if (!base64_encode(challenge, &text))
        return &failures[AUTHD_TEMPORARY];
    (void)stream_write(s->stream, SLICE("+ ")); /* an error sticks */
    (void)stream_write(s->stream, strbuf_slice(&text));
    (void)stream_write(s->stream, SLICE("\r\n"));
    strbuf_free(&text);
    status = session_read_line(s, COMMAND_SASL_MAX, &line);
    if (status == SESSION_LINE_LONG)
        return &too_long;
    if (status != SESSION_LINE_OK)
        return &not_base64;
    if (slice_eq(line, SLICE("*")))
        return &failures[AUTHD_CANCELLED];
    strbuf_clear(secret);
    return base64_decode(line, secret) < 0 ? &not_base64 : NULL;
}

static void
start_exchange(struct session *s, struct slice mechanism, bool has_initial, struct slice initial,
               struct authd_result *result)
{
    const struct tls *tls = stream_tls(s->stream);
    unsigned char binding[32];
    struct authd_start start = {.mechanism = mechanism,
                                .has_initial = has_initial,
                                .initial = initial,
                                .tls = tls != NULL,
                                .host = tls_server_name(tls)};

    if (tls != NULL && tls_channel_binding(tls, binding) == 0)
        start.binding = slice_make(binding, sizeof(binding));
    authd_call_start(s->pool->auth, &start, result);
}

/* Until authd says OK. NULL, or why not. */
static const struct failure *
run_exchange(struct session *s, struct authd_result *result, struct strbuf *secret)
{
    for (int step = 0; result->step == AUTHD_STEP_CHALLENGE; step++) {
        const struct failure *why = step < STEPS_MAX ? ask_client(s, result->challenge, secret)
                                                     : &failures[AUTHD_BAD_MESSAGE];

        if (why != NULL) {
            authd_call_cancel(s->pool->auth);
            return why;
        }
        authd_call_step(s->pool->auth, strbuf_slice(secret), result);
    }
    return result->step == AUTHD_STEP_OK ? NULL : failure_of(&result->fail);
}

/* SASL's data that come with success have no place in a +OK: they go out as one more challenge,
 * which the client answers with nothing (RFC 5034 section 4, RFC 4422 section 3.6). */
static const struct failure *
pass_final_data(struct session *s, struct authd_result *result, struct strbuf *secret)
{
    const struct failure *why = NULL;

    if (result->challenge.len == 0)
        return NULL;
    why = ask_client(s, result->challenge, secret);
    if (why == NULL && secret->len > 0)
        why = &failures[AUTHD_BAD_MESSAGE];
    if (why != NULL)
        (void)close(result->dir_fd);
    return why;
}

/* AUTH mechanism [initial-response]; "=" stands for an empty one. */
static int
parse_auth(struct slice args, struct slice *mechanism, bool *has_initial, struct strbuf *initial)
{
    struct slice rest = slice_trim(args);

    *has_initial = slice_index(rest, ' ') < rest.len;
    *mechanism = slice_split(&rest, ' ');
    if (!*has_initial || slice_eq(rest, SLICE("=")))
        return 0;
    return rest.len == 0 ? -1 : base64_decode(rest, initial);
}

static enum session_state
exchange(struct session *s, const char *mechanism, bool has_initial, struct strbuf *secret)
{
    struct authd_result result;
    const struct failure *why;

    start_exchange(s, slice_of(mechanism), has_initial, strbuf_slice(secret), &result);
    why = run_exchange(s, &result, secret);
    if (why == NULL) {
        s->was_authenticated = true; /* we hold the directory, whatever comes now */
        why = pass_final_data(s, &result, secret);
    }
    return why != NULL ? refused(s, mechanism, why) : accepted(s, mechanism, &result);
}

/* AUTH alone: some clients ask so what there is, in the way of RFC 1734's time. */
static void
list_mechanisms(struct session *s)
{
    struct slice list = slice_of(login_mechanisms(s));

    session_ok(s, "mechanisms");
    while (list.len > 0) {
        (void)stream_write(s->stream, slice_split(&list, ' ')); /* an error sticks */
        (void)stream_write(s->stream, SLICE("\r\n"));
    }
    (void)stream_write(s->stream, SLICE(".\r\n"));
}

enum session_state
login_auth_run(struct session *s, struct slice args)
{
    struct strbuf secret = strbuf_new(AUTHD_SASL_MAX);
    char mechanism[AUTHD_MECHANISM_MAX + 1] = "";
    struct slice in_line;
    bool has_initial;
    enum session_state next = ST_AUTHORIZATION;

    if (slice_trim(args).len == 0) {
        list_mechanisms(s);
    } else if (parse_auth(args, &in_line, &has_initial, &secret) < 0) {
        session_error(s, NULL, "the initial response cannot be decoded");
    } else if (in_line.len == 0 || in_line.len > AUTHD_MECHANISM_MAX || !is_offered(s, in_line)) {
        session_error(s, NULL, "%s", failures[AUTHD_BAD_MECHANISM].text);
    } else {
        memcpy(mechanism, in_line.ptr, in_line.len); /* the line is gone after the next read */
        next = exchange(s, mechanism, has_initial, &secret);
    }
    if (secret.ptr != NULL)
        mem_wipe(secret.ptr, secret.cap);
    strbuf_free(&secret);
    return next;
}
