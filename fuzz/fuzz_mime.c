/*
 * fuzz/fuzz_mime.c - the MIME parser and all that IMAP makes of its result.
 *
 * Beyond memory errors it checks what the session relies on: parts lie inside their parents, and
 * two runs give the same answer.
 */
#include <stdint.h>

#include "lib/base/mem.h"
#include "lib/mail/binary_encode.h"
#include "lib/mail/encoded_word.h"
#include "lib/mail/header_text.h"
#include "lib/mail/imap_structure.h"
#include "lib/mail/mime_content.h"
#include "lib/mail/mime_section.h"
#include "lib/mail/preview.h"
#include "lib/mail/text_search.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_parts(const struct mime *m)
{
    for (uint32_t i = 0; i < m->count; i++) {
        const struct mime_part *part = &m->parts[i];

        assert_always(part->header <= part->body && part->body <= part->end);
        assert_always(part->end <= m->message.len);
        assert_always((part->kind == MIME_LEAF) == (part->first_child == MIME_NONE));
        if (part->parent != MIME_NONE) {
            assert_always(part->header >= m->parts[part->parent].body);
            assert_always(part->end <= m->parts[part->parent].end);
        }
    }
}

static void
decode_all(const struct mime *m)
{
    struct strbuf out = strbuf_new(1 << 20);

    for (uint32_t i = 0; i < m->count; i++) {
        struct slice header = mime_header(m, &m->parts[i]), body = mime_body(m, &m->parts[i]);
        struct transfer t = transfer_begin(m->parts[i].encoding);
        struct header_field field;

        while (mime_field_next(&header, &field))
            (void)encoded_word_decode(field.body, &out);
        while (transfer_next(&t, &body, 512, &out))
            ;
        strbuf_clear(&out);
    }
    strbuf_free(&out);
}

/* Also takes the message itself for what a damaged cache may hold. */
static void
search(const struct mime *m)
{
    struct strbuf text = strbuf_new(HEADER_TEXT_MAX);
    struct slice field;

    for (int part = HEADER_TEXT_COMMON; part <= HEADER_TEXT_REST; part++) {
        strbuf_clear(&text);
        header_text_write(mime_header(m, &m->parts[0]), (enum header_text_part)part, &text);
        assert_always(header_text_is_valid(strbuf_slice(&text)));
        (void)header_text_contains(strbuf_slice(&text), SLICE("from"), SLICE("a"));
        (void)header_text_find(strbuf_slice(&text), SLICE("date"), &field);
    }
    (void)header_text_contains(m->message, SLICE("from"), SLICE("a"));
    (void)header_text_find(m->message, SLICE("date"), &field);
    (void)text_search_message(m, SLICE("needle that is not there"), true);
    strbuf_free(&text);
}

/* Content of all parts, the preview, and what an APPEND of it would be stored as. */
static void
derive(const struct mime *m)
{
    struct strbuf preview = strbuf_new(PREVIEW_BYTES_MAX);
    struct strbuf encoded = strbuf_new(BINARY_ENCODE_MAX(m->message.len));
    struct slice piece;

    for (uint32_t i = 0; i < m->count; i++) {
        struct mime_content c;

        if (!mime_content_begin(&c, m, &m->parts[i]))
            continue;
        while (mime_content_next(&c, &piece))
            assert_always(piece.len > 0);
        mime_content_end(&c);
    }
    preview_make(m, &preview);
    assert_always(!preview.overflow);
    if (binary_encode(m->message, &encoded))
        assert_always(slice_index(strbuf_slice(&encoded), '\0') == encoded.len);
    assert_always(!encoded.overflow);
    strbuf_free(&preview);
    strbuf_free(&encoded);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice message = slice_make(data, size), section;
    struct strbuf first = strbuf_new(16 << 20), second = strbuf_new(16 << 20);
    const uint32_t numbers[] = {1, 2, 1};
    struct mime m;

    mime_parse(message, &m);
    check_parts(&m);
    imap_structure(&m, true, &first);
    imap_structure(&m, false, &first);
    decode_all(&m);
    search(&m);
    derive(&m);
    for (size_t count = 0; count <= ARRAY_LEN(numbers); count++)
        (void)mime_section_find(&m, numbers, count, MIME_SECTION_HEADER, &section);
    mime_free(&m);

    mime_parse(message, &m);
    imap_structure(&m, true, &second);
    imap_structure(&m, false, &second);
    assert_always(slice_eq(strbuf_slice(&first), strbuf_slice(&second)));
    mime_free(&m);
    strbuf_free(&first);
    strbuf_free(&second);
    return 0;
}
