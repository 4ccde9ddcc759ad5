/*
 * lib/mail/text_search.c - finds a string in a message, case folded and decoded.
 *
 * Input:  a stored message. Untrusted: the sender wrote it. Text is decoded piece by piece; what is
 *         held at a time does not grow with the message.
 */
#include "lib/mail/text_search.h"

#include "lib/base/arena.h"
#include "lib/mail/charset.h"
#include "lib/mail/content_type.h"
#include "lib/mail/encoded_word.h"
#include "lib/mail/utf8.h"

enum {
    PIECE = 8192,           /* bytes of encoded text decoded at a time */
    WINDOW = 16384,         /* bytes of decoded text looked at together */
    FIELD_TEXT_MAX = 65536, /* bytes of a decoded field that are looked at */
    UTF8_LEN_MAX = 4
};

/* Text that arrives in pieces. What could be the beginning of a match stays for the next piece. */
struct finder {
    struct slice needle;
    struct strbuf raw;    /* not folded yet */
    struct strbuf window; /* folded */
    bool found;
};

static struct finder
finder_begin(struct slice needle)
{
    return (struct finder){.needle = needle,
                           .raw = strbuf_new(WINDOW + FIELD_TEXT_MAX * 3),
                           .window = strbuf_new(WINDOW + FIELD_TEXT_MAX * 3 + needle.len),
                           .found = needle.len == 0};
}

static void
finder_end(struct finder *f)
{
    strbuf_free(&f->raw);
    strbuf_free(&f->window);
}

/* Length of `text` without a UTF-8 sequence that is cut off at its end. */
static size_t
whole_characters(struct slice text)
{
    for (size_t back = 1; back < UTF8_LEN_MAX && back <= text.len; back++) {
        unsigned char c = (unsigned char)text.ptr[text.len - back];
        size_t len = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : c >= 0xc0 ? 2 : 1;

        if (c >= 0x80 && c < 0xc0)
            continue; /* inside a sequence */
        return len > back ? text.len - back : text.len;
    }
    return text.len;
}

static void
look(struct finder *f, size_t len)
{
    struct slice text;

    (void)utf8_fold(slice_sub(strbuf_slice(&f->raw), 0, len), &f->window); /* fits */
    strbuf_consume(&f->raw, len);
    text = strbuf_slice(&f->window);
    f->found = slice_find(text, f->needle) < text.len;
    if (text.len >= f->needle.len)
        strbuf_consume(&f->window, text.len - (f->needle.len - 1));
}

/* What comes next does not continue what was there. */
static void
finder_break(struct finder *f)
{
    if (!f->found)
        look(f, f->raw.len);
    strbuf_clear(&f->raw);
    strbuf_clear(&f->window);
}

static void
finder_feed(struct finder *f)
{
    if (!f->found && f->raw.len >= WINDOW)
        look(f, whole_characters(strbuf_slice(&f->raw)));
}

static void
feed_header(struct finder *f, struct slice header)
{
    struct header_field field;

    while (!f->found && mime_field_next(&header, &field)) {
        (void)strbuf_append(&f->raw, slice_sub(field.name, 0, FIELD_TEXT_MAX));
        (void)strbuf_str(&f->raw, ": ");
        (void)encoded_word_decode(slice_sub(slice_trim(field.body), 0, FIELD_TEXT_MAX), &f->raw);
        finder_break(f);
    }
}

static struct charset *
open_charset(const struct mime_part *part)
{
    struct arena arena = {NULL};
    struct content_value type;
    struct slice name = {NULL, 0};
    struct charset *charset;

    if (part->content_type.len > 0 && content_type_parse(part->content_type, &arena, &type))
        (void)content_param_find(&type, "charset", &name); /* absent: US-ASCII */
    charset = charset_open(name);
    arena_free(&arena);
    return charset;
}

static bool
is_text(const struct mime_part *part)
{
    return part->kind == MIME_LEAF && (slice_eq_nocase(part->type, SLICE("text")) ||
                                       slice_eq_nocase(part->type, SLICE("message")));
}

static void
feed_body(struct finder *f, const struct mime *m, const struct mime_part *part)
{
    struct transfer t = transfer_begin(part->encoding);
    struct strbuf decoded = strbuf_new(PIECE);
    struct slice body = mime_body(m, part);
    struct charset *charset = open_charset(part);

    while (!f->found && transfer_next(&t, &body, PIECE, &decoded)) {
        (void)charset_convert(charset, strbuf_slice(&decoded), false, &f->raw); /* fits */
        strbuf_clear(&decoded);
        finder_feed(f);
    }
    (void)charset_convert(charset, SLICE(""), true, &f->raw); /* a character more: fits */
    charset_close(&charset);
    finder_break(f);
    strbuf_free(&decoded);
}

bool
text_search_message(const struct mime *m, struct slice needle, bool with_header)
{
    struct finder f = finder_begin(needle);
    bool found;

    for (uint32_t i = 0; i < m->count && !f.found; i++) {
        const struct mime_part *part = &m->parts[i];

        if (i > 0 || with_header)
            feed_header(&f, mime_header(m, part));
        if (!f.found && is_text(part))
            feed_body(&f, m, part);
    }
    found = f.found;
    finder_end(&f);
    return found;
}
