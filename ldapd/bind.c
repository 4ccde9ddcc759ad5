/*
 * ldapd/bind.c - who the client is (RFC 4511 section 4.2, RFC 4513): simple and SASL.
 *
 * Passwords and SASL messages pass through here on their way to authd, are wiped, and are never
 * logged. directoryd hears from authd, not from us, who has logged in.
 */
#include <string.h>

#include "ldapd/operations.h"
#include "ldapd/sorted.h"
#include "lib/base/mem.h"
#include "lib/ipc/authd_call.h"
#include "lib/ipc/client.h"
#include "lib/log/log.h"
#include "lib/sys/session_table.h"

enum {
    VERSION = 3,
    TAG_SIMPLE = 0x80,
    TAG_SASL = 0xa3,
    TAG_SERVER_CREDENTIALS = 0x87,
    FAILURES_MAX = 5,
    NAME_BYTES_MAX = 400
};

struct outcome {
    enum ldap_result result;
    const char *text;
};

static struct outcome
outcome_of(const struct authd_fail *fail)
{
    static const struct outcome outcomes[] = {
        [AUTHD_BAD_CREDENTIALS] = {LDAP_INVALID_CREDENTIALS, "wrong name or password"},
        [AUTHD_DISABLED] = {LDAP_UNWILLING_TO_PERFORM, "this account may not log in"},
        [AUTHD_NEEDS_TLS] = {LDAP_CONFIDENTIALITY_REQUIRED, "start TLS first"},
        [AUTHD_BAD_MECHANISM] = {LDAP_AUTH_METHOD_NOT_SUPPORTED, "mechanism not supported"},
        [AUTHD_BAD_MESSAGE] = {LDAP_PROTOCOL_ERROR, "malformed authentication message"},
        [AUTHD_TEMPORARY] = {LDAP_BUSY, "authentication is not possible at the moment"},
        [AUTHD_BLOCKED] = {LDAP_BUSY, "too many failures, try again later"},
        [AUTHD_CANCELLED] = {LDAP_INVALID_CREDENTIALS, "cancelled"},
        [AUTHD_EXPIRED] = {LDAP_INVALID_CREDENTIALS, "the password has expired: change it first"},
        [AUTHD_NO_TOTP] = {LDAP_INVALID_CREDENTIALS, "an authenticator is required"},
        [AUTHD_TOO_SOON] = {LDAP_BUSY, "too soon after the last login"},
    };

    return fail->failure < ARRAY_LEN(outcomes) && outcomes[fail->failure].text != NULL
               ? outcomes[fail->failure]
               : outcomes[AUTHD_TEMPORARY];
}

enum ldap_result
bind_refusal(const struct authd_fail *fail, const char **text)
{
    struct outcome outcome = outcome_of(fail);

    *text = outcome.text;
    return outcome.result;
}

static void
respond(struct session *s, enum ldap_result result, const char *text, struct slice credentials)
{
    size_t op_start, start = session_begin(s, LDAP_OP_BIND_RESPONSE, &op_start);

    session_put_result(s, result, SLICE(""), slice_of(text));
    if (credentials.len > 0)
        ber_put(&s->out, TAG_SERVER_CREDENTIALS, credentials);
    ber_end(&s->out, op_start);
    session_send(s, start);
}

static void
refused(struct session *s, const char *mechanism, enum ldap_result result, const char *text)
{
    stats_add(s->server->count.bind_failures, 1);
    pool_session_login_failed(s->pool);
    log_event(LOG_INFO, "login_failed", KV_STR("mechanism", mechanism), KV_STR("reason", text));
    respond(s, result, text, SLICE(""));
    if (++s->bind_failures < FAILURES_MAX)
        return;
    s->is_over = true;
    s->end_reason = "too many failed logins";
}

/* Tells directoryd. 0 with the user in *bound, or -1: it is away. */
static int
tell_directory(struct session *s, const struct directory_bind *bind, struct directory_bound *bound)
{
    struct strbuf request = strbuf_new(DIRECTORY_REQUEST_MAX);
    struct ipc_reply answer = {.fd = -1};
    int rc = -1;

    if (directory_bind_encode(&request, bind) == 0 &&
        session_ask(s, &request, DIRECTORY_BOUND, &answer) == 0)
        rc = directory_bound_decode(answer.payload, bound);
    if (request.ptr != NULL)
        mem_wipe(request.ptr, request.cap);
    strbuf_free(&request);
    return rc;
}

/* authd has let somebody in. */
static void
accepted(struct session *s, const char *mechanism, struct slice credentials)
{
    struct directory_bound bound;

    if (tell_directory(s, &(struct directory_bind){.how = DIRECTORY_BIND_USER}, &bound) < 0 ||
        !bound.ok) {
        respond(s, LDAP_BUSY, "the directory is not there at the moment", SLICE(""));
        return;
    }
    s->user = xslicedup(bound.user);
    session_table_user(s->user);
    s->bind_failures = 0;
    stats_add(s->server->count.binds, 1);
    stats_process_state(s->pool->daemon->stats, "logged in");
    log_event(
        LOG_INFO, "login", KV_STR("user", s->user), KV_STR("mechanism", mechanism),
        KV_STR("tls", stream_tls(s->stream) != NULL ? tls_version(stream_tls(s->stream)) : ""));
    respond(s, LDAP_SUCCESS, NULL, credentials);
}

/* ---- simple ---- */

static void
bind_nobody(struct session *s)
{
    struct directory_bound bound;

    if (tell_directory(s, &(struct directory_bind){.how = DIRECTORY_BIND_NOBODY}, &bound) < 0)
        respond(s, LDAP_BUSY, "the directory is not there at the moment", SLICE(""));
    else
        respond(s, LDAP_SUCCESS, NULL, SLICE(""));
}

static void
bind_writer(struct session *s, struct slice password)
{
    const struct directory_bind bind = {.how = DIRECTORY_BIND_WRITE, .password = password};
    struct directory_bound bound = {.ok = false};
    bool fits = password.len <= DIRECTORY_PASSWORD_MAX;

    if (fits && tell_directory(s, &bind, &bound) < 0) {
        respond(s, LDAP_BUSY, "the directory is not there at the moment", SLICE(""));
    } else if (!bound.ok) {
        refused(s, "write", LDAP_INVALID_CREDENTIALS, "wrong name or password");
    } else {
        s->may_write = true;
        log_event(LOG_INFO, "login", KV_STR("user", "cn=" TARGET_WRITER),
                  KV_STR("mechanism", "simple"));
        respond(s, LDAP_SUCCESS, NULL, SLICE(""));
    }
}

static bool
login_name(const struct target *target, struct slice given, struct strbuf *name)
{
    if (target->kind == TARGET_CONTACT)
        return strbuf_append(name, target->name) && strbuf_char(name, '@') &&
               strbuf_append(name, target->book);
    return target->kind == TARGET_MALFORMED && slice_index(given, '=') == given.len &&
           strbuf_append(name, given);
}

bool
bind_login_name(struct session *s, struct slice given, struct strbuf *name)
{
    struct target target = names_find(&s->server->names, given);

    return login_name(&target, given, name);
}

static void
bind_simple(struct session *s, struct slice given, struct slice password)
{
    struct strbuf name = strbuf_new(NAME_BYTES_MAX);
    struct target target = names_find(&s->server->names, given);
    struct authd_result result;
    struct outcome outcome;

    if (given.len == 0 && password.len == 0) {
        bind_nobody(s);
    } else if (password.len == 0) { /* RFC 4513 section 5.1.2 */
        respond(s, LDAP_UNWILLING_TO_PERFORM, "a name without a password proves nothing",
                SLICE(""));
    } else if (!session_password_allowed(s)) {
        respond(s, LDAP_CONFIDENTIALITY_REQUIRED, "passwords need encryption first: StartTLS",
                SLICE(""));
    } else if (target.kind == TARGET_WRITE) {
        bind_writer(s, password);
    } else if (!login_name(&target, given, &name)) {
        refused(s, "simple", LDAP_INVALID_CREDENTIALS, "wrong name or password");
    } else {
        authd_call_login(s->pool->auth,
                         &(const struct authd_login){strbuf_slice(&name), password,
                                                     stream_tls(s->stream) != NULL,
                                                     tls_server_name(stream_tls(s->stream))},
                         &result);
        outcome = outcome_of(&result.fail);
        if (result.step == AUTHD_STEP_OK)
            accepted(s, "simple", SLICE(""));
        else
            refused(s, "simple", outcome.result, outcome.text);
    }
    strbuf_free(&name);
}

/* ---- SASL ---- */

/* What authd said about the last message. */
static void
continue_sasl(struct session *s, const struct authd_result *result)
{
    struct outcome outcome;

    s->sasl_under_way = result->step == AUTHD_STEP_CHALLENGE;
    if (s->sasl_under_way) {
        respond(s, LDAP_SASL_BIND_IN_PROGRESS, NULL, result->challenge);
    } else if (result->step == AUTHD_STEP_OK) {
        accepted(s, s->mechanism, result->challenge);
    } else {
        outcome = outcome_of(&result->fail);
        refused(s, s->mechanism, outcome.result, outcome.text);
    }
}

static void
start_sasl(struct session *s, struct slice mechanism, const struct slice *initial)
{
    const struct tls *tls = stream_tls(s->stream);
    unsigned char binding[32];
    struct authd_start start = {
        .mechanism = mechanism, .tls = tls != NULL, .host = tls_server_name(tls)};
    struct authd_result result;

    if (mechanism.len > AUTHD_MECHANISM_MAX || slice_eq_nocase(mechanism, SLICE("LOGIN"))) {
        refused(s, "", LDAP_AUTH_METHOD_NOT_SUPPORTED, "mechanism not supported");
        return;
    }
    memcpy(s->mechanism, mechanism.ptr, mechanism.len);
    s->mechanism[mechanism.len] = '\0';
    if (initial != NULL) {
        start.has_initial = true;
        start.initial = *initial;
    }
    if (tls != NULL && tls_channel_binding(tls, binding) == 0)
        start.binding = slice_make(binding, sizeof(binding));
    authd_call_start(s->pool->auth, &start, &result);
    continue_sasl(s, &result);
}

static void
bind_sasl(struct session *s, struct slice content)
{
    struct slice mechanism, message = SLICE("");
    struct authd_result result;
    bool has_message;

    if (ber_take(&content, BER_OCTETS, &mechanism) < 0 ||
        ((has_message = content.len > 0) && ber_take(&content, BER_OCTETS, &message) < 0) ||
        content.len > 0) {
        respond(s, LDAP_PROTOCOL_ERROR, "malformed bind", SLICE(""));
        return;
    }
    if (s->sasl_under_way && slice_eq(mechanism, slice_of(s->mechanism))) {
        authd_call_step(s->pool->auth, message, &result);
        continue_sasl(s, &result);
        return;
    }
    if (s->sasl_under_way) /* RFC 4511 section 4.2.1: another mechanism ends the one before */
        authd_call_cancel(s->pool->auth);
    s->sasl_under_way = false;
    if (mechanism.len == 0)
        respond(s, LDAP_AUTH_METHOD_NOT_SUPPORTED, "cancelled", SLICE(""));
    else
        start_sasl(s, mechanism, has_message ? &message : NULL);
}

/* ---- both ---- */

/* Whatever comes of it, who was logged in is no more (RFC 4511 section 4.2.1). */
static void
forget(struct session *s)
{
    struct directory_bound bound;

    if ((s->user != NULL || s->may_write) &&
        tell_directory(s, &(struct directory_bind){.how = DIRECTORY_BIND_NOBODY}, &bound) < 0) {
        s->is_over = true; /* it would still take us for that user */
        s->end_reason = "directoryd is away";
    }
    xfree(&s->user);
    session_table_user("");
    s->may_write = false;
    sorted_free(&s->sorted);
}

void
bind_run(struct session *s)
{
    struct slice rest = s->message.body, name, credentials;
    uint32_t version;
    unsigned tag;

    forget(s);
    if (ber_take_number(&rest, BER_INTEGER, INT32_MAX, &version) < 0 ||
        ber_take(&rest, BER_OCTETS, &name) < 0 || ber_take_any(&rest, &tag, &credentials) != 1 ||
        rest.len > 0) {
        respond(s, LDAP_PROTOCOL_ERROR, "malformed bind", SLICE(""));
        return;
    }
    if (s->sasl_under_way && tag != TAG_SASL) {
        authd_call_cancel(s->pool->auth);
        s->sasl_under_way = false;
    }
    if (version != VERSION)
        respond(s, LDAP_PROTOCOL_ERROR, "this is LDAP version 3", SLICE(""));
    else if (tag == TAG_SIMPLE)
        bind_simple(s, name, credentials);
    else if (tag == TAG_SASL)
        bind_sasl(s, credentials);
    else
        respond(s, LDAP_AUTH_METHOD_NOT_SUPPORTED, "simple or SASL", SLICE(""));
}
