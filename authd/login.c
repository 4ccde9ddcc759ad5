/*
 * authd/login.c - the way from a client's SASL message to the answer.
 *
 *   message -> blocked client? -> look-up at accountd, of codes too if there are some -> blocked
 * user?
 *           -> proof (code, cache, cheap scheme here, else the hash pool)
 *           -> an administrator's second step
 *           -> status and rights -> the mailbox's directory -> folders of others -> OK
 *
 * Each arrow may wait for another program; nothing here blocks. A user who does not exist takes the
 * same way with a decoy, so that neither answer nor time tells. One event is logged for each
 * outcome, never a secret.
 */
#include "authd/login.h"

#include <string.h>

#include "authd/access.h"
#include "authd/admin.h"
#include "authd/external.h"
#include "authd/guard.h"
#include "authd/outcome.h"
#include "authd/own_password.h"
#include "authd/rehash.h"
#include "authd/second_step.h"
#include "authd/user_dir.h"
#include "authd/visits.h"
#include "authd/watch.h"
#include "lib/base/clock.h"
#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/log/log.h"

enum { ACCOUNT_TIMEOUT_MS = 10000, REQUEST_MAX = 4096 };

/* ---- the directories: the user's own, and those of folders of others ---- */

static void open_shared(struct session *s);

static void
shared_opened(void *arg, int fd)
{
    struct session *s = arg;
    struct slice path, dir;
    struct folder_grant *grant;
    int dir_fd = s->dir_fd;

    if (!session_release(s)) {
        close_keep_errno(fd);
        close_keep_errno(dir_fd);
        return;
    }
    grant = folder_grants_unopened(&s->grants, &path, &dir);
    if (fd >= 0)
        grant->fd = fd;
    else /* it is gone, or local-deliver is away */
        folder_grants_remove(&s->grants, grant);
    open_shared(s);
}

/* One after the other: there are few. */
static void
open_shared(struct session *s)
{
    struct slice path, dir;
    int dir_fd = s->dir_fd;

    if (folder_grants_unopened(&s->grants, &path, &dir) != NULL) {
        session_hold(s);
        user_dir_open_folder(s->server, path, dir, shared_opened, s);
        return;
    }
    s->dir_fd = -1;
    outcome_succeed(s, dir_fd);
}

static void
folders_found(void *arg, const struct frame_header *header, struct slice payload, int fd)
{
    struct session *s = arg;
    int dir_fd = s->dir_fd;

    close_keep_errno(fd);
    if (!session_release(s)) {
        close_keep_errno(dir_fd);
        return;
    }
    if (header == NULL || header->type != ACCOUNTD_FOLDERS_REPLY ||
        folder_grants_open(&s->server->dirs, payload, &s->grants) < 0) {
        s->dir_fd = -1;
        close_keep_errno(dir_fd);
        outcome_refuse(s, AUTHD_TEMPORARY, "accountd does not answer");
    } else {
        open_shared(s);
    }
}

/* The user's own directory is open. */
static void
ask_folders(struct session *s, int dir_fd)
{
    struct strbuf request;

    watch_remove(s);
    folder_grants_free(&s->grants);
    if (s->service != SERVICE_IMAP || !s->account.has_folders) {
        outcome_succeed(s, dir_fd);
        return;
    }
    request = strbuf_new(REQUEST_MAX);
    assert_always(accountd_folders_encode(&request, slice_of(s->account.user)) == 0);
    s->dir_fd = dir_fd;
    session_hold(s);
    ipc_async_call(s->server->accounts, &request, ACCOUNT_TIMEOUT_MS, folders_found, s);
    strbuf_free(&request);
}

static void
dir_made(void *arg, int dir_fd)
{
    struct session *s = arg;

    if (!session_release(s)) {
        close_keep_errno(dir_fd);
        return;
    }
    if (dir_fd < 0)
        outcome_refuse(s, AUTHD_TEMPORARY, "mailbox cannot be opened");
    else
        ask_folders(s, dir_fd);
}

static void
open_dir(struct session *s)
{
    int dir_fd = user_dir_open(&s->server->dirs, s->account.path);

    if (dir_fd >= 0) {
        ask_folders(s, dir_fd);
        return;
    }
    session_hold(s);
    user_dir_make(s->server, s->account.path, s->account.place, dir_made, s);
}

/* ---- status and rights: only after the right password may they show ---- */

static bool
may_use(const struct session *s)
{
    uint32_t right = session_service_right(s);

    return right == 0 || (s->account.rights & right) != 0;
}

static bool
comes_too_soon(const struct session *s)
{
    return s->service == SERVICE_POP3 && (s->account.rights & ACCOUNTD_POP3_DELAYED) != 0 &&
           login_delay_is_too_soon(s->server->login_delay, slice_of(s->account.user),
                                   clock_mono_ms());
}

/* An administrator has no mailbox, and nothing that may be switched off. */
static void
administrator_proved(struct session *s)
{
    admin_proved(s);
    outcome_succeed(s, -1);
}

static void
administrator_known(struct session *s)
{
    if (!second_step_begin(s))
        administrator_proved(s);
}

static void
proved(struct session *s)
{
    if (s->account.known && s->service == SERVICE_ADMIN)
        administrator_known(s);
    else if (!s->account.known) /* no decoy has a password or a proof that fits */
        outcome_refuse(s, AUTHD_BAD_CREDENTIALS, "unknown user");
    else if (!s->account.enabled)
        outcome_refuse(s, AUTHD_DISABLED, "account disabled");
    else if (s->wanted != NULL && s->code[0] != '\0') /* it opens mail, and nothing else */
        outcome_refuse(s, AUTHD_BAD_CREDENTIALS, "a code in place of the password");
    else if (s->wanted != NULL)
        own_password_proved(s);
    else if (s->account.password_over)
        outcome_refuse(s, AUTHD_EXPIRED, "password has to be changed");
    else if (!may_use(s))
        outcome_refuse(s, AUTHD_DISABLED, "service switched off");
    else if (comes_too_soon(s))
        outcome_refuse(s, AUTHD_TOO_SOON, "too soon after the last login");
    else if (s->service == SERVICE_SMTP || s->service == SERVICE_LDAP) /* no mail is read there */
        outcome_succeed(s, -1);
    else
        open_dir(s);
}

/* ---- proof by password ---- */

static struct credentials
credentials_of(const struct session *s)
{
    return (struct credentials){.user = slice_of(s->account.user),
                                .record = slice_of(s->account.record),
                                .password = sasl_password(s->sasl)};
}

static void
password_right(struct session *s)
{
    struct credentials c = credentials_of(s);

    if (s->account.known && s->account.enabled && s->server->rehash &&
        s->service != SERVICE_ADMIN &&
        password_is_outdated(&s->server->policy, c.record, c.password))
        rehash_begin(s->server, &c);
    proved(s);
}

/* The time of a hash has passed as for everybody: the answer is no, whatever the decoy says. */
static void
hash_done_decoy(void *arg, enum hash_outcome outcome, struct slice record)
{
    struct session *s = arg;

    (void)record;
    s->job = NULL;
    outcome_refuse(s, outcome == HASH_DROPPED ? AUTHD_TEMPORARY : AUTHD_BAD_CREDENTIALS,
                   "password record cannot be checked");
}

static void
hash_done_not_here(void *arg, enum hash_outcome outcome, struct slice record)
{
    struct session *s = arg;

    (void)record;
    s->job = NULL;
    outcome_refuse(s, outcome == HASH_DROPPED ? AUTHD_TEMPORARY : AUTHD_BAD_CREDENTIALS,
                   "the domain's passwords are for webmail only");
}

static void
hash_done_verify(void *arg, enum hash_outcome outcome, struct slice record)
{
    struct session *s = arg;
    struct credentials c = credentials_of(s);

    (void)record;
    s->job = NULL;
    switch (outcome) {
    case HASH_RIGHT:
        if (s->account.known)
            cache_add(s->server->cache, &c, clock_mono_ms());
        password_right(s);
        break;
    case HASH_WRONG:
        outcome_refuse(s, AUTHD_BAD_CREDENTIALS,
                       s->account.known ? "wrong password" : "unknown user");
        break;
    case HASH_UNUSABLE: /* no password, a locked one: it came back at once */
        s->job = hash_pool_verify(s->server->pool, s->address.share, decoy_record(s->server->decoy),
                                  c.password, hash_done_decoy, s);
        break;
    case HASH_DROPPED:
        stats_add(s->server->dropped, 1);
        outcome_refuse(s, AUTHD_TEMPORARY, "hash workers are busy");
        break;
    }
}

static struct means_place
place_of(const struct session *s)
{
    return (struct means_place){
        .service = session_service_name(s), .client_ip = s->client_ip, .now_ms = clock_real_ms()};
}

static void
set_code(struct session *s, const struct accountd_code *code)
{
    if (code != NULL)
        memcpy(s->code, code->id.ptr, code->id.len); /* decoded: it fits, with a NUL behind */
}

/* A code in place of the password? True: that has been answered. */
static bool
check_code(struct session *s)
{
    const struct means_place place = place_of(s);
    bool in_scope = false;
    const struct accountd_code *code =
        means_code(&s->means, sasl_password(s->sasl), &place, &in_scope);

    if (code == NULL)
        return false;
    set_code(s, code);
    if (in_scope)
        proved(s);
    else
        outcome_refuse(s, AUTHD_BAD_CREDENTIALS, "code is not for this service, address or day");
    return true;
}

static void
external_done(void *arg, enum hash_outcome outcome, struct slice record)
{
    struct session *s = arg;

    (void)record;
    s->job = NULL;
    if (outcome == HASH_RIGHT)
        proved(s);
    else if (outcome == HASH_WRONG)
        outcome_refuse(s, AUTHD_BAD_CREDENTIALS, "wrong password, says who knows it");
    else
        outcome_refuse(s, AUTHD_TEMPORARY, "who knows the password cannot be asked");
}

static void
check_external(struct session *s)
{
    s->job = external_verify(s->server, s->address.share, s->means.external,
                             slice_of(s->account.user), sasl_password(s->sasl), external_done, s);
    if (s->job == NULL)
        outcome_refuse(s, AUTHD_TEMPORARY, "the domain has no external_auth, or auth.pam is off");
}

static void
check_password(struct session *s)
{
    struct credentials c = credentials_of(s);
    struct slice record = s->account.known ? c.record : decoy_record(s->server->decoy);

    if (check_code(s))
        return;
    if (s->means.is_external && !s->means.no_mail_password) {
        check_external(s);
        return;
    }
    if (s->means.no_mail_password) { /* as slow as a wrong one */
        s->job = hash_pool_verify(s->server->pool, s->address.share, decoy_record(s->server->decoy),
                                  c.password, hash_done_not_here, s);
        return;
    }
    if (s->account.known && password_is_cheap(record)) {
        if (password_verify(record, c.password) == PASSWORD_RIGHT)
            password_right(s);
        else
            outcome_refuse(s, AUTHD_BAD_CREDENTIALS, "wrong password");
        return;
    }
    if (s->account.known && cache_has(s->server->cache, &c, clock_mono_ms())) {
        s->cached = true;
        stats_add(s->server->cache_hits, 1);
        password_right(s);
        return;
    }
    s->job = hash_pool_verify(s->server->pool, s->address.share, record, c.password,
                              hash_done_verify, s);
}

/* ---- the exchange ---- */

static void advance(struct session *s, enum sasl_status status, struct strbuf *challenge);

static void
give_keys(struct session *s)
{
    struct strbuf challenge = strbuf_new(SASL_CHALLENGE_MAX);
    enum digest digest = sasl_digest(s->sasl);
    struct password_scram keys[MEANS_KEYS_MAX];
    const struct means_place place = place_of(s);
    size_t count = 0;

    if (s->account.known)
        count = means_scram_keys(&s->means, slice_of(s->account.record), digest, &place, keys,
                                 s->key_codes);
    if (count == 0) { /* as for a user who is there, every spelling of a name has the same salt */
        decoy_scram(s->server->decoy,
                    s->account.user != NULL ? slice_of(s->account.user) : sasl_user(s->sasl),
                    digest, &keys[0]);
        count = 1;
    }
    advance(s, sasl_keys(s->sasl, keys, count, &challenge), &challenge);
    mem_wipe(keys, sizeof(keys));
    strbuf_free(&challenge);
}

/* ---- proof by an access token ---- */

/* What is wrong the client is told by a challenge first, and answers it (RFC 7628 section 3.2.3).
 */
static void
refuse_token(struct session *s, const char *reason)
{
    outcome_log(s, LOG_INFO, "token_refused", sasl_user(s->sasl), reason);
    s->token_refused = true;
    session_send_challenge(s, sasl_token_refusal(s->mechanism));
}

static void
token_checked(void *arg, enum hash_outcome outcome, struct slice record)
{
    struct session *s = arg;

    (void)record;
    s->job = NULL;
    if (outcome == HASH_RIGHT)
        proved(s);
    else if (outcome == HASH_WRONG)
        refuse_token(s, "the token is not good for this user");
    else
        outcome_refuse(s, AUTHD_TEMPORARY, "the token cannot be checked");
}

static void
check_token(struct session *s)
{
    if (!s->account.known || s->means.oauth.issuer.len == 0) {
        refuse_token(s, "the domain takes no tokens, or there is no such user");
        return;
    }
    s->job = external_token(s->server, s->address.share, &s->means.oauth, slice_of(s->account.user),
                            sasl_token(s->sasl), token_checked, s);
    if (s->job == NULL)
        refuse_token(s, "the token is too long");
}

/* The account is known, and what else there is to prove it by. */
static void
begin_proof(struct session *s)
{
    if (sasl_is_token(s->mechanism))
        check_token(s);
    else if (sasl_reveals_password(s->mechanism))
        check_password(s);
    else
        give_keys(s);
}

static void
means_found(void *arg, const struct frame_header *header, struct slice payload, int fd)
{
    struct session *s = arg;

    close_keep_errno(fd);
    if (!session_release(s))
        return;
    if (header == NULL || header->type != ACCOUNTD_MEANS_REPLY || means_set(&s->means, payload) < 0)
        outcome_refuse(s, AUTHD_TEMPORARY, "accountd does not tell of codes");
    else
        begin_proof(s);
}

static void
ask_means(struct session *s)
{
    struct strbuf request = strbuf_new(REQUEST_MAX);

    assert_always(accountd_means_encode(&request, slice_of(s->account.user)) == 0);
    session_hold(s);
    ipc_async_call(s->server->accounts, &request, ACCOUNT_TIMEOUT_MS, means_found, s);
    strbuf_free(&request);
}

static void
find_means(struct session *s)
{
    guard_judge_user(s);
    access_judge(s);
    if (s->account.known && s->account.more_means)
        ask_means(s);
    else
        begin_proof(s);
}

static void
account_found(void *arg, const struct frame_header *header, struct slice payload, int fd)
{
    struct session *s = arg;
    struct accountd_login_reply reply;

    close_keep_errno(fd);
    if (!session_release(s))
        return;
    s->changes_seen = watch_changes(s->server->watch);
    if (header == NULL || header->type != ACCOUNTD_LOGIN_REPLY ||
        accountd_login_reply_decode(payload, &reply) < 0 || account_set(&s->account, &reply) < 0)
        outcome_refuse(s, AUTHD_TEMPORARY, "accountd does not answer");
    else if (s->account.later)
        outcome_refuse(s, AUTHD_TEMPORARY, "account base failed or mailbox is being moved");
    else
        find_means(s);
}

static void
look_up(struct session *s)
{
    struct strbuf request = strbuf_new(REQUEST_MAX);
    struct accountd_login login = {.name = sasl_user(s->sasl),
                                   .local_ip = slice_of(s->local_ip),
                                   .host = slice_of(s->host),
                                   .service = slice_of(session_service_name(s))};
    enum authd_failure failure;
    const char *why = guard_refuses(s, &failure);

    if (why != NULL) {
        outcome_refuse(s, failure, why);
        strbuf_free(&request);
        return;
    }
    if (s->service == SERVICE_ADMIN)
        admin_look_up(&request, login.name);
    else
        assert_always(accountd_login_encode(&request, &login) == 0);
    session_hold(s);
    ipc_async_call(s->server->accounts, &request, ACCOUNT_TIMEOUT_MS, account_found, s);
    strbuf_free(&request);
}

static void
advance(struct session *s, enum sasl_status status, struct strbuf *challenge)
{
    switch (status) {
    case SASL_CHALLENGE:
        session_send_challenge(s, strbuf_slice(challenge));
        break;
    case SASL_PASSWORD:
    case SASL_TOKEN:
    case SASL_WANT_KEYS:
        look_up(s);
        break;
    case SASL_DONE:
        (void)strbuf_append(&s->proof, strbuf_slice(challenge)); /* same ceiling as its source */
        set_code(s, s->key_codes[sasl_key_proved(s->sasl)]);
        proved(s);
        break;
    case SASL_DENIED:
        outcome_refuse(s, AUTHD_BAD_CREDENTIALS, "wrong proof");
        break;
    case SASL_MALFORMED:
        outcome_refuse(s, AUTHD_BAD_MESSAGE, "malformed message");
        break;
    }
}

void
login_message(struct session *s, const struct slice *message)
{
    struct strbuf challenge = strbuf_new(SASL_CHALLENGE_MAX);

    s->state = SESSION_WORKING;
    if (s->token_refused) {
        outcome_refuse(s, AUTHD_BAD_CREDENTIALS, "token refused");
        return;
    }
    if (s->awaits_code) {
        second_step_message(s, message == NULL ? SLICE("") : *message, administrator_proved);
        return;
    }
    advance(s, sasl_step(s->sasl, message, &challenge), &challenge);
    strbuf_free(&challenge);
}
