/*
 * lib/ipc/accountd_block.h - what authd and accountd say to each other of blocks.
 *
 * accountd keeps them, authd follows: it says up to which change it knows them (0: none) and is
 * answered at once if there is more, else with the next change.
 */
#ifndef POSTHORN_LIB_IPC_ACCOUNTD_BLOCK_H
#define POSTHORN_LIB_IPC_ACCOUNTD_BLOCK_H

#include "lib/auth/block_list.h"
#include "lib/ipc/frame.h"

#define ACCOUNTD_BLOCKS_MAX 500 /* in one answer: whoever lacks more asks again */

/* ---- BLOCK: authd has found one; answered by OK ---- */
int accountd_block_encode(struct strbuf *out, const struct block *block);
int accountd_block_decode(struct slice payload, struct block *block);

/* ---- BLOCKS and its answer ---- */
struct accountd_blocks {
    uint64_t number;     /* of the last change in here: `known` of the next question */
    bool anew;           /* forget everything first */
    bool more;           /* ask again: there is more already */
    struct block *items; /* decode: the caller's array */
    uint32_t count;
};
int accountd_blocks_encode(struct strbuf *out, uint64_t known);
int accountd_blocks_decode(struct slice payload, uint64_t *known);
int accountd_blocks_reply_encode(struct strbuf *out, uint32_t id,
                                 const struct accountd_blocks *blocks);
int accountd_blocks_reply_decode(struct slice payload, struct accountd_blocks *blocks,
                                 struct block items[ACCOUNTD_BLOCKS_MAX]);

#endif
