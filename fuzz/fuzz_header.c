/*
 * fuzz/fuzz_header.c - header sections and dates.
 */
#include <stdint.h>
#include <stdlib.h>

#include "lib/base/mem.h"
#include "lib/mail/date.h"
#include "lib/mail/header.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice rest = slice_make(data, size);
    struct strbuf body = strbuf_new(size);
    struct header_summary summary;
    struct header_field field;
    struct date date;
    size_t before = rest.len;

    header_summarize(rest, 1000, &summary);
    (void)date_parse(rest, &date);
    assert_always(header_section_len(rest, 0) <= size);
    while (header_next(&rest, &field) == HEADER_FIELD) {
        assert_always(rest.len < before);
        before = rest.len;
        strbuf_clear(&body);
        assert_always(header_unfold(field.body, &body));
        (void)date_parse(field.body, &date);
    }
    strbuf_free(&body);
    return 0;
}
