/*
 * lib/mail/template.c - texts of the administrator's with @NAME@ for values. No I/O.
 */
#include "lib/mail/template.h"

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

/* A name that is misspelt would go out as it is, to everybody. */
static bool
names_known(struct slice text, const char *const *names)
{
    for (size_t i = 0; i < text.len; i++) {
        struct slice name;
        size_t n = 0;

        if (text.ptr[i] != '@' || !name_at(slice_sub(text, i, text.len), &name))
            continue;
        while (name.len > 0 && names[n] != NULL && !slice_eq(name, slice_of(names[n])))
            n++;
        if (name.len > 0 && names[n] == NULL)
            return false;
        i += name.len + 1;
    }
    return true;
}

static bool
has_name(struct slice text, const char *wanted)
{
    for (size_t i = 0; i < text.len; i++) {
        struct slice name;

        if (text.ptr[i] != '@' || !name_at(slice_sub(text, i, text.len), &name))
            continue;
        if (slice_eq(name, slice_of(wanted)))
            return true;
        i += name.len + 1;
    }
    return false;
}

static bool
is_plain_text(struct slice text)
{
    if (!parse_is_utf8(text))
        return false;
    for (size_t i = 0, width = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];

        if ((c < 0x20 && c != '\n' && c != '\r' && c != '\t') || c == 0x7f)
            return false;
        width = c == '\n' ? 0 : width + 1;
        if (width > LINE_MAX_BYTES)
            return false;
    }
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

int
template_parse(struct slice file, const char *const *names, struct template_text *text,
               const char **why)
{
    static const struct slice field = {"Subject:", 8};
    struct slice first = take_line(&file), second = take_line(&file);

    text->subject = slice_trim(slice_sub(first, field.len, first.len));
    text->body = file;
    *why = NULL;
    if (!is_plain_text(first) || !is_plain_text(file))
        *why = "it is not UTF-8 text with lines of at most 500 bytes";
    else if (!slice_starts(first, field) || text->subject.len == 0)
        *why = "its first line is not 'Subject: ...'";
    else if (second.len > 0)
        *why = "its second line is not empty";
    else if (!names_known(first, names + 1) || !names_known(file, names))
        *why = "it names a value that does not exist here";
    else if (!has_name(file, names[0]))
        *why = "the value that it is about is missing";
    return *why == NULL ? 0 : -1;
}
