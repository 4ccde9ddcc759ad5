/*
 * lib/ipc/blockd.c - the question how blockd is, and its answer.
 */
#include "lib/ipc/blockd.h"

int
blockd_status_encode(struct strbuf *out)
{
    struct writer w = frame_begin(out, BLOCKD_STATUS, 0);

    return frame_end(&w);
}

int
blockd_status_decode(struct slice payload)
{
    struct reader r = reader_begin(payload);

    return reader_end(&r);
}

int
blockd_state_encode(struct strbuf *out, uint32_t id, const struct blockd_state *state)
{
    struct writer w = frame_begin(out, BLOCKD_STATE, id);

    writer_u8(&w, state->condition);
    writer_u32(&w, state->addresses);
    writer_u64(&w, state->lost);
    writer_bytes(&w, slice_sub(state->why, 0, BLOCKD_TEXT_MAX));
    return frame_end(&w);
}

int
blockd_state_decode(struct slice payload, struct blockd_state *state)
{
    struct reader r = reader_begin(payload);

    state->condition = reader_u8(&r);
    state->addresses = reader_u32(&r);
    state->lost = reader_u64(&r);
    state->why = reader_bytes(&r, BLOCKD_TEXT_MAX);
    return reader_end(&r) < 0 || state->condition > BLOCKD_FAILED ? -1 : 0;
}
