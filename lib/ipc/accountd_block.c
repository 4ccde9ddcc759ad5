/*
 * lib/ipc/accountd_block.c - encoders and decoders of what authd and accountd say of blocks. As
 * lib/ipc/accountd.c says.
 */
#include "lib/ipc/accountd_block.h"

#include "lib/ipc/accountd.h"

static void
write_block(struct writer *w, const struct block *block)
{
    writer_u8(w, block->kind);
    writer_u8(w, block->cause);
    writer_bytes(w, block->name);
    writer_bytes(w, block->reason);
    writer_u64(w, (uint64_t)block->start_ms);
    writer_u64(w, (uint64_t)block->end_ms);
}

static bool
kind_is_known(uint8_t kind)
{
    return kind == BLOCK_ADDRESS || kind == BLOCK_ADMIN_ADDRESS || kind == BLOCK_USER ||
           kind == BLOCK_SENDING;
}

static void
read_block(struct reader *r, struct block *block)
{
    block->kind = reader_u8(r);
    block->cause = reader_u8(r);
    block->name = reader_bytes(r, BLOCK_NAME_MAX);
    block->reason = reader_bytes(r, BLOCK_REASON_MAX);
    block->start_ms = (int64_t)reader_u64(r);
    block->end_ms = (int64_t)reader_u64(r);
    if (!kind_is_known(block->kind) || block->cause > BLOCK_SAME_SUBJECT || block->name.len == 0 ||
        block->start_ms < 0 || block->end_ms < 0 ||
        slice_index(block->reason, '\n') < block->reason.len)
        r->failed = true;
}

int
accountd_block_encode(struct strbuf *out, const struct block *block)
{
    struct writer w = frame_begin(out, ACCOUNTD_BLOCK, 0);

    write_block(&w, block);
    return frame_end(&w);
}

int
accountd_block_decode(struct slice payload, struct block *block)
{
    struct reader r = reader_begin(payload);

    read_block(&r, block);
    return reader_end(&r);
}

int
accountd_blocks_encode(struct strbuf *out, uint64_t known)
{
    struct writer w = frame_begin(out, ACCOUNTD_BLOCKS, 0);

    writer_u64(&w, known);
    return frame_end(&w);
}

int
accountd_blocks_decode(struct slice payload, uint64_t *known)
{
    struct reader r = reader_begin(payload);

    *known = reader_u64(&r);
    return reader_end(&r);
}

int
accountd_blocks_reply_encode(struct strbuf *out, uint32_t id, const struct accountd_blocks *blocks)
{
    struct writer w = frame_begin(out, ACCOUNTD_BLOCKS_REPLY, id);

    writer_u64(&w, blocks->number);
    writer_u8(&w, blocks->anew);
    writer_u8(&w, blocks->more);
    writer_u32(&w, blocks->count);
    for (uint32_t i = 0; i < blocks->count; i++)
        write_block(&w, &blocks->items[i]);
    return frame_end(&w);
}

int
accountd_blocks_reply_decode(struct slice payload, struct accountd_blocks *blocks,
                             struct block items[ACCOUNTD_BLOCKS_MAX])
{
    struct reader r = reader_begin(payload);
    uint8_t anew, more;

    blocks->number = reader_u64(&r);
    anew = reader_u8(&r);
    more = reader_u8(&r);
    blocks->anew = anew == 1;
    blocks->more = more == 1;
    blocks->items = items;
    blocks->count = reader_count(&r, ACCOUNTD_BLOCKS_MAX);
    for (uint32_t i = 0; i < blocks->count && !r.failed; i++)
        read_block(&r, &items[i]);
    return reader_end(&r) < 0 || anew > 1 || more > 1 ? -1 : 0;
}
