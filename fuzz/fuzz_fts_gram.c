/*
 * fuzz/fuzz_fts_gram.c - grams of a full-text index: no part of a text is ever missed.
 *
 * The first four bytes say where a search string begins in the text that follows, and how long it
 * is; the borders may lie inside a character. The text is fed as a whole and in pieces.
 */
#include <stdint.h>

#include "lib/base/mem.h"
#include "lib/mail/casemap.h"
#include "lib/mail/utf8.h"
#include "t/unit/gram_check.h"

enum { TEXT_MAX = 4096 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
feed_character_by_character(struct gram_set *set, struct slice text)
{
    while (text.len > 0) {
        struct slice before = text;
        uint32_t code;

        if (!utf8_next(&text, &code))
            text = slice_sub(text, 1, text.len);
        gram_set_feed(set, slice_sub(before, 0, before.len - text.len));
    }
    gram_set_gap(set);
}

/* Kept from run to run: a set that was used and cleared must be as good as a new one. */
static struct gram_set *text, *pieces, *needle;

static void
begin(void)
{
    if (text == NULL) {
        text = gram_set_new(GRAM_TEXT);
        pieces = gram_set_new(GRAM_TEXT);
        needle = gram_set_new(GRAM_NEEDLE);
    }
    gram_set_clear(text);
    gram_set_clear(pieces);
    gram_set_clear(needle);
}

static void
check(struct slice all, struct slice part)
{
    begin();
    gram_set_feed(text, all);
    gram_set_gap(text);
    feed_character_by_character(pieces, all);
    assert_always(gram_set_count(text) == gram_set_count(pieces));
    assert_always(gram_check_covers(text, pieces));
    gram_set_feed(needle, part);
    gram_set_gap(needle);
    assert_always(gram_check_covers(text, needle));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct strbuf folded = strbuf_new((size_t)TEXT_MAX * CASEMAP_GROWTH);
    struct slice all, part;

    if (size < 4 || size > TEXT_MAX)
        return 0;
    assert_always(casemap_text(slice_make(data + 4, size - 4), &folded));
    all = strbuf_slice(&folded);
    part = slice_sub(all, (size_t)(data[0] | data[1] << 8) % (all.len + 1), all.len);
    part = slice_sub(part, 0, (size_t)(data[2] | data[3] << 8) % (part.len + 1));
    check(all, part);
    check(all, all);
    strbuf_free(&folded);
    return 0;
}
