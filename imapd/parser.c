/*
 * imapd/parser.c - the tokens of a client's command.
 *
 * Input:  command text. Untrusted: the client wrote it. Its length is bounded by imapd/input.c, and
 *         with it all that is allocated here. Exactly the grammar, with one exception: quoted
 *         strings may hold UTF-8 (RFC 6855 section 3), whoever has enabled it.
 */
#include "imapd/parser.h"

#include <string.h>

#include "lib/base/parse.h"
#include "lib/mail/date.h"
#include "lib/mail/imap_utf7.h"
#include "lib/mail/utf8.h"

enum { MAILBOX_TEXT_MAX = 1024 /* bytes of a decoded mailbox name; the store's limit is lower */ };

struct parser
parser_begin(struct slice text, struct arena *arena)
{
    return (struct parser){.rest = text, .arena = arena};
}

bool
parser_fail(struct parser *p, const char *error)
{
    if (p->error == NULL)
        p->error = error;
    return false;
}

static struct slice
take(struct parser *p, size_t len)
{
    struct slice taken = slice_sub(p->rest, 0, len);

    p->rest = slice_sub(p->rest, len, p->rest.len);
    return taken;
}

char
parser_peek(const struct parser *p)
{
    if (p->rest.len == 0)
        return '\0';
    return p->rest.ptr[0];
}

bool
parser_optional(struct parser *p, char c)
{
    if (p->error != NULL || p->rest.len == 0 || p->rest.ptr[0] != c)
        return false;
    (void)take(p, 1);
    return true;
}

bool
parser_char(struct parser *p, char c)
{
    return parser_optional(p, c) || parser_fail(p, "Unexpected character");
}

bool
parser_space(struct parser *p)
{
    return parser_optional(p, ' ') || parser_fail(p, "Missing argument");
}

bool
parser_end(struct parser *p)
{
    if (p->error != NULL)
        return false;
    return p->rest.len == 0 || parser_fail(p, "Unexpected text at the end");
}

/* ---- characters ---- */

static bool
is_atom_char(char c)
{
    return c > 0x20 && c < 0x7f && strchr("(){%*\"\\]", c) == NULL;
}

static bool
is_astring_char(char c)
{
    return is_atom_char(c) || c == ']';
}

static bool
is_tag_char(char c)
{
    return is_astring_char(c) && c != '+';
}

static bool
is_list_char(char c)
{
    return is_astring_char(c) || c == '%' || c == '*';
}

/* One or more characters of a class. */
static bool
take_class(struct parser *p, bool (*is_in)(char c), struct slice *out)
{
    size_t len = 0;

    if (p->error != NULL)
        return false;
    while (len < p->rest.len && is_in(p->rest.ptr[len]))
        len++;
    if (len == 0)
        return parser_fail(p, "Unexpected character");
    *out = take(p, len);
    return true;
}

bool
parser_tag(struct parser *p, struct slice *out)
{
    if (!take_class(p, is_tag_char, out))
        return false;
    return out->len <= PARSER_TAG_MAX || parser_fail(p, "Tag is too long");
}

bool
parser_atom(struct parser *p, struct slice *out)
{
    return take_class(p, is_atom_char, out);
}

/* ---- strings ---- */

static struct slice
without_backslashes(struct parser *p, struct slice inner)
{
    char *copy = arena_alloc(p->arena, inner.len);
    size_t used = 0;

    for (size_t i = 0; i < inner.len; i++) {
        if (inner.ptr[i] == '\\')
            i++;
        copy[used++] = inner.ptr[i];
    }
    return slice_make(copy, used);
}

static bool
is_utf8(struct slice text)
{
    uint32_t code;

    while (utf8_next(&text, &code))
        ;
    return text.len == 0;
}

/* At the opening quote. */
static bool
take_quoted(struct parser *p, struct slice *out)
{
    struct slice text = p->rest;
    bool escaped = false;
    size_t i;

    for (i = 1; i < text.len && text.ptr[i] != '"'; i++) {
        if (text.ptr[i] == '\r' || text.ptr[i] == '\n' || text.ptr[i] == '\0')
            return parser_fail(p, "Line end in a quoted string");
        if (text.ptr[i] != '\\')
            continue;
        i++;
        escaped = true;
        if (i >= text.len || (text.ptr[i] != '"' && text.ptr[i] != '\\'))
            return parser_fail(p, "Wrong escape in a quoted string");
    }
    if (i >= text.len)
        return parser_fail(p, "Quoted string without an end");
    (void)take(p, i + 1);
    *out = slice_sub(text, 1, i);
    if (!is_utf8(*out))
        return parser_fail(p, "Quoted string is not UTF-8");
    if (escaped)
        *out = without_backslashes(p, *out);
    return true;
}

/* "{n}" or "{n+}" at the start of `text`; its length, or 0. */
static size_t
announcement(struct slice text, struct parser_literal *out)
{
    size_t close = slice_index(text, '}');
    struct slice digits = slice_sub(text, 1, close);

    if (text.len == 0 || text.ptr[0] != '{' || close == text.len)
        return 0;
    out->non_sync = slice_ends(digits, SLICE("+"));
    digits.len -= out->non_sync ? 1 : 0;
    out->len = close + 1;
    return parse_u64(digits, UINT32_MAX, &out->size) == 0 ? out->len : 0;
}

/* At the opening brace. */
static bool
take_literal(struct parser *p, bool any_bytes, struct slice *out)
{
    struct parser_literal literal;
    size_t len = announcement(p->rest, &literal);
    struct slice rest = slice_sub(p->rest, len, p->rest.len);

    if (len == 0 || !slice_starts(rest, SLICE("\r\n")) || rest.len - 2 < literal.size)
        return parser_fail(p, "Wrong literal");
    (void)take(p, len + 2);
    *out = take(p, literal.size);
    return any_bytes || memchr(out->ptr, '\0', out->len) == NULL ||
           parser_fail(p, "NUL in a literal");
}

bool
parser_string(struct parser *p, struct slice *out)
{
    if (p->error != NULL)
        return false;
    if (parser_peek(p) == '"')
        return take_quoted(p, out);
    if (parser_peek(p) == '{')
        return take_literal(p, false, out);
    return parser_fail(p, "String expected");
}

static bool
is_string_next(const struct parser *p)
{
    return parser_peek(p) == '"' || parser_peek(p) == '{';
}

bool
parser_astring(struct parser *p, struct slice *out)
{
    return is_string_next(p) ? parser_string(p, out) : take_class(p, is_astring_char, out);
}

bool
parser_nstring(struct parser *p, struct slice *out)
{
    if (is_string_next(p))
        return parser_string(p, out);
    *out = (struct slice){NULL, 0};
    return parser_word(p, "NIL") || parser_fail(p, "String or NIL expected");
}

bool
parser_nstring8(struct parser *p, struct slice *out)
{
    return parser_optional(p, '~') ? take_literal(p, true, out) : parser_nstring(p, out);
}

bool
parser_list_mailbox(struct parser *p, struct slice *out)
{
    return is_string_next(p) ? parser_string(p, out) : take_class(p, is_list_char, out);
}

bool
parser_decode_name(const struct parser *p, struct slice name, struct strbuf *out)
{
    if (!p->utf8)
        return imap_utf7_decode(name, out) == 0;
    return is_utf8(name) && strbuf_append(out, name);
}

bool
parser_mailbox(struct parser *p, struct slice *out)
{
    struct strbuf utf8 = strbuf_new(MAILBOX_TEXT_MAX);
    struct slice name;
    bool ok;

    if (!parser_astring(p, &name))
        return false;
    if (slice_eq_nocase(name, SLICE("INBOX"))) {
        *out = SLICE("INBOX");
        return true;
    }
    ok = parser_decode_name(p, name, &utf8);
    if (ok)
        *out = arena_copy(p->arena, strbuf_slice(&utf8));
    strbuf_free(&utf8);
    return ok || parser_fail(p, p->utf8 ? "Mailbox name is not valid UTF-8"
                                        : "Mailbox name is not valid modified UTF-7");
}

/* ---- words and numbers ---- */

bool
parser_word(struct parser *p, const char *word)
{
    size_t len = strlen(word);
    struct slice next = slice_sub(p->rest, 0, len);

    if (p->error != NULL || !slice_eq_nocase(next, slice_of(word)))
        return false;
    if (p->rest.len > len && is_atom_char(p->rest.ptr[len]))
        return false;
    (void)take(p, len);
    return true;
}

static bool
take_number(struct parser *p, uint64_t max, uint64_t *out)
{
    size_t len = 0;

    if (p->error != NULL)
        return false;
    while (len < p->rest.len && p->rest.ptr[len] >= '0' && p->rest.ptr[len] <= '9')
        len++;
    if (parse_u64(slice_sub(p->rest, 0, len), max, out) < 0)
        return parser_fail(p, "Number expected");
    (void)take(p, len);
    return true;
}

bool
parser_number(struct parser *p, uint32_t *out)
{
    uint64_t value;

    if (!take_number(p, UINT32_MAX, &value))
        return false;
    *out = (uint32_t)value;
    return true;
}

bool
parser_number64(struct parser *p, uint64_t *out)
{
    return take_number(p, INT64_MAX, out);
}

bool
parser_nz_number(struct parser *p, uint32_t *out)
{
    if (parser_peek(p) == '0')
        return parser_fail(p, "Number above 0 expected");
    return parser_number(p, out);
}

bool
parser_numbers(struct parser *p)
{
    p->has_numbers = true;
    return !p->uid_only || parser_fail(p, "Message numbers are not allowed in UIDONLY");
}

/* ---- dates ---- */

/* `min` to `max` digits. */
static bool
take_digits(struct parser *p, size_t min, size_t max, int *out)
{
    size_t len = 0;
    uint64_t value;

    while (len < max && len < p->rest.len && p->rest.ptr[len] >= '0' && p->rest.ptr[len] <= '9')
        len++;
    if (p->error != NULL || len < min ||
        parse_u64(slice_sub(p->rest, 0, len), INT32_MAX, &value) < 0)
        return parser_fail(p, "Wrong date");
    (void)take(p, len);
    *out = (int)value;
    return true;
}

static bool
take_month(struct parser *p, int *out)
{
    static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    struct slice word = take(p, 3);

    for (int i = 0; i < 12; i++) {
        if (!slice_eq_nocase(word, slice_make(names + (size_t)i * 3, 3)))
            continue;
        *out = i + 1;
        return true;
    }
    return parser_fail(p, "Wrong date");
}

/* "-Feb-1994" behind the day. */
static bool
take_month_year(struct parser *p, int day, int64_t *days)
{
    int month, year;

    if (!parser_char(p, '-') || !take_month(p, &month) || !parser_char(p, '-') ||
        !take_digits(p, 4, 4, &year))
        return false;
    if (day < 1 || day > 31)
        return parser_fail(p, "Wrong date");
    *days = date_days(year, month, day);
    return true;
}

bool
parser_date(struct parser *p, int64_t *days)
{
    bool quoted = parser_optional(p, '"');
    int day;

    return take_digits(p, 1, 2, &day) && take_month_year(p, day, days) &&
           (!quoted || parser_char(p, '"'));
}

static bool
take_zone(struct parser *p, int *minutes)
{
    bool negative = parser_optional(p, '-');
    int zone;

    if ((!negative && !parser_char(p, '+')) || !take_digits(p, 4, 4, &zone))
        return false;
    *minutes = (zone / 100 * 60 + zone % 100) * (negative ? -1 : 1);
    return zone % 100 < 60 || parser_fail(p, "Wrong time zone");
}

bool
parser_date_time(struct parser *p, int64_t *real_ms)
{
    int day, hour, minute, second, zone;
    int64_t days;
    bool spaced;

    if (!parser_char(p, '"'))
        return false;
    spaced = parser_optional(p, ' '); /* date-day-fixed */
    if (!take_digits(p, spaced ? 1 : 2, spaced ? 1 : 2, &day) || !take_month_year(p, day, &days) ||
        !parser_space(p) || !take_digits(p, 2, 2, &hour) || !parser_char(p, ':') ||
        !take_digits(p, 2, 2, &minute) || !parser_char(p, ':') || !take_digits(p, 2, 2, &second) ||
        !parser_space(p) || !take_zone(p, &zone) || !parser_char(p, '"'))
        return false;
    if (hour > 23 || minute > 59 || second > 60)
        return parser_fail(p, "Wrong time");
    *real_ms = (((days * 24 + hour) * 60 + minute - zone) * 60 + second) * 1000;
    return true;
}

bool
parser_literal_at_end(struct slice line, struct parser_literal *out)
{
    size_t open = slice_rindex(line, '{');
    struct slice last = slice_sub(line, open, line.len);

    if (line.len == 0 || line.ptr[line.len - 1] != '}')
        return false;
    return announcement(last, out) == last.len && last.len > 0;
}
