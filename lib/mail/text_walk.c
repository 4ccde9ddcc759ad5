/*
 * lib/mail/text_walk.c - the text of a message as it is searched: decoded and case folded.
 *
 * Input:  a stored message. Untrusted: the sender wrote it. Text is decoded piece by piece; what is
 *         held at a time does not grow with the message.
 */
#include "lib/mail/text_walk.h"

#include "lib/base/arena.h"
#include "lib/base/encode.h"
#include "lib/mail/casemap.h"
#include "lib/mail/charset.h"
#include "lib/mail/content_type.h"
#include "lib/mail/encoded_word.h"

enum {
    PIECE = 8192,           /* bytes of encoded text decoded at a time */
    WINDOW = 16384,         /* bytes of decoded text handed over together */
    FIELD_TEXT_MAX = 65536, /* bytes of a field that are looked at */
    RAW_MAX = WINDOW + FIELD_TEXT_MAX * 3,
    UTF8_LEN_MAX = 4
};
_Static_assert((int)WINDOW *CASEMAP_GROWTH <= TEXT_WALK_PIECE_MAX, "a piece");

struct walk {
    const struct text_sink *sink;
    struct strbuf raw;    /* decoded, not folded yet */
    struct strbuf folded; /* the piece that was handed over last */
    bool enough;
};

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

/* The first `len` bytes, whole characters, in pieces of WINDOW. */
static void
hand_over(struct walk *w, size_t len)
{
    struct slice text = slice_sub(strbuf_slice(&w->raw), 0, len);

    while (text.len > 0 && !w->enough) {
        size_t piece = text.len <= WINDOW ? text.len : whole_characters(slice_sub(text, 0, WINDOW));

        strbuf_clear(&w->folded);
        (void)casemap_text(slice_sub(text, 0, piece), &w->folded); /* fits: TEXT_WALK_PIECE_MAX */
        w->enough = !w->sink->piece(w->sink->arg, strbuf_slice(&w->folded));
        text = slice_sub(text, piece, text.len);
    }
    strbuf_consume(&w->raw, len);
}

static void
grew(struct walk *w)
{
    if (w->raw.len >= WINDOW)
        hand_over(w, whole_characters(strbuf_slice(&w->raw)));
}

static void
gap(struct walk *w)
{
    if (!w->enough)
        hand_over(w, w->raw.len);
    strbuf_clear(&w->raw);
    if (!w->enough)
        w->sink->gap(w->sink->arg);
}

/* ---- header fields ---- */

/* charset'language'text with %XX (RFC 2231 section 4). */
static void
walk_extended_value(struct walk *w, struct slice value)
{
    struct slice name = slice_split(&value, '\'');
    struct strbuf bytes = strbuf_new(FIELD_TEXT_MAX);

    (void)slice_split(&value, '\'');
    for (size_t i = 0; i < value.len; i++) {
        int high = i + 2 < value.len && value.ptr[i] == '%' ? hex_value(value.ptr[i + 1]) : -1;
        int low = high >= 0 ? hex_value(value.ptr[i + 2]) : -1;

        (void)strbuf_char(&bytes, (char)(low < 0 ? value.ptr[i] : high << 4 | low));
        i += low < 0 ? 0 : 2;
    }
    (void)charset_convert_all(name, strbuf_slice(&bytes), &w->raw); /* fits: FIELD_TEXT_MAX * 3 */
    strbuf_free(&bytes);
    gap(w);
}

/* What an attachment is called, where the field itself shows only escapes. */
static void
walk_names(struct walk *w, const struct header_field *field)
{
    bool is_type = slice_eq_nocase(field->name, SLICE("Content-Type"));
    struct arena arena = {NULL};
    struct content_value value;
    struct slice name;

    if (!is_type && !slice_eq_nocase(field->name, SLICE("Content-Disposition")))
        return;
    if (is_type ? content_type_parse(field->body, &arena, &value)
                : content_disposition_parse(field->body, &arena, &value))
        if (content_param_find(&value, is_type ? "name*" : "filename*", &name))
            walk_extended_value(w, name);
    arena_free(&arena);
}

static void
walk_header(struct walk *w, struct slice header)
{
    struct header_field field;

    while (!w->enough && mime_field_next(&header, &field)) {
        (void)strbuf_append(&w->raw, slice_sub(field.name, 0, FIELD_TEXT_MAX));
        (void)strbuf_str(&w->raw, ": ");
        (void)encoded_word_decode(slice_sub(slice_trim(field.body), 0, FIELD_TEXT_MAX), &w->raw);
        gap(w);
        if (!w->enough)
            walk_names(w, &field);
    }
}

/* ---- bodies ---- */

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
walk_body(struct walk *w, const struct mime *m, const struct mime_part *part)
{
    struct transfer t = transfer_begin(part->encoding);
    struct strbuf decoded = strbuf_new(PIECE);
    struct slice body = mime_body(m, part);
    struct charset *charset = open_charset(part);

    while (!w->enough && transfer_next(&t, &body, PIECE, &decoded)) {
        (void)charset_convert(charset, strbuf_slice(&decoded), false, &w->raw); /* PIECE * 3 */
        strbuf_clear(&decoded);
        grew(w);
    }
    (void)charset_convert(charset, SLICE(""), true, &w->raw); /* a character more: fits */
    charset_close(&charset);
    gap(w);
    strbuf_free(&decoded);
}

void
text_walk_message(const struct mime *m, bool with_header, const struct text_sink *sink)
{
    struct walk w = {
        .sink = sink, .raw = strbuf_new(RAW_MAX), .folded = strbuf_new(TEXT_WALK_PIECE_MAX)};

    for (uint32_t i = 0; i < m->count && !w.enough; i++) {
        const struct mime_part *part = &m->parts[i];

        if (i > 0 || with_header)
            walk_header(&w, mime_header(m, part));
        if (!w.enough && is_text(part))
            walk_body(&w, m, part);
    }
    strbuf_free(&w.raw);
    strbuf_free(&w.folded);
}
