/*
 * lib/archive/chain.c - one line of the archive's chain.
 *
 * Input: a file that somebody may have changed; nothing in it is believed but what the hashes say.
 * No I/O.
 */
#include "lib/archive/chain.h"

#include "lib/auth/digest.h"
#include "lib/base/encode.h"
#include "lib/base/parse.h"

#define TIME_LEN 24 /* "2026-11-23T10:00:00.123Z" */
#define ID_MAX 32

static const char digits[] = "0123456789abcdef";

/* "+17" */
static bool
is_count(struct slice text)
{
    uint64_t count;

    return slice_starts(text, SLICE("+")) &&
           parse_u64(slice_sub(text, 1, text.len), UINT32_MAX, &count) == 0;
}

/* ---- writing ---- */

static void
put_address(struct strbuf *out, struct slice address)
{
    (void)strbuf_char(out, '<');
    for (size_t i = 0; i < address.len; i++) {
        unsigned char c = (unsigned char)address.ptr[i];

        if (c > 0x20 && c != 0x7f && strchr("<>,%", c) == NULL) {
            (void)strbuf_char(out, (char)c);
            continue;
        }
        (void)strbuf_char(out, '%');
        (void)strbuf_char(out, digits[c >> 4]);
        (void)strbuf_char(out, digits[c & 15]);
    }
    (void)strbuf_char(out, '>');
}

static void
put_rcpts(struct strbuf *out, struct slice rcpts)
{
    bool first = true;

    for (; rcpts.len > 0; first = false) {
        struct slice rcpt = slice_split(&rcpts, '\n');

        (void)strbuf_str(out, first ? "" : ",");
        if (rcpts.len == 0 && is_count(rcpt))
            (void)strbuf_append(out, rcpt);
        else
            put_address(out, rcpt);
    }
}

void
chain_encode(struct strbuf *out, const struct chain_entry *e)
{
    (void)strbuf_u64(out, e->number); /* overflow is the caller's to look at */
    (void)strbuf_printf(out, " %.*s %.*s %.*s ", (int)e->time.len, e->time.ptr, (int)e->id.len,
                        e->id.ptr, (int)e->classes.len, e->classes.ptr);
    put_address(out, e->sender);
    (void)strbuf_char(out, ' ');
    put_rcpts(out, e->rcpts);
    (void)strbuf_char(out, ' ');
    (void)strbuf_u64(out, e->size);
    (void)strbuf_printf(out, " %.*s %.*s", (int)e->sha256.len, e->sha256.ptr, (int)e->previous.len,
                        e->previous.ptr);
}

/* ---- reading ---- */

static bool
is_hash(struct slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] == '\0' || strchr(digits, text.ptr[i]) == NULL)
            return false;
    return text.len == CHAIN_HASH_LEN;
}

bool
chain_is_id(struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];

        if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z'))
            return false;
    }
    return text.len > 0 && text.len <= ID_MAX;
}

bool
chain_are_classes(struct slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if (!(text.ptr[i] >= 'a' && text.ptr[i] <= 'z') && text.ptr[i] != ',')
            return false;
    return text.len > 0;
}

static bool
is_time(struct slice text)
{
    static const char shape[] = "dddd-dd-ddTdd:dd:dd.dddZ";

    if (text.len != TIME_LEN)
        return false;
    for (size_t i = 0; i < TIME_LEN; i++)
        if (shape[i] == 'd' ? text.ptr[i] < '0' || text.ptr[i] > '9' : text.ptr[i] != shape[i])
            return false;
    return true;
}

static bool
is_address(struct slice text)
{
    return text.len >= 2 && text.ptr[0] == '<' && slice_index(text, '>') == text.len - 1 &&
           slice_index(slice_sub(text, 1, text.len), '<') == text.len - 1;
}

static bool
are_rcpts(struct slice text)
{
    if (slice_ends(text, SLICE(",")))
        return false;
    do {
        struct slice rcpt = slice_split(&text, ',');

        if (!is_address(rcpt) && !(text.len == 0 && is_count(rcpt)))
            return false;
    } while (text.len > 0);
    return true;
}

int
chain_decode(struct slice line, struct chain_entry *e)
{
    struct slice rest = line, number = slice_split(&rest, ' '), size;

    e->time = slice_split(&rest, ' ');
    e->id = slice_split(&rest, ' ');
    e->classes = slice_split(&rest, ' ');
    e->sender = slice_split(&rest, ' ');
    e->rcpts = slice_split(&rest, ' ');
    size = slice_split(&rest, ' ');
    e->sha256 = slice_split(&rest, ' ');
    e->previous = rest;
    if (parse_u64(number, UINT64_MAX, &e->number) < 0 || parse_u64(size, UINT64_MAX, &e->size) < 0)
        return -1;
    if (!is_time(e->time) || !chain_is_id(e->id) || !chain_are_classes(e->classes) ||
        !is_address(e->sender) || !are_rcpts(e->rcpts) || !is_hash(e->sha256) ||
        !is_hash(e->previous))
        return -1;
    e->sender = slice_sub(e->sender, 1, e->sender.len - 1);
    return 0;
}

bool
chain_next_rcpt(struct slice *rcpts, struct slice *rcpt)
{
    if (rcpts->len == 0)
        return false;
    *rcpt = slice_split(rcpts, ',');
    if (slice_starts(*rcpt, SLICE("<")))
        *rcpt = slice_sub(*rcpt, 1, rcpt->len - 1);
    return true;
}

void
chain_plain(struct slice written, struct strbuf *out)
{
    for (size_t i = 0; i < written.len; i++) {
        int high = -1, low = -1;

        if (written.ptr[i] == '%' && i + 2 < written.len) {
            high = hex_value(written.ptr[i + 1]);
            low = hex_value(written.ptr[i + 2]);
        }
        if (high < 0 || low < 0) {
            (void)strbuf_char(out, written.ptr[i]);
            continue;
        }
        (void)strbuf_char(out, (char)(high * 16 + low));
        i += 2;
    }
}

/* ---- hashes ---- */

void
chain_hex(const unsigned char digest[CHAIN_HASH_LEN / 2], char out[CHAIN_HASH_LEN + 1])
{
    for (size_t i = 0; i < CHAIN_HASH_LEN / 2; i++) {
        out[2 * i] = digits[digest[i] >> 4];
        out[2 * i + 1] = digits[digest[i] & 15];
    }
    out[CHAIN_HASH_LEN] = '\0';
}

void
chain_hash(struct slice line, char out[CHAIN_HASH_LEN + 1])
{
    unsigned char digest[DIGEST_MAX];

    digest_of(DIGEST_SHA256, line, SLICE(""), digest);
    chain_hex(digest, out);
}
