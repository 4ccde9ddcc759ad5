/*
 * lib/mail/imap_string.c - strings as IMAP responses carry them.
 *
 * Input:  anything: header fields, mailbox names.
 */
#include "lib/mail/imap_string.h"

#include <string.h>

static void
put_quoted(struct slice text, struct strbuf *out)
{
    (void)strbuf_char(out, '"');
    while (text.len > 0) {
        size_t plain = 0;

        while (plain < text.len && text.ptr[plain] != '"' && text.ptr[plain] != '\\')
            plain++;
        (void)strbuf_append(out, slice_sub(text, 0, plain));
        if (plain < text.len) {
            (void)strbuf_char(out, '\\');
            (void)strbuf_char(out, text.ptr[plain]);
        }
        text = slice_sub(text, plain + 1, text.len);
    }
    (void)strbuf_char(out, '"');
}

/* Without anything to escape. */
static void
put_plain(struct slice text, struct strbuf *out)
{
    (void)strbuf_char(out, '"');
    (void)strbuf_append(out, text);
    (void)strbuf_char(out, '"');
}

static void
put_literal(struct slice text, size_t nuls, struct strbuf *out)
{
    (void)strbuf_printf(out, "{%zu}\r\n", text.len - nuls);
    while (text.len > 0)
        (void)strbuf_append(out, slice_split(&text, '\0'));
}

enum {
    ESCAPED = 1, /* '"' and backslash: with a backslash before them */
    SPECIAL = 2, /* not in a quoted string */
    NUL = 4,     /* in no string at all */
};

/* What the bytes of a text ask for, together: the table makes one look at each enough. */
static unsigned
classes_of(struct slice text)
{
    static const unsigned char classes[256] = {
        [0] = NUL, ['\r'] = SPECIAL, ['\n'] = SPECIAL, ['"'] = ESCAPED, ['\\'] = ESCAPED};
    unsigned found = 0, high = 0;

    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];

        found |= classes[c];
        high |= c;
    }
    return high >= 0x80 ? found | SPECIAL : found;
}

static size_t
count_nuls(struct slice text)
{
    size_t count = 0;

    for (size_t i = 0; i < text.len; i++)
        count += text.ptr[i] == '\0';
    return count;
}

void
imap_string(struct slice text, struct strbuf *out)
{
    unsigned classes = classes_of(text);

    if ((classes & (NUL | SPECIAL)) != 0)
        put_literal(text, (classes & NUL) != 0 ? count_nuls(text) : 0, out);
    else if ((classes & ESCAPED) != 0)
        put_quoted(text, out);
    else
        put_plain(text, out);
}

/* ASTRING-CHAR */
static bool
is_astring_char(char c)
{
    return c > 0x20 && c < 0x7f && strchr("(){%*\"\\", c) == NULL;
}

static bool
can_be_atom(struct slice text)
{
    size_t i = 0;

    while (i < text.len && is_astring_char(text.ptr[i]))
        i++;
    return text.len > 0 && i == text.len && !slice_eq_nocase(text, SLICE("NIL"));
}

void
imap_astring(struct slice text, struct strbuf *out)
{
    if (can_be_atom(text))
        (void)strbuf_append(out, text);
    else
        imap_string(text, out);
}

void
imap_astring_utf8(struct slice text, struct strbuf *out)
{
    if (can_be_atom(text))
        (void)strbuf_append(out, text);
    else
        put_quoted(text, out);
}

void
imap_string_unfolded(struct slice text, struct strbuf *out)
{
    struct strbuf plain = strbuf_new(text.len);

    text = slice_trim(text);
    if (slice_index(text, '\n') == text.len && slice_index(text, '\r') == text.len) {
        imap_string(text, out);
        return;
    }
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] != '\r' && text.ptr[i] != '\n')
            (void)strbuf_char(&plain, text.ptr[i]); /* fits */
    imap_string(strbuf_slice(&plain), out);
    strbuf_free(&plain);
}
