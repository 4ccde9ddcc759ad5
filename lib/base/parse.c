/*
 * lib/base/parse.c - small strict parsers for bytes from outside. No allocation, no I/O.
 */
#include "lib/base/parse.h"

int
parse_u64(struct slice text, uint64_t max, uint64_t *out)
{
    uint64_t value = 0;

    for (size_t i = 0; i < text.len; i++) {
        uint64_t digit = (uint64_t)(unsigned char)text.ptr[i] - '0'; /* huge if it is no digit */

        if (digit > 9 || digit > max || value > (max - digit) / 10)
            return -1;
        value = value * 10 + digit;
    }
    if (text.len == 0)
        return -1;
    *out = value;
    return 0;
}

struct unit {
    struct slice name;
    uint64_t factor;
};

static size_t
digits_at_start(struct slice text)
{
    size_t n = 0;

    while (n < text.len && text.ptr[n] >= '0' && text.ptr[n] <= '9')
        n++;
    return n;
}

/* One "number unit" off the front of *text. */
static int
take_with_unit(struct slice *text, const struct unit *units, size_t count, uint64_t max,
               uint64_t *out)
{
    size_t digits = digits_at_start(*text);
    struct slice rest = slice_sub(*text, digits, text->len);
    size_t unit_len = 0;
    uint64_t value;

    while (unit_len < rest.len && (rest.ptr[unit_len] < '0' || rest.ptr[unit_len] > '9'))
        unit_len++;
    if (parse_u64(slice_sub(*text, 0, digits), max, &value) < 0)
        return -1;
    for (size_t i = 0; i < count; i++) {
        if (!slice_eq_nocase(slice_sub(rest, 0, unit_len), units[i].name))
            continue;
        if (value > max / units[i].factor)
            return -1;
        *out = value * units[i].factor;
        *text = slice_sub(rest, unit_len, rest.len);
        return 0;
    }
    return -1;
}

int
parse_size(struct slice text, uint64_t max, uint64_t *out)
{
    static const struct unit units[] = {
        {{"", 0}, 1},           {{"K", 1}, 1ULL << 10}, {{"M", 1}, 1ULL << 20},
        {{"G", 1}, 1ULL << 30}, {{"T", 1}, 1ULL << 40},
    };
    uint64_t value;

    if (take_with_unit(&text, units, ARRAY_LEN(units), max, &value) < 0 || text.len > 0)
        return -1;
    *out = value;
    return 0;
}

int
parse_duration_ms(struct slice text, uint64_t max_ms, uint64_t *out_ms)
{
    static const struct unit units[] = {
        {{"", 0}, 1000},     {{"ms", 2}, 1},       {{"s", 1}, 1000},      {{"m", 1}, 60000},
        {{"h", 1}, 3600000}, {{"d", 1}, 86400000}, {{"w", 1}, 604800000},
    };
    uint64_t total = 0, part;

    if (text.len == 0)
        return -1;
    while (text.len > 0) {
        if (take_with_unit(&text, units, ARRAY_LEN(units), max_ms - total, &part) < 0)
            return -1;
        total += part;
    }
    *out_ms = total;
    return 0;
}

int
parse_bool(struct slice text, bool *out)
{
    static const char *const yes[] = {"yes", "on", "true", "1"};
    static const char *const no[] = {"no", "off", "false", "0"};

    for (size_t i = 0; i < ARRAY_LEN(yes); i++) {
        bool is_yes = slice_eq_nocase(text, slice_of(yes[i]));

        if (is_yes || slice_eq_nocase(text, slice_of(no[i]))) {
            *out = is_yes;
            return 0;
        }
    }
    return -1;
}

/* Length of the well-formed UTF-8 sequence at the start of `s` (RFC 3629 section 4), or 0. */
static size_t
utf8_sequence(const unsigned char *s, size_t len)
{
    unsigned char low = 0x80, high = 0xbf;
    size_t need;

    if (s[0] < 0x80)
        return 1;
    if (s[0] >= 0xc2 && s[0] <= 0xdf)
        need = 2;
    else if (s[0] >= 0xe0 && s[0] <= 0xef)
        need = 3;
    else if (s[0] >= 0xf0 && s[0] <= 0xf4)
        need = 4;
    else
        return 0;
    if (s[0] == 0xe0)
        low = 0xa0;
    else if (s[0] == 0xed)
        high = 0x9f;
    else if (s[0] == 0xf0)
        low = 0x90;
    else if (s[0] == 0xf4)
        high = 0x8f;
    if (len < need || s[1] < low || s[1] > high)
        return 0;
    for (size_t i = 2; i < need; i++)
        if (s[i] < 0x80 || s[i] > 0xbf)
            return 0;
    return need;
}

bool
parse_is_utf8(struct slice text)
{
    size_t at = 0;

    while (at < text.len) {
        size_t step = utf8_sequence((const unsigned char *)text.ptr + at, text.len - at);

        if (step == 0)
            return false;
        at += step;
    }
    return true;
}

size_t
parse_utf8_at(struct slice s, size_t at)
{
    return utf8_sequence((const unsigned char *)s.ptr + at, s.len - at);
}

bool
parse_is_ascii(struct slice text)
{
    unsigned char all = 0;

    for (size_t i = 0; i < text.len; i++) /* no early way out: this loop is vectorized */
        all |= (unsigned char)text.ptr[i];
    return (all & 0x80) == 0;
}

bool
parse_is_ascii_print(struct slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] < 0x20 || text.ptr[i] > 0x7e)
            return false;
    return true;
}

bool
parse_is_deceptive(struct slice rune)
{
    const unsigned char *b = (const unsigned char *)rune.ptr;

    if (rune.len == 2)
        return b[0] == 0xc2 && b[1] < 0xa0;
    if (rune.len != 3 || b[0] != 0xe2)
        return false;
    if (b[1] == 0x80)
        return b[2] == 0x8e || b[2] == 0x8f || (b[2] >= 0xa8 && b[2] <= 0xae);
    return b[1] == 0x81 && b[2] >= 0xa6 && b[2] <= 0xa9;
}
