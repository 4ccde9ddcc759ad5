/*
 * lib/dkim/canonical.c - the canonical forms (RFC 6376 section 3.4).
 *
 * Input: whole messages, untrusted. Only CRLF ends a line here: what a verifier elsewhere makes of
 * a bare CR or LF in a body is its octet, no more. Holds one block, however long a line is.
 */
#include "lib/dkim/canonical.h"

#include <string.h>

static bool
is_wsp(char c)
{
    return c == ' ' || c == '\t';
}

static char
lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool
dkim_canonical_field(struct slice name, struct slice body, struct strbuf *out)
{
    size_t start;
    bool space = false;

    for (size_t i = 0; i < name.len; i++)
        (void)strbuf_char(out, lower(name.ptr[i])); /* an overflow is remembered */
    (void)strbuf_char(out, ':');
    start = out->len;
    for (size_t i = 0; i < body.len; i++) {
        char c = body.ptr[i];

        if (c == '\r' && i + 1 < body.len && body.ptr[i + 1] == '\n') {
            i++; /* unfolded: the white space behind it stays */
            continue;
        }
        if (is_wsp(c)) {
            space = true;
            continue;
        }
        if (space && out->len > start)
            (void)strbuf_char(out, ' ');
        space = false;
        (void)strbuf_char(out, c);
    }
    return !out->overflow;
}

/* ---- body ---- */

static void
flush(struct dkim_body *b)
{
    b->out(b->arg, slice_make(b->buf, b->used));
    b->used = 0;
}

static void
put(struct dkim_body *b, struct slice text)
{
    while (text.len > 0) {
        size_t room = sizeof(b->buf) - b->used, n = text.len < room ? text.len : room;

        memcpy(b->buf + b->used, text.ptr, n);
        b->used += n;
        text = slice_sub(text, n, text.len);
        if (b->used == sizeof(b->buf))
            flush(b);
    }
}

/* Text without white space; what was held back before it counts now. */
static void
put_text(struct dkim_body *b, struct slice text)
{
    if (text.len == 0)
        return;
    for (; b->line_ends > 0; b->line_ends--)
        put(b, SLICE("\r\n"));
    if (b->space)
        put(b, SLICE(" "));
    b->space = false;
    b->any_text = true;
    put(b, text);
}

void
dkim_body_begin(struct dkim_body *b, void (*out)(void *arg, struct slice piece), void *arg)
{
    b->out = out;
    b->arg = arg;
    b->line_ends = 0;
    b->cr = b->space = b->any_text = b->simple = false;
    b->used = 0;
}

/* Length of the text up to the next CR, or to the white space that counts. */
static size_t
word_len(const struct dkim_body *b, struct slice text)
{
    size_t len = 0;

    while (len < text.len && (b->simple || !is_wsp(text.ptr[len])) && text.ptr[len] != '\r')
        len++;
    return len;
}

void
dkim_body_feed(struct dkim_body *b, struct slice input)
{
    while (input.len > 0) {
        char c = input.ptr[0];
        size_t taken = 1;

        if (b->cr && c == '\n') {
            b->line_ends++;
            b->cr = b->space = false; /* white space at the end of a line is ignored */
        } else {
            if (b->cr)
                put_text(b, SLICE("\r"));
            b->cr = c == '\r';
            if (!b->simple && is_wsp(c)) {
                b->space = true;
            } else if (!b->cr) {
                taken = word_len(b, input);
                put_text(b, slice_sub(input, 0, taken));
            }
        }
        input = slice_sub(input, taken, input.len);
    }
}

void
dkim_body_end(struct dkim_body *b)
{
    if (b->cr)
        put_text(b, SLICE("\r"));
    if (b->any_text || b->simple) /* all that ends the last line, or a line end that was missing */
        put(b, SLICE("\r\n"));
    flush(b);
}
