/*
 * lib/mail/content_type.c - media types and dispositions with their parameters.
 *
 * Input:  the body of a Content-Type or Content-Disposition field. Untrusted: the sender wrote it.
 *         Wrong parameters are skipped up to the next semicolon.
 */
#include "lib/mail/content_type.h"

#include <string.h>

#include "lib/base/parse.h"
#include "lib/mail/structured.h"

enum { VALUE_MAX = 16384 /* bytes of one parameter's value, continuations joined */ };

/* One parameter as it stands in the field; RFC 2231 section 7: name, section, encoded or not. */
struct raw_param {
    struct slice name;
    uint64_t section;
    bool has_section, encoded;
    struct slice value;
};

static bool
param_value(struct slice *rest, struct arena *arena, struct slice *value)
{
    struct strbuf text = strbuf_new(VALUE_MAX);
    size_t len = 0;

    structured_skip(rest, NULL);
    if (rest->len > 0 && rest->ptr[0] == '"') {
        bool ok = structured_quoted(rest, &text);

        *value = arena_copy(arena, strbuf_slice(&text));
        strbuf_free(&text);
        return ok;
    }
    /* Many senders leave out the quotes: all up to white space, a semicolon or a comment. */
    while (len < rest->len && strchr(" \t\r\n;(", rest->ptr[len]) == NULL)
        len++;
    *value = slice_sub(*rest, 0, len);
    *rest = slice_sub(*rest, len, rest->len);
    return len > 0;
}

/* "name", "name*", "name*0", "name*0*" */
static void
split_name(struct slice written, struct raw_param *p)
{
    size_t star = slice_index(written, '*');
    struct slice section = slice_sub(written, star + 1, written.len);

    p->name = slice_sub(written, 0, star);
    if (star == written.len)
        return;
    p->encoded = section.len == 0 || section.ptr[section.len - 1] == '*';
    if (p->encoded && section.len > 0)
        section.len--;
    if (section.len == 0)
        return;
    if (parse_u64(section, CONTENT_PARAMS_MAX, &p->section) == 0) {
        p->has_section = true;
    } else {
        p->name = written; /* no continuation after all */
        p->encoded = false;
    }
}

/* Takes the next "; name = value" off *rest. False at the end. */
static bool
next_param(struct slice *rest, struct arena *arena, struct raw_param *p)
{
    while (rest->len > 0) {
        struct slice written;

        *p = (struct raw_param){.section = 0};
        *rest = slice_sub(*rest, slice_index(*rest, ';') + 1, rest->len);
        written = structured_token(rest);
        structured_skip(rest, NULL);
        if (written.len == 0 || rest->len == 0 || rest->ptr[0] != '=')
            continue;
        *rest = slice_sub(*rest, 1, rest->len);
        if (!param_value(rest, arena, &p->value))
            continue;
        split_name(written, p);
        if (p->name.len > 0)
            return true;
    }
    return false;
}

static void
append_encoded(struct strbuf *out, struct slice plain)
{
    for (size_t i = 0; i < plain.len; i++) {
        unsigned char c = (unsigned char)plain.ptr[i];

        if (c > 0x20 && c < 0x7f && strchr("*'%()<>@,;:\\\"/[]?=", c) == NULL)
            (void)strbuf_char(out, (char)c); /* overflow is tested by the caller, once */
        else
            (void)strbuf_printf(out, "%%%02X", c);
    }
}

/* Joins the sections of the parameter that raw[first] begins, in order, up to the first gap (RFC
 * 2231 section 3). With one encoded section the whole becomes name*=charset'lang'value. */
static void
join_sections(const struct raw_param *raw, size_t count, size_t first, struct arena *arena,
              struct content_param *out)
{
    struct strbuf text = strbuf_new(VALUE_MAX);
    bool encoded = raw[first].encoded, found = true;

    for (uint64_t section = 0; found; section++) {
        found = false;
        for (size_t i = 0; i < count && !found; i++) {
            if (!raw[i].has_section || raw[i].section != section ||
                !slice_eq_nocase(raw[i].name, raw[first].name))
                continue;
            found = true;
            if (encoded && !raw[i].encoded)
                append_encoded(&text, raw[i].value);
            else
                (void)strbuf_append(&text, raw[i].value); /* too long: cut at a section */
        }
    }
    out->value = arena_copy(arena, strbuf_slice(&text));
    strbuf_free(&text);
}

/* The name with a '*' behind it when the value is in the extended form. */
static struct slice
param_name(const struct raw_param *p, struct arena *arena)
{
    char *name;

    if (!p->encoded)
        return p->name;
    name = arena_alloc(arena, p->name.len + 1);
    memcpy(name, p->name.ptr, p->name.len);
    name[p->name.len] = '*';
    return slice_make(name, p->name.len + 1);
}

static void
keep_params(const struct raw_param *raw, size_t count, struct arena *arena,
            struct content_value *out)
{
    out->params = arena_alloc(arena, count * sizeof(*out->params));
    for (size_t i = 0; i < count; i++) {
        struct content_param *param = &out->params[out->param_count];

        if (raw[i].has_section && raw[i].section != 0)
            continue;
        *param = (struct content_param){param_name(&raw[i], arena), raw[i].value};
        if (raw[i].has_section)
            join_sections(raw, count, i, arena, param);
        out->param_count++;
    }
}

static void
parse_params(struct slice rest, struct arena *arena, struct content_value *out)
{
    struct raw_param raw[CONTENT_PARAMS_MAX];
    size_t count = 0;

    if (slice_index(rest, ';') == rest.len)
        return;
    while (count < CONTENT_PARAMS_MAX && next_param(&rest, arena, &raw[count]))
        count++;
    keep_params(raw, count, arena, out);
}

bool
content_type_parse(struct slice field, struct arena *arena, struct content_value *out)
{
    *out = (struct content_value){.param_count = 0};
    out->type = structured_token(&field);
    structured_skip(&field, NULL);
    if (out->type.len == 0 || field.len == 0 || field.ptr[0] != '/')
        return false;
    field = slice_sub(field, 1, field.len);
    out->subtype = structured_token(&field);
    parse_params(field, arena, out);
    return out->subtype.len > 0;
}

bool
content_disposition_parse(struct slice field, struct arena *arena, struct content_value *out)
{
    *out = (struct content_value){.param_count = 0};
    out->type = structured_token(&field);
    parse_params(field, arena, out);
    return out->type.len > 0;
}

bool
content_param_find(const struct content_value *v, const char *name, struct slice *value)
{
    for (size_t i = 0; i < v->param_count; i++) {
        if (!slice_eq_nocase(v->params[i].name, slice_of(name)))
            continue;
        *value = v->params[i].value;
        return true;
    }
    return false;
}
