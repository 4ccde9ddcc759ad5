/*
 * lib/mail/encoded_word.c - header text with encoded words, as UTF-8.
 *
 * Input:  the body of a header field. Untrusted: the sender wrote it.
 */
#include "lib/mail/encoded_word.h"

#include "lib/base/encode.h"
#include "lib/mail/charset.h"
#include "lib/mail/transfer.h"

enum {
    WORD_CHARSET_MAX = 64, /* bytes of the name; RFC 2047 allows 75 for the whole word */
    WORD_PIECE = 4096,     /* input bytes decoded at a time */
    ENCODE_PIECE = 45      /* 60 letters of base64: a word has 75 bytes at most (section 2) */
};

struct word {
    struct slice charset, text;
    char encoding; /* 'q' or 'b' */
    size_t len;    /* of the whole word */
};

/* Recognizes "=?charset?q?text?=" at the start of `s`. */
static bool
find_word(struct slice s, struct word *w)
{
    struct slice rest;
    size_t star, end;

    if (!slice_starts(s, SLICE("=?")))
        return false;
    rest = slice_sub(s, 2, s.len);
    end = slice_index(slice_sub(rest, 0, WORD_CHARSET_MAX + 1), '?');
    if (end == 0 || end > WORD_CHARSET_MAX || rest.len < end + 3 || rest.ptr[end + 2] != '?')
        return false;
    w->charset = slice_sub(rest, 0, end);
    star = slice_index(w->charset, '*'); /* RFC 2231 section 5: a language follows */
    w->charset.len = star;
    w->encoding = (char)(rest.ptr[end + 1] | 0x20);
    if (w->encoding != 'q' && w->encoding != 'b')
        return false;
    rest = slice_sub(rest, end + 3, rest.len);
    end = slice_index(rest, '?');
    if (end + 1 >= rest.len || rest.ptr[end + 1] != '=')
        return false;
    w->text = slice_sub(rest, 0, end);
    w->len = (size_t)(rest.ptr + end + 2 - s.ptr);
    return true;
}

/* Undoes the Q encoding's '_' (section 4.2), which quoted-printable does not have. */
static void
spaces_for_underscores(struct strbuf *raw)
{
    for (size_t i = 0; i < raw->len; i++)
        if (raw->ptr[i] == '_')
            raw->ptr[i] = ' ';
}

static bool
append_word(const struct word *w, struct strbuf *out)
{
    bool is_q = w->encoding == 'q';
    struct transfer t = transfer_begin(is_q ? TRANSFER_QUOTED_PRINTABLE : TRANSFER_BASE64);
    struct strbuf source = strbuf_new(w->text.len), decoded = strbuf_new(w->text.len);
    struct slice rest;
    bool ok;

    (void)strbuf_append(&source, w->text); /* fits: the ceiling is its length */
    if (is_q)
        spaces_for_underscores(&source);
    rest = strbuf_slice(&source);
    while (transfer_next(&t, &rest, WORD_PIECE, &decoded))
        ;
    ok = charset_to_utf8(charset_find(w->charset), strbuf_slice(&decoded), out);
    strbuf_free(&source);
    strbuf_free(&decoded);
    return ok;
}

static size_t
white_space(struct slice s)
{
    size_t len = 0;

    while (len < s.len &&
           (s.ptr[len] == ' ' || s.ptr[len] == '\t' || s.ptr[len] == '\r' || s.ptr[len] == '\n'))
        len++;
    return len;
}

/* Up to the next byte that could begin an encoded word or a line end. */
static size_t
plain_run(struct slice s)
{
    size_t len = 1;

    while (len < s.len && s.ptr[len] != '=' && s.ptr[len] != '\r' && s.ptr[len] != '\n')
        len++;
    return len;
}

bool
encoded_word_decode(struct slice body, struct strbuf *out)
{
    struct word w;

    while (body.len > 0) {
        size_t space, taken;

        if (body.ptr[0] == '\r' || body.ptr[0] == '\n') {
            body = slice_sub(body, 1, body.len);
            continue;
        }
        if (!find_word(body, &w)) {
            taken = plain_run(body);
            if (!strbuf_append(out, slice_sub(body, 0, taken)))
                return false;
            body = slice_sub(body, taken, body.len);
            continue;
        }
        if (!append_word(&w, out))
            return false;
        body = slice_sub(body, w.len, body.len);
        space = white_space(body);
        if (space > 0 && find_word(slice_sub(body, space, body.len), &w))
            body = slice_sub(body, space, body.len);
    }
    return true;
}

/* As much of `text` as fits in one word, whole characters only. */
static struct slice
take_piece(struct slice *text)
{
    size_t len = text->len < ENCODE_PIECE ? text->len : ENCODE_PIECE;
    struct slice piece;

    while (len < text->len && len > 1 && ((unsigned char)text->ptr[len] & 0xc0) == 0x80)
        len--; /* the next byte continues a character */
    piece = slice_sub(*text, 0, len);
    *text = slice_sub(*text, len, text->len);
    return piece;
}

bool
encoded_word_encode(struct slice text, struct strbuf *out)
{
    size_t plain = 0;

    while (plain < text.len && (unsigned char)text.ptr[plain] < 0x80)
        plain++;
    if (plain == text.len)
        return strbuf_append(out, text);
    for (bool first = true; text.len > 0; first = false) {
        (void)strbuf_str(out, first ? "=?utf-8?B?" : "\r\n =?utf-8?B?"); /* overflow: below */
        (void)base64_encode(take_piece(&text), out);
        (void)strbuf_str(out, "?=");
    }
    return !out->overflow;
}
