/*
 * fuzz/fuzz_fts_posting_list.c - lists of a full-text index: a damaged one sets no bit outside its
 * batch, a whole one comes back.
 *
 * The first two bytes say how many messages the batch has, the rest is the list.
 */
#include <stdint.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/fts/posting_list.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool
is_inside(const struct posting_bits *bits, uint32_t from, uint32_t to)
{
    for (uint32_t i = 0; i < POSTING_MESSAGES_MAX; i++)
        if ((bits->words[i / 64] >> i % 64 & 1) != 0 && (i < from || i >= to))
            return false;
    return true;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct posting_bits bits = {{0}}, moved = {{0}}, again = {{0}};
    struct strbuf list = strbuf_new(POSTING_MESSAGES_MAX);
    uint32_t count, base;
    struct slice in;

    if (size < 2)
        return 0;
    count = (uint32_t)(data[0] | data[1] << 8) % POSTING_MESSAGES_MAX + 1;
    base = POSTING_MESSAGES_MAX - count;
    in = slice_make(data + 2, size - 2);
    if (posting_list_read(in, count, 0, &bits)) {
        posting_list_write(&bits, count, &list);
        assert_always(posting_list_read(strbuf_slice(&list), count, 0, &again));
        assert_always(memcmp(&bits, &again, sizeof(bits)) == 0);
    }
    assert_always(is_inside(&bits, 0, count));
    (void)posting_list_read(in, count, base, &moved);
    assert_always(is_inside(&moved, base, POSTING_MESSAGES_MAX));
    strbuf_free(&list);
    return 0;
}
