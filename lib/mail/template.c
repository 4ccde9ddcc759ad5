/*
 * lib/mail/template.c - texts of the administrator's with @NAME@ for values. No I/O.
 */
#include "lib/mail/template.h"

#include <stdarg.h>
#include <stdio.h>

#include "lib/base/parse.h"

#define LINE_MAX_BYTES 500 /* values come on top; RFC 5322 section 2.1.1 allows 998 */

/* What stands between the '@' at the start of `text` and the next one, if it looks like a name. */
static bool
name_at(struct slice text, struct slice *name)
{
    struct slice rest = slice_sub(text, 1, text.len);
    size_t end = slice_index(rest, '@');

    *name = slice_sub(rest, 0, end);
    for (size_t i = 0; i < end; i++)
        if (!(name->ptr[i] >= 'a' && name->ptr[i] <= 'z') && name->ptr[i] != '_')
            return false;
    return end < rest.len;
}

static bool
find_value(const struct template_value *values, size_t count, struct slice name,
           struct slice *value)
{
    if (name.len == 0) {
        *value = SLICE("@");
        return true;
    }
    for (size_t i = 0; i < count; i++)
        if (slice_eq(name, slice_of(values[i].name))) {
            *value = values[i].value;
            return true;
        }
    return false;
}

bool
template_fill(struct slice text, const struct template_value *values, size_t count,
              struct strbuf *out)
{
    for (size_t i = 0; i < text.len; i++) {
        struct slice name, value;
        char c = text.ptr[i];

        if (c == '@' && name_at(slice_sub(text, i, text.len), &name) &&
            find_value(values, count, name, &value)) {
            (void)strbuf_append(out, value); /* overflow is remembered */
            i += name.len + 1;
        } else if (c == '\n') {
            (void)strbuf_str(out, "\r\n");
        } else if (c != '\r') {
            (void)strbuf_char(out, c);
        }
    }
    return !out->overflow;
}

/* ---- taking a file apart ---- */

struct check {
    const struct template_kind *kind;
    struct template_fault *fault;
    bool found_required;
};

__attribute__((format(printf, 3, 4))) static bool
complain(struct check *c, size_t line, const char *format, ...)
{
    va_list args;

    c->fault->line = line;
    va_start(args, format);
    (void)vsnprintf(c->fault->why, sizeof(c->fault->why), format, args);
    va_end(args);
    return false;
}

static bool
is_known(const struct template_kind *kind, struct slice name)
{
    for (const char *const *known = kind->names; *known != NULL; known++)
        if (slice_eq(name, slice_of(*known)))
            return true;
    return false;
}

/* A name that is misspelt would go out as it is, to everybody. */
static bool
names_are_right(struct check *c, struct slice line, size_t number)
{
    const char *required = c->kind->required;

    for (size_t i = 0; i < line.len; i++) {
        struct slice name;

        if (line.ptr[i] != '@' || !name_at(slice_sub(line, i, line.len), &name))
            continue;
        if (name.len > 0 && !is_known(c->kind, name))
            return complain(c, number, "'@%.*s@' is no value here", (int)name.len, name.ptr);
        if (required != NULL && slice_eq(name, slice_of(required))) {
            if (number == 1)
                return complain(c, number, "'@%s@' is for the text alone", required);
            c->found_required = true;
        }
        i += name.len + 1;
    }
    return true;
}

static bool
is_plain(struct check *c, struct slice line, size_t number)
{
    if (line.len > LINE_MAX_BYTES)
        return complain(c, number, "the line has over %d bytes", LINE_MAX_BYTES);
    if (!parse_is_utf8(line))
        return complain(c, number, "the line is not UTF-8");
    for (size_t i = 0; i < line.len; i++)
        if (((unsigned char)line.ptr[i] < 0x20 && line.ptr[i] != '\t') || line.ptr[i] == 0x7f)
            return complain(c, number, "the line has a control character");
    return true;
}

static struct slice
take_line(struct slice *text)
{
    struct slice line = slice_split(text, '\n');

    if (line.len > 0 && line.ptr[line.len - 1] == '\r')
        line.len--;
    return line;
}

static bool
line_is_right(struct check *c, struct slice line, size_t number)
{
    return is_plain(c, line, number) && names_are_right(c, line, number);
}

static bool
body_is_right(struct check *c, struct slice body)
{
    for (size_t number = 3; body.len > 0; number++)
        if (!line_is_right(c, take_line(&body), number))
            return false;
    if (c->kind->required != NULL && !c->found_required)
        return complain(c, 0, "'@%s@' is missing, the value that it is about", c->kind->required);
    return true;
}

int
template_parse(struct slice file, const struct template_kind *kind, struct template_text *text,
               struct template_fault *fault)
{
    static const struct slice field = {"Subject:", 8};
    struct check c = {.kind = kind, .fault = fault};
    struct slice first = take_line(&file), second = take_line(&file);

    *text = (struct template_text){slice_trim(slice_sub(first, field.len, first.len)), file, NULL};
    if (!line_is_right(&c, first, 1))
        return -1;
    if (!slice_starts(first, field) || text->subject.len == 0) {
        (void)complain(&c, 1, "expected 'Subject: ...'");
        return -1;
    }
    if (second.len > 0) {
        (void)complain(&c, 2, "expected an empty line behind the subject");
        return -1;
    }
    return body_is_right(&c, file) ? 0 : -1;
}
