/*
 * authd/admin.c - sessions of administrators: their tokens, and what they ask of accountd.
 *
 * Input: frames of a session that may be in an attacker's hands. A token is 256 random bits; of the
 * password record that was right when it was given out a digest is kept, so that another password
 * ends it.
 */
#include "authd/admin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "authd/guard.h"
#include "authd/user_check.h"
#include "lib/auth/digest.h"
#include "lib/base/clock.h"
#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/base/random.h"
#include "lib/ipc/accountd.h"
#include "lib/log/log.h"
#include "lib/oper/kinds.h"

enum {
    TOKENS_MAX = 1000, /* with more the one that was not used longest goes */
    ACCOUNT_TIMEOUT_MS = 10000,
    ASK_TIMEOUT_MS = 55000, /* accountd may hash a password, or count */
    REQUEST_MAX = 4096,
    NAME_MAX_BYTES = 256
};

struct token {
    char text[AUTHD_TOKEN_LEN + 1]; /* "": free */
    char name[NAME_MAX_BYTES];
    unsigned char record[DIGEST_MAX]; /* SHA-256 of the password record */
    int64_t used_ms;                  /* mono */
};

struct admin_tokens {
    int64_t timeout_ms;
    struct token all[TOKENS_MAX];
};

struct admin_tokens *
admin_tokens_new(int64_t timeout_ms)
{
    struct admin_tokens *tokens = xcalloc(1, sizeof(*tokens));

    tokens->timeout_ms = timeout_ms;
    return tokens;
}

static bool
is_same(const char *token, struct slice guess)
{
    return token[0] != '\0' && digest_equal(slice_of(token), guess);
}

static void
forget(struct token *token)
{
    mem_wipe(token, sizeof(*token));
}

/* NULL: there is none, or its time is over. */
static struct token *
find(struct admin_tokens *tokens, struct slice text)
{
    int64_t now = clock_mono_ms();

    for (size_t i = 0; i < TOKENS_MAX; i++) {
        struct token *token = &tokens->all[i];

        if (token->text[0] != '\0' && now - token->used_ms > tokens->timeout_ms)
            forget(token);
        if (is_same(token->text, text))
            return token;
    }
    return NULL;
}

static struct token *
free_place(struct admin_tokens *tokens)
{
    struct token *oldest = &tokens->all[0];

    for (size_t i = 0; i < TOKENS_MAX; i++) {
        if (tokens->all[i].text[0] == '\0')
            return &tokens->all[i];
        if (tokens->all[i].used_ms < oldest->used_ms)
            oldest = &tokens->all[i];
    }
    return oldest;
}

static void
digest_record(const char *record, unsigned char out[DIGEST_MAX])
{
    memset(out, 0, DIGEST_MAX);
    digest_of(DIGEST_SHA256, slice_of(record), SLICE(""), out);
}

static void
wipe(struct strbuf *b)
{
    if (b->ptr != NULL)
        mem_wipe(b->ptr, b->cap);
    strbuf_free(b);
}

/* ---- asking for a token ---- */

static void
answer_token(struct session *s, struct slice token)
{
    struct strbuf frame = strbuf_new(REQUEST_MAX);

    assert_always(authd_data_encode(&frame, AUTHD_TOKEN_REPLY, s->request_id, token) == 0);
    ipc_peer_send(s->peer, &frame, -1);
    wipe(&frame);
}

static struct slice
give_token(struct session *s)
{
    struct token *token = free_place(s->server->admin_tokens);

    forget(token);
    random_name(token->text, AUTHD_TOKEN_LEN);
    (void)snprintf(token->name, sizeof(token->name), "%s", s->user); /* canonical: it fits */
    memcpy(token->record, s->admin_record, sizeof(token->record));
    token->used_ms = clock_mono_ms();
    return slice_of(token->text);
}

int
admin_token_ask(struct session *s, struct slice payload)
{
    struct slice ended;
    struct token *token;

    if (s->state != SESSION_IDLE || s->service != SERVICE_ADMIN || s->user == NULL ||
        authd_data_decode(payload, &ended) < 0)
        return -1;
    if (ended.len == 0) {
        answer_token(s, give_token(s));
        return 0;
    }
    token = find(s->server->admin_tokens, ended);
    if (token != NULL && strcmp(token->name, s->user) == 0)
        forget(token);
    answer_token(s, SLICE(""));
    return 0;
}

/* ---- a login by token ---- */

static void
token_refused(struct session *s, enum authd_failure failure, const char *reason)
{
    log_event(failure == AUTHD_TEMPORARY ? LOG_WARN : LOG_INFO, "login_failed",
              KV_STR("service", "admin"), KV_STR("client", s->client_ip),
              KV_STR("session", s->session_id), KV_STR("mechanism", AUTHD_TOKEN_LOGIN),
              KV_STR("reason", reason));
    stats_add(s->server->failures, 1);
    session_send_failure(s, failure);
}

static void
account_found(void *arg, const struct frame_header *header, struct slice payload, int fd)
{
    struct session *s = arg;
    struct accountd_login_reply reply;
    unsigned char record[DIGEST_MAX];

    close_keep_errno(fd);
    if (!session_release(s))
        return;
    if (header == NULL || header->type != ACCOUNTD_LOGIN_REPLY ||
        accountd_login_reply_decode(payload, &reply) < 0 || account_set(&s->account, &reply) < 0 ||
        s->account.later) {
        token_refused(s, AUTHD_TEMPORARY, "accountd does not answer");
        return;
    }
    digest_record(s->account.record == NULL ? "" : s->account.record, record);
    if (!s->account.known || memcmp(record, s->admin_record, sizeof(record)) != 0)
        token_refused(s, AUTHD_BAD_CREDENTIALS, "the password is another");
    else
        session_send_ok(s, -1);
}

void
admin_token_login(struct session *s, struct slice text)
{
    struct token *token = find(s->server->admin_tokens, text);
    enum authd_failure failure;
    const char *why = guard_refuses(s, &failure);
    struct strbuf request;

    if (why != NULL) {
        token_refused(s, failure, why);
        return;
    }
    if (token == NULL) { /* guessing 256 bits needs no delay */
        token_refused(s, AUTHD_BAD_CREDENTIALS, "no such token");
        return;
    }
    token->used_ms = clock_mono_ms();
    memcpy(s->admin_record, token->record, sizeof(s->admin_record));
    request = strbuf_new(REQUEST_MAX);
    admin_look_up(&request, slice_of(token->name));
    s->state = SESSION_WORKING;
    session_hold(s);
    ipc_async_call(s->server->accounts, &request, ACCOUNT_TIMEOUT_MS, account_found, s);
    strbuf_free(&request);
}

/* The name is none that an administrator can have. */
void
admin_local_login(struct session *s)
{
    struct strbuf name = strbuf_new(NAME_MAX_BYTES);

    if (!s->is_local || (s->local_uid != 0 && s->local_uid != s->server->owner)) {
        token_refused(s, AUTHD_BAD_CREDENTIALS, "neither root nor the owner");
        return;
    }
    (void)strbuf_printf(&name, ACCOUNTD_LOCAL_ACTOR "%lu", (unsigned long)s->local_uid);
    account_clear(&s->account);
    s->account.user = strbuf_steal(&name);
    s->account.known = true;
    session_send_ok(s, -1);
}

void
admin_look_up(struct strbuf *request, struct slice name)
{
    assert_always(accountd_admin_login_encode(request, name) == 0);
}

void
admin_proved(struct session *s)
{
    digest_record(s->account.record, s->admin_record);
}

/* ---- operations ---- */

static void
answered(void *arg, const struct frame_header *header, struct slice payload, int fd)
{
    struct strbuf frame = strbuf_new(AUTHD_PAYLOAD_MAX);
    struct accountd_admin_reply reply;
    struct session *s = arg;

    close_keep_errno(fd);
    if (!session_release(s))
        return;
    if (header == NULL || header->type != ACCOUNTD_ADMIN_REPLY ||
        accountd_admin_reply_decode(payload, &reply) < 0)
        reply = (struct accountd_admin_reply){
            .result = ACCOUNTD_AWAY, .text = SLICE("the server does not answer, try later")};
    if (accountd_admin_reply_encode_as(&frame, AUTHD_ADMIN_REPLY, s->request_id, &reply) < 0) {
        strbuf_clear(&frame);
        reply = (struct accountd_admin_reply){.result = ACCOUNTD_AWAY,
                                              .text = SLICE("the answer is too long")};
        assert_always(
            accountd_admin_reply_encode_as(&frame, AUTHD_ADMIN_REPLY, s->request_id, &reply) == 0);
    }
    s->state = SESSION_IDLE;
    ipc_peer_send(s->peer, &frame, -1);
    strbuf_free(&frame);
}

/* What operd is to do, while accountd judges it. */
struct passing {
    struct session *session;
    struct strbuf request;
};

static void
judged(void *arg, const struct frame_header *header, struct slice payload, int fd)
{
    struct passing *passing = arg;
    struct session *s = passing->session;
    struct server *server = s->server;
    struct accountd_admin_reply reply;

    if (header == NULL || header->type != ACCOUNTD_ADMIN_REPLY ||
        accountd_admin_reply_decode(payload, &reply) < 0 || reply.result != 0) {
        answered(s, header, payload, fd);
    } else {
        close_keep_errno(fd);
        server->next_oper = (server->next_oper + 1) % AUTHD_OPERS;
        ipc_async_call(server->opers[server->next_oper], &passing->request, ASK_TIMEOUT_MS,
                       answered, s);
    }
    wipe(&passing->request);
    free(passing);
}

/* accountd judges what operd is to do, and does everything else itself. */
static void
pass_on(struct session *s, const struct accountd_admin *admin)
{
    struct strbuf request = strbuf_new(AUTHD_ADMIN_REQUEST_MAX + REQUEST_MAX);
    int kind = oper_kind_find(admin->kind);
    struct passing *passing;

    assert_always(accountd_admin_encode(&request, admin) == 0);
    s->state = SESSION_WORKING;
    session_hold(s);
    if (kind < 0 || !oper_kind_is_operds((enum oper_kind)kind)) {
        ipc_async_call(s->server->accounts, &request, ASK_TIMEOUT_MS, answered, s);
    } else {
        passing = xcalloc(1, sizeof(*passing));
        *passing = (struct passing){.session = s,
                                    .request = strbuf_new(AUTHD_ADMIN_REQUEST_MAX + REQUEST_MAX)};
        (void)strbuf_append(&passing->request, strbuf_slice(&request)); /* the same limit */
        ipc_async_call(s->server->accounts, &request, ACCOUNT_TIMEOUT_MS, judged, passing);
    }
    wipe(&request); /* a password may have been in it */
}

int
admin_ask(struct session *s, struct slice payload)
{
    struct object_field *fields;
    struct accountd_admin admin;

    if (s->state != SESSION_IDLE || s->service != SERVICE_ADMIN || s->user == NULL)
        return -1;
    fields = xcalloc(OBJECT_FIELDS_MAX, sizeof(*fields));
    if (accountd_admin_decode(payload, &admin, fields) < 0 || admin.actor.len > 0 ||
        admin.origin.len > 0) {
        free(fields);
        return -1;
    }
    if (user_check_takes(&admin)) {
        user_check_begin(s, &admin);
        free(fields);
        return 0;
    }
    admin.actor = slice_of(s->user);
    admin.origin = s->is_local ? SLICE("local") : slice_of(s->client_ip);
    pass_on(s, &admin);
    free(fields);
    return 0;
}
