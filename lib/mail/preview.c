/*
 * lib/mail/preview.c - the first words of a message.
 *
 * Input:  a parsed message. Untrusted: the sender wrote it. At most INPUT_MAX bytes of the text of
 *         PARTS_MAX parts are looked at.
 */
#include "lib/mail/preview.h"

#include "lib/base/arena.h"
#include "lib/mail/charset.h"
#include "lib/mail/content_type.h"
#include "lib/mail/html_text.h"
#include "lib/mail/mime_content.h"
#include "lib/mail/utf8.h"

enum {
    INPUT_MAX = 262144, /* bytes of a part's encoded text */
    PARTS_MAX = 8,      /* text parts that are tried */
    TEXT_MAX = MIME_CONTENT_PIECE * 2 * CHARSET_UTF8_PER_BYTE + 64
};

/* What is shown so far. */
struct shown {
    struct strbuf *out;
    unsigned count; /* characters */
    bool space;     /* white space came, and is put when something follows */
    /* plain text, line by line */
    bool is_html;
    bool line_begins;
    bool in_quote;    /* a line that begins with '>' */
    unsigned dashes;  /* matched of "-- ", where the signature begins */
    bool is_complete; /* nothing that follows counts */
};

/* Characters that take no room: newsletters fill their previews with them. */
static bool
is_invisible(uint32_t code)
{
    return code < 0x20 || (code >= 0x7f && code < 0xa0) || code == 0xad || code == 0x34f ||
           code == 0x61c || (code >= 0x200b && code <= 0x200f) ||
           (code >= 0x2028 && code <= 0x202e) || (code >= 0x2060 && code <= 0x206f) ||
           code == 0xfeff;
}

static bool
is_space(uint32_t code)
{
    return code == ' ' || code == '\t' || code == '\n' || code == '\r' || code == '\f' ||
           code == 0xa0 || code == 0x1680 || (code >= 0x2000 && code <= 0x200a) || code == 0x2028 ||
           code == 0x2029 || code == 0x202f || code == 0x205f || code == 0x3000;
}

static void
show(struct shown *s, uint32_t code)
{
    if (is_space(code)) {
        s->space = s->count > 0;
        return;
    }
    if (is_invisible(code) || s->is_complete)
        return;
    if (s->space && s->count + 1 < PREVIEW_CHARS_MAX) {
        (void)strbuf_char(s->out, ' '); /* fits: so many characters do */
        s->count++;
    }
    s->space = false;
    (void)utf8_append(s->out, code);
    s->count++;
    s->is_complete = s->count >= PREVIEW_CHARS_MAX;
}

/* Lines of plain text: what is quoted is not shown, nor a signature (RFC 3676 section 4.3). */
static void
show_plain(struct shown *s, uint32_t code)
{
    static const char mark[] = "-- ";

    if (code == '\n') {
        s->is_complete = s->is_complete || s->dashes == 3;
        s->line_begins = true;
        s->in_quote = false;
        s->dashes = 0;
        show(s, ' ');
        return;
    }
    if (s->line_begins && s->dashes < 3 && code == (uint32_t)(unsigned char)mark[s->dashes]) {
        s->dashes++;
        return;
    }
    if (s->line_begins && s->dashes == 0 && code == '>')
        s->in_quote = true;
    if (s->dashes == 3 && code == '\r')
        return;
    for (unsigned i = 0; i < s->dashes; i++)
        show(s, (unsigned char)mark[i]); /* it was something else */
    s->dashes = 0;
    s->line_begins = false;
    if (!s->in_quote)
        show(s, code);
}

/* Shows the characters that are complete; the others stay in `text`. */
static void
show_text(struct shown *s, struct strbuf *text)
{
    struct slice rest = strbuf_slice(text);
    uint32_t code;

    while (!s->is_complete && rest.len > 0) {
        if (!utf8_next(&rest, &code)) {
            if (rest.len < 4)
                break;
            code = UTF8_REPLACEMENT;
            rest = slice_sub(rest, 1, rest.len);
        }
        if (s->is_html)
            show(s, code);
        else
            show_plain(s, code);
    }
    strbuf_consume(text, text->len - rest.len);
}

static struct charset *
open_charset(const struct mime_part *part)
{
    struct arena arena = {NULL};
    struct content_value type;
    struct slice name = {NULL, 0};
    struct charset *charset;

    if (part->content_type.len > 0 && content_type_parse(part->content_type, &arena, &type))
        (void)content_param_find(&type, "charset", &name);
    charset = charset_open(name);
    arena_free(&arena);
    return charset;
}

static void
show_part(struct shown *s, const struct mime *m, const struct mime_part *part)
{
    struct strbuf utf8 = strbuf_new(TEXT_MAX), text = strbuf_new((size_t)TEXT_MAX * 2);
    struct html_text html = {.state = HTML_TEXT_TEXT};
    struct charset *charset;
    struct mime_content c;
    struct slice piece;

    if (!mime_content_begin(&c, m, part))
        return;
    c.rest = slice_sub(c.rest, 0, INPUT_MAX);
    charset = open_charset(part);
    while (!s->is_complete && mime_content_next(&c, &piece)) {
        strbuf_clear(&utf8);
        (void)charset_convert(charset, piece, false, &utf8); /* all of these fit */
        if (s->is_html)
            (void)html_text_feed(&html, strbuf_slice(&utf8), &text);
        else
            (void)strbuf_append(&text, strbuf_slice(&utf8));
        show_text(s, &text);
    }
    charset_close(&charset);
    mime_content_end(&c);
    strbuf_free(&utf8);
    strbuf_free(&text);
}

/* ---- which part ---- */

static bool
is_attachment(const struct mime *m, const struct mime_part *part)
{
    struct arena arena = {NULL};
    struct header_field field;
    struct content_value v;
    bool is;

    is = mime_field_find(mime_content_fields(m, part), "Content-Disposition", &field) &&
         content_disposition_parse(field.body, &arena, &v) &&
         slice_eq_nocase(v.type, SLICE("attachment"));
    arena_free(&arena);
    return is;
}

static bool
is_text(const struct mime_part *part, const char *subtype)
{
    return part->kind == MIME_LEAF && slice_eq_nocase(part->type, SLICE("text")) &&
           slice_eq_nocase(part->subtype, slice_of(subtype));
}

/* In a multipart/alternative the plain text is preferred, although the best form comes last. */
static bool
has_plain_sibling(const struct mime *m, const struct mime_part *part)
{
    const struct mime_part *parent = part->parent == MIME_NONE ? NULL : &m->parts[part->parent];

    if (parent == NULL || !slice_eq_nocase(parent->subtype, SLICE("alternative")))
        return false;
    for (uint32_t i = parent->first_child; i != MIME_NONE; i = m->parts[i].next)
        if (is_text(&m->parts[i], "plain"))
            return true;
    return false;
}

/* The text parts in their order. `last_resort`: what was passed over at first. */
static void
try_parts(const struct mime *m, bool last_resort, struct strbuf *out)
{
    size_t start = out->len;
    unsigned tried = 0;

    for (uint32_t i = 0; i < m->count && tried < PARTS_MAX && out->len == start; i++) {
        const struct mime_part *part = &m->parts[i];
        bool html = is_text(part, "html");
        struct shown s = {.out = out, .is_html = html, .line_begins = true};

        if ((!html && !is_text(part, "plain")) || is_attachment(m, part) ||
            (html && has_plain_sibling(m, part)) != last_resort)
            continue;
        show_part(&s, m, part);
        tried++;
    }
}

void
preview_make(const struct mime *m, struct strbuf *out)
{
    size_t start = out->len;

    try_parts(m, false, out);
    if (out->len == start)
        try_parts(m, true, out);
}
