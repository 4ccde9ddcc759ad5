/*
 * lib/mail/imap_utf7.c - modified UTF-7 (RFC 3501 section 5.1.3), both ways.
 *
 * Input:  a mailbox name. Untrusted: the client wrote it. Opens no file.
 */
#include "lib/mail/imap_utf7.h"

#include <string.h>

#include "lib/base/parse.h"
#include "lib/mail/utf8.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";

/* Octets that stand for themselves; '&' is among them and handled by the callers. */
static bool
is_direct(uint32_t code)
{
    return code >= 0x20 && code <= 0x7e;
}

/* The bits of one base64 run while it is written. */
struct run {
    uint32_t bits;
    unsigned count;
};

static void
run_put(struct run *run, uint32_t unit, struct strbuf *out)
{
    run->bits = run->bits << 16 | unit;
    run->count += 16;
    while (run->count >= 6) {
        run->count -= 6;
        (void)strbuf_char(out, alphabet[run->bits >> run->count & 63]); /* overflow: see the end */
    }
}

static void
run_end(struct run *run, struct strbuf *out)
{
    if (run->count > 0)
        (void)strbuf_char(out, alphabet[run->bits << (6 - run->count) & 63]);
    (void)strbuf_char(out, '-');
}

static void
encode_run(struct slice *rest, struct strbuf *out)
{
    struct run run = {0, 0};
    struct slice ahead = *rest;
    uint32_t code;

    (void)strbuf_char(out, '&');
    while (utf8_next(&ahead, &code) && !is_direct(code)) {
        if (code >= 0x10000) {
            run_put(&run, 0xd800 + ((code - 0x10000) >> 10), out);
            run_put(&run, 0xdc00 + ((code - 0x10000) & 0x3ff), out);
        } else {
            run_put(&run, code, out);
        }
        *rest = ahead;
    }
    run_end(&run, out);
}

int
imap_utf7_encode(struct slice utf8, struct strbuf *out)
{
    size_t before = out->len;

    if (!parse_is_utf8(utf8))
        return -1;
    while (utf8.len > 0 && !out->overflow) {
        char c = utf8.ptr[0];

        if (!is_direct((unsigned char)c)) {
            encode_run(&utf8, out);
            continue;
        }
        (void)strbuf_append(out, c == '&' ? SLICE("&-") : slice_make(&c, 1));
        utf8 = slice_sub(utf8, 1, utf8.len);
    }
    if (!out->overflow)
        return 0;
    strbuf_truncate(out, before);
    return -1;
}

/* The UTF-16 units of one run between '&' and '-'. Six bits at a time; what is left over at the end
 * must be less than a character of base64 and zero, or the run has a second spelling. */
struct decoder {
    struct strbuf *out;
    uint32_t bits;
    unsigned count;
    uint32_t high; /* a high surrogate that waits for its pair */
};

static bool
take_unit(struct decoder *d, uint32_t unit)
{
    bool is_high = unit >= 0xd800 && unit <= 0xdbff;
    bool is_low = unit >= 0xdc00 && unit <= 0xdfff;

    if ((d->high != 0) != is_low)
        return false;
    if (is_high) {
        d->high = unit;
        return true;
    }
    if (is_low) {
        unit = 0x10000 + ((d->high - 0xd800) << 10) + (unit - 0xdc00);
        d->high = 0;
    }
    return !is_direct(unit) && utf8_append(d->out, unit);
}

static bool
decode_run(struct slice base64, struct strbuf *out)
{
    struct decoder d = {.out = out};

    for (size_t i = 0; i < base64.len; i++) {
        const char *at = memchr(alphabet, base64.ptr[i], sizeof(alphabet) - 1);

        if (at == NULL)
            return false;
        d.bits = d.bits << 6 | (uint32_t)(at - alphabet);
        d.count += 6;
        if (d.count < 16)
            continue;
        d.count -= 16;
        if (!take_unit(&d, d.bits >> d.count & 0xffff))
            return false;
    }
    return d.high == 0 && d.count < 6 && (d.bits & ((1u << d.count) - 1)) == 0;
}

static bool
decode_all(struct slice rest, struct strbuf *out)
{
    bool after_run = false;

    while (rest.len > 0) {
        size_t end;

        if (!is_direct((unsigned char)rest.ptr[0]))
            return false;
        if (rest.ptr[0] != '&') {
            (void)strbuf_char(out, rest.ptr[0]);
            rest = slice_sub(rest, 1, rest.len);
            after_run = false;
            continue;
        }
        end = slice_index(rest, '-');
        if (end == rest.len)
            return false;
        if (end == 1) {
            (void)strbuf_char(out, '&');
            after_run = false;
        } else if (after_run || !decode_run(slice_sub(rest, 1, end), out)) {
            return false; /* "-&": a superfluous shift */
        } else {
            after_run = true;
        }
        rest = slice_sub(rest, end + 1, rest.len);
    }
    return !out->overflow;
}

int
imap_utf7_decode(struct slice utf7, struct strbuf *out)
{
    size_t before = out->len;

    if (decode_all(utf7, out))
        return 0;
    strbuf_truncate(out, before);
    return -1;
}
