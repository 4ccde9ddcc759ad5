/*
 * fuzz/fuzz_archive_chain.c - lines of the archive's chain: any bytes are read or refused, and what
 * was read is written again as it was.
 */
#include <stdint.h>

#include "lib/archive/chain.h"
#include "lib/base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The recipients in the form that the writer takes. */
static void
put_plain(struct strbuf *out, struct slice rcpts)
{
    struct slice rcpt;

    while (chain_next_rcpt(&rcpts, &rcpt)) {
        chain_plain(rcpt, out);
        (void)strbuf_char(out, '\n');
    }
}

/* Twice through writer and reader gives the same: escapes are written in one way only. */
static void
write_again(const struct chain_entry *e)
{
    struct strbuf sender = strbuf_new(CHAIN_LINE_MAX), rcpts = strbuf_new(CHAIN_LINE_MAX),
                  first = strbuf_new(CHAIN_LINE_MAX);
    struct chain_entry plain = *e, read;

    chain_plain(e->sender, &sender);
    put_plain(&rcpts, e->rcpts);
    plain.sender = strbuf_slice(&sender);
    plain.rcpts = strbuf_slice(&rcpts);
    chain_encode(&first, &plain);
    assert_always(chain_decode(strbuf_slice(&first), &read) == 0);
    assert_always(read.number == e->number && read.size == e->size);
    assert_always(slice_eq(read.id, e->id) && slice_eq(read.sha256, e->sha256));
    assert_always(slice_eq(read.previous, e->previous) && slice_eq(read.time, e->time));
    strbuf_free(&sender);
    strbuf_free(&rcpts);
    strbuf_free(&first);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct chain_entry e;

    if (chain_decode(slice_make(data, size), &e) < 0)
        return 0;
    assert_always(chain_is_id(e.id));
    write_again(&e);
    return 0;
}
