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
    WORD_PIECE = 4096      /* input bytes decoded at a time */
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

/* The words being converted: neighbours in the same character set are taken together, because many
 * senders cut in the middle of a character (against section 5). */
struct run {
    struct charset *cs; /* NULL: none */
    struct slice name;
    struct strbuf *out;
};

static bool
run_end(struct run *run)
{
    bool ok = run->cs == NULL || charset_convert(run->cs, SLICE(""), true, run->out);

    charset_close(&run->cs);
    return ok;
}

static bool
run_add(struct run *run, struct slice name, struct slice bytes)
{
    /* these change what bytes mean as they go, and each word begins anew */
    bool joins = slice_eq_nocase(name, run->name) && !slice_starts_nocase(name, SLICE("iso-2022-"));

    if (run->cs != NULL && !joins && !run_end(run))
        return false;
    if (run->cs == NULL)
        run->cs = charset_open(name);
    run->name = name;
    return charset_convert(run->cs, bytes, false, run->out);
}

static bool
append_word(const struct word *w, struct run *run)
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
    ok = run_add(run, w->charset, strbuf_slice(&decoded));
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

/* Takes an encoded word off *body, and the white space behind it if another word follows. */
static bool
take_word(struct slice *body, const struct word *w, struct run *run)
{
    struct word next;
    size_t space;

    if (!append_word(w, run))
        return false;
    *body = slice_sub(*body, w->len, body->len);
    space = white_space(*body);
    if (find_word(slice_sub(*body, space, body->len), &next)) {
        *body = slice_sub(*body, space, body->len);
        return true;
    }
    return run_end(run);
}

bool
encoded_word_decode(struct slice body, struct strbuf *out)
{
    struct run run = {.out = out};
    struct word w;
    bool ok = true;

    while (ok && body.len > 0) {
        size_t taken;

        if (body.ptr[0] == '\r' || body.ptr[0] == '\n') {
            body = slice_sub(body, 1, body.len);
            if (slice_starts(body, SLICE("\t"))) {
                ok = strbuf_char(out, ' ');
                body = slice_sub(body, 1, body.len);
            }
        } else if (find_word(body, &w)) {
            ok = take_word(&body, &w, &run);
        } else {
            taken = plain_run(body);
            ok = strbuf_append(out, slice_sub(body, 0, taken));
            body = slice_sub(body, taken, body.len);
        }
    }
    charset_close(&run.cs);
    return ok;
}
