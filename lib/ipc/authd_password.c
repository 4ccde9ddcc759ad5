/*
 * lib/ipc/authd_password.c - a user's new password, from an LDAP session to authd.
 */
#include "lib/ipc/authd_password.h"

#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/ipc/authd_call.h"
#include "lib/ipc/client.h"

#define CALL_TIMEOUT_MS 60000 /* a proof, the old passwords and the new one: a hash each */

int
authd_password_encode(struct strbuf *out, const struct authd_password *password)
{
    struct writer w = frame_begin(out, AUTHD_PASSWORD, 0);

    writer_u8(&w, password->tls);
    writer_bytes(&w, password->host);
    writer_bytes(&w, password->name);
    writer_bytes(&w, password->old);
    writer_bytes(&w, password->wanted);
    return frame_end(&w);
}

int
authd_password_decode(struct slice payload, struct authd_password *password)
{
    struct reader r = reader_begin(payload);

    password->tls = reader_u8(&r) != 0;
    password->host = reader_bytes(&r, AUTHD_HOST_MAX);
    password->name = reader_bytes(&r, AUTHD_PASSWORD_NAME_MAX);
    password->old = reader_bytes(&r, AUTHD_PASSWORD_BYTES_MAX);
    password->wanted = reader_bytes(&r, AUTHD_PASSWORD_BYTES_MAX);
    return reader_end(&r);
}

int
authd_password_reply_encode(struct strbuf *out, uint32_t id,
                            const struct authd_password_reply *reply)
{
    struct writer w = frame_begin(out, AUTHD_PASSWORD_REPLY, id);

    writer_u8(&w, reply->result);
    writer_bytes(&w, slice_sub(reply->text, 0, AUTHD_PASSWORD_TEXT_MAX));
    writer_bytes(&w, reply->made_up);
    return frame_end(&w);
}

int
authd_password_reply_decode(struct slice payload, struct authd_password_reply *reply)
{
    struct reader r = reader_begin(payload);

    reply->result = reader_u8(&r);
    reply->text = reader_bytes(&r, AUTHD_PASSWORD_TEXT_MAX);
    reply->made_up = reader_bytes(&r, AUTHD_PASSWORD_BYTES_MAX);
    return reply->result > AUTHD_PASSWORD_LATER ? -1 : reader_end(&r);
}

bool
authd_call_password(struct ipc_client *auth, const struct authd_password *password,
                    struct authd_password_reply *reply, struct authd_fail *fail)
{
    struct strbuf frame = strbuf_new(AUTHD_REQUEST_MAX);
    struct ipc_reply answer = {.fd = -1};
    bool is_reply;
    int rc = -1;

    *fail = (struct authd_fail){AUTHD_TEMPORARY, SLICE("")};
    if (auth != NULL && authd_password_encode(&frame, password) == 0)
        rc = ipc_client_call(auth, &frame, -1, CALL_TIMEOUT_MS, &answer);
    is_reply = rc == 0 && answer.type == AUTHD_PASSWORD_REPLY &&
               authd_password_reply_decode(answer.payload, reply) == 0;
    if (rc == 0 && answer.type == AUTHD_FAIL && authd_fail_decode(answer.payload, fail) < 0)
        *fail = (struct authd_fail){AUTHD_TEMPORARY, SLICE("")};
    close_keep_errno(answer.fd);
    if (frame.ptr != NULL)
        mem_wipe(frame.ptr, frame.cap);
    strbuf_free(&frame);
    return is_reply;
}
