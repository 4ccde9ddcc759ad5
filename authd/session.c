/*
 * authd/session.c - one session's channel: which exchange is under way, what it answers.
 *
 * Input:  frames from session processes, which may be in an attacker's hands: the state machine
 *         here says what is legal when; anything else closes the channel. Service and client
 *         address were told by the daemon's parent and can't be changed by the session.
 * Secrets live in the exchange (struct sasl, struct account) and are wiped with it.
 */
#include "authd/session.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "authd/acl.h"
#include "authd/admin.h"
#include "authd/charge.h"
#include "authd/customer.h"
#include "authd/folder_change.h"
#include "authd/login.h"
#include "authd/own_password.h"
#include "authd/quota.h"
#include "authd/url.h"
#include "authd/user_check.h"
#include "authd/visits.h"
#include "authd/watch.h"
#include "lib/base/mem.h"
#include "lib/log/log.h"
#include "lib/mail/imap_rights.h"

enum {
    FAILURES_MAX = 10, /* of one session: protocol daemons give up earlier */
    ANSWER_MAX = 32768
};

static const char *const service_names[SERVICE_COUNT] = {[SERVICE_SMTP] = "smtp",
                                                         [SERVICE_IMAP] = "imap",
                                                         [SERVICE_POP3] = "pop3",
                                                         [SERVICE_ADMIN] = "admin",
                                                         [SERVICE_LDAP] = "ldap"};

const char *
session_service_name(const struct session *s)
{
    return service_names[s->service];
}

uint32_t
session_service_right(const struct session *s)
{
    static const uint32_t rights[SERVICE_COUNT] = {[SERVICE_SMTP] = ACCOUNTD_MAY_SMTP,
                                                   [SERVICE_IMAP] = ACCOUNTD_MAY_IMAP,
                                                   [SERVICE_POP3] = ACCOUNTD_MAY_POP3,
                                                   [SERVICE_LDAP] = ACCOUNTD_MAY_CONTACTS};

    return rights[s->service];
}

bool
server_is_drained(const struct server *server)
{
    return server->draining && server->sessions == 0 && server->parents == 0 &&
           visits_are_told(server->visits);
}

static void
end_exchange(struct session *s)
{
    sasl_free(&s->sasl);
    account_clear(&s->account);
    means_clear(&s->means);
    memset(s->code, 0, sizeof(s->code));
    memset(s->key_codes, 0, sizeof(s->key_codes));
    strbuf_free(&s->proof);
    if (s->wanted != NULL)
        mem_wipe(s->wanted, s->wanted_len);
    xfree(&s->wanted);
    user_check_free(&s->user_check);
    if (s->job != NULL)
        hash_job_abandon(s->job);
    s->job = NULL;
    if (s->timer != NULL)
        loop_timer_cancel(s->timer);
    s->state = SESSION_IDLE;
    s->cached = false;
    s->token_refused = false;
    s->awaits_code = false;
    s->closed = NULL;
    s->closed_by_mail = false;
}

static void
session_free(struct session *s)
{
    end_exchange(s);
    folder_grants_free(&s->grants);
    free(s->user);
    free(s->password_changed);
    loop_timer_free(&s->timer);
    s->server->sessions--;
    if (server_is_drained(s->server))
        loop_stop(s->server->loop);
    free(s);
}

void
session_hold(struct session *s)
{
    s->outstanding++;
}

bool
session_release(struct session *s)
{
    s->outstanding--;
    if (s->peer != NULL)
        return true;
    if (s->outstanding == 0)
        session_free(s);
    return false;
}

static void
channel_closed(struct ipc_peer *peer)
{
    struct session *s = ipc_peer_data(peer);

    s->peer = NULL;
    watch_remove(s);
    end_exchange(s);
    if (s->outstanding == 0)
        session_free(s);
}

/* ---- answers ---- */

static void
timer_fired(void *arg)
{
    struct session *s = arg;

    if (s->state == SESSION_WORKING) /* the end of a delay */
        session_send_failure(s, s->delayed_failure);
    else if (s->state == SESSION_CLIENT && s->peer != NULL)
        ipc_peer_close(s->peer); /* the protocol daemon's own deadline should have come first */
}

static void
set_timer(struct session *s, int64_t in_ms)
{
    if (s->timer == NULL)
        s->timer = loop_timer_new(s->server->loop, timer_fired, s);
    loop_timer_set(s->timer, in_ms);
}

static void
send_frame(struct session *s, struct strbuf *frame, int fd)
{
    ipc_peer_send(s->peer, frame, fd);
    strbuf_free(frame);
}

void
session_send_challenge(struct session *s, struct slice challenge)
{
    struct strbuf frame = strbuf_new(ANSWER_MAX);

    assert_always(authd_data_encode(&frame, AUTHD_CHALLENGE, s->request_id, challenge) == 0);
    s->state = SESSION_CLIENT;
    set_timer(s, s->server->exchange_timeout_ms);
    send_frame(s, &frame, -1);
}

static void
send_grant(struct session *s, const struct folder_grant *grant)
{
    struct strbuf frame = strbuf_new(ANSWER_MAX);
    const struct authd_folder folder = {
        .name = slice_of(grant->name),
        .rights = grant->rights,
        .quota_bytes = grant->quota_bytes,
        .quota_messages = grant->quota_messages,
    };

    assert_always(authd_folder_encode(&frame, s->request_id, &folder) == 0);
    /* Who may neither read nor change it holds nothing of it. */
    send_frame(s, &frame, (grant->rights & RIGHTS_IN_DIRECTORY) != 0 ? grant->fd : -1);
}

void
session_send_ok(struct session *s, int dir_fd)
{
    struct strbuf frame = strbuf_new(ANSWER_MAX);
    struct authd_ok ok = {
        .user = slice_of(s->account.user),
        .data = strbuf_slice(&s->proof),
        .full_name = slice_of(s->account.full_name),
        .rights = s->account.rights,
        .quota_bytes = s->account.quota_bytes,
        .quota_messages = s->account.quota_messages,
        .folder_count = (uint16_t)s->grants.count,
    };

    assert_always(authd_ok_encode(&frame, s->request_id, &ok) == 0);
    watch_remove(s); /* as whom it was before */
    xfree(&s->user);
    s->user = xstrdup(s->account.user);
    memcpy(s->code_used, s->code, sizeof(s->code));
    s->by_token = sasl_is_token(s->mechanism);
    if (s->service != SERVICE_ADMIN) {
        xfree(&s->password_changed);
        s->password_changed = xstrdup(s->account.password_changed);
        s->rights = s->account.rights;
        watch_add(s);
    }
    end_exchange(s);
    send_frame(s, &frame, dir_fd);
    for (uint32_t i = 0; i < s->grants.count && s->peer != NULL; i++)
        send_grant(s, &s->grants.list[i]);
    folder_grants_close(&s->grants);
}

void
session_send_failure(struct session *s, enum authd_failure failure)
{
    /* one text for each, whatever the reason behind it */
    static const char *const texts[] = {
        [AUTHD_BAD_CREDENTIALS] = "Wrong user name or password",
        [AUTHD_DISABLED] = "This account may not use this service",
        [AUTHD_NEEDS_TLS] = "Start TLS before you authenticate this way",
        [AUTHD_BAD_MECHANISM] = "Unknown authentication mechanism",
        [AUTHD_BAD_MESSAGE] = "Malformed authentication message",
        [AUTHD_TEMPORARY] = "Authentication is not available, try again later",
        [AUTHD_BLOCKED] = "Too many failed logins",
        [AUTHD_CANCELLED] = "Authentication cancelled",
        [AUTHD_TOO_SOON] = "Too soon after the last login",
        [AUTHD_EXPIRED] = "The password has to be changed",
        [AUTHD_NO_TOTP] = "An authenticator is required: posthorn admin totp, on the server",
    };
    struct strbuf frame = strbuf_new(ANSWER_MAX);
    struct authd_fail fail = {.failure = (uint8_t)failure,
                              .text = slice_of(texts[failure]),
                              .name = s->sasl == NULL ? SLICE("") : sasl_user(s->sasl)};

    assert_always(authd_fail_encode(&frame, s->request_id, &fail) == 0);
    s->failures++;
    end_exchange(s);
    send_frame(s, &frame, -1);
}

void
session_send_failure_later(struct session *s, enum authd_failure failure, int64_t delay_ms)
{
    s->state = SESSION_WORKING;
    s->delayed_failure = failure;
    if (delay_ms <= 0)
        session_send_failure(s, failure);
    else
        set_timer(s, delay_ms);
}

void
session_answer(struct session *s, struct strbuf *frame)
{
    end_exchange(s);
    ipc_peer_send(s->peer, frame, -1);
}

/* ---- frames ---- */

static void
copy_text(char *to, size_t size, struct slice text)
{
    assert_always(text.len < size); /* the decoders have looked at it */
    if (text.len > 0)
        memcpy(to, text.ptr, text.len);
    to[text.len] = '\0';
}

static bool
mechanism_allowed(const struct session *s)
{
    return s->tls || !sasl_reveals_password(s->mechanism) ||
           (s->server->plain_on_loopback && s->address.loopback);
}

static int
on_start(struct session *s, struct slice payload)
{
    struct authd_start start;

    if (s->state != SESSION_IDLE || authd_start_decode(payload, &start) < 0)
        return -1;
    if (s->service == SERVICE_LDAP) { /* RFC 4511 section 4.2.1: nobody is logged in meanwhile */
        watch_remove(s);
        xfree(&s->user);
    }
    s->tls = start.tls;
    copy_text(s->host, sizeof(s->host), start.host);
    s->mechanism = mechanisms_enabled(s->server->mechanisms, start.mechanism)
                       ? sasl_find(start.mechanism)
                       : SASL_NONE;
    if (!mechanisms_enabled(s->server->mechanisms, SLICE("SCRAM-SHA-256-PLUS")))
        start.binding = SLICE("");   /* not announced: a client that says so is right */
    if (s->service == SERVICE_ADMIN) /* whoever it was: not any more */
        xfree(&s->user);
    if (s->failures >= FAILURES_MAX)
        session_send_failure(s, AUTHD_BLOCKED);
    else if (s->service == SERVICE_ADMIN && start.has_initial &&
             slice_eq(start.mechanism, SLICE(AUTHD_TOKEN_LOGIN)))
        admin_token_login(s, start.initial);
    else if (s->service == SERVICE_ADMIN && slice_eq(start.mechanism, SLICE(AUTHD_LOCAL_LOGIN)))
        admin_local_login(s);
    else if (s->mechanism != SASL_NONE && !mechanism_allowed(s))
        session_send_failure(s, AUTHD_NEEDS_TLS);
    else if ((s->sasl = sasl_new(s->mechanism, start.binding)) == NULL)
        session_send_failure(s, AUTHD_BAD_MECHANISM); /* unknown, or -PLUS without a binding */
    else
        login_message(s, start.has_initial ? &start.initial : NULL);
    return 0;
}

bool
session_begin_plain(struct session *s, bool tls, struct slice host)
{
    s->tls = tls;
    copy_text(s->host, sizeof(s->host), host);
    s->mechanism =
        mechanisms_enabled(s->server->mechanisms, SLICE("PLAIN")) ? SASL_PLAIN : SASL_NONE;
    if (s->failures >= FAILURES_MAX)
        session_send_failure(s, AUTHD_BLOCKED);
    else if (s->mechanism == SASL_NONE)
        session_send_failure(s, AUTHD_BAD_MECHANISM);
    else if (!mechanism_allowed(s))
        session_send_failure(s, AUTHD_NEEDS_TLS);
    else
        s->sasl = sasl_new(s->mechanism, SLICE(""));
    return s->sasl != NULL;
}

static int
on_step(struct session *s, struct slice payload)
{
    struct slice message;

    if (s->state != SESSION_CLIENT || authd_data_decode(payload, &message) < 0)
        return -1;
    loop_timer_cancel(s->timer);
    login_message(s, &message);
    return 0;
}

static int
on_cancel(struct session *s)
{
    if (s->state == SESSION_WORKING)
        return -1;
    session_send_failure(s, AUTHD_CANCELLED);
    return 0;
}

static int
channel_frame(struct ipc_peer *peer, const struct frame_header *header, struct slice payload,
              int fd)
{
    struct session *s = ipc_peer_data(peer);

    if (fd >= 0) { /* a session has nothing to give us */
        (void)close(fd);
        return -1;
    }
    s->request_id = header->request_id;
    switch (header->type) {
    case AUTHD_START:
        return on_start(s, payload);
    case AUTHD_STEP:
        return on_step(s, payload);
    case AUTHD_CANCEL:
        return on_cancel(s);
    case AUTHD_ACL:
        return acl_ask(s, payload);
    case AUTHD_QUOTA:
        return quota_ask(s, payload);
    case AUTHD_CHARGE:
        return charge_ask(s, payload);
    case AUTHD_URL:
        return url_ask(s, payload);
    case AUTHD_CUSTOMER:
        return customer_ask(s, payload);
    case AUTHD_FOLDER_CHANGE:
        return folder_change_ask(s, payload);
    case AUTHD_ADMIN:
        return admin_ask(s, payload);
    case AUTHD_REMOVED:
        return visits_removed(s, payload);
    case AUTHD_TOKEN:
        return admin_token_ask(s, payload);
    case AUTHD_PASSWORD:
        return own_password_ask(s, payload);
    default:
        return -1;
    }
}

static const struct ipc_handlers channel_handlers = {
    .payload_max = AUTHD_REQUEST_MAX,
    .frame = channel_frame,
    .closed = channel_closed,
};

static const struct ipc_handlers admin_handlers = {
    .payload_max = AUTHD_ADMIN_REQUEST_MAX,
    .frame = channel_frame,
    .closed = channel_closed,
};

static int
find_service(struct slice name, enum session_service *service)
{
    for (size_t i = 0; i < SERVICE_COUNT; i++) {
        if (slice_eq(name, slice_of(service_names[i]))) {
            *service = (enum session_service)i;
            return 0;
        }
    }
    return -1;
}

int
session_attach(struct server *server, uint64_t parent_id, const struct authd_attach *attach, int fd)
{
    struct session *s;
    struct client_address address;
    enum session_service service;

    if (server->sessions >= server->sessions_max || find_service(attach->service, &service) < 0 ||
        client_address_parse(attach->client_ip, &address) < 0) {
        log_event(LOG_WARN, "attach_refused", KV_SLICE("service", attach->service),
                  KV_SLICE("client", attach->client_ip), KV_U64("sessions", server->sessions));
        (void)close(fd);
        return -1;
    }
    s = xcalloc(1, sizeof(*s));
    s->server = server;
    s->parent_id = parent_id;
    s->service = service;
    s->dir_fd = -1;
    s->address = address;
    copy_text(s->client_ip, sizeof(s->client_ip), attach->client_ip);
    s->is_local = attach->is_local;
    s->local_uid = (uid_t)attach->local_uid;
    copy_text(s->local_ip, sizeof(s->local_ip), attach->local_ip);
    copy_text(s->session_id, sizeof(s->session_id), attach->session_id);
    s->proof = strbuf_new(SASL_CHALLENGE_MAX);
    server->sessions++;
    s->peer = ipc_peer_new(server->loop, fd,
                           service == SERVICE_ADMIN ? &admin_handlers : &channel_handlers, s);
    return 0;
}
