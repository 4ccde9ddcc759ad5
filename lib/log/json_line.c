/*
 * lib/log/json_line.c - a line of a JSON log as text again (lib/log/line_read.h).
 *
 * Input: what log_line_json() wrote, or anything. Only objects of its shape are taken; strings are
 * encoded anew, so that no value can forge a field.
 */
#include <string.h>

#include "lib/base/encode.h"
#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "lib/log/line.h"
#include "lib/log/line_read.h"

#define KEY_LETTERS "abcdefghijklmnopqrstuvwxyz0123456789_"
#define WORD_LETTERS "abcdefghijklmnopqrstuvwxyz0123456789_-.:TZ"

enum part { PART_TIME, PART_SERVICE, PART_PROGRAM, PART_LEVEL, PART_EVENT, PART_TEXT, PARTS };

struct line {
    struct slice rest; /* of the object */
    struct strbuf parts[PARTS], pid, fields;
};

/* ---- JSON (RFC 8259) ---- */

static bool
take(struct line *l, char c)
{
    while (l->rest.len > 0 && l->rest.ptr[0] == ' ')
        l->rest = slice_sub(l->rest, 1, l->rest.len);
    if (l->rest.len == 0 || l->rest.ptr[0] != c)
        return false;
    l->rest = slice_sub(l->rest, 1, l->rest.len);
    return true;
}

/* The four digits behind \\u. -1: there are none. */
static int
take_hex4(struct line *l)
{
    int value = 0;

    for (size_t i = 0; i < 4; i++) {
        int digit = i < l->rest.len ? hex_value(l->rest.ptr[i]) : -1;

        if (digit < 0)
            return -1;
        value = value << 4 | digit;
    }
    l->rest = slice_sub(l->rest, 4, l->rest.len);
    return value;
}

/* Of the basic plane, which is all that our writer escapes; surrogates are none (RFC 3629). */
static bool
put_rune(struct strbuf *out, int rune)
{
    if (rune < 0 || (rune >= 0xd800 && rune < 0xe000))
        return false;
    if (rune < 0x80)
        return strbuf_char(out, (char)rune);
    if (rune < 0x800)
        return strbuf_char(out, (char)(0xc0 | rune >> 6)) &&
               strbuf_char(out, (char)(0x80 | (rune & 63)));
    return strbuf_char(out, (char)(0xe0 | rune >> 12)) &&
           strbuf_char(out, (char)(0x80 | (rune >> 6 & 63))) &&
           strbuf_char(out, (char)(0x80 | (rune & 63)));
}

static bool
take_escape(struct line *l, struct strbuf *out)
{
    char c = l->rest.len > 0 ? l->rest.ptr[0] : '\0';

    l->rest = slice_sub(l->rest, 1, l->rest.len);
    if (c == '"' || c == '\\')
        return strbuf_char(out, c);
    return c == 'u' && put_rune(out, take_hex4(l));
}

static bool
take_string(struct line *l, struct strbuf *out)
{
    strbuf_clear(out);
    if (!take(l, '"'))
        return false;
    while (l->rest.len > 0) {
        char c = l->rest.ptr[0];

        l->rest = slice_sub(l->rest, 1, l->rest.len);
        if (c == '"')
            return !out->overflow;
        if (c == '\\' ? !take_escape(l, out) : !strbuf_char(out, c))
            return false;
    }
    return false;
}

/* ---- the object ---- */

static bool
is_made_of(const struct strbuf *text, const char *letters)
{
    for (size_t i = 0; i < text->len; i++)
        if (text->ptr[i] == '\0' || strchr(letters, text->ptr[i]) == NULL)
            return false;
    return text->len > 0;
}

static bool
put_field(struct line *l, const char *key, struct slice value)
{
    const struct log_kv pairs[] = {KV_SLICE(key, value), KV_END};

    return log_pairs_encode(&l->fields, pairs) == 0;
}

/* {"key": "value", ...} as ` key=value`... */
static bool
take_fields(struct line *l, struct strbuf *key, struct strbuf *value)
{
    if (!take(l, '{'))
        return false;
    if (take(l, '}'))
        return true;
    do {
        if (!take_string(l, key) || !is_made_of(key, KEY_LETTERS) || !take(l, ':') ||
            !take_string(l, value) || !put_field(l, strbuf_cstr(key), strbuf_slice(value)))
            return false;
    } while (take(l, ','));
    return take(l, '}');
}

static bool
take_pid(struct line *l)
{
    (void)take(l, ' '); /* blanks alone */
    strbuf_clear(&l->pid);
    if (slice_starts(l->rest, SLICE("null"))) {
        l->rest = slice_sub(l->rest, 4, l->rest.len);
        return true;
    }
    while (l->rest.len > 0 && l->rest.ptr[0] >= '0' && l->rest.ptr[0] <= '9') {
        (void)strbuf_char(&l->pid, l->rest.ptr[0]);
        l->rest = slice_sub(l->rest, 1, l->rest.len);
    }
    return l->pid.len > 0;
}

static bool
take_member(struct line *l, struct strbuf *key, struct strbuf *value)
{
    static const char *const names[PARTS] = {"time",  "service", "program",
                                             "level", "event",   "text"};

    if (!take_string(l, key) || !take(l, ':'))
        return false;
    if (slice_eq(strbuf_slice(key), SLICE("pid")))
        return take_pid(l);
    if (slice_eq(strbuf_slice(key), SLICE("fields")))
        return take_fields(l, key, value);
    for (int i = 0; i < PARTS; i++)
        if (slice_eq(strbuf_slice(key), slice_of(names[i])))
            return take_string(l, &l->parts[i]);
    return false;
}

static bool
take_object(struct line *l, struct strbuf *key, struct strbuf *value)
{
    if (!take(l, '{'))
        return false;
    do
        if (!take_member(l, key, value))
            return false;
    while (take(l, ','));
    return take(l, '}') && l->rest.len == 0;
}

/* It stands there as it is: nothing in it may end the line or steer a terminal. */
static bool
is_harmless(struct strbuf *text)
{
    char *copy = text->len == 0 ? NULL : xslicedup(strbuf_slice(text));
    bool same;

    if (copy == NULL)
        return true;
    log_text_tame(text->ptr, text->len);
    same = memcmp(copy, text->ptr, text->len) == 0 && memchr(copy, '\n', text->len) == NULL;
    free(copy);
    return same;
}

static int
write_line(struct line *l, struct strbuf *out)
{
    const struct log_kv event[] = {KV_SLICE("event", strbuf_slice(&l->parts[PART_EVENT])), KV_END};

    for (int i = PART_TIME; i <= PART_LEVEL; i++)
        if (i != PART_SERVICE && !is_made_of(&l->parts[i], WORD_LETTERS))
            return -1;
    if (!is_harmless(&l->parts[PART_TEXT]))
        return -1;
    (void)strbuf_printf(out, "%s %s[%s] %s", strbuf_cstr(&l->parts[PART_TIME]),
                        strbuf_cstr(&l->parts[PART_PROGRAM]), strbuf_cstr(&l->pid),
                        strbuf_cstr(&l->parts[PART_LEVEL]));
    if (l->parts[PART_EVENT].len > 0)
        (void)log_pairs_encode(out, event); /* overflow is remembered */
    (void)strbuf_append(out, strbuf_slice(&l->fields));
    if (l->parts[PART_TEXT].len > 0) {
        (void)strbuf_char(out, ' ');
        (void)strbuf_append(out, strbuf_slice(&l->parts[PART_TEXT]));
    }
    return out->overflow ? -1 : 0;
}

int
log_line_of_json(struct slice json, struct strbuf *out)
{
    struct line l = {.rest = json, .pid = strbuf_new(32), .fields = strbuf_new(LOG_JSON_MAX)};
    struct strbuf key = strbuf_new(LOG_LINE_MAX), value = strbuf_new(LOG_LINE_MAX);
    size_t start = out->len;
    int rc = -1;

    for (int i = 0; i < PARTS; i++)
        l.parts[i] = strbuf_new(LOG_LINE_MAX);
    if (take_object(&l, &key, &value))
        rc = write_line(&l, out);
    if (rc < 0)
        strbuf_truncate(out, start);
    for (int i = 0; i < PARTS; i++)
        strbuf_free(&l.parts[i]);
    strbuf_free(&l.pid);
    strbuf_free(&l.fields);
    strbuf_free(&key);
    strbuf_free(&value);
    return rc;
}

struct slice
log_line_as_text(struct slice line, struct strbuf *text)
{
    if (line.len == 0 || line.ptr[0] != '{')
        return line;
    strbuf_clear(text);
    return log_line_of_json(line, text) == 0 ? strbuf_slice(text) : line;
}
