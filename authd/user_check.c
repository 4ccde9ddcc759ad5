/*
 * authd/user_check.c - is it the user's password? Looks up, hashes, answers; nothing here blocks.
 *
 *   accountd: may he ask, and is the password here? -> the account -> its hash -> yes or no
 *                                                           -> accountd: the new password
 *                                                           -> local-deliver: messages in folders
 *
 * Input: names and passwords from admind's workers, who may be in an attacker's hands.
 */
#include "authd/user_check.h"

#include <stdlib.h>
#include <string.h>

#include "authd/guard.h"
#include "authd/session.h"
#include "lib/auth/password.h"
#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/ipc/local_deliver.h"
#include "lib/log/log.h"

enum { TIMEOUT_MS = 10000, CHANGE_TIMEOUT_MS = 55000, COUNT_TIMEOUT_MS = 30000, FRAME_MAX = 8192 };
enum { NUMBER_MAX = 24 };
enum { CODE_WRONG = 4 }; /* ADM-28 */

#define AUTHENTICATE "authenticate"
#define CHANGE "change-password"
#define COUNTS "folder-counts"
#define BUSY "hash workers are busy, try later"

struct user_check {
    char *name;
    char *password, *new_password; /* secrets; new_password NULL: only looked at */
    bool wants_counts;             /* of the mailbox, once the password is right */
};

bool
user_check_takes(const struct accountd_admin *admin)
{
    return slice_eq(admin->kind, SLICE("user")) &&
           (slice_eq(admin->verb, SLICE(AUTHENTICATE)) || slice_eq(admin->verb, SLICE(CHANGE)) ||
            slice_eq(admin->verb, SLICE(COUNTS)));
}

static void
wipe_text(char *text)
{
    if (text != NULL)
        mem_wipe(text, strlen(text));
    free(text);
}

void
user_check_free(struct user_check **checkp)
{
    if (*checkp == NULL)
        return;
    free((*checkp)->name);
    wipe_text((*checkp)->password);
    wipe_text((*checkp)->new_password);
    xfree(checkp);
}

/* The end: whoever it was is forgotten. */
static void
answer(struct session *s, const struct accountd_admin_reply *reply)
{
    struct strbuf frame = strbuf_new(ACCOUNTD_PAYLOAD_MAX);

    account_clear(&s->account);
    user_check_free(&s->user_check);
    s->closed = NULL;
    s->closed_by_mail = false;
    s->state = SESSION_IDLE;
    if (accountd_admin_reply_encode_as(&frame, AUTHD_ADMIN_REPLY, s->request_id, reply) == 0)
        ipc_peer_send(s->peer, &frame, -1); /* it came in as large a frame, or is a line */
    strbuf_free(&frame);
}

static void
answer_text(struct session *s, uint32_t result, const char *text)
{
    answer(s, &(struct accountd_admin_reply){.result = result, .text = slice_of(text)});
}

static void
away(struct session *s)
{
    answer_text(s, ACCOUNTD_AWAY, "the account base does not answer, try later");
}

/* ---- the new password ---- */

static void
changed(void *arg, const struct frame_header *header, struct slice payload, int fd)
{
    struct accountd_admin_reply reply;
    struct session *s = arg;

    close_keep_errno(fd);
    if (!session_release(s))
        return;
    if (header == NULL || header->type != ACCOUNTD_ADMIN_REPLY ||
        accountd_admin_reply_decode(payload, &reply) < 0)
        away(s);
    else
        answer(s, &reply);
}

/* One operation of the administrator's on the user. */
static void
ask(struct session *s, const char *verb, const struct object_field *fields, uint32_t count,
    int timeout_ms,
    void (*done)(void *arg, const struct frame_header *header, struct slice payload, int fd))
{
    const struct accountd_admin admin = {.verb = slice_of(verb),
                                         .kind = SLICE("user"),
                                         .name = slice_of(s->user_check->name),
                                         .actor = slice_of(s->user),
                                         .origin = slice_of(s->client_ip),
                                         .fields = fields,
                                         .field_count = count};
    struct strbuf request = strbuf_new(AUTHD_ADMIN_REQUEST_MAX + FRAME_MAX);

    assert_always(accountd_admin_encode(&request, &admin) == 0);
    session_hold(s);
    ipc_async_call(s->server->accounts, &request, timeout_ms, done, s);
    if (request.ptr != NULL)
        mem_wipe(request.ptr, request.cap);
    strbuf_free(&request);
}

/* ---- what is in the mailbox: local-deliver looks ---- */

/* One object for each folder, in the order of enum store_counted. */
static void
answer_counts(struct session *s, const struct store_ctl_reply *counted)
{
    struct strbuf data = strbuf_new(FRAME_MAX), unseen = strbuf_new(NUMBER_MAX),
                  total = strbuf_new(NUMBER_MAX);

    for (size_t i = 0; i < STORE_COUNT_FOLDERS; i++) {
        strbuf_clear(&unseen);
        strbuf_clear(&total);
        (void)strbuf_u64(&unseen, counted->counts[i].unseen); /* both fit */
        (void)strbuf_u64(&total, counted->counts[i].total);
        object_add(&data,
                   (const struct object_field[]){{SLICE("new"), strbuf_slice(&unseen)},
                                                 {SLICE("total"), strbuf_slice(&total)}},
                   2);
    }
    answer(s, &(struct accountd_admin_reply){.data = strbuf_slice(&data)});
    strbuf_free(&data);
    strbuf_free(&unseen);
    strbuf_free(&total);
}

static void
counted(void *arg, const struct frame_header *header, struct slice payload, int fd)
{
    struct store_ctl_reply reply;
    struct session *s = arg;

    close_keep_errno(fd); /* none is expected */
    if (!session_release(s))
        return;
    if (header == NULL || header->type != STORE_CTL_REPLY ||
        store_ctl_reply_decode(payload, &reply) < 0 || reply.error != 0)
        answer_text(s, ACCOUNTD_AWAY, "the mailbox cannot be read now, try later");
    else
        answer_counts(s, &reply);
}

static void
ask_counts(struct session *s)
{
    const struct store_ctl ctl = {.path = slice_of(s->account.path)};
    struct strbuf request = strbuf_new(STORE_CTL_PAYLOAD_MAX);

    if (!store_path_valid(ctl.path) || store_ctl_encode(&request, STORE_COUNTS, &ctl) < 0) {
        away(s);
    } else {
        session_hold(s);
        ipc_async_call(s->server->stores, &request, COUNT_TIMEOUT_MS, counted, s);
    }
    strbuf_free(&request);
}

/* ---- the old one ---- */

static void
wrong(struct session *s, const char *reason)
{
    log_event(LOG_INFO, "login_failed", KV_STR("user", s->user_check->name),
              KV_STR("service", "admin"), KV_STR("client", s->client_ip),
              KV_STR("session", s->session_id), KV_STR("mechanism", AUTHENTICATE),
              KV_STR("admin", s->user), KV_STR("reason", s->closed != NULL ? s->closed : reason));
    stats_add(s->server->failures, 1);
    guard_failed(s);
    answer_text(s, CODE_WRONG, "the password is wrong");
}

static void
right(struct session *s)
{
    const struct object_field fields[] = {
        {SLICE("new_password"), slice_of(s->user_check->new_password)},
        {SLICE("own"), SLICE("yes")}};

    log_event(LOG_INFO, "password_right", KV_STR("user", s->account.user),
              KV_STR("client", s->client_ip), KV_STR("session", s->session_id),
              KV_STR("admin", s->user));
    if (!s->account.enabled)
        answer_text(s, CODE_WRONG, "the account does not work now");
    else if (s->user_check->new_password != NULL)
        ask(s, "passwd", fields, ARRAY_LEN(fields), CHANGE_TIMEOUT_MS, changed);
    else if (s->account.password_over)
        answer_text(s, CODE_WRONG, "the password has to be changed");
    else if (s->user_check->wants_counts)
        ask_counts(s);
    else
        answer_text(s, 0, "");
}

/* The time of a hash has passed as for everybody: the answer is no, whatever the decoy says. */
static void
hashed_decoy(void *arg, enum hash_outcome outcome, struct slice record)
{
    struct session *s = arg;

    (void)record;
    s->job = NULL;
    if (outcome == HASH_DROPPED)
        answer_text(s, ACCOUNTD_AWAY, BUSY);
    else
        wrong(s, "password record cannot be checked");
}

static void
hashed(void *arg, enum hash_outcome outcome, struct slice record)
{
    struct session *s = arg;

    (void)record;
    s->job = NULL;
    if (outcome == HASH_DROPPED)
        answer_text(s, ACCOUNTD_AWAY, BUSY);
    else if (outcome == HASH_UNUSABLE) /* no password, a locked one: it came back at once */
        s->job = hash_pool_verify(s->server->pool, s->address.share, decoy_record(s->server->decoy),
                                  slice_of(s->user_check->password), hashed_decoy, s);
    else if (outcome == HASH_RIGHT && s->account.known)
        right(s);
    else
        wrong(s, s->account.known ? "wrong password" : "unknown user");
}

static void
found(void *arg, const struct frame_header *header, struct slice payload, int fd)
{
    struct accountd_login_reply reply;
    struct session *s = arg;
    struct slice record, password;

    close_keep_errno(fd);
    if (!session_release(s))
        return;
    if (header == NULL || header->type != ACCOUNTD_LOGIN_REPLY ||
        accountd_login_reply_decode(payload, &reply) < 0 || account_set(&s->account, &reply) < 0 ||
        s->account.later) {
        away(s);
        return;
    }
    guard_judge_user(s);
    password = slice_of(s->user_check->password);
    record = s->account.known && s->account.record != NULL ? slice_of(s->account.record)
                                                           : decoy_record(s->server->decoy);
    if (s->account.known && password_is_cheap(record))
        hashed(s, password_verify(record, password) == PASSWORD_RIGHT ? HASH_RIGHT : HASH_WRONG,
               SLICE(""));
    else
        s->job = hash_pool_verify(s->server->pool, s->address.share, record, password, hashed, s);
}

/* ---- may he ask? ---- */

static void
permitted(void *arg, const struct frame_header *header, struct slice payload, int fd)
{
    struct accountd_admin_reply reply;
    struct session *s = arg;
    struct strbuf request;

    close_keep_errno(fd);
    if (!session_release(s))
        return;
    if (header == NULL || header->type != ACCOUNTD_ADMIN_REPLY ||
        accountd_admin_reply_decode(payload, &reply) < 0) {
        away(s);
        return;
    }
    if (reply.result != 0) {
        answer(s, &reply);
        return;
    }
    request = strbuf_new(FRAME_MAX);
    /* what accountd has understood is the mailbox itself */
    if (accountd_login_encode(&request, &(struct accountd_login){.name = reply.text}) < 0) {
        away(s);
    } else {
        session_hold(s);
        ipc_async_call(s->server->accounts, &request, TIMEOUT_MS, found, s);
    }
    strbuf_free(&request);
}

/* A password that is too long for any record is kept as an empty one: it is wrong for everybody
 * and takes the same way. */
static char *
password_of(const struct accountd_admin *admin)
{
    struct slice password = object_get(admin->fields, admin->field_count, "password");

    return xslicedup(password.len <= PASSWORD_MAX ? password : SLICE(""));
}

void
user_check_begin(struct session *s, const struct accountd_admin *admin)
{
    enum authd_failure failure;

    s->user_check = xcalloc(1, sizeof(*s->user_check));
    s->user_check->name = xslicedup(admin->name);
    s->user_check->password = password_of(admin);
    s->user_check->wants_counts = slice_eq(admin->verb, SLICE(COUNTS));
    if (slice_eq(admin->verb, SLICE(CHANGE)))
        s->user_check->new_password =
            xslicedup(object_get(admin->fields, admin->field_count, "new_password"));
    s->state = SESSION_WORKING;
    if (guard_refuses(s, &failure) != NULL)
        answer_text(s, ACCOUNTD_AWAY, "too many wrong passwords came from this client: later");
    else
        ask(s, AUTHENTICATE, NULL, 0, TIMEOUT_MS, permitted);
}
