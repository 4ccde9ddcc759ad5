/*
 * lib/mail/footer_part.c - the change that puts a signature into one text part. Input: a part that
 * a client wrote. No I/O.
 *
 * Where bytes can be put into the part as it stands, they are; else its content is decoded, made
 * UTF-8 if it must, and encoded again, and its header says so.
 */
#include "lib/mail/footer_part.h"

#include <string.h>

#include "lib/base/encode.h"
#include "lib/base/parse.h"
#include "lib/mail/charset.h"
#include "lib/mail/content_type.h"
#include "lib/mail/quoted_printable.h"

#define ROOM 65536u /* for a header and what is added, above the content's */
#define BASE64_BYTES 57u
#define PIECE 8192u

struct part_text {
    struct slice raw;          /* as it stands */
    struct strbuf text;        /* decoded */
    struct slice charset;      /* of the parameter, or empty */
    struct content_value type; /* of the field; without one: type is empty */
    struct arena arena;
    bool is_html;
};

/* ---- what the part says of itself ---- */

static void
read_type(const struct mime *m, const struct mime_part *part, struct part_text *t)
{
    if (part->content_type.len == 0 || !content_type_parse(part->content_type, &t->arena, &t->type))
        t->type = (struct content_value){.param_count = 0};
    if (!content_param_find(&t->type, "charset", &t->charset))
        t->charset = SLICE("");
    t->is_html = slice_eq_nocase(part->subtype, SLICE("html"));
    t->raw = mime_body(m, part);
}

static bool
decode(const struct mime_part *part, struct part_text *t)
{
    struct transfer transfer = transfer_begin(part->encoding);
    struct slice rest = t->raw;

    if (part->encoding == TRANSFER_UNKNOWN)
        return false;
    if (part->encoding == TRANSFER_IDENTITY)
        return strbuf_append(&t->text, t->raw);
    while (transfer_next(&transfer, &rest, PIECE, &t->text))
        ;
    return !t->text.overflow && rest.len == 0;
}

/* Sets in which bytes of ASCII are not ASCII, or not always. */
static bool
is_ascii_compatible(struct slice charset)
{
    static const char *const others[] = {"utf-16",  "utf16", "utf-32", "utf32",     "utf-7",
                                         "utf7",    "ucs-",  "csucs",  "csunicode", "iso-10646",
                                         "unicode", "hz",    "ebcdic", "cp037",     "ibm"};

    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        if (slice_eq_nocase(slice_sub(charset, 0, strlen(others[i])), slice_of(others[i])))
            return false;
    return true;
}

static bool
is_ascii_set(struct slice charset)
{
    return charset.len == 0 || slice_eq_nocase(charset, SLICE("us-ascii")) ||
           slice_eq_nocase(charset, SLICE("ascii"));
}

/* ---- is it there already ---- */

/* Without white space and the marks of quoted text, which mail programs change. */
static void
squeeze(struct slice text, struct strbuf *out)
{
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.ptr[i] > 0x20 && text.ptr[i] != '>')
            (void)strbuf_char(out, text.ptr[i]); /* no longer than it was */
}

static bool
contains(struct slice text, struct slice footer)
{
    struct strbuf in = strbuf_new(text.len + 1), what = strbuf_new(footer.len + 1);
    bool found;

    squeeze(text, &in);
    squeeze(footer, &what);
    found =
        what.len > 0 && in.len >= what.len && memmem(in.ptr, in.len, what.ptr, what.len) != NULL;
    strbuf_free(&in);
    strbuf_free(&what);
    return found;
}

/* At the beginning of a line (RFC 4880 section 6.2); quoted in a reply it signs nothing. */
static bool
has_armour(struct slice text)
{
    while (text.len > 0)
        if (slice_starts(slice_cut_after(&text, '\n'), SLICE("-----BEGIN PGP ")))
            return true;
    return false;
}

/* ---- where it goes ---- */

/* The last `tag` ("</body"), or text.len. */
static size_t
find_last(struct slice text, struct slice tag)
{
    for (size_t at = text.len; at >= tag.len; at--)
        if (slice_eq_nocase(slice_sub(text, at - tag.len, at), tag))
            return at - tag.len;
    return text.len;
}

static size_t
find_place(struct slice text, bool is_html)
{
    size_t at = is_html ? find_last(text, SLICE("</body")) : text.len;

    return is_html && at == text.len ? find_last(text, SLICE("</html")) : at;
}

/* What goes in behind text that ends with or without a line end; as the text did, so does what
 * comes. */
static void
put_added(struct slice before, const struct footer *footer, bool is_html, struct strbuf *out)
{
    bool ends_line = before.len == 0 || before.ptr[before.len - 1] == '\n';
    struct slice text = footer->text;

    if (is_html) {
        (void)strbuf_append(out, footer->html);
        return;
    }
    if (!ends_line)
        (void)strbuf_str(out, "\r\n");
    (void)strbuf_str(out, "\r\n");
    (void)strbuf_append(out, ends_line ? text : slice_sub(text, 0, text.len - 2));
}

/* ---- the part as it stands ---- */

static enum footer_fit
edit_in_place(const struct mime_part *part, const struct part_text *t, const struct footer *footer,
              struct footer_edit *edit)
{
    size_t at = find_place(t->raw, t->is_html);

    edit->from = edit->to = part->body + at;
    edit->bytes = strbuf_new(footer->text.len + footer->html.len + 16);
    put_added(slice_sub(t->raw, 0, at), footer, t->is_html, &edit->bytes);
    return FOOTER_EDIT;
}

/* A line of quoted-printable that goes on in the next one ends first. */
static enum footer_fit
append_quoted(const struct mime_part *part, const struct part_text *t, const struct footer *footer,
              struct footer_edit *edit)
{
    struct strbuf added = strbuf_new(footer->text.len + 16);
    struct slice text = strbuf_slice(&t->text);
    bool ends_line = text.len == 0 || text.ptr[text.len - 1] == '\n';

    edit->from = edit->to = part->end;
    edit->bytes = strbuf_new(4 * footer->text.len + ROOM);
    if (slice_ends(t->raw, SLICE("=")) ||
        (ends_line && t->raw.len > 0 && !slice_ends(t->raw, SLICE("\n"))))
        (void)strbuf_str(&edit->bytes, "\r\n"); /* the last line goes on, or its end is encoded */
    put_added(text, footer, false, &added);
    (void)quoted_printable_encode(strbuf_slice(&added), &edit->bytes);
    strbuf_free(&added);
    return edit->bytes.overflow ? FOOTER_UNFIT : FOOTER_EDIT;
}

/* ---- the part anew ---- */

static void
put_base64(struct slice text, struct strbuf *out)
{
    for (size_t at = 0; at < text.len; at += BASE64_BYTES) {
        (void)base64_encode(slice_sub(text, at, at + BASE64_BYTES), out);
        (void)strbuf_str(out, at + BASE64_BYTES < text.len ? "\r\n" : "");
    }
}

static bool
is_token(struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];

        if (c <= 0x20 || c >= 0x7f || strchr("()<>@,;:\\\"/[]?=", c) != NULL)
            return false;
    }
    return text.len > 0;
}

/* Folded: a parameter a line. */
static void
put_param(const struct content_param *p, struct strbuf *out)
{
    bool plain = is_token(p->value) || slice_ends(p->name, SLICE("*"));

    (void)strbuf_printf(out, ";\r\n\t%.*s=%s", (int)p->name.len, p->name.ptr, plain ? "" : "\"");
    for (size_t i = 0; i < p->value.len; i++) {
        char c = p->value.ptr[i];

        if (!plain && (c == '"' || c == '\\'))
            (void)strbuf_char(out, '\\');
        (void)strbuf_char(out, (unsigned char)c < 0x20 ? ' ' : c);
    }
    (void)strbuf_str(out, plain ? "" : "\"");
}

static void
put_type_field(const struct part_text *t, struct strbuf *out)
{
    (void)strbuf_printf(out, "Content-Type: text/%s; charset=utf-8", t->is_html ? "html" : "plain");
    for (size_t i = 0; i < t->type.param_count; i++)
        if (!slice_eq_nocase(t->type.params[i].name, SLICE("charset")))
            put_param(&t->type.params[i], out);
    (void)strbuf_str(out, "\r\n");
}

/* The header section with another type and encoding; `is_root`: with a MIME-Version. */
static void
put_header(const struct mime *m, const struct mime_part *part, const struct part_text *t,
           const char *encoding, struct strbuf *out)
{
    struct slice rest = slice_sub(m->message, part->header, part->body);
    struct header_field field;
    bool has_version = part->parent != MIME_NONE;

    while (header_next(&rest, &field) == HEADER_FIELD) {
        has_version |= slice_eq_nocase(field.name, SLICE("MIME-Version"));
        if (!slice_eq_nocase(field.name, SLICE("Content-Type")) &&
            !slice_eq_nocase(field.name, SLICE("Content-Transfer-Encoding")))
            (void)strbuf_append(out, field.raw);
    }
    if (!has_version)
        (void)strbuf_str(out, "MIME-Version: 1.0\r\n");
    put_type_field(t, out);
    (void)strbuf_printf(out, "Content-Transfer-Encoding: %s\r\n\r\n", encoding);
}

/* `text` is in the character set that the header says or, with `to_utf8`, in UTF-8. */
static enum footer_fit
rewrite(const struct mime *m, const struct mime_part *part, const struct part_text *t,
        struct slice text, bool new_header, const struct footer *footer, struct footer_edit *edit)
{
    size_t at = find_place(text, t->is_html);
    struct strbuf whole = strbuf_new(text.len + footer->text.len + footer->html.len + 16);
    bool base64 = part->encoding == TRANSFER_BASE64;

    (void)strbuf_append(&whole, slice_sub(text, 0, at)); /* all of it fits */
    put_added(slice_sub(text, 0, at), footer, t->is_html, &whole);
    (void)strbuf_append(&whole, slice_sub(text, at, text.len));
    edit->from = new_header ? part->header : part->body;
    edit->to = part->end;
    edit->bytes = strbuf_new(4 * whole.len + (part->body - part->header) + ROOM);
    if (new_header)
        put_header(m, part, t, base64 ? "base64" : "quoted-printable", &edit->bytes);
    if (base64)
        put_base64(strbuf_slice(&whole), &edit->bytes);
    else
        (void)quoted_printable_encode(strbuf_slice(&whole), &edit->bytes);
    if (base64 && slice_ends(t->raw, SLICE("\n")))
        (void)strbuf_str(&edit->bytes, "\r\n");
    strbuf_free(&whole);
    return edit->bytes.overflow ? FOOTER_UNFIT : FOOTER_EDIT;
}

/* In UTF-8, whatever it was. */
static enum footer_fit
rewrite_as_utf8(const struct mime *m, const struct mime_part *part, const struct part_text *t,
                const struct footer *footer, struct footer_edit *edit)
{
    struct charset *cs = charset_open(t->charset);
    struct strbuf utf8 = strbuf_new(CHARSET_UTF8_PER_BYTE * t->text.len + 16);
    enum footer_fit fit = FOOTER_UNFIT;
    bool known =
        is_ascii_set(t->charset) ? parse_is_ascii(strbuf_slice(&t->text)) : charset_is_known(cs);

    if (known && charset_convert(cs, strbuf_slice(&t->text), true, &utf8))
        fit = rewrite(m, part, t, strbuf_slice(&utf8), true, footer, edit);
    charset_close(&cs);
    strbuf_free(&utf8);
    return fit;
}

/* ---- which way ---- */

static enum footer_fit
choose(const struct mime *m, const struct mime_part *part, const struct part_text *t,
       const struct footer *footer, struct footer_edit *edit)
{
    bool utf8 = slice_eq_nocase(t->charset, SLICE("utf-8"));
    bool is_ascii = t->is_html || parse_is_ascii(footer->text);
    bool identity = part->encoding == TRANSFER_IDENTITY;

    if (!is_ascii_compatible(t->charset) || (!is_ascii && !utf8))
        return rewrite_as_utf8(m, part, t, footer, edit);
    if (identity && (is_ascii || !parse_is_ascii(t->raw)))
        return edit_in_place(part, t, footer, edit);
    if (part->encoding == TRANSFER_QUOTED_PRINTABLE && !t->is_html)
        return append_quoted(part, t, footer, edit);
    return rewrite(m, part, t, strbuf_slice(&t->text), identity, footer, edit);
}

enum footer_fit
footer_part_edit(const struct mime *m, const struct mime_part *part, const struct footer *footer,
                 struct footer_edit *edit)
{
    struct part_text t = {.is_html = false};
    enum footer_fit fit = FOOTER_UNFIT;

    read_type(m, part, &t);
    t.text = strbuf_new(t.raw.len + 1);
    *edit = (struct footer_edit){.bytes = strbuf_new(1)};
    if (decode(part, &t)) {
        if (has_armour(strbuf_slice(&t.text)))
            fit = FOOTER_SIGNED;
        else if (contains(strbuf_slice(&t.text), t.is_html ? footer->html : footer->text))
            fit = FOOTER_THERE;
        else
            fit = choose(m, part, &t, footer, edit);
    }
    if (fit != FOOTER_EDIT)
        footer_edit_free(edit);
    strbuf_free(&t.text);
    arena_free(&t.arena);
    return fit;
}

void
footer_edit_free(struct footer_edit *edit)
{
    strbuf_free(&edit->bytes);
}
