/*
 * lib/mail/html_text.c - the text of an HTML document as a reader would see it.
 *
 * Input:  HTML that the sender wrote. Untrusted. One pass, one state per byte.
 */
#include "lib/mail/html_text.h"

#include <string.h>

#include "lib/base/parse.h"
#include "lib/mail/utf8.h"

static const char *const hidden_elements[] = {"style", "script", "title", "head"};
/* Tags inside a word; all others end one. */
static const char *const inline_elements[] = {"a",    "b",      "i",   "u",   "s",   "em",   "font",
                                              "span", "strong", "sub", "sup", "big", "small"};

static const struct {
    const char *name;
    uint32_t code;
} references[] = {
    {"amp", '&'},      {"lt", '<'},       {"gt", '>'},        {"quot", '"'},     {"apos", '\''},
    {"nbsp", 0xa0},    {"copy", 0xa9},    {"reg", 0xae},      {"shy", 0xad},     {"euro", 0x20ac},
    {"ndash", 0x2013}, {"mdash", 0x2014}, {"hellip", 0x2026}, {"bull", 0x2022},  {"middot", 0xb7},
    {"lsquo", 0x2018}, {"rsquo", 0x2019}, {"ldquo", 0x201c},  {"rdquo", 0x201d}, {"trade", 0x2122},
    {"auml", 0xe4},    {"ouml", 0xf6},    {"uuml", 0xfc},     {"Auml", 0xc4},    {"Ouml", 0xd6},
    {"Uuml", 0xdc},    {"szlig", 0xdf},   {"eacute", 0xe9},   {"egrave", 0xe8},  {"agrave", 0xe0},
    {"ccedil", 0xe7},  {"ntilde", 0xf1},  {"zwnj", 0x200c},   {"zwj", 0x200d},
};

static bool
is_among(const char *name, const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(name, list[i]) == 0)
            return true;
    return false;
}

static void
name_begin(struct html_text *h, enum html_text_state state)
{
    h->state = state;
    h->name_len = 0;
    h->name[0] = '\0';
}

static void
name_add(struct html_text *h, char c)
{
    if (h->name_len == HTML_TEXT_NAME_MAX)
        return;
    h->name[h->name_len++] = c;
    h->name[h->name_len] = '\0';
}

static char
lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* Only its own end ends a hidden element, and a body ends the head. */
static bool
ends_hidden(const struct html_text *h)
{
    return (h->name[0] == '/' && strcmp(h->name + 1, h->hidden) == 0) ||
           (strcmp(h->hidden, "head") == 0 && strcmp(h->name, "body") == 0);
}

/* The name of a tag is complete. */
static void
end_name(struct html_text *h, struct strbuf *out)
{
    bool closes = h->name[0] == '/';
    const char *element = h->name + (closes ? 1 : 0);

    if (h->hidden[0] != '\0')
        h->hidden[0] = '\0';
    else if (!closes && is_among(element, hidden_elements, ARRAY_LEN(hidden_elements)))
        memcpy(h->hidden, h->name, sizeof(h->hidden));
    else if (!is_among(element, inline_elements, ARRAY_LEN(inline_elements)))
        (void)strbuf_char(out, ' ');
}

static void
in_tag(struct html_text *h, char c)
{
    if (c == '>')
        h->state = HTML_TEXT_TEXT;
    else if (c == '"' || c == '\'') {
        h->state = HTML_TEXT_QUOTED;
        h->quote = c;
    }
}

static void
in_text(struct html_text *h, char c, struct strbuf *out)
{
    if (c == '<')
        name_begin(h, HTML_TEXT_TAG_NAME);
    else if (h->hidden[0] != '\0')
        return;
    else if (c == '&')
        name_begin(h, HTML_TEXT_REFERENCE);
    else
        (void)strbuf_char(out, c);
}

static void
in_tag_name(struct html_text *h, char c, struct strbuf *out)
{
    bool is_name = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                   (c >= '0' && c <= '9' && h->name_len > 0);

    if (is_name || (h->name_len == 0 && (c == '/' || c == '!' || c == '?'))) {
        name_add(h, lower(c));
        return;
    }
    if (h->hidden[0] != '\0' && !ends_hidden(h)) {
        h->state = HTML_TEXT_TEXT;
        in_text(h, c, out);
        return;
    }
    if (c == '-' && strcmp(h->name, "!") == 0) {
        h->state = HTML_TEXT_COMMENT;
        h->dashes = 0;
        return;
    }
    if (h->name_len == 0) { /* "a < b" */
        (void)strbuf_char(out, '<');
        h->state = HTML_TEXT_TEXT;
        in_text(h, c, out);
        return;
    }
    end_name(h, out);
    h->state = HTML_TEXT_TAG;
    in_tag(h, c);
}

static void
in_comment(struct html_text *h, char c)
{
    if (c == '>' && h->dashes >= 2)
        h->state = HTML_TEXT_TEXT;
    h->dashes = c == '-' ? h->dashes + 1 : 0;
    if (h->dashes > 2)
        h->dashes = 2;
}

/* -1: no reference that we know. */
static int
find_reference(const char *name, uint32_t *code)
{
    uint64_t value = 0;

    for (size_t i = 0; i < ARRAY_LEN(references); i++)
        if (strcmp(name, references[i].name) == 0) {
            *code = references[i].code;
            return 0;
        }
    if (name[0] != '#')
        return -1;
    if (name[1] == 'x' || name[1] == 'X') {
        for (const char *p = name + 2; *p != '\0'; p++) {
            char c = lower(*p);

            if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'f'))
                return -1;
            value = value * 16 + (uint64_t)(c <= '9' ? c - '0' : c - 'a' + 10);
        }
    } else if (parse_u64(slice_of(name + 1), 0x10ffff, &value) < 0) {
        return -1;
    }
    *code = value > 0x10ffff ? UTF8_REPLACEMENT : (uint32_t)value;
    return 0;
}

/* Behind "&": true while c belongs to it. */
static bool
in_reference(struct html_text *h, char c, struct strbuf *out)
{
    bool is_name = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                   (c == '#' && h->name_len == 0);
    uint32_t code;

    if (is_name && h->name_len < HTML_TEXT_NAME_MAX) {
        name_add(h, c);
        return true;
    }
    h->state = HTML_TEXT_TEXT;
    if (find_reference(h->name, &code) == 0) {
        (void)utf8_append(out, code);
        return c == ';';
    }
    (void)strbuf_char(out, '&');
    (void)strbuf_str(out, h->name);
    return false;
}

static void
feed_byte(struct html_text *h, char c, struct strbuf *out)
{
    switch (h->state) {
    case HTML_TEXT_REFERENCE:
        if (!in_reference(h, c, out))
            in_text(h, c, out);
        break;
    case HTML_TEXT_TEXT:
        in_text(h, c, out);
        break;
    case HTML_TEXT_TAG_NAME:
        in_tag_name(h, c, out);
        break;
    case HTML_TEXT_TAG:
        in_tag(h, c);
        break;
    case HTML_TEXT_QUOTED:
        if (c == h->quote)
            h->state = HTML_TEXT_TAG;
        break;
    case HTML_TEXT_COMMENT:
        in_comment(h, c);
        break;
    }
}

bool
html_text_feed(struct html_text *h, struct slice piece, struct strbuf *out)
{
    for (size_t i = 0; i < piece.len; i++)
        feed_byte(h, piece.ptr[i], out);
    return !out->overflow;
}
