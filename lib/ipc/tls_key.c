/*
 * lib/ipc/tls_key.c - codec of run/tls-keys.sock. Untrusted input, no I/O.
 */
#include "lib/ipc/tls_key.h"

int
tls_key_ask_encode(struct strbuf *out, uint32_t id, const struct tls_key_ask *ask)
{
    struct writer w = frame_begin(out, TLS_KEY_ASK, id);

    writer_bytes(&w, ask->key);
    writer_u16(&w, ask->scheme);
    writer_bytes(&w, ask->content);
    return frame_end(&w);
}

int
tls_key_answer_encode(struct strbuf *out, uint32_t id, const struct tls_key_answer *answer)
{
    struct writer w = frame_begin(out, TLS_KEY_ANSWER, id);

    writer_u8(&w, answer->result);
    writer_bytes(&w, answer->signature);
    return frame_end(&w);
}

/* The payload of a datagram that is one frame of this type. */
static int
unwrap(struct slice datagram, uint16_t type, uint32_t *id, struct slice *payload)
{
    struct frame_header header;

    if (datagram.len < FRAME_HEADER ||
        frame_header_decode(datagram.ptr, TLS_KEY_DATAGRAM_MAX, &header) < 0 ||
        header.type != type || header.length != datagram.len - FRAME_HEADER)
        return -1;
    *id = header.request_id;
    *payload = slice_sub(datagram, FRAME_HEADER, datagram.len);
    return 0;
}

int
tls_key_ask_decode(struct slice datagram, uint32_t *id, struct tls_key_ask *ask)
{
    struct slice payload;
    struct reader r;

    if (unwrap(datagram, TLS_KEY_ASK, id, &payload) < 0)
        return -1;
    r = reader_begin(payload);
    ask->key = reader_bytes(&r, TLS_KEY_ID);
    ask->scheme = reader_u16(&r);
    ask->content = reader_bytes(&r, TLS_KEY_CONTENT_MAX);
    return ask->key.len == TLS_KEY_ID ? reader_end(&r) : -1;
}

int
tls_key_answer_decode(struct slice datagram, uint32_t *id, struct tls_key_answer *answer)
{
    struct slice payload;
    struct reader r;

    if (unwrap(datagram, TLS_KEY_ANSWER, id, &payload) < 0)
        return -1;
    r = reader_begin(payload);
    answer->result = reader_u8(&r);
    answer->signature = reader_bytes(&r, TLS_KEY_SIGNATURE_MAX);
    if (answer->result > TLS_KEY_REFUSED ||
        (answer->result == TLS_KEY_SIGNED) != (answer->signature.len > 0))
        return -1;
    return reader_end(&r);
}
