/*
 * lib/ipc/accountd_totp.c - encoders and decoders of TOTP. As lib/ipc/accountd.c says.
 */
#include "lib/ipc/accountd_totp.h"

int
accountd_totp_encode(struct strbuf *out, const struct accountd_totp *totp)
{
    struct writer w = frame_begin(out, ACCOUNTD_TOTP, 0);

    writer_bytes(&w, totp->name);
    writer_bytes(&w, totp->code);
    return frame_end(&w);
}

int
accountd_totp_decode(struct slice payload, struct accountd_totp *totp)
{
    struct reader r = reader_begin(payload);

    totp->name = reader_bytes(&r, ACCOUNTD_ADDRESS_MAX);
    totp->code = reader_bytes(&r, ACCOUNTD_TOTP_CODE_MAX);
    return reader_end(&r);
}

int
accountd_totp_reply_encode(struct strbuf *out, uint32_t id, uint8_t verdict)
{
    struct writer w = frame_begin(out, ACCOUNTD_TOTP_REPLY, id);

    writer_u8(&w, verdict);
    return frame_end(&w);
}

int
accountd_totp_reply_decode(struct slice payload, uint8_t *verdict)
{
    struct reader r = reader_begin(payload);

    *verdict = reader_u8(&r);
    return *verdict <= ACCOUNTD_TOTP_LATER ? reader_end(&r) : -1;
}
