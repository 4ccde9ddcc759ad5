/*
 * lib/log/line.c - encodes log lines so that no value can forge a field or a line.
 *
 * Input: keys and event names are ours; every value is taken as hostile. A value of harmless
 * characters stands bare, any other is quoted, with \" \\ \n \r \t and \xHH inside. Valid UTF-8
 * stays readable, except controls and the characters that turn the direction of writing round,
 * which could make a terminal show something else than what is there. No I/O.
 */
#include "lib/log/line.h"

#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/parse.h"

static const char hex_digits[] = "0123456789abcdef";

const char *
log_level_name(enum log_level level)
{
    static const char *const names[] = {"error", "warn", "info", "debug"};

    return names[level];
}

static bool
is_bare_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("._:/@+-,<>*%#~[]()!?$&;^{}|", c) != NULL);
}

static bool
is_bare(struct slice value)
{
    for (size_t i = 0; i < value.len; i++)
        if (!is_bare_char(value.ptr[i]))
            return false;
    return value.len > 0;
}

static size_t
utf8_width(unsigned char lead)
{
    if (lead >= 0xc2 && lead <= 0xdf)
        return 2;
    if (lead >= 0xe0 && lead <= 0xef)
        return 3;
    return lead >= 0xf0 && lead <= 0xf4 ? 4 : 0;
}

/* Length of the UTF-8 character at the start of `text` that may be shown as it is, or 0. */
static size_t
shown_rune(struct slice text)
{
    size_t width = utf8_width((unsigned char)text.ptr[0]);
    struct slice rune = slice_sub(text, 0, width);

    if (width == 0 || rune.len < width || !parse_is_utf8(rune) || parse_is_deceptive(rune))
        return 0;
    return width;
}

static void
escape_byte(struct strbuf *out, unsigned char c)
{
    static const char plain[] = "\"\\\n\r\t", letter[] = "\"\\nrt";
    const char *at = c == '\0' ? NULL : strchr(plain, c);

    (void)strbuf_char(out, '\\'); /* overflow is remembered by the buffer */
    if (at != NULL) {
        (void)strbuf_char(out, letter[at - plain]);
        return;
    }
    (void)strbuf_char(out, 'x');
    (void)strbuf_char(out, hex_digits[c >> 4]);
    (void)strbuf_char(out, hex_digits[c & 15]);
}

static void
quote(struct strbuf *out, struct slice value)
{
    (void)strbuf_char(out, '"');
    while (value.len > 0) {
        unsigned char c = (unsigned char)value.ptr[0];
        bool plain = c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
        size_t width = plain ? 1 : shown_rune(value);

        if (width > 0)
            (void)strbuf_append(out, slice_sub(value, 0, width));
        else
            escape_byte(out, c);
        value = slice_sub(value, width > 0 ? width : 1, value.len);
    }
    (void)strbuf_char(out, '"');
}

static void
put_text(struct strbuf *out, struct slice value)
{
    bool cut = value.len > LOG_VALUE_MAX;

    value = slice_sub(value, 0, LOG_VALUE_MAX);
    if (!cut && is_bare(value)) {
        (void)strbuf_append(out, value);
        return;
    }
    quote(out, value);
    if (cut && !out->overflow) {
        strbuf_truncate(out, out->len - 1);
        (void)strbuf_str(out, "...\"");
    }
}

/* One pair, whole or not at all. */
static bool
put_pair(struct strbuf *out, const struct log_kv *pair)
{
    size_t start = out->len;
    int64_t number = (int64_t)pair->number;

    (void)strbuf_char(out, ' ');
    (void)strbuf_str(out, pair->key);
    (void)strbuf_char(out, '=');
    if (pair->type == LOG_KV_SLICE) {
        put_text(out, pair->text);
    } else if (pair->type == LOG_KV_I64 && number < 0) {
        (void)strbuf_char(out, '-');
        (void)strbuf_u64(out, ~pair->number + 1);
    } else {
        (void)strbuf_u64(out, pair->number);
    }
    if (!out->overflow)
        return true;
    strbuf_truncate(out, start);
    out->overflow = false; /* dealt with: the caller counts the pair */
    return false;
}

size_t
log_pairs_encode(struct strbuf *out, const struct log_kv *pairs)
{
    size_t left_out = 0;

    for (; pairs != NULL && pairs->key != NULL; pairs++)
        if (!put_pair(out, pairs))
            left_out++;
    return left_out;
}

/* TIME PROGRAM[PID] LEVEL; short: it fits. */
static void
put_head(struct strbuf *out, int64_t real_ms, const struct log_origin *origin, enum log_level level)
{
    (void)clock_rfc3339(real_ms, out);
    (void)strbuf_char(out, ' ');
    (void)strbuf_str(out, origin->program);
    (void)strbuf_char(out, '[');
    (void)strbuf_u64(out, (uint64_t)origin->pid);
    (void)strbuf_str(out, "] ");
    (void)strbuf_str(out, log_level_name(level));
}

bool
log_line_encode(struct strbuf *out, int64_t real_ms, const struct log_origin *origin,
                enum log_level level, const char *event, const struct log_kv *pairs)
{
    static const size_t tail = sizeof(" cut=18446744073709551615\n");
    size_t start = out->len, left_out, whole_max = out->max;

    if (out->max - out->len < LOG_LINE_MAX)
        return false;
    out->max = start + LOG_LINE_MAX - tail; /* for this line; the buffer's own comes back below */
    put_head(out, real_ms, origin, level);
    (void)strbuf_str(out, " event=");
    (void)strbuf_str(out, event);
    (void)strbuf_append(out, origin->context);
    out->overflow = false;
    left_out = log_pairs_encode(out, pairs);
    out->max = whole_max;
    if (left_out > 0)
        (void)strbuf_printf(out, " cut=%zu", left_out);
    return strbuf_char(out, '\n');
}

void
log_text_tame(char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        bool c1 = c >= 0x80 && c < 0xa0 && i > 0 && (unsigned char)text[i - 1] == 0xc2;

        if ((c < 0x20 && c != '\n') || c == 0x7f || c1)
            text[i] = '?';
    }
}

bool
log_service_valid(struct slice name)
{
    if (name.len == 0 || name.len > LOG_SERVICE_MAX || name.ptr[0] < 'a' || name.ptr[0] > 'z')
        return false;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];

        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-')
            return false;
    }
    return true;
}

int
log_datagram_split(struct slice datagram, struct slice *service, struct slice *lines)
{
    struct slice rest = datagram, name = slice_split(&rest, '\n');

    if (!log_service_valid(name) || rest.len == 0)
        return -1;
    *service = name;
    *lines = rest;
    return 0;
}
