/*
 * fuzz/fuzz_mime_narrow.c - conversion for servers that take less: the result fits, and every part
 * decodes to what it was. The first byte says which transport.
 */
#include <stdint.h>

#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "lib/mail/mime.h"
#include "lib/mail/mime_narrow.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool
append(void *arg, struct slice piece)
{
    return strbuf_append(arg, piece);
}

static void
check_fits(struct slice text, enum mime_width width)
{
    assert_always(slice_index(text, '\0') == text.len);
    assert_always(width == MIME_8BIT || parse_is_ascii(text));
    while (text.len > 0) {
        struct slice line = slice_cut_after(&text, '\n');
        bool has_end = slice_ends(line, SLICE("\r\n"));

        assert_always(has_end || text.len == 0);
        line.len -= has_end ? 2 : 0;
        assert_always(slice_index(line, '\r') == line.len && slice_index(line, '\n') == line.len);
        assert_always(line.len <= MIME_NARROW_LINE_MAX);
    }
}

static struct strbuf
content_of(const struct mime *m, const struct mime_part *part)
{
    struct strbuf out = strbuf_new((part->end - part->body) * 4 + 64);
    struct transfer t = transfer_begin(part->encoding);
    struct slice rest = mime_body(m, part);

    while (transfer_next(&t, &rest, 512, &out))
        ;
    assert_always(!out.overflow);
    return out;
}

static void
check_same_content(const struct mime *before, const struct mime *after)
{
    assert_always(before->count == after->count);
    for (uint32_t i = 0; i < before->count; i++) {
        const struct mime_part *a = &before->parts[i], *b = &after->parts[i];
        struct strbuf left, right;

        assert_always(a->kind == b->kind && a->parent == b->parent);
        assert_always(slice_eq(a->type, b->type) && slice_eq(a->subtype, b->subtype));
        if (a->kind != MIME_LEAF)
            continue;
        left = content_of(before, a);
        right = content_of(after, b);
        assert_always(slice_eq(strbuf_slice(&left), strbuf_slice(&right)));
        strbuf_free(&left);
        strbuf_free(&right);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct strbuf out = strbuf_new(64 << 20);
    struct mime_sink sink = {append, &out};
    struct mime before, after;
    enum mime_width width;
    const char *why;

    if (size == 0)
        return 0;
    width = data[0] & 1 ? MIME_8BIT : MIME_7BIT;
    mime_parse(slice_make(data + 1, size - 1), &before);
    switch (mime_narrow(before.message, width, &sink, &why)) {
    case MIME_NARROWED:
        check_fits(strbuf_slice(&out), width);
        mime_parse(strbuf_slice(&out), &after);
        check_same_content(&before, &after);
        mime_free(&after);
        break;
    case MIME_UNALTERABLE:
        assert_always(why != NULL);
        break;
    case MIME_SINK_FAILED:
        assert_always(false);
    }
    mime_free(&before);
    strbuf_free(&out);
    return 0;
}
