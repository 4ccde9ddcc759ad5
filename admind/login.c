/*
 * admind/login.c - who is at the other end: authd says. Secrets are wiped when they have been used.
 */
#include "admind/login.h"

#include <stdlib.h>

#include "lib/auth/digest.h"
#include "lib/base/clock.h"
#include "lib/base/encode.h"
#include "lib/base/mem.h"
#include "lib/ipc/authd_call.h"
#include "lib/log/log.h"
#include "lib/sys/session_table.h"

enum { CREDENTIALS_MAX = 4096, PROOF_MS = 5000 };

void
login_forget(struct session *s)
{
    if (s->credentials.ptr != NULL)
        mem_wipe(s->credentials.ptr, s->credentials.cap);
    strbuf_clear(&s->credentials);
    xfree(&s->name);
}

static enum login_outcome
take_result(struct session *s, const struct authd_result *result, struct slice *text)
{
    if (result->step == AUTHD_STEP_OK) {
        s->name = xslicedup(result->ok.user);
        s->was_authenticated = true;
        session_table_user(s->name);
        stats_add(s->server->count.logins, 1);
        return LOGIN_OK;
    }
    if (result->step == AUTHD_STEP_CHALLENGE) {
        authd_call_cancel(s->pool->auth);
        *text = SLICE("the code of the authenticator is missing");
        return LOGIN_NEEDS_CODE;
    }
    *text = result->fail.text;
    if (result->fail.failure == AUTHD_TEMPORARY)
        return LOGIN_AWAY;
    stats_add(s->server->count.login_failures, 1);
    pool_session_login_failed(s->pool);
    return LOGIN_REFUSED;
}

enum login_outcome
login_by_password(struct session *s, const struct login_proof *proof, struct slice *text)
{
    struct authd_result result = {.dir_fd = -1};

    login_forget(s);
    authd_call_login(s->pool->auth,
                     &(const struct authd_login){proof->name, proof->password, true, SLICE("")},
                     &result);
    if (result.step == AUTHD_STEP_CHALLENGE && proof->code.len > 0)
        authd_call_step(s->pool->auth, proof->code, &result);
    return take_result(s, &result, text);
}

/* By what authd knows of the connection, or by a token. */
static enum login_outcome
by_mechanism(struct session *s, struct slice mechanism, struct slice token)
{
    const struct authd_start start = {
        .mechanism = mechanism, .has_initial = true, .initial = token, .tls = true};
    struct authd_result result = {.dir_fd = -1};
    struct slice text;

    authd_call_start(s->pool->auth, &start, &result);
    return take_result(s, &result, &text);
}

/* base64 of name ":" password (RFC 7617 section 2) */
static enum login_outcome
by_basic(struct session *s, struct slice encoded)
{
    struct strbuf decoded = strbuf_new(CREDENTIALS_MAX);
    enum login_outcome outcome = LOGIN_REFUSED;
    struct login_proof proof = {.code = SLICE("")};
    struct slice text;

    if (base64_decode(encoded, &decoded) == 0 &&
        slice_index(strbuf_slice(&decoded), ':') < decoded.len) {
        proof.password = strbuf_slice(&decoded);
        proof.name = slice_split(&proof.password, ':');
        outcome = login_by_password(s, &proof, &text); /* a code comes with the call Login alone */
    }
    if (decoded.ptr != NULL)
        mem_wipe(decoded.ptr, decoded.cap);
    strbuf_free(&decoded);
    return outcome;
}

enum login_outcome
login_by_header(struct session *s)
{
    struct slice header = http_request_header(s->request, SLICE("Authorization"));
    struct slice rest = header, scheme = slice_split(&rest, ' ');
    enum login_outcome outcome = LOGIN_REFUSED;

    /* Asked again all the time: a password that was changed, a token that was ended, end it here.
     */
    if (s->name != NULL && (header.len > 0 || s->is_local) &&
        clock_mono_ms() - s->proved_ms < PROOF_MS &&
        digest_equal(header, strbuf_slice(&s->credentials)))
        return LOGIN_OK;
    login_forget(s);
    rest = slice_trim(rest);
    if (slice_eq_nocase(scheme, SLICE("Bearer")))
        outcome = by_mechanism(s, SLICE(AUTHD_TOKEN_LOGIN), rest);
    else if (slice_eq_nocase(scheme, SLICE("Basic")))
        outcome = by_basic(s, rest);
    else if (s->is_local && header.len == 0)
        outcome = by_mechanism(s, SLICE(AUTHD_LOCAL_LOGIN), SLICE(""));
    if (outcome == LOGIN_OK) {
        (void)strbuf_append(&s->credentials, header); /* no longer than the header's limit */
        s->proved_ms = clock_mono_ms();
    }
    return outcome;
}
