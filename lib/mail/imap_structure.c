/*
 * lib/mail/imap_structure.c - BODY and BODYSTRUCTURE of a message.
 *
 * Input:  a parsed message. Untrusted: the sender wrote it. The recursion is as deep as the parts
 *         are nested, which MIME_DEPTH_MAX bounds.
 */
#include "lib/mail/imap_structure.h"

#include "lib/base/arena.h"
#include "lib/mail/content_type.h"
#include "lib/mail/imap_envelope.h"
#include "lib/mail/imap_string.h"
#include "lib/mail/structured.h"

enum { LANGUAGES_MAX = 50 };

/* `more`: text to put behind the last one; NULL: nothing. */
static void
put_params(const struct content_value *v, const char *more, struct strbuf *out)
{
    if (v->param_count == 0 && more == NULL) {
        (void)strbuf_str(out, "NIL");
        return;
    }
    (void)strbuf_char(out, '(');
    for (size_t i = 0; i < v->param_count; i++) {
        if (i > 0)
            (void)strbuf_char(out, ' ');
        imap_string(v->params[i].name, out);
        (void)strbuf_char(out, ' ');
        imap_string(v->params[i].value, out);
    }
    if (more != NULL && v->param_count > 0)
        (void)strbuf_char(out, ' ');
    if (more != NULL)
        (void)strbuf_str(out, more);
    (void)strbuf_char(out, ')');
}

/* Text without a charset is said to be US-ASCII, as other servers do: it is what the sender
 * declares by saying nothing (RFC 2045 section 5.2, RFC 2046 section 4.1.2). */
static void
put_type_params(const struct mime_part *part, struct strbuf *out)
{
    struct arena arena = {NULL};
    struct content_value type = {.param_count = 0};
    bool implied = slice_eq_nocase(part->type, SLICE("text"));
    struct slice charset;

    if (part->content_type.len > 0 && !content_type_parse(part->content_type, &arena, &type))
        type.param_count = 0;
    implied = implied && !content_param_find(&type, "charset", &charset);
    put_params(&type, implied ? "\"charset\" \"us-ascii\"" : NULL, out);
    arena_free(&arena);
}

/* A text field of the part's Content- fields, or NIL. */
static void
put_field(struct slice fields, const char *name, struct strbuf *out)
{
    struct header_field field;

    if (mime_field_find(fields, name, &field) && slice_trim(field.body).len > 0)
        imap_string_unfolded(field.body, out);
    else
        (void)strbuf_str(out, "NIL");
}

static void
put_encoding(struct slice fields, struct strbuf *out)
{
    struct header_field field;
    struct slice token = SLICE("7bit"); /* RFC 2045 section 6.1 */

    if (mime_field_find(fields, "Content-Transfer-Encoding", &field)) {
        struct slice written = structured_token(&field.body);

        if (written.len > 0)
            token = written;
    }
    imap_string(token, out);
}

static void
put_disposition(struct slice fields, struct strbuf *out)
{
    struct arena arena = {NULL};
    struct header_field field;
    struct content_value v;

    if (mime_field_find(fields, "Content-Disposition", &field) &&
        content_disposition_parse(field.body, &arena, &v)) {
        (void)strbuf_char(out, '(');
        imap_string(v.type, out);
        (void)strbuf_char(out, ' ');
        put_params(&v, NULL, out);
        (void)strbuf_char(out, ')');
    } else {
        (void)strbuf_str(out, "NIL");
    }
    arena_free(&arena);
}

/* Content-Language: tags with commas between them (RFC 3282). */
static void
put_language(struct slice fields, struct strbuf *out)
{
    struct header_field field;
    size_t count = 0;

    if (!mime_field_find(fields, "Content-Language", &field))
        field.body.len = 0;
    while (field.body.len > 0 && count < LANGUAGES_MAX) {
        struct slice tag = structured_token(&field.body);

        if (tag.len > 0) {
            (void)strbuf_char(out, count++ == 0 ? '(' : ' ');
            imap_string(tag, out);
        }
        field.body = slice_sub(field.body, slice_index(field.body, ',') + 1, field.body.len);
    }
    (void)strbuf_str(out, count == 0 ? "NIL" : ")");
}

/* Disposition, language, location: common to both kinds of part. */
static void
put_extension(struct slice fields, struct strbuf *out)
{
    (void)strbuf_char(out, ' ');
    put_disposition(fields, out);
    (void)strbuf_char(out, ' ');
    put_language(fields, out);
    (void)strbuf_char(out, ' ');
    put_field(fields, "Content-Location", out);
}

static void put_part(const struct mime *m, const struct mime_part *part, bool extended,
                     struct strbuf *out);

static void
put_multipart(const struct mime *m, const struct mime_part *part, bool extended, struct strbuf *out)
{
    for (uint32_t i = part->first_child; i != MIME_NONE; i = m->parts[i].next)
        put_part(m, &m->parts[i], extended, out);
    (void)strbuf_char(out, ' ');
    imap_string(part->subtype, out);
    if (!extended)
        return;
    (void)strbuf_char(out, ' ');
    put_type_params(part, out);
    put_extension(mime_content_fields(m, part), out);
}

static void
put_number(size_t number, struct strbuf *out)
{
    (void)strbuf_char(out, ' ');
    (void)strbuf_u64(out, number);
}

static void
put_single(const struct mime *m, const struct mime_part *part, bool extended, struct strbuf *out)
{
    struct slice fields = mime_content_fields(m, part);
    bool is_message = part->kind == MIME_MESSAGE;

    imap_string(part->type, out);
    (void)strbuf_char(out, ' ');
    imap_string(part->subtype, out);
    (void)strbuf_char(out, ' ');
    put_type_params(part, out);
    (void)strbuf_char(out, ' ');
    put_field(fields, "Content-ID", out);
    (void)strbuf_char(out, ' ');
    put_field(fields, "Content-Description", out);
    (void)strbuf_char(out, ' ');
    put_encoding(fields, out);
    put_number(part->end - part->body, out);
    if (is_message) {
        const struct mime_part *inside = &m->parts[part->first_child];

        (void)strbuf_char(out, ' ');
        imap_envelope(mime_header(m, inside), out);
        (void)strbuf_char(out, ' ');
        put_part(m, inside, extended, out);
    }
    if (is_message || slice_eq_nocase(part->type, SLICE("text")))
        put_number(part->lines, out);
    if (!extended)
        return;
    (void)strbuf_char(out, ' ');
    put_field(fields, "Content-MD5", out);
    put_extension(fields, out);
}

static void
put_part(const struct mime *m, const struct mime_part *part, bool extended, struct strbuf *out)
{
    (void)strbuf_char(out, '(');
    if (part->kind == MIME_MULTIPART)
        put_multipart(m, part, extended, out);
    else
        put_single(m, part, extended, out);
    (void)strbuf_char(out, ')');
}

void
imap_structure(const struct mime *m, bool extended, struct strbuf *out)
{
    put_part(m, &m->parts[0], extended, out);
}
