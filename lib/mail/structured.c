/*
 * lib/mail/structured.c - the lexical elements of structured header fields.
 *
 * Input:  the body of a header field, still folded. Untrusted: the sender wrote it. Comments may
 *         nest to any depth; they are counted, not recursed into.
 */
#include "lib/mail/structured.h"

/* *text begins with '('. Takes the comment and returns what is between the parentheses. */
static struct slice
take_comment(struct slice *text)
{
    struct slice all = *text;
    size_t depth = 0, i;

    for (i = 0; i < all.len; i++) {
        if (all.ptr[i] == '\\')
            i++;
        else if (all.ptr[i] == '(')
            depth++;
        else if (all.ptr[i] == ')' && --depth == 0)
            break;
    }
    *text = slice_sub(all, i + 1, all.len);
    return slice_sub(all, 1, i);
}

void
structured_skip(struct slice *text, struct slice *comment)
{
    while (text->len > 0) {
        char c = text->ptr[0];

        if (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
            *text = slice_sub(*text, 1, text->len);
        } else if (c == '(') {
            struct slice inner = take_comment(text);

            if (comment != NULL)
                *comment = inner;
        } else {
            return;
        }
    }
}

static bool
is_token_char(char c)
{
    switch (c) {
    case '(':
    case ')':
    case '<':
    case '>':
    case '@':
    case ',':
    case ';':
    case ':':
    case '\\':
    case '"':
    case '/':
    case '[':
    case ']':
    case '?':
    case '=':
        return false;
    default:
        return c > 0x20 && c < 0x7f;
    }
}

struct slice
structured_token(struct slice *text)
{
    struct slice token;
    size_t len = 0;

    structured_skip(text, NULL);
    while (len < text->len && is_token_char(text->ptr[len]))
        len++;
    token = slice_sub(*text, 0, len);
    *text = slice_sub(*text, len, text->len);
    return token;
}

bool
structured_unquote(struct slice inner, struct strbuf *out)
{
    char *to = strbuf_room(out, inner.len);
    size_t used = 0;

    if (to == NULL)
        return false;
    for (size_t i = 0; i < inner.len; i++) {
        char c = inner.ptr[i];

        if (c == '\r' || c == '\n' || c == '\0')
            continue;
        if (c == '\\' && i + 1 < inner.len)
            c = inner.ptr[++i];
        to[used++] = c;
    }
    strbuf_grew(out, used);
    return true;
}

bool
structured_quoted(struct slice *text, struct strbuf *out)
{
    size_t i = 1;
    struct slice inner;

    structured_skip(text, NULL);
    if (text->len == 0 || text->ptr[0] != '"')
        return false;
    while (i < text->len && text->ptr[i] != '"')
        i += text->ptr[i] == '\\' ? 2 : 1;
    inner = slice_sub(*text, 1, i);
    *text = slice_sub(*text, i + 1, text->len);
    return structured_unquote(inner, out);
}
