/*
 * lib/ipc/accountd_means.c - MEANS and CODE_USED as bytes. No I/O.
 */
#include "lib/ipc/accountd_means.h"

enum { IP_BYTES_MAX = 64, DATE_MAX = 10 };

int
accountd_means_encode(struct strbuf *out, struct slice user)
{
    struct writer w = frame_begin(out, ACCOUNTD_MEANS, 0);

    writer_bytes(&w, user);
    return frame_end(&w);
}

int
accountd_means_decode(struct slice payload, struct slice *user)
{
    struct reader r = reader_begin(payload);

    *user = reader_bytes(&r, ACCOUNTD_ADDRESS_MAX);
    return reader_end(&r);
}

int
accountd_means_reply_encode(struct strbuf *out, uint32_t id, const struct accountd_means *means)
{
    struct writer w = frame_begin(out, ACCOUNTD_MEANS_REPLY, id);

    writer_u8(&w, means->known);
    writer_u8(&w, means->mail_password);
    writer_u8(&w, means->is_external);
    writer_bytes(&w, means->external);
    writer_bytes(&w, means->oauth.issuer);
    writer_bytes(&w, means->oauth.audience);
    writer_bytes(&w, means->oauth.claim);
    writer_bytes(&w, means->oauth.keys);
    writer_bytes(&w, means->oauth.introspection);
    writer_u32(&w, means->code_count);
    for (uint32_t i = 0; i < means->code_count; i++) {
        writer_bytes(&w, means->codes[i].id);
        writer_bytes(&w, means->codes[i].services);
        writer_bytes(&w, means->codes[i].addresses);
        writer_bytes(&w, means->codes[i].expires);
        writer_bytes(&w, means->codes[i].record);
    }
    return frame_end(&w);
}

int
accountd_means_reply_decode(struct slice payload, struct accountd_means *means,
                            struct accountd_code codes[ACCOUNTD_CODES_MAX])
{
    struct reader r = reader_begin(payload);
    uint8_t known = reader_u8(&r), mail_password = reader_u8(&r), is_external = reader_u8(&r);

    means->known = known == 1;
    means->mail_password = mail_password == 1;
    means->is_external = is_external == 1;
    means->external = reader_bytes(&r, ACCOUNTD_METHOD_MAX);
    means->oauth.issuer = reader_bytes(&r, ACCOUNTD_OAUTH_MAX);
    means->oauth.audience = reader_bytes(&r, ACCOUNTD_OAUTH_MAX);
    means->oauth.claim = reader_bytes(&r, ACCOUNTD_OAUTH_MAX);
    means->oauth.keys = reader_bytes(&r, ACCOUNTD_OAUTH_MAX);
    means->oauth.introspection = reader_bytes(&r, ACCOUNTD_OAUTH_MAX);
    means->codes = codes;
    means->code_count = reader_u32(&r);
    if (known > 1 || mail_password > 1 || is_external > 1 || means->code_count > ACCOUNTD_CODES_MAX)
        return -1;
    for (uint32_t i = 0; i < means->code_count; i++) {
        codes[i].id = reader_bytes(&r, ACCOUNTD_CODE_ID_MAX);
        codes[i].services = reader_bytes(&r, ACCOUNTD_SCOPE_MAX);
        codes[i].addresses = reader_bytes(&r, ACCOUNTD_SCOPE_MAX);
        codes[i].expires = reader_bytes(&r, DATE_MAX);
        codes[i].record = reader_bytes(&r, ACCOUNTD_RECORD_MAX);
    }
    return reader_end(&r);
}

int
accountd_code_used_encode(struct strbuf *out, const struct accountd_code_used *used)
{
    struct writer w = frame_begin(out, ACCOUNTD_CODE_USED, 0);

    writer_bytes(&w, used->user);
    writer_bytes(&w, used->id);
    writer_bytes(&w, used->client_ip);
    return frame_end(&w);
}

int
accountd_code_used_decode(struct slice payload, struct accountd_code_used *used)
{
    struct reader r = reader_begin(payload);

    used->user = reader_bytes(&r, ACCOUNTD_ADDRESS_MAX);
    used->id = reader_bytes(&r, ACCOUNTD_CODE_ID_MAX);
    used->client_ip = reader_bytes(&r, IP_BYTES_MAX);
    return reader_end(&r);
}
