/*
 * lib/mail/mime_narrow.c - makes a message fit for a transport that takes less than it needs.
 *
 * Input:  a message from the queue. Untrusted: the sender wrote it.
 * The parts stand in their order in the message, so one walk over them copies what lies between,
 * headers with new labels, and bodies as they are or encoded.
 */
#include "lib/mail/mime_narrow.h"

#include "lib/base/parse.h"
#include "lib/mail/mime.h"
#include "lib/mail/structured.h"
#include "lib/mail/transfer_encode.h"

enum { PIECE = 8192 /* bytes that are encoded at a time */ };

struct narrowing {
    struct mime m;
    enum mime_width width;
    const struct mime_sink *sink;
    struct strbuf buffer; /* on its way to the sink */
    bool sink_failed;
    const char *why; /* it cannot be done; NULL: so far it can */
};

/* ---- output ---- */

static void
put(struct narrowing *n, struct slice text)
{
    if (n->why == NULL && !n->sink_failed && text.len > 0)
        n->sink_failed = !n->sink->write(n->sink->arg, text);
}

static void
put_buffer(struct narrowing *n)
{
    put(n, strbuf_slice(&n->buffer));
    strbuf_clear(&n->buffer);
}

static void
refuse(struct narrowing *n, const char *why)
{
    if (n->why == NULL)
        n->why = why;
}

/* ---- what fits ---- */

struct fit {
    bool is_8bit; /* a byte above 0x7f */
    bool has_nul, has_bare_cr, has_bare_lf, has_long_line;
    bool is_open;     /* the last line has no end */
    size_t above_127; /* bytes */
};

static void
look_at_line(struct fit *fit, struct slice line)
{
    bool has_crlf = slice_ends(line, SLICE("\r\n")), has_lf = slice_ends(line, SLICE("\n"));

    fit->is_open = !has_lf;
    fit->has_bare_lf = fit->has_bare_lf || (has_lf && !has_crlf);
    line.len -= has_crlf ? 2 : has_lf;
    fit->has_bare_cr = fit->has_bare_cr || slice_index(line, '\r') < line.len;
    fit->has_long_line = fit->has_long_line || line.len > MIME_NARROW_LINE_MAX;
}

static struct fit
look_at(struct slice text)
{
    struct fit fit = {.is_open = false};

    fit.is_8bit = !parse_is_ascii(text);
    fit.has_nul = slice_index(text, '\0') < text.len;
    for (size_t i = 0; fit.is_8bit && i < text.len; i++)
        fit.above_127 += (unsigned char)text.ptr[i] > 127;
    while (text.len > 0)
        look_at_line(&fit, slice_cut_after(&text, '\n'));
    return fit;
}

/* Does the body of a part fit? The end of the message has to be the end of a line; elsewhere the
 * line end is the delimiter's. */
static bool
fits(const struct narrowing *n, const struct fit *fit, const struct mime_part *part)
{
    if (fit->has_nul || fit->has_bare_cr || fit->has_bare_lf || fit->has_long_line)
        return false;
    if (fit->is_open && part->end == n->m.message.len)
        return false;
    return !fit->is_8bit || n->width == MIME_8BIT;
}

/* ---- headers, and what lies between the parts ---- */

/* No encoding can help here; only line ends can be made right. */
static void
put_structure(struct narrowing *n, struct slice text, const char *what_is_8bit)
{
    struct fit fit = look_at(text);

    if (fit.is_8bit && n->width == MIME_7BIT)
        refuse(n, what_is_8bit);
    if (fit.has_nul || fit.has_bare_cr || fit.has_long_line)
        refuse(n, "a NUL, a bare CR or a line of over 998 octets outside the content");
    if (!fit.has_bare_lf) {
        put(n, text);
        return;
    }
    while (text.len > 0) {
        struct slice line = slice_cut_after(&text, '\n');
        bool is_bare = slice_ends(line, SLICE("\n")) && !slice_ends(line, SLICE("\r\n"));

        put(n, slice_sub(line, 0, line.len - is_bare));
        put(n, slice_of(is_bare ? "\r\n" : ""));
    }
}

static void
put_header_text(struct narrowing *n, struct slice text)
{
    put_structure(n, text, "there are 8-bit characters in a header");
}

static void
put_encoding(struct narrowing *n, const char *label)
{
    put(n, SLICE("Content-Transfer-Encoding: "));
    put(n, slice_of(label));
    put(n, SLICE("\r\n"));
}

/* The label of a part whose bytes stay: what promises more than is left of it. NULL: it is fine. */
static const char *
label_of_rest(const struct narrowing *n, struct slice body)
{
    struct slice word = structured_token(&body);

    if (slice_eq_nocase(word, SLICE("binary")) ||
        (n->width == MIME_7BIT && slice_eq_nocase(word, SLICE("8bit"))))
        return n->width == MIME_7BIT ? "7bit" : "8bit";
    return NULL;
}

/* Where the empty line is; the length of all if there is none. */
static size_t
find_empty_line(struct slice header)
{
    size_t line = slice_ends(header, SLICE("\r\n")) ? 2 : slice_ends(header, SLICE("\n"));
    size_t at = header.len - line;

    return line > 0 && (at == 0 || header.ptr[at - 1] == '\n') ? at : header.len;
}

/* The header of a part with another encoding in the place of the old one; `label` NULL: the body
 * stays as it is. */
static void
put_header(struct narrowing *n, const struct mime_part *part, const char *label, bool needs_version)
{
    struct slice header = slice_sub(n->m.message, part->header, part->body), left = header;
    size_t done = 0, end = find_empty_line(header);
    struct header_field field;
    bool labelled = false;

    while (mime_field_next(&left, &field)) {
        size_t at = (size_t)(field.raw.ptr - header.ptr);
        const char *now = label;

        if (!slice_eq_nocase(field.name, SLICE("Content-Transfer-Encoding")))
            continue;
        if (now == NULL)
            now = label_of_rest(n, field.body);
        if (now == NULL)
            continue;
        put_header_text(n, slice_sub(header, done, at));
        if (!labelled)
            put_encoding(n, now);
        labelled = true;
        done = at + field.raw.len;
    }
    put_header_text(n, slice_sub(header, done, end));
    if (needs_version && end < header.len)
        put(n, SLICE("MIME-Version: 1.0\r\n")); /* RFC 2045 section 4 */
    if (label != NULL && !labelled)
        put_encoding(n, label);
    put_header_text(n, slice_sub(header, end, header.len));
}

/* ---- bodies ---- */

/* A part without parts: may it be encoded at all? Composite types may not (RFC 2045 section 6.4,
 * RFC 2046 section 5.2), whatever keeps their parts from being seen; message/global and its kin
 * may (RFC 6532 section 3.7, RFC 6533 section 6). */
static bool
may_be_encoded(const struct narrowing *n, const struct mime_part *part)
{
    struct slice text, type, subtype;
    struct header_field field;

    if (!mime_field_find(mime_content_fields(&n->m, part), "Content-Type", &field))
        return true;
    text = field.body;
    type = structured_token(&text);
    if (slice_eq_nocase(type, SLICE("multipart")))
        return false;
    if (!slice_eq_nocase(type, SLICE("message")))
        return true;
    structured_skip(&text, NULL);
    text = slice_sub(text, 1, text.len); /* the slash */
    subtype = structured_token(&text);
    return slice_eq_nocase(subtype, SLICE("global")) ||
           slice_starts_nocase(subtype, SLICE("global-"));
}

/* NULL: it cannot be encoded, n->why says why. */
static const char *
choose_encoding(struct narrowing *n, const struct mime_part *part, const struct fit *fit)
{
    size_t len = part->end - part->body;

    if (part->encoding == TRANSFER_UNKNOWN)
        refuse(n, "a part has an unknown encoding");
    else if (!may_be_encoded(n, part))
        refuse(n, "a part of a type that may not be encoded");
    else if (n->m.count >= mime_limits()->parts)
        refuse(n, "the message has too many parts");
    else if (part->body - part->header > mime_limits()->header)
        refuse(n, "the header of a part is too long");
    else if (part->encoding == TRANSFER_QUOTED_PRINTABLE)
        return "quoted-printable";
    else if (part->encoding == TRANSFER_BASE64)
        return "base64";
    else /* what is shorter: three characters for a byte, or four for each three bytes */
        return slice_eq_nocase(part->type, SLICE("text")) && fit->above_127 * 6 <= len
                   ? "quoted-printable"
                   : "base64";
    return NULL;
}

/* Decoded and encoded anew: what is said to be encoded already and yet does not fit is decoded as
 * any reader would. */
static void
put_encoded(struct narrowing *n, const struct mime_part *part, const char *label)
{
    bool is_base64 = strcmp(label, "base64") == 0;
    struct transfer_encoder encoder =
        transfer_encode_begin(is_base64 ? TRANSFER_BASE64 : TRANSFER_QUOTED_PRINTABLE);
    struct transfer transfer = transfer_begin(part->encoding);
    struct strbuf decoded = strbuf_new(PIECE);
    struct slice rest = mime_body(&n->m, part);

    while (transfer_next(&transfer, &rest, PIECE, &decoded)) {
        transfer_encode(&encoder, strbuf_slice(&decoded), &n->buffer);
        put_buffer(n);
        strbuf_clear(&decoded);
    }
    transfer_encode_end(&encoder, part->end == n->m.message.len, &n->buffer);
    put_buffer(n);
    strbuf_free(&decoded);
}

/* ---- the walk ---- */

static bool
is_sealed(const struct mime_part *part)
{
    return part->kind == MIME_MULTIPART && (slice_eq_nocase(part->subtype, SLICE("signed")) ||
                                            slice_eq_nocase(part->subtype, SLICE("encrypted")));
}

static bool
lies_inside(const struct mime *m, uint32_t part, uint32_t outer)
{
    while (part < m->count && part > outer)
        part = m->parts[part].parent;
    return part == outer;
}

/* Header and body of a leaf, or of a multipart that is left alone with all its parts. */
static void
put_whole(struct narrowing *n, const struct mime_part *part, bool needs_version)
{
    struct slice body = mime_body(&n->m, part);
    struct fit fit = look_at(body);
    const char *label = NULL;

    if (fits(n, &fit, part)) {
        put_header(n, part, NULL, false);
        put(n, body);
        return;
    }
    if (part->kind == MIME_LEAF)
        label = choose_encoding(n, part, &fit);
    else
        refuse(n, "what is signed or encrypted may not be changed");
    if (label == NULL)
        return;
    put_header(n, part, label, needs_version);
    put_encoded(n, part, label);
}

static bool
lacks_version(const struct mime *m)
{
    struct slice header = mime_header(m, &m->parts[0]);
    struct header_field field;

    return m->parts[0].body > m->parts[0].header &&
           !mime_field_find(header, "MIME-Version", &field);
}

static void
walk(struct narrowing *n)
{
    const struct mime *m = &n->m;
    bool needs_version = lacks_version(m);
    size_t done = 0;

    for (uint32_t i = 0; i < m->count && n->why == NULL && !n->sink_failed; i++) {
        const struct mime_part *part = &m->parts[i];
        uint32_t outer = i;
        bool whole = part->kind == MIME_LEAF || is_sealed(part);

        put_structure(n, slice_sub(m->message, done, part->header),
                      "there are 8-bit characters between the parts");
        if (whole)
            put_whole(n, part, i == 0 && needs_version);
        else
            put_header(n, part, NULL, i == 0 && needs_version);
        done = whole ? part->end : part->body;
        while (whole && lies_inside(m, i + 1, outer))
            i++; /* its parts went with it */
    }
    put_structure(n, slice_sub(m->message, done, m->message.len),
                  "there are 8-bit characters behind the parts");
}

enum mime_narrow_result
mime_narrow(struct slice message, enum mime_width width, const struct mime_sink *sink,
            const char **why)
{
    struct narrowing n = {
        .width = width, .sink = sink, .buffer = strbuf_new(TRANSFER_ENCODED_MAX(PIECE * 2))};

    mime_parse(message, &n.m);
    walk(&n);
    mime_free(&n.m);
    strbuf_free(&n.buffer);
    *why = n.why;
    if (n.why != NULL)
        return MIME_UNALTERABLE;
    return n.sink_failed ? MIME_SINK_FAILED : MIME_NARROWED;
}
