/*
 * smtpd/auth.c - the AUTH command (RFC 4954).
 *
 * Secrets pass through here on their way to authd and are wiped; nothing of an exchange is logged
 * but its result. What the client sends is untrusted.
 */
#include "smtpd/auth.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/encode.h"
#include "lib/base/mem.h"
#include "lib/ipc/authd_call.h"
#include "lib/log/log.h"
#include "lib/sys/session_table.h"
#include "smtpd/command.h"

enum { STEPS_MAX = 10 }; /* messages of one exchange; SCRAM has two */

static const struct refusal failures[] = {
    [AUTHD_BAD_CREDENTIALS] = {535, "5.7.8", "authentication credentials invalid"},
    [AUTHD_DISABLED] = {535, "5.7.8", "this account may not send mail"},
    [AUTHD_NEEDS_TLS] = {538, "5.7.11", "this mechanism needs TLS (STARTTLS) first"},
    [AUTHD_BAD_MECHANISM] = {504, "5.5.4", "mechanism not supported"},
    [AUTHD_BAD_MESSAGE] = {501, "5.5.2", "malformed authentication message"},
    [AUTHD_TEMPORARY] = {454, "4.7.0", "temporary authentication failure"},
    [AUTHD_BLOCKED] = {454, "4.7.0", "too many failures, try again later"},
    [AUTHD_CANCELLED] = {501, "5.7.0", "authentication cancelled"},
    [AUTHD_TOO_SOON] = {454, "4.7.0", "temporary authentication failure"},
    [AUTHD_EXPIRED] = {535, "5.7.8", "the password has expired and must be changed"},
    [AUTHD_NO_TOTP] = {535, "5.7.8", "an authenticator is required"},
};

static const struct refusal gone = {0, "", "the client has gone"};

static bool
plain_allowed(const struct session *s)
{
    struct cidr client; /* one address is a network of all its bits */

    return s->settings->plain_on_loopback && !s->settings->no_cleartext_auth &&
           cidr_parse(slice_of(s->pool->client_ip), &client) == 0 && ip_is_loopback(&client.net);
}

static const char *
mechanisms_with(const struct session *s, bool tls, bool binding)
{
    if (s->is_lmtp || (s->settings->no_auth_on_25 && !s->is_submission))
        return NULL;
    return mechanisms_offered(s->settings->mechanisms, tls, binding, plain_allowed(s));
}

const char *
auth_mechanisms(const struct session *s)
{
    const struct tls *tls = stream_tls(s->stream);
    unsigned char binding[32];

    return mechanisms_with(s, tls != NULL, tls != NULL && tls_channel_binding(tls, binding) == 0);
}

static bool
has_word(const char *words, struct slice word)
{
    struct slice list = slice_of(words);

    while (list.len > 0)
        if (slice_eq_nocase(slice_split(&list, ' '), word))
            return true;
    return false;
}

/* NULL: this connection may use the mechanism. */
static const struct refusal *
check_mechanism(const struct session *s, struct slice mechanism)
{
    static const struct refusal none = {502, "5.5.1", "AUTH is not offered here"};
    static const struct refusal missing = {501, "5.5.4", "syntax: AUTH mechanism"};
    const char *offered = auth_mechanisms(s);

    if (offered == NULL || offered[0] == '\0')
        return &none;
    if (mechanism.len == 0)
        return &missing;
    if (has_word(offered, mechanism))
        return NULL;
    if (stream_tls(s->stream) == NULL && has_word(mechanisms_with(s, true, true), mechanism))
        return &failures[AUTHD_NEEDS_TLS];
    return &failures[AUTHD_BAD_MECHANISM];
}

static enum session_state
refuse(struct session *s, const struct refusal *r)
{
    if (r == &gone)
        return s->state; /* nobody is there to read a reply, or 421 was the last one */
    if (r->code >= 500)
        session_error(s, r->code, r->dsn, "%s", r->text);
    else
        session_reply(s, r->code, r->dsn, "%s", r->text);
    return s->state;
}

/* Sends a challenge and reads the answer into `secret`, decoded. Returns NULL, or why it failed. */
static const struct refusal *
ask_client(struct session *s, struct slice challenge, struct strbuf *secret)
{
    static const struct refusal too_long = {500, "5.5.6", "authentication line too long"};
    static const struct refusal not_base64 = {501, "5.5.2", "cannot decode the response"};
    struct strbuf text = strbuf_new(2ul * AUTHD_PAYLOAD_MAX);
    enum session_line status;
    struct slice line = SLICE("");
    bool encoded = base64_encode(challenge, &text);

    assert_always(encoded);                       /* it came in one frame */
    (void)stream_write(s->stream, SLICE("334 ")); /* an error sticks */
    (void)stream_write(s->stream, strbuf_slice(&text));
    (void)stream_write(s->stream, SLICE("\r\n"));
    strbuf_free(&text);
    status = session_read_line(s, &line);
    if (status == SESSION_LINE_GONE)
        return &gone;
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

/* SASL's data that come with success have no place in a 235: they go out as one more challenge,
 * which the client answers with nothing (RFC 4954 section 4). */
static const struct refusal *
pass_final_data(struct session *s, struct slice data, struct strbuf *secret)
{
    const struct refusal *why = data.len == 0 ? NULL : ask_client(s, data, secret);

    if (why == NULL && data.len > 0 && secret->len > 0)
        return &failures[AUTHD_BAD_MESSAGE];
    return why;
}

/* Until the exchange has an end. NULL: the user is `s->auth_user`. */
static const struct refusal *
run_exchange(struct session *s, struct authd_result *result, struct strbuf *secret)
{
    const struct refusal *why;

    for (int step = 0; result->step == AUTHD_STEP_CHALLENGE; step++) {
        why = step < STEPS_MAX ? ask_client(s, result->challenge, secret)
                               : &failures[AUTHD_BAD_MESSAGE];
        if (why != NULL) {
            authd_call_cancel(s->pool->auth);
            return why;
        }
        authd_call_step(s->pool->auth, strbuf_slice(secret), result);
    }
    if (result->step == AUTHD_STEP_FAIL)
        return result->fail.failure < ARRAY_LEN(failures) ? &failures[result->fail.failure]
                                                          : &failures[AUTHD_TEMPORARY];
    s->held_capability = s->user_proved = true;
    s->auth_user = xslicedup(result->ok.user);
    why = pass_final_data(s, result->challenge, secret);
    if (why != NULL) { /* authd has let the user in, we have not: no second try */
        xfree(&s->auth_user);
        s->closing = true;
    }
    session_table_user(s->auth_user == NULL ? "" : s->auth_user);
    return why;
}

static void
log_result(struct session *s, struct slice mechanism, const struct refusal *why)
{
    if (why == NULL) {
        stats_add(s->server->counters.auth_ok, 1);
        log_event(LOG_INFO, "authenticated", KV_STR("user", s->auth_user),
                  KV_SLICE("mechanism", mechanism));
    } else {
        stats_add(s->server->counters.auth_failures, 1);
        pool_session_login_failed(s->pool);
        log_event(LOG_INFO, "auth_failed", KV_SLICE("mechanism", mechanism),
                  KV_U64("code", why->code), KV_STR("reason", why->text));
    }
}

/* AUTH mechanism [initial-response]; "=" stands for an empty one. */
static int
parse_args(struct slice args, struct slice *mechanism, bool *has_initial, struct strbuf *initial)
{
    size_t space = slice_index(args, ' ');
    struct slice text = slice_sub(args, space + 1, args.len);

    *mechanism = slice_sub(args, 0, space);
    *has_initial = space < args.len;
    if (!*has_initial || slice_eq(text, SLICE("=")))
        return 0;
    return text.len == 0 ? -1 : base64_decode(text, initial);
}

static void
secret_free(struct strbuf *secret)
{
    if (secret->ptr != NULL)
        mem_wipe(secret->ptr, secret->cap);
    strbuf_free(secret);
}

enum session_state
auth_run(struct session *s, struct slice args)
{
    static const struct refusal again = {503, "5.5.1", "already authenticated"};
    static const struct refusal not_base64 = {501, "5.5.2", "cannot decode the initial response"};
    struct strbuf secret = strbuf_new(AUTHD_SASL_MAX);
    struct authd_result result;
    const struct refusal *why = NULL;
    struct slice in_line;
    char mechanism[AUTHD_MECHANISM_MAX + 1] = "";
    bool has_initial;

    if (s->auth_user != NULL)
        return refuse(s, &again);
    if (parse_args(args, &in_line, &has_initial, &secret) < 0)
        why = &not_base64;
    else
        why = check_mechanism(s, in_line);
    if (why == NULL) {
        /* the line is gone after the next read; no name that we offer is longer */
        memcpy(mechanism, in_line.ptr, in_line.len);
        start_exchange(s, in_line, has_initial, strbuf_slice(&secret), &result);
        why = run_exchange(s, &result, &secret);
        log_result(s, slice_of(mechanism), why);
    }
    secret_free(&secret);
    if (why != NULL)
        return refuse(s, why);
    s->auth_method = xstrdup(mechanism);
    session_reply(s, 235, "2.7.0", "authentication succeeded");
    return s->state;
}
