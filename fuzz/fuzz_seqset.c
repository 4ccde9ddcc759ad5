/*
 * fuzz/fuzz_seqset.c - sequence sets: parsed, resolved, asked, and written again.
 *
 * The first byte is what '*' stands for.
 */
// LINK: imapd/parser.c
// LINK: imapd/seqset.c
#include <string.h>

#include "imapd/seqset.h"
#include "lib/base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ASKED = 300, TEXT_MAX = 65536 };

/* Whether a number is in the set as it was written, without any cleverness. */
static bool
is_in(const struct seqset *raw, uint32_t star, uint32_t number)
{
    for (size_t i = 0; i < raw->count; i++) {
        uint32_t a = raw->ranges[i].first, b = raw->ranges[i].last;

        if ((a == 0 && star == 0) || (b == 0 && star == 0))
            continue; /* '*' of an empty mailbox */
        a = a == 0 ? star : a;
        b = b == 0 ? star : b;
        if (number >= (a < b ? a : b) && number <= (a < b ? b : a))
            return true;
    }
    return false;
}

static void
check_written(const uint32_t *numbers, size_t count, struct arena *arena)
{
    struct strbuf text = strbuf_new(TEXT_MAX);
    struct seqset again;
    struct parser p;

    if (count == 0)
        return;
    seqset_write(numbers, count, &text);
    p = parser_begin(strbuf_slice(&text), arena);
    assert_always(seqset_parse_numbers(&p, &again) && p.rest.len == 0);
    seqset_resolve(&again, 0);
    for (size_t i = 0; i < count; i++)
        assert_always(seqset_contains(&again, numbers[i]));
    strbuf_free(&text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = {NULL};
    struct seqset set, raw;
    uint32_t star, numbers[ASKED];
    size_t count = 0;
    struct parser p;

    if (size == 0)
        return 0;
    star = data[0];
    p = parser_begin(slice_make(data + 1, size - 1), &arena);
    if (seqset_parse(&p, &set)) {
        raw = set;
        raw.ranges = arena_alloc(&arena, set.count * sizeof(*raw.ranges) + 1);
        if (set.count > 0)
            memcpy(raw.ranges, set.ranges, set.count * sizeof(*raw.ranges));
        seqset_resolve(&set, star);
        for (size_t i = 0; i < set.count; i++) {
            assert_always(set.ranges[i].first > 0 && set.ranges[i].first <= set.ranges[i].last);
            assert_always(i == 0 || set.ranges[i].first > set.ranges[i - 1].last + 1);
        }
        for (uint32_t n = 1; n <= ASKED; n++) {
            assert_always(seqset_contains(&set, n) == is_in(&raw, star, n));
            if (seqset_contains(&set, n))
                numbers[count++] = n;
        }
        check_written(numbers, count, &arena);
    }
    arena_free(&arena);
    return 0;
}
