/*
 * authd/url.c - a session reads what somebody has authorized it to by a URL (RFC 4467), or submits
 * it (RFC 4468).
 *
 *   URL -> not expired, for this session -> the owner at accountd -> local-deliver, which has the
 *       keys and the mail -> a pipe with the text, handed on
 *
 * Input:  frames of a session that may be in an attacker's hands. Who asks is said by the login
 *         that was proved on this channel. One answer for all that is refused; an owner who does
 *         not exist, or has no access himself any more, takes the same way to the end as one who
 *         does, so that neither answer nor time tells.
 */
#include "authd/url.h"

#include <errno.h>
#include <stdlib.h>

#include "lib/base/clock.h"
#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/ipc/local_deliver.h"
#include "lib/log/log.h"
#include "lib/mail/imap_url.h"

enum { ACCOUNT_TIMEOUT_MS = 10000, STORE_TIMEOUT_MS = 15000, REQUEST_MAX = 4096 };

struct url_request {
    struct session *session;
    char *text;
    struct imap_url url; /* its parts borrow from `text` and from itself */
    char *owner;         /* canonical; NULL: not known, or nobody */
};

static void
request_free(struct url_request *r)
{
    imap_url_free(&r->url);
    free(r->text);
    free(r->owner);
    free(r);
}

/* The end of it. `text_fd` is borrowed: with GRANTED the pipe, else -1. */
static void
answer(struct url_request *r, enum authd_url_result result, uint64_t size, int text_fd)
{
    static const char *const words[] = {[AUTHD_URL_GRANTED] = "granted",
                                        [AUTHD_URL_REFUSED] = "refused",
                                        [AUTHD_URL_LATER] = "later"};
    const struct authd_url_reply reply = {.result = (uint8_t)result, .size = size};
    struct session *s = r->session;
    struct strbuf frame = strbuf_new(REQUEST_MAX);

    log_event(LOG_INFO, "url", KV_STR("result", words[result]), KV_STR("user", s->user),
              KV_STR("owner", r->owner), KV_STR("session", s->session_id), KV_U64("size", size));
    assert_always(authd_url_reply_encode(&frame, s->request_id, &reply) == 0);
    s->state = SESSION_IDLE;
    ipc_peer_send(s->peer, &frame, text_fd);
    strbuf_free(&frame);
    request_free(r);
}

/* ---- local-deliver ---- */

static void
text_came(void *arg, const struct frame_header *header, struct slice payload, int fd)
{
    struct url_request *r = arg;
    struct store_ctl_reply reply;

    if (!session_release(r->session)) {
        close_keep_errno(fd);
        request_free(r);
        return;
    }
    if (header == NULL || header->type != STORE_CTL_REPLY ||
        store_ctl_reply_decode(payload, &reply) < 0)
        reply = (struct store_ctl_reply){.error = EBUSY};
    if (reply.error == 0 && fd >= 0)
        answer(r, AUTHD_URL_GRANTED, reply.bytes, fd);
    else
        answer(r, reply.error == ENOENT ? AUTHD_URL_REFUSED : AUTHD_URL_LATER, 0, -1);
    close_keep_errno(fd);
}

static void
ask_text(struct url_request *r, struct slice path)
{
    const struct store_url store_url = {
        .path = path, .reader = slice_of(r->session->user), .url = slice_of(r->text)};
    struct strbuf request = strbuf_new(STORE_CTL_PAYLOAD_MAX);

    if (store_url_encode(&request, &store_url) < 0) {
        answer(r, AUTHD_URL_REFUSED, 0, -1);
    } else {
        session_hold(r->session);
        ipc_async_call(r->session->server->stores, &request, STORE_TIMEOUT_MS, text_came, r);
    }
    strbuf_free(&request);
}

/* ---- accountd ---- */

static void
look_up(struct url_request *r, struct slice name,
        void (*found)(void *arg, const struct frame_header *header, struct slice payload, int fd))
{
    struct strbuf request = strbuf_new(REQUEST_MAX);
    const struct accountd_login login = {.name = name};

    if (name.len > ACCOUNTD_ADDRESS_MAX || accountd_login_encode(&request, &login) < 0) {
        answer(r, AUTHD_URL_REFUSED, 0, -1);
    } else {
        session_hold(r->session);
        ipc_async_call(r->session->server->accounts, &request, ACCOUNT_TIMEOUT_MS, found, r);
    }
    strbuf_free(&request);
}

/* What accountd said. False: the request is over, answered if anybody is left to hear it. */
static bool
take_account(struct url_request *r, const struct frame_header *header, struct slice payload, int fd,
             struct account *account)
{
    struct accountd_login_reply reply;

    *account = (struct account){.known = false};
    close_keep_errno(fd);
    if (!session_release(r->session)) {
        request_free(r);
        return false;
    }
    if (header == NULL || header->type != ACCOUNTD_LOGIN_REPLY ||
        accountd_login_reply_decode(payload, &reply) < 0 || account_set(account, &reply) < 0 ||
        account->later) {
        account_clear(account);
        answer(r, AUTHD_URL_LATER, 0, -1);
        return false;
    }
    return true;
}

/* RFC 4467 section 7: the URL grants no more than its owner has now. */
static void
owner_found(void *arg, const struct frame_header *header, struct slice payload, int fd)
{
    struct url_request *r = arg;
    struct account account;
    bool has_access;

    if (!take_account(r, header, payload, fd, &account))
        return;
    has_access = account.known && account.enabled && (account.rights & ACCOUNTD_MAY_IMAP) != 0;
    if (has_access)
        r->owner = xstrdup(account.user);
    ask_text(r, has_access ? slice_of(account.path) : SLICE(""));
    account_clear(&account);
}

static void
reader_found(void *arg, const struct frame_header *header, struct slice payload, int fd)
{
    struct url_request *r = arg;
    struct account account;
    uint32_t right;
    bool is_reader;

    if (!take_account(r, header, payload, fd, &account))
        return;
    right = session_service_right(r->session);
    is_reader = account.known && slice_eq(slice_of(account.user), slice_of(r->session->user)) &&
                account.enabled && (account.rights & right) != 0;
    account_clear(&account);
    if (is_reader)
        look_up(r, r->url.user, owner_found);
    else
        answer(r, AUTHD_URL_REFUSED, 0, -1);
}

/* ---- the session ---- */

/* A session of smtpd is the message submission entity of its user and of nobody else (RFC 4468
 * section 3.3), and logged in as nobody (RFC 4467 section 3). */
static bool
is_for_service(const struct url_request *r)
{
    bool submits = r->session->service == SERVICE_SMTP;

    return r->url.access != (submits ? IMAP_URL_ACCESS_USER : IMAP_URL_ACCESS_SUBMIT);
}

/* RFC 4467 section 3. */
static void
judge(struct url_request *r)
{
    const struct imap_url *url = &r->url;

    if (imap_url_parse(slice_of(r->text), &r->url) < 0 || !imap_url_is_authorized(url) ||
        imap_url_is_expired(url, clock_real_ms()) || !is_for_service(r)) {
        answer(r, AUTHD_URL_REFUSED, 0, -1);
        return;
    }
    switch (url->access) {
    case IMAP_URL_ACCESS_USER:
    case IMAP_URL_ACCESS_SUBMIT:
        look_up(r, url->access_user, reader_found);
        return;
    case IMAP_URL_ACCESS_AUTHUSER:
    case IMAP_URL_ACCESS_ANONYMOUS: /* nobody has a session here without an account */
        look_up(r, url->user, owner_found);
        return;
    default: /* imap_url_is_authorized() has seen to it */
        answer(r, AUTHD_URL_REFUSED, 0, -1);
    }
}

int
url_ask(struct session *s, struct slice payload)
{
    struct url_request *r;
    struct slice text;

    if (s->state != SESSION_IDLE || (s->service != SERVICE_IMAP && s->service != SERVICE_SMTP) ||
        s->user == NULL || authd_data_decode(payload, &text) < 0 || text.len > AUTHD_URL_MAX ||
        slice_index(text, '\0') < text.len)
        return -1;
    r = xcalloc(1, sizeof(*r));
    r->session = s;
    r->text = xslicedup(text);
    s->state = SESSION_WORKING;
    judge(r);
    return 0;
}
