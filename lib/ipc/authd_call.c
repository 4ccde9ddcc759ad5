/*
 * lib/ipc/authd_call.c - the session's side of the conversation with authd.
 *
 * Every answer is taken for an attacker's. Frames may hold passwords, so the buffers are wiped.
 */
#include "lib/ipc/authd_call.h"

#include <errno.h>

#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/ipc/accountd.h"
#include "lib/ipc/client.h"
#include "lib/mail/imap_rights.h"

enum {
    ADMIN_TIMEOUT_MS = 60000, /* accountd may hash a password, or count */
    FRAME_SLACK = 512         /* header, tags and small fields of one frame */
};

static void
result_fail(struct authd_result *result, enum authd_failure failure, const char *text)
{
    *result = (struct authd_result){.step = AUTHD_STEP_FAIL, .dir_fd = -1};
    result->fail.failure = (uint8_t)failure;
    result->fail.text = slice_of(text);
}

/* Takes the reply apart; the descriptor goes to the caller with OK and is closed otherwise. */
static int
take_reply(const struct ipc_reply *reply, struct authd_result *result)
{
    *result = (struct authd_result){.step = AUTHD_STEP_FAIL, .dir_fd = -1};
    switch (reply->type) {
    case AUTHD_CHALLENGE:
        result->step = AUTHD_STEP_CHALLENGE;
        return authd_data_decode(reply->payload, &result->challenge);
    case AUTHD_OK:
        if (authd_ok_decode(reply->payload, &result->ok) < 0)
            return -1;
        result->step = AUTHD_STEP_OK;
        result->challenge = result->ok.data;
        result->dir_fd = reply->fd;
        return 0;
    case AUTHD_FAIL:
        return authd_fail_decode(reply->payload, &result->fail);
    default:
        return -1;
    }
}

static void
exchange(struct ipc_client *auth, struct strbuf *request, struct authd_result *result)
{
    struct ipc_reply reply = {.fd = -1};

    if (auth == NULL || request->overflow ||
        ipc_client_call(auth, request, -1, AUTHD_TIMEOUT_MS, &reply) < 0) {
        result_fail(result, AUTHD_TEMPORARY, "Authentication is not available, try again later");
        return;
    }
    if (take_reply(&reply, result) < 0)
        result_fail(result, AUTHD_TEMPORARY, "Authentication failed inside the server");
    if (reply.fd >= 0 && result->dir_fd != reply.fd)
        close_keep_errno(reply.fd);
}

/* Room for all of it at once: growing would leave copies of a secret in freed memory. */
static struct strbuf
request_new(size_t content)
{
    struct strbuf request = strbuf_new(AUTHD_PAYLOAD_MAX);

    (void)strbuf_room(&request, content + FRAME_SLACK); /* a refusal shows again at the append */
    return request;
}

static void
request_free(struct strbuf *request)
{
    if (request->ptr != NULL)
        mem_wipe(request->ptr, request->cap);
    strbuf_free(request);
}

void
authd_call_start(struct ipc_client *auth, const struct authd_start *start,
                 struct authd_result *result)
{
    struct strbuf request = request_new(start->initial.len);

    if (start->mechanism.len > AUTHD_MECHANISM_MAX)
        result_fail(result, AUTHD_BAD_MECHANISM, "Unknown authentication mechanism");
    else if (start->initial.len > AUTHD_SASL_MAX || authd_start_encode(&request, start) < 0)
        result_fail(result, AUTHD_BAD_MESSAGE, "Authentication message is too long");
    else
        exchange(auth, &request, result);
    request_free(&request);
}

void
authd_call_step(struct ipc_client *auth, struct slice response, struct authd_result *result)
{
    struct strbuf request = request_new(response.len);

    if (response.len <= AUTHD_SASL_MAX &&
        authd_data_encode(&request, AUTHD_STEP, 0, response) == 0) {
        exchange(auth, &request, result);
    } else {
        authd_call_cancel(auth);
        result_fail(result, AUTHD_BAD_MESSAGE, "Authentication message is too long");
    }
    request_free(&request);
}

void
authd_call_cancel(struct ipc_client *auth)
{
    struct strbuf request = strbuf_new(AUTHD_PAYLOAD_MAX);
    struct authd_result ignored = {.dir_fd = -1}; /* FAIL with CANCELLED, or authd is gone */

    if (authd_data_encode(&request, AUTHD_CANCEL, 0, SLICE("")) == 0)
        exchange(auth, &request, &ignored);
    if (ignored.dir_fd >= 0)
        close_keep_errno(ignored.dir_fd);
    strbuf_free(&request);
}

int
authd_call_folder(struct ipc_client *auth, struct authd_folder *folder, int *dir_fd)
{
    struct frame_header header;
    struct ipc_reply message = {.fd = -1};

    if (ipc_client_receive(auth, AUTHD_TIMEOUT_MS, &header, &message) < 0)
        return -1;
    if (message.type == AUTHD_FOLDER && authd_folder_decode(message.payload, folder) == 0 &&
        (message.fd >= 0) == ((folder->rights & RIGHTS_IN_DIRECTORY) != 0)) {
        *dir_fd = message.fd;
        return 0;
    }
    close_keep_errno(message.fd);
    return -1;
}

int
authd_call_acl(struct ipc_client *auth, const struct accountd_acl *request,
               struct accountd_acl_reply *reply, struct accountd_acl_entry *entries)
{
    struct strbuf frame = strbuf_new(AUTHD_PAYLOAD_MAX);
    struct ipc_reply answer = {.fd = -1};
    int rc = -1;

    if (auth != NULL && accountd_acl_encode(&frame, AUTHD_ACL, request) == 0)
        rc = ipc_client_call(auth, &frame, -1, AUTHD_TIMEOUT_MS, &answer);
    if (rc == 0 && (answer.type != AUTHD_ACL_REPLY ||
                    accountd_acl_reply_decode(answer.payload, reply, entries) < 0))
        rc = -1;
    close_keep_errno(answer.fd);
    strbuf_free(&frame);
    return rc;
}

void
authd_call_quota(struct ipc_client *auth, const struct accountd_quota *request,
                 struct accountd_quota_reply *reply)
{
    struct strbuf frame = strbuf_new(AUTHD_PAYLOAD_MAX);
    struct ipc_reply answer = {.fd = -1};
    int rc = -1;

    if (auth != NULL && accountd_quota_encode(&frame, AUTHD_QUOTA, request) == 0)
        rc = ipc_client_call(auth, &frame, -1, AUTHD_TIMEOUT_MS, &answer);
    if (rc < 0 || answer.type != AUTHD_QUOTA_REPLY ||
        accountd_quota_reply_decode(answer.payload, reply) < 0)
        *reply = (struct accountd_quota_reply){.result = ACCOUNTD_QUOTA_AWAY};
    close_keep_errno(answer.fd);
    strbuf_free(&frame);
}

int
authd_call_charge(struct ipc_client *auth, const struct authd_charge *charge, uint32_t *uidvalidity)
{
    struct strbuf frame = strbuf_new(AUTHD_PAYLOAD_MAX);
    struct authd_charged charged = {.error = EBUSY};
    struct ipc_reply answer = {.fd = -1};
    int rc = -1;

    if (auth != NULL && authd_charge_encode(&frame, charge) == 0)
        rc = ipc_client_call(auth, &frame, -1, AUTHD_TIMEOUT_MS, &answer);
    if (rc == 0 &&
        (answer.type != AUTHD_CHARGED || authd_charged_decode(answer.payload, &charged) < 0))
        charged = (struct authd_charged){.error = EBUSY};
    close_keep_errno(answer.fd);
    strbuf_free(&frame);
    *uidvalidity = charged.uidvalidity;
    errno = (int)charged.error;
    return charged.error == 0 ? 0 : -1;
}

int
authd_call_folder_change(struct ipc_client *auth, const struct authd_folder_change *change,
                         struct authd_folder_changed *changed)
{
    struct strbuf frame = strbuf_new(AUTHD_PAYLOAD_MAX);
    struct ipc_reply answer = {.fd = -1};
    int rc = -1;

    *changed = (struct authd_folder_changed){.error = EBUSY};
    if (auth != NULL && authd_folder_change_encode(&frame, change) == 0)
        rc = ipc_client_call(auth, &frame, -1, AUTHD_TIMEOUT_MS, &answer);
    if (rc == 0 && (answer.type != AUTHD_FOLDER_CHANGED ||
                    authd_folder_changed_decode(answer.payload, changed) < 0))
        *changed = (struct authd_folder_changed){.error = EBUSY};
    close_keep_errno(answer.fd);
    strbuf_free(&frame);
    errno = (int)changed->error;
    return changed->error == 0 ? 0 : -1;
}

int
authd_call_url(struct ipc_client *auth, struct slice url, uint64_t *size)
{
    struct authd_url_reply reply = {.result = AUTHD_URL_LATER};
    struct strbuf frame = strbuf_new(AUTHD_REQUEST_MAX);
    struct ipc_reply answer = {.fd = -1};
    int rc = -1;

    if (url.len > AUTHD_URL_MAX || slice_index(url, '\0') < url.len)
        reply.result = AUTHD_URL_REFUSED;
    else if (auth != NULL && authd_data_encode(&frame, AUTHD_URL, 0, url) == 0)
        rc = ipc_client_call(auth, &frame, -1, AUTHD_TIMEOUT_MS, &answer);
    if (rc == 0 &&
        (answer.type != AUTHD_URL_REPLY || authd_url_reply_decode(answer.payload, &reply) < 0 ||
         (answer.fd >= 0) != (reply.result == AUTHD_URL_GRANTED)))
        reply.result = AUTHD_URL_LATER;
    strbuf_free(&frame);
    *size = reply.size;
    if (reply.result == AUTHD_URL_GRANTED)
        return answer.fd;
    close_keep_errno(answer.fd);
    errno = reply.result == AUTHD_URL_REFUSED ? ENOENT : EBUSY;
    return -1;
}

int
authd_call_customer(struct ipc_client *auth)
{
    struct strbuf frame = strbuf_new(AUTHD_REQUEST_MAX);
    struct ipc_reply answer = {.fd = -1};
    int rc = authd_data_encode(&frame, AUTHD_CUSTOMER, 0, SLICE(""));

    if (rc == 0 && auth != NULL)
        rc = ipc_client_call(auth, &frame, -1, AUTHD_TIMEOUT_MS, &answer);
    strbuf_free(&frame);
    if (rc == 0 && answer.type == AUTHD_CUSTOMER_REPLY)
        return answer.fd;
    close_keep_errno(answer.fd);
    return -1;
}

int
authd_call_admin(struct ipc_client *auth, const struct accountd_admin *request,
                 struct accountd_admin_reply *reply)
{
    struct strbuf frame = strbuf_new(AUTHD_ADMIN_REQUEST_MAX);
    struct ipc_reply answer = {.fd = -1};
    int rc = -1;

    if (auth != NULL && accountd_admin_encode_as(&frame, AUTHD_ADMIN, request) == 0)
        rc = ipc_client_call(auth, &frame, -1, ADMIN_TIMEOUT_MS, &answer);
    if (rc == 0 && (answer.type != AUTHD_ADMIN_REPLY ||
                    accountd_admin_reply_decode(answer.payload, reply) < 0))
        rc = -1;
    close_keep_errno(answer.fd);
    request_free(&frame);
    return rc;
}

int
authd_call_token(struct ipc_client *auth, struct slice ended, struct strbuf *token)
{
    struct strbuf frame = strbuf_new(AUTHD_PAYLOAD_MAX);
    struct ipc_reply answer = {.fd = -1};
    struct slice data = SLICE("");
    int rc = -1;

    if (auth != NULL && authd_data_encode(&frame, AUTHD_TOKEN, 0, ended) == 0)
        rc = ipc_client_call(auth, &frame, -1, AUTHD_TIMEOUT_MS, &answer);
    if (rc == 0 &&
        (answer.type != AUTHD_TOKEN_REPLY || authd_data_decode(answer.payload, &data) < 0))
        rc = -1;
    close_keep_errno(answer.fd);
    request_free(&frame);
    if (rc == 0)
        rc = strbuf_append(token, data) ? 0 : -1;
    return rc;
}

/* RFC 4616 section 2: no authorization identity; neither part may hold a NUL. */
static bool
plain_message(struct strbuf *out, struct slice name, struct slice password)
{
    if (slice_index(name, '\0') < name.len || slice_index(password, '\0') < password.len)
        return false;
    return strbuf_char(out, '\0') && strbuf_append(out, name) && strbuf_char(out, '\0') &&
           strbuf_append(out, password);
}

void
authd_call_login(struct ipc_client *auth, const struct authd_login *login,
                 struct authd_result *result)
{
    struct strbuf message = strbuf_new(AUTHD_SASL_MAX);
    struct authd_start start = {
        .mechanism = SLICE("PLAIN"), .has_initial = true, .tls = login->tls, .host = login->host};

    (void)strbuf_room(&message,
                      login->name.len + login->password.len + 2); /* the appends will tell */
    if (plain_message(&message, login->name, login->password)) {
        start.initial = strbuf_slice(&message);
        authd_call_start(auth, &start, result);
    } else {
        result_fail(result, AUTHD_BAD_CREDENTIALS, "Wrong user name or password");
    }
    request_free(&message);
}
