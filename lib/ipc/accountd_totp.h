/*
 * lib/ipc/accountd_totp.h - TOTP: authd asks whether a code is the one that an administrator's
 * authenticator shows. accountd has the key, and takes a code once. Right and wrong alone are told.
 */
#ifndef POSTHORN_LIB_IPC_ACCOUNTD_TOTP_H
#define POSTHORN_LIB_IPC_ACCOUNTD_TOTP_H

#include "lib/ipc/accountd.h"

#define ACCOUNTD_TOTP_CODE_MAX 64

struct accountd_totp {
    struct slice name; /* canonical */
    struct slice code; /* as typed */
};
enum accountd_totp_verdict {
    ACCOUNTD_TOTP_RIGHT,
    ACCOUNTD_TOTP_WRONG,
    ACCOUNTD_TOTP_LATER /* the base failed, or the key cannot be opened: accountd's log says why */
};
int accountd_totp_encode(struct strbuf *out, const struct accountd_totp *totp);
int accountd_totp_decode(struct slice payload, struct accountd_totp *totp);
int accountd_totp_reply_encode(struct strbuf *out, uint32_t id, uint8_t verdict);
int accountd_totp_reply_decode(struct slice payload, uint8_t *verdict);

#endif
