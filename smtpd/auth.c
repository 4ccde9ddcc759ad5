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
#include "lib/ipc/authd.h"
#include "lib/log/log.h"
#include "smtpd/command.h"

enum { STEPS_MAX = 10 }; /* messages of one exchange; SCRAM has two */

static const struct refusal failures[] = {
    [AUTHD_BAD_CREDENTIALS] = {535, "5.7.8", "authentication credentials invalid"},
    [AUTHD_DISABLED] = {535, "5.7.8", "this account may not send mail"},
    [AUTHD_NEEDS_TLS] = {538, "5.7.11", "encryption required for this mechanism"},
    [AUTHD_BAD_MECHANISM] = {504, "5.5.4", "mechanism not supported"},
    [AUTHD_BAD_MESSAGE] = {501, "5.5.2", "malformed authentication message"},
    [AUTHD_TEMPORARY] = {454, "4.7.0", "temporary authentication failure"},
    [AUTHD_BLOCKED] = {454, "4.7.0", "too many failures, try again later"},
    [AUTHD_CANCELLED] = {501, "5.7.0", "authentication cancelled"},
};

static bool
plain_allowed(const struct session *s)
{
    struct cidr client; /* one address is a network of all its bits */

    return s->settings->plain_on_loopback && !s->settings->no_cleartext_auth &&
           cidr_parse(slice_of(s->pool->client_ip), &client) == 0 && ip_is_loopback(&client.net);
}

const char *
auth_mechanisms(const struct session *s)
{
    const struct tls *tls = stream_tls(s->stream);
    unsigned char binding[32];

    if (s->settings->no_auth_on_25 && !s->is_submission)
        return NULL;
    return mechanisms_offered(s->settings->mechanisms, tls != NULL,
                              tls != NULL && tls_channel_binding(tls, binding) == 0,
                              plain_allowed(s));
}

static bool
is_offered(const struct session *s, struct slice mechanism)
{
    struct slice list = slice_of(auth_mechanisms(s));

    while (list.len > 0)
        if (slice_eq_nocase(slice_split(&list, ' '), mechanism))
            return true;
    return false;
}

static enum session_state
refuse(struct session *s, const struct refusal *r)
{
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
    struct strbuf text = strbuf_new(2ul * AUTHD_SASL_MAX);
    enum session_line status;
    struct slice line = SLICE("");
    bool encoded = base64_encode(challenge, &text);

    assert_always(encoded); /* authd's frames have a bound far below */
    (void)stream_printf(s->stream, "334 %s\r\n", strbuf_cstr(&text)); /* an error sticks */
    strbuf_free(&text);
    status = session_read_line(s, &line);
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
    struct authd_start start = {
        .mechanism = mechanism, .has_initial = has_initial, .initial = initial, .tls = tls != NULL};

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
    s->auth_user = xslicedup(result->ok.user);
    why = pass_final_data(s, result->challenge, secret);
    if (why != NULL) { /* the worker has held a capability: it ends with this session */
        xfree(&s->auth_user);
        s->closing = true;
    }
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
    if (parse_args(args, &in_line, &has_initial, &secret) < 0) {
        why = &not_base64;
    } else if (in_line.len > AUTHD_MECHANISM_MAX || !is_offered(s, in_line)) {
        why = &failures[AUTHD_BAD_MECHANISM];
    } else {
        memcpy(mechanism, in_line.ptr, in_line.len); /* the line is gone after the next read */
        start_exchange(s, in_line, has_initial, strbuf_slice(&secret), &result);
        why = run_exchange(s, &result, &secret);
        log_result(s, slice_of(mechanism), why);
    }
    secret_free(&secret);
    if (why != NULL)
        return refuse(s, why);
    session_reply(s, 235, "2.7.0", "authentication succeeded");
    return s->state;
}
