/*
 * fuzz/fuzz_sort_text.c - base subjects, collation keys, identifiers: what SORT and THREAD read.
 */
#include <stdint.h>
#include <stdlib.h>

#include "lib/base/mem.h"
#include "lib/mail/base_subject.h"
#include "lib/mail/casemap.h"
#include "lib/mail/date.h"
#include "lib/mail/sort_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_base_subject(struct slice input)
{
    struct strbuf text = strbuf_new(input.len), again = strbuf_new(input.len);

    (void)strbuf_append(&text, input);
    (void)base_subject(&text);
    assert_always(text.len <= input.len);
    (void)strbuf_append(&again, strbuf_slice(&text));
    assert_always(!base_subject(&again)); /* it has no artifacts left */
    assert_always(slice_eq(strbuf_slice(&text), strbuf_slice(&again)));
    strbuf_free(&text);
    strbuf_free(&again);
}

static void
check_keys(struct slice input)
{
    struct strbuf key = strbuf_new(input.len * CASEMAP_GROWTH + 1), text = strbuf_new(key.max);

    assert_always(casemap_key(input, &key) && casemap_text(input, &text));
    assert_always(slice_starts(strbuf_slice(&key), SLICE("\xff")) ||
                  slice_eq(strbuf_slice(&key), strbuf_slice(&text)));
    strbuf_free(&key);
    strbuf_free(&text);
}

/* A header section gives texts that can be read; anything else may come back from the cache. */
static void
check_texts(struct slice input)
{
    struct strbuf text = strbuf_new(SORT_TEXT_MAX);
    struct sort_text got;
    struct slice rest, id;

    sort_text_write(input, &text);
    assert_always(!text.overflow && sort_text_read(strbuf_slice(&text), &got));
    strbuf_clear(&text);
    sort_text_write_ids(input, &text);
    rest = strbuf_slice(&text);
    assert_always(!text.overflow && sort_text_ids_begin(&rest));
    while (sort_text_ids_next(&rest, &id))
        continue;
    (void)sort_text_read(input, &got);
    strbuf_free(&text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice input = slice_make(data, size);
    int64_t sent_s;

    check_base_subject(input);
    check_keys(input);
    check_texts(input);
    (void)date_parse_sent(input, &sent_s);
    return 0;
}
