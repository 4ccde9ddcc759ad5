/*
 * lib/store/folder_name.c - folder names outside and on disk.
 *
 * Input: names that clients send and directories that anybody made. No I/O.
 */
#include "lib/store/folder_name.h"

#include <errno.h>
#include <string.h>

#include "lib/base/parse.h"

static const char base64_of[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";

/* ---- UTF-8, already known to be valid ---- */

static uint32_t
next_code_point(struct slice *s)
{
    unsigned char first = (unsigned char)s->ptr[0];
    size_t more = first < 0x80 ? 0 : first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3;
    uint32_t c = more == 0 ? first : first & (0x3fu >> more);

    for (size_t i = 1; i <= more; i++)
        c = c << 6 | ((unsigned char)s->ptr[i] & 0x3f);
    *s = slice_sub(*s, more + 1, s->len);
    return c;
}

static void
put_code_point(struct strbuf *out, uint32_t c)
{
    char bytes[4];
    size_t more = c < 0x80 ? 0 : c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;

    for (size_t i = more; i > 0; i--, c >>= 6)
        bytes[i] = (char)(0x80 | (c & 0x3f));
    bytes[0] = (char)(more == 0 ? c : (0xff00u >> (more + 1) & 0xff) | c);
    (void)strbuf_append(out, slice_make(bytes, more + 1)); /* overflow is remembered */
}

/* ---- modified UTF-7 ---- */

static bool
stands_for_itself(uint32_t c)
{
    return c >= 0x20 && c <= 0x7e && c != '&' && c != '.' && c != '/';
}

struct bits {
    uint32_t value;
    unsigned count;
};

static void
put_utf16(struct strbuf *out, struct bits *bits, uint32_t unit)
{
    bits->value = bits->value << 16 | unit;
    for (bits->count += 16; bits->count >= 6; bits->count -= 6)
        (void)strbuf_char(out, base64_of[bits->value >> (bits->count - 6) & 0x3f]);
    bits->value &= (1u << bits->count) - 1;
}

/* Writes the run of characters at the start of *s that must be encoded. */
static void
put_run(struct strbuf *out, struct slice *s)
{
    struct bits bits = {0, 0};

    (void)strbuf_char(out, '&');
    while (s->len > 0) {
        struct slice after = *s;
        uint32_t c = next_code_point(&after);

        if (stands_for_itself(c) || c == '/' || c == '&')
            break;
        *s = after;
        if (c >= 0x10000) {
            put_utf16(out, &bits, 0xd800 + ((c - 0x10000) >> 10));
            c = 0xdc00 + ((c - 0x10000) & 0x3ff);
        }
        put_utf16(out, &bits, c);
    }
    if (bits.count > 0)
        (void)strbuf_char(out, base64_of[bits.value << (6 - bits.count) & 0x3f]);
    (void)strbuf_char(out, '-');
}

int
folder_name_to_dir(struct slice name, struct strbuf *out)
{
    strbuf_clear(out);
    if (slice_eq(name, SLICE("INBOX")))
        return 0;
    (void)strbuf_char(out, '.');
    while (name.len > 0 && !out->overflow) {
        uint32_t c = (unsigned char)name.ptr[0];

        if (c == '/' || c == '&' || stands_for_itself(c)) {
            (void)strbuf_str(out, c == '/' ? "." : c == '&' ? "&-" : "");
            if (c != '/' && c != '&')
                (void)strbuf_char(out, (char)c);
            name = slice_sub(name, 1, name.len);
        } else {
            put_run(out, &name);
        }
    }
    if (!out->overflow && out->len <= STORE_NAME_MAX)
        return 0;
    errno = EINVAL;
    return -1;
}

static int
base64_value(char c)
{
    const char *at = c == '\0' ? NULL : strchr(base64_of, c);

    return at == NULL ? -1 : (int)(at - base64_of);
}

/* One UTF-16 unit more; *high is a first half that waits for its second. */
static int
take_utf16(struct strbuf *out, uint32_t unit, uint32_t *high)
{
    if (*high != 0) {
        if (unit < 0xdc00 || unit > 0xdfff)
            return -1;
        put_code_point(out, 0x10000 + ((*high - 0xd800) << 10) + (unit - 0xdc00));
        *high = 0;
        return 0;
    }
    if (unit >= 0xd800 && unit <= 0xdbff) {
        *high = unit;
        return 0;
    }
    if (unit >= 0xdc00 && unit <= 0xdfff)
        return -1;
    put_code_point(out, unit);
    return 0;
}

/* What stands between '&' and '-'. */
static int
take_run(struct strbuf *out, struct slice run)
{
    struct bits bits = {0, 0};
    uint32_t high = 0;

    if (run.len == 0)
        return strbuf_char(out, '&') ? 0 : -1;
    for (size_t i = 0; i < run.len; i++) {
        int value = base64_value(run.ptr[i]);

        if (value < 0)
            return -1;
        bits.value = bits.value << 6 | (uint32_t)value;
        bits.count += 6;
        if (bits.count < 16)
            continue;
        bits.count -= 16;
        if (take_utf16(out, bits.value >> bits.count & 0xffff, &high) < 0)
            return -1;
        bits.value &= (1u << bits.count) - 1;
    }
    return high == 0 && bits.count < 6 && bits.value == 0 ? 0 : -1;
}

int
folder_name_from_dir(struct slice dir, struct strbuf *out)
{
    char round_bytes[STORE_NAME_MAX + 1];
    struct strbuf again = strbuf_new(sizeof(round_bytes));
    struct slice rest = slice_sub(dir, 1, dir.len);
    int rc = 0;

    strbuf_clear(out);
    if (dir.len < 2 || dir.len > STORE_NAME_MAX || dir.ptr[0] != '.' || dir.ptr[1] == '.')
        return -1;
    while (rc == 0 && rest.len > 0) {
        char c = rest.ptr[0];

        rest = slice_sub(rest, 1, rest.len);
        if (c != '&') {
            (void)strbuf_char(out, c == '.' ? '/' : c);
            continue;
        }
        if (slice_index(rest, '-') == rest.len)
            rc = -1;
        else
            rc = take_run(out, slice_split(&rest, '-'));
    }
    /* Only what we would write ourselves: two directories never show as one folder. */
    if (rc == 0 &&
        (out->overflow || !store_name_valid(strbuf_slice(out)) ||
         folder_name_to_dir(strbuf_slice(out), &again) < 0 || !slice_eq(strbuf_slice(&again), dir)))
        rc = -1;
    strbuf_free(&again);
    return rc;
}

/* ---- names from outside ---- */

static bool
level_valid(struct slice level)
{
    if (level.len == 0 || slice_eq(level, SLICE(".")) || slice_eq(level, SLICE("..")))
        return false;
    for (size_t i = 0; i < level.len; i++)
        if ((unsigned char)level.ptr[i] < 0x20 || level.ptr[i] == 0x7f)
            return false;
    return true;
}

bool
store_name_valid(struct slice name)
{
    unsigned levels = 0;

    if (name.len == 0 || name.len > STORE_NAME_MAX || name.ptr[name.len - 1] == '/' ||
        !parse_is_utf8(name))
        return false;
    while (name.len > 0)
        if (++levels > STORE_DEPTH_MAX || !level_valid(slice_split(&name, '/')))
            return false;
    return true;
}

int
folder_name_canonical(struct slice name, struct strbuf *out)
{
    size_t first = slice_index(name, '/');

    strbuf_clear(out);
    if (!store_name_valid(name)) {
        errno = EINVAL;
        return -1;
    }
    if (slice_eq_nocase(slice_sub(name, 0, first), SLICE("INBOX"))) {
        (void)strbuf_str(out, "INBOX"); /* RFC 3501 section 5.1: any case is INBOX */
        name = slice_sub(name, first, name.len);
    }
    if (strbuf_append(out, name))
        return 0;
    errno = EINVAL;
    return -1;
}
