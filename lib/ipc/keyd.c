/*
 * lib/ipc/keyd.c - codec of keyd's socket. Untrusted input, no I/O.
 */
#include "lib/ipc/keyd.h"

#include "lib/base/parse.h"
#include "lib/dkim/arc.h"

int
keyd_sign_encode(struct strbuf *out, const struct keyd_sign *request)
{
    struct writer w = frame_begin(out, KEYD_SIGN, 0);

    writer_u64(&w, request->offset);
    writer_u64(&w, request->size);
    writer_bytes(&w, request->prepend);
    writer_bytes(&w, request->user);
    writer_bytes(&w, request->sender);
    writer_u8(&w, request->seal);
    writer_u8(&w, request->cv);
    writer_bytes(&w, request->results);
    return frame_end(&w);
}

int
keyd_sign_decode(struct slice payload, struct keyd_sign *request)
{
    struct reader r = reader_begin(payload);

    request->offset = reader_u64(&r);
    request->size = reader_u64(&r);
    request->prepend = reader_bytes(&r, KEYD_PREPEND_MAX);
    request->user = reader_bytes(&r, KEYD_ADDRESS_MAX);
    request->sender = reader_bytes(&r, KEYD_ADDRESS_MAX);
    request->seal = reader_u8(&r) != 0;
    request->cv = reader_u8(&r);
    request->results = reader_bytes(&r, KEYD_TEXT_MAX);
    if (request->cv > ARC_FAIL || !parse_is_ascii_print(request->results))
        return -1;
    if (request->offset > INT64_MAX || request->size > INT64_MAX - request->offset)
        return -1; /* no file is so long */
    return reader_end(&r);
}

int
keyd_signed_encode(struct strbuf *out, uint32_t id, const struct keyd_signed *answer)
{
    struct writer w = frame_begin(out, KEYD_SIGNED, id);

    writer_u8(&w, answer->result);
    writer_bytes(&w, answer->fields);
    writer_bytes(&w, answer->domain);
    writer_bytes(&w, slice_sub(answer->reason, 0, KEYD_TEXT_MAX));
    return frame_end(&w);
}

int
keyd_signed_decode(struct slice payload, struct keyd_signed *answer)
{
    struct reader r = reader_begin(payload);

    answer->result = reader_u8(&r);
    answer->fields = reader_bytes(&r, KEYD_FIELDS_MAX);
    answer->domain = reader_bytes(&r, KEYD_ADDRESS_MAX);
    answer->reason = reader_bytes(&r, KEYD_TEXT_MAX);
    if (answer->result > KEYD_LATER || (answer->result == KEYD_DONE) != (answer->fields.len > 0))
        return -1;
    return reader_end(&r);
}

int
keyd_reload_encode(struct strbuf *out)
{
    struct writer w = frame_begin(out, KEYD_RELOAD, 0);

    return frame_end(&w);
}

int
keyd_reloaded_encode(struct strbuf *out, uint32_t id, const struct keyd_reloaded *answer)
{
    struct writer w = frame_begin(out, KEYD_RELOADED, id);

    writer_u32(&w, answer->domains);
    writer_bytes(&w, slice_sub(answer->errors, 0, KEYD_FIELDS_MAX));
    return frame_end(&w);
}

int
keyd_reloaded_decode(struct slice payload, struct keyd_reloaded *answer)
{
    struct reader r = reader_begin(payload);

    answer->domains = reader_u32(&r);
    answer->errors = reader_bytes(&r, KEYD_FIELDS_MAX);
    return reader_end(&r);
}
