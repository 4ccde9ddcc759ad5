/*
 * authd/own_password.c - a user's new password from an LDAP session.
 *
 * Input: frames of a session that may be in an attacker's hands. Whose password it is says the
 * proof of the present one, which is as slow, and counts as much when it fails, as a login.
 */
#include "authd/own_password.h"

#include <stdlib.h>
#include <string.h>

#include "authd/login.h"
#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/ipc/accountd.h"
#include "lib/ipc/authd_password.h"
#include "lib/log/log.h"

enum {
    ASK_TIMEOUT_MS = 55000, /* accountd hashes the old ones and the new one */
    REQUEST_MAX = 8192,
    MESSAGE_MAX = AUTHD_PASSWORD_NAME_MAX + AUTHD_PASSWORD_BYTES_MAX + 2
};

static void
wipe(struct strbuf *b)
{
    if (b->ptr != NULL)
        mem_wipe(b->ptr, b->cap);
    strbuf_free(b);
}

/* RFC 4616 section 2: no part has a NUL. */
static bool
plain_message(const struct authd_password *password, struct strbuf *out)
{
    if (slice_index(password->name, '\0') < password->name.len ||
        slice_index(password->old, '\0') < password->old.len)
        return false;
    return strbuf_room(out, MESSAGE_MAX) && strbuf_char(out, '\0') &&
           strbuf_append(out, password->name) && strbuf_char(out, '\0') &&
           strbuf_append(out, password->old);
}

int
own_password_ask(struct session *s, struct slice payload)
{
    struct strbuf message = strbuf_new(MESSAGE_MAX);
    struct authd_password password;
    struct slice bytes;

    if (s->state != SESSION_IDLE || s->service != SERVICE_LDAP ||
        authd_password_decode(payload, &password) < 0)
        return -1;
    if (!session_begin_plain(s, password.tls, password.host)) {
        return 0; /* answered */
    } else if (!plain_message(&password, &message)) {
        session_send_failure(s, AUTHD_BAD_CREDENTIALS);
    } else {
        s->wanted = xslicedup(password.wanted);
        s->wanted_len = password.wanted.len;
        bytes = strbuf_slice(&message);
        login_message(s, &bytes);
    }
    wipe(&message);
    return 0;
}

/* ---- accountd ---- */

static enum authd_password_result
result_of(uint32_t code)
{
    switch (code) {
    case 0:
        return AUTHD_PASSWORD_DONE;
    case ACCOUNTD_PASSWORD_REFUSED:
        return AUTHD_PASSWORD_REFUSED;
    case ACCOUNTD_PASSWORD_LATER:
        return AUTHD_PASSWORD_LATER;
    default:
        return AUTHD_PASSWORD_NOT_OURS;
    }
}

/* The session of who has changed the own password goes on. */
static void
stay(struct session *s, const struct object_field *fields, uint32_t count)
{
    struct slice changed = object_get(fields, count, "password_changed");

    if (s->user == NULL || strcmp(s->user, s->account.user) != 0 || changed.len == 0)
        return;
    xfree(&s->password_changed);
    s->password_changed = xslicedup(changed);
}

static void
answer(struct session *s, const struct authd_password_reply *reply)
{
    struct strbuf frame = strbuf_new(REQUEST_MAX);

    log_event(LOG_INFO, reply->result == AUTHD_PASSWORD_DONE ? "password_changed" : "password_kept",
              KV_STR("user", s->account.user), KV_STR("client", s->client_ip),
              KV_STR("session", s->session_id),
              KV_SLICE("reason", reply->result == AUTHD_PASSWORD_DONE ? SLICE("ok") : reply->text));
    assert_always(authd_password_reply_encode(&frame, s->request_id, reply) == 0);
    session_answer(s, &frame);
    wipe(&frame);
}

static void
answered(void *arg, const struct frame_header *header, struct slice payload, int fd)
{
    struct authd_password_reply out = {.result = AUTHD_PASSWORD_LATER,
                                       .text = SLICE("accountd does not answer")};
    struct object_field *fields = xcalloc(OBJECT_FIELDS_MAX, sizeof(*fields));
    struct accountd_admin_reply reply;
    struct session *s = arg;
    int count;

    close_keep_errno(fd);
    if (!session_release(s)) {
        free(fields);
        return;
    }
    if (header != NULL && header->type == ACCOUNTD_ADMIN_REPLY &&
        accountd_admin_reply_decode(payload, &reply) == 0) {
        out =
            (struct authd_password_reply){(uint8_t)result_of(reply.result), reply.text, SLICE("")};
        count = reply.result == 0 ? object_next(&reply.data, fields) : 0;
        if (count > 0) {
            out.made_up = object_get(fields, (uint32_t)count, "password");
            stay(s, fields, (uint32_t)count);
        }
    }
    answer(s, &out);
    free(fields);
}

void
own_password_proved(struct session *s)
{
    const struct object_field field = {SLICE("new_password"), slice_make(s->wanted, s->wanted_len)};
    const struct accountd_admin admin = {.verb = SLICE("passwd"),
                                         .kind = SLICE("user"),
                                         .name = slice_of(s->account.user),
                                         .actor = slice_of(s->account.user),
                                         .origin = slice_of(s->client_ip),
                                         .fields = &field,
                                         .field_count = 1};
    struct strbuf request = strbuf_new(REQUEST_MAX);

    assert_always(accountd_admin_encode_as(&request, ACCOUNTD_OWN_PASSWORD, &admin) == 0);
    session_hold(s);
    ipc_async_call(s->server->accounts, &request, ASK_TIMEOUT_MS, answered, s);
    wipe(&request);
}
