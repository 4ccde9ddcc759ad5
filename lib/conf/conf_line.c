/*
 * lib/conf/conf_line.c - one line of posthorn.conf taken apart. Any bytes may come in; no I/O.
 */
#include "lib/conf/conf_line.h"

static bool
is_space(char c)
{
    return c == ' ' || c == '\t';
}

static bool
is_name(struct slice s)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];

        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '_' && c != '-')
            return false;
    }
    return s.len > 0;
}

static struct conf_line
bad(const char *problem)
{
    return (struct conf_line){.kind = CONF_LINE_BAD, .problem = problem};
}

/* The rest of a line behind its content: nothing, or a comment. */
static bool
take_comment(struct slice rest, struct slice *comment)
{
    *comment = slice_trim(rest);
    return comment->len == 0 || comment->ptr[0] == '#';
}

static struct conf_line
parse_section(struct slice text)
{
    size_t end = slice_index(text, ']');
    struct conf_line line = {.kind = CONF_LINE_SECTION, .name = slice_sub(text, 1, end)};

    if (end == text.len)
        return bad("expected ']' after the section's name");
    if (!is_name(line.name))
        return bad("expected a section's name in lower case between '[' and ']'");
    if (!take_comment(slice_sub(text, end + 1, text.len), &line.comment))
        return bad("expected nothing or a comment behind ']'");
    return line;
}

/* `text` starts behind the opening quote. False: no closing quote, or the value is too long. */
static bool
parse_quoted(struct slice text, struct strbuf *value, struct slice *rest)
{
    size_t i = 0;

    while (i < text.len && text.ptr[i] != '"') {
        if (text.ptr[i] == '\\' && i + 1 < text.len)
            i++;
        if (!strbuf_char(value, text.ptr[i++]))
            return false;
    }
    *rest = slice_sub(text, i + 1, text.len);
    return i < text.len;
}

static bool
parse_plain(struct slice text, struct strbuf *value, struct slice *rest)
{
    size_t end = 0;

    while (end < text.len && !(text.ptr[end] == '#' && (end == 0 || is_space(text.ptr[end - 1]))))
        end++;
    *rest = slice_sub(text, end, text.len);
    return strbuf_append(value, slice_trim(slice_sub(text, 0, end)));
}

struct conf_line
conf_line_parse(struct slice text, struct strbuf *value)
{
    struct conf_line line = {.kind = CONF_LINE_SETTING};
    struct slice rest = slice_trim(text);
    size_t equals = slice_index(rest, '=');

    strbuf_clear(value);
    if (rest.len == 0 || rest.ptr[0] == '#')
        return (struct conf_line){.kind = CONF_LINE_BLANK, .comment = rest};
    if (rest.ptr[0] == '[')
        return parse_section(rest);
    line.name = slice_trim(slice_sub(rest, 0, equals));
    if (equals == rest.len || !is_name(line.name))
        return bad("expected 'name = value', '[section]' or a comment that starts with '#'");
    rest = slice_trim(slice_sub(rest, equals + 1, rest.len));
    if (rest.len > CONF_VALUE_MAX)
        return bad("expected a value of at most 4096 bytes");
    if (rest.len > 0 && rest.ptr[0] == '"') {
        if (!parse_quoted(slice_sub(rest, 1, rest.len), value, &rest))
            return bad("expected a closing '\"'");
        if (!take_comment(rest, &line.comment))
            return bad("expected nothing or a comment behind the closing '\"'");
        return line;
    }
    if (!parse_plain(rest, value, &line.comment))
        return bad("expected a shorter value");
    return line;
}

void
conf_line_quote(struct slice value, struct strbuf *out)
{
    bool plain = value.len > 0 && value.ptr[0] != '"' && value.ptr[0] != '#' &&
                 slice_trim(value).len == value.len;

    for (size_t i = 1; i < value.len; i++)
        if (value.ptr[i] == '#' && is_space(value.ptr[i - 1]))
            plain = false;
    if (plain) {
        (void)strbuf_append(out, value); /* overflow is remembered by the buffer */
        return;
    }
    (void)strbuf_char(out, '"');
    for (size_t i = 0; i < value.len; i++) {
        if (value.ptr[i] == '"' || value.ptr[i] == '\\')
            (void)strbuf_char(out, '\\');
        (void)strbuf_char(out, value.ptr[i]);
    }
    (void)strbuf_char(out, '"');
}
