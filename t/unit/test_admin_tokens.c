/*
 * t/unit/test_admin_tokens.c - authd/admin: sessions of administrators end when they are not used,
 * with another password, and by their own word alone.
 */
// LINK: authd/admin.c
#include "authd/admin.h"

#include <check.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "authd/guard.h"
#include "authd/user_check.h"
#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/ipc/peer.h"

enum { TIMEOUT_MS = 1000, LONG_MS = 3600000, TOKENS = 1000 };

static struct server server;

/* ---- in the place of authd's other modules ---- */

static char token[AUTHD_TOKEN_LEN + 1]; /* the last that was told */
static bool is_in;
static int failure; /* -1: none */
static void (*asked)(void *arg, const struct frame_header *header, struct slice payload, int fd);
static void *asked_arg;

void
ipc_peer_send(struct ipc_peer *peer, struct strbuf *frames, int fd)
{
    struct slice told;

    (void)peer;
    (void)fd;
    ck_assert_int_eq(
        authd_data_decode(slice_sub(strbuf_slice(frames), FRAME_HEADER, frames->len), &told), 0);
    (void)snprintf(token, sizeof(token), "%.*s", (int)told.len, told.ptr);
}

void
ipc_async_call(struct ipc_async *client, struct strbuf *request, int64_t timeout_ms,
               void (*done)(void *arg, const struct frame_header *header, struct slice payload,
                            int fd),
               void *arg)
{
    (void)client;
    (void)request;
    (void)timeout_ms;
    asked = done;
    asked_arg = arg;
}

void
session_send_ok(struct session *s, int dir_fd)
{
    (void)s;
    (void)dir_fd;
    is_in = true;
}

void
session_send_failure(struct session *s, enum authd_failure why)
{
    (void)s;
    failure = (int)why;
}

void
session_hold(struct session *s)
{
    (void)s;
}

bool
session_release(struct session *s)
{
    (void)s;
    return true;
}

const char *
guard_refuses(const struct session *s, enum authd_failure *why)
{
    (void)s;
    (void)why;
    return NULL;
}

int
account_set(struct account *account, const struct accountd_login_reply *reply)
{
    account->known = reply->state == ACCOUNTD_LOGIN_OK;
    free(account->record);
    account->record = xslicedup(reply->password);
    return 0;
}

void
account_clear(struct account *account)
{
    free(account->record);
    *account = (struct account){.known = false};
}

bool
user_check_takes(const struct accountd_admin *admin)
{
    (void)admin;
    return false;
}

void
user_check_begin(struct session *s, const struct accountd_admin *admin)
{
    (void)s;
    (void)admin;
}

/* ---- sessions ---- */

static struct session
session_of(const char *user)
{
    return (struct session){.server = &server,
                            .service = SERVICE_ADMIN,
                            .state = SESSION_IDLE,
                            .user = user == NULL ? NULL : xstrdup(user)};
}

static void
session_done(struct session *s)
{
    account_clear(&s->account);
    free(s->user);
}

/* What the session gets that asks for a token ("") or has one ended. */
static const char *
ask(struct session *s, const char *ended)
{
    struct strbuf frame = strbuf_new(4096);

    ck_assert_int_eq(authd_data_encode(&frame, AUTHD_TOKEN, 1, slice_of(ended)), 0);
    ck_assert_int_eq(admin_token_ask(s, slice_sub(strbuf_slice(&frame), FRAME_HEADER, frame.len)),
                     0);
    strbuf_free(&frame);
    return token;
}

/* Of a new session, whose administrator has the record. */
static char *
token_of(const char *user, const char *record)
{
    struct session s = session_of(user);

    s.account.record = xstrdup(record);
    admin_proved(&s);
    (void)ask(&s, "");
    session_done(&s);
    return xstrdup(token);
}

static void
answer(uint8_t state, const char *record)
{
    const struct accountd_login_reply reply = {
        .state = state, .user = SLICE("ann"), .password = slice_of(record)};
    struct strbuf frame = strbuf_new(8192);
    struct frame_header header;

    ck_assert_int_eq(accountd_login_reply_encode(&frame, 1, &reply), 0);
    ck_assert_int_eq(frame_header_decode(frame.ptr, 8192, &header), 0);
    asked(asked_arg, &header, slice_sub(strbuf_slice(&frame), FRAME_HEADER, frame.len), -1);
    strbuf_free(&frame);
}

/* Does the token open, while accountd has that of its administrator? */
static bool
opens(const char *text, uint8_t state, const char *record)
{
    struct session s = session_of(NULL);

    is_in = false;
    failure = -1;
    asked = NULL;
    admin_token_login(&s, slice_of(text));
    if (asked != NULL)
        answer(state, record);
    session_done(&s);
    ck_assert_int_eq(failure, is_in ? -1 : AUTHD_BAD_CREDENTIALS);
    return is_in;
}

static void
begin(int64_t timeout_ms)
{
    static _Atomic uint64_t count;

    server = (struct server){
        .admin_tokens = admin_tokens_new(timeout_ms), .logins = &count, .failures = &count};
}

START_TEST(a_token_opens_as_long_as_the_password_is_the_same)
{
    char *ann, *other, *third;

    begin(LONG_MS);
    ann = token_of("ann", "{X}1");
    other = xstrdup(ann);
    other[0] = other[0] == 'a' ? 'b' : 'a';
    ck_assert_uint_eq(strlen(ann), AUTHD_TOKEN_LEN);
    ck_assert(opens(ann, ACCOUNTD_LOGIN_OK, "{X}1") && opens(ann, ACCOUNTD_LOGIN_OK, "{X}1"));
    ck_assert(!opens(ann, ACCOUNTD_LOGIN_OK, "{X}2"));
    ck_assert(!opens(ann, ACCOUNTD_LOGIN_OK, ""));
    ck_assert(!opens(ann, ACCOUNTD_LOGIN_UNKNOWN, "{X}1")); /* who is none any more */
    ck_assert(!opens(other, ACCOUNTD_LOGIN_OK, "{X}1"));
    ck_assert(!opens("", ACCOUNTD_LOGIN_OK, "{X}1")); /* as the free places are */
    ck_assert(asked == NULL);
    third = token_of("ann", "{X}1");
    ck_assert(!opens(third + 1, ACCOUNTD_LOGIN_OK, "{X}1"));
    free(third);
    free(other);
    free(ann);
}
END_TEST

static void
pass(int64_t ms)
{
    int64_t end = clock_mono_ms() + ms;

    while (clock_mono_ms() < end)
        (void)poll(NULL, 0, 1);
}

START_TEST(one_that_is_not_used_ends_and_one_that_is_does_not)
{
    char *used, *idle;

    begin(TIMEOUT_MS);
    used = token_of("ann", "{X}1");
    idle = token_of("ann", "{X}1");
    for (int64_t end = clock_mono_ms() + 2 * TIMEOUT_MS; clock_mono_ms() < end;) {
        ck_assert(opens(used, ACCOUNTD_LOGIN_OK, "{X}1"));
        (void)poll(NULL, 0, 1);
    }
    ck_assert(!opens(idle, ACCOUNTD_LOGIN_OK, "{X}1"));
    pass(TIMEOUT_MS + 1);
    ck_assert(!opens(used, ACCOUNTD_LOGIN_OK, "{X}1"));
    free(used);
    free(idle);
}
END_TEST

START_TEST(it_is_ended_by_its_own_administrator_alone)
{
    struct session ann = session_of("ann"), bob = session_of("bob"), nobody = session_of(NULL);
    struct strbuf frame = strbuf_new(4096);
    char *text;

    begin(LONG_MS);
    text = token_of("ann", "{X}1");
    ck_assert_str_eq(ask(&bob, text), "");
    ck_assert(opens(text, ACCOUNTD_LOGIN_OK, "{X}1"));
    ck_assert_str_eq(ask(&ann, text), "");
    ck_assert(!opens(text, ACCOUNTD_LOGIN_OK, "{X}1"));
    /* who has not logged in, or serves users, gets none */
    ck_assert_int_eq(authd_data_encode(&frame, AUTHD_TOKEN, 1, SLICE("")), 0);
    ck_assert_int_eq(
        admin_token_ask(&nobody, slice_sub(strbuf_slice(&frame), FRAME_HEADER, frame.len)), -1);
    ann.service = SERVICE_IMAP;
    ck_assert_int_eq(
        admin_token_ask(&ann, slice_sub(strbuf_slice(&frame), FRAME_HEADER, frame.len)), -1);
    strbuf_free(&frame);
    free(text);
    session_done(&ann);
    session_done(&bob);
    session_done(&nobody);
}
END_TEST

START_TEST(of_too_many_the_one_that_was_not_used_longest_goes)
{
    char *all[TOKENS + 1];

    begin(LONG_MS);
    for (size_t i = 0; i < TOKENS; i++) {
        all[i] = token_of("ann", "{X}1");
        if (i < 3)
            pass(2);
    }
    pass(2);
    ck_assert(opens(all[0], ACCOUNTD_LOGIN_OK, "{X}1"));
    all[TOKENS] = token_of("bob", "{X}1");
    ck_assert(!opens(all[1], ACCOUNTD_LOGIN_OK, "{X}1"));
    ck_assert(opens(all[0], ACCOUNTD_LOGIN_OK, "{X}1"));
    ck_assert(opens(all[2], ACCOUNTD_LOGIN_OK, "{X}1"));
    ck_assert(opens(all[TOKENS], ACCOUNTD_LOGIN_OK, "{X}1"));
    for (size_t i = 0; i <= TOKENS; i++)
        free(all[i]);
}
END_TEST

int
main(void)
{
    TCase *tc = tcase_create("admin_tokens");
    Suite *s = suite_create("admin_tokens");
    SRunner *sr;
    int failed;

    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, a_token_opens_as_long_as_the_password_is_the_same);
    tcase_add_test(tc, one_that_is_not_used_ends_and_one_that_is_does_not);
    tcase_add_test(tc, it_is_ended_by_its_own_administrator_alone);
    tcase_add_test(tc, of_too_many_the_one_that_was_not_used_longest_goes);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
