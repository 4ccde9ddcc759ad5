/*
 * authd/second_step.c - after an administrator's password: the code of the authenticator.
 *
 * A wrong code counts as a wrong password does: six digits would be guessed soon otherwise.
 */
#include "authd/second_step.h"

#include "authd/outcome.h"
#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/ipc/accountd_totp.h"

enum { TIMEOUT_MS = 10000, REQUEST_MAX = 4096 };

bool
second_step_begin(struct session *s)
{
    enum second_step policy = s->server->admin_totp;

    if (policy == SECOND_STEP_OFF || (policy == SECOND_STEP_ON && !s->account.has_totp))
        return false;
    if (!s->account.has_totp) {
        outcome_refuse(s, AUTHD_NO_TOTP, "there is no authenticator, and admin.totp is required");
    } else {
        s->awaits_code = true;
        session_send_challenge(s, SLICE(""));
    }
    return true;
}

static void
checked(void *arg, const struct frame_header *header, struct slice payload, int fd)
{
    struct session *s = arg;
    uint8_t verdict = ACCOUNTD_TOTP_LATER;

    close_keep_errno(fd);
    if (!session_release(s))
        return;
    if (header == NULL || header->type != ACCOUNTD_TOTP_REPLY ||
        accountd_totp_reply_decode(payload, &verdict) < 0)
        verdict = ACCOUNTD_TOTP_LATER;
    if (verdict == ACCOUNTD_TOTP_RIGHT)
        s->code_proved(s);
    else if (verdict == ACCOUNTD_TOTP_WRONG)
        outcome_refuse(s, AUTHD_BAD_CREDENTIALS, "wrong code of the authenticator");
    else
        outcome_refuse(s, AUTHD_TEMPORARY, "accountd cannot check the code");
}

void
second_step_message(struct session *s, struct slice code, void (*proved)(struct session *s))
{
    struct strbuf request = strbuf_new(REQUEST_MAX);
    const struct accountd_totp totp = {.name = slice_of(s->account.user), .code = code};

    s->awaits_code = false;
    if (code.len > ACCOUNTD_TOTP_CODE_MAX) {
        outcome_refuse(s, AUTHD_BAD_MESSAGE, "the code is too long");
        return;
    }
    s->code_proved = proved;
    assert_always(accountd_totp_encode(&request, &totp) == 0);
    session_hold(s);
    ipc_async_call(s->server->accounts, &request, TIMEOUT_MS, checked, s);
    strbuf_free(&request);
}
