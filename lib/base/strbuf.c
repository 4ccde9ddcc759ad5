/*
 * lib/base/strbuf.c - growing bytes with a ceiling from birth.
 */
#include "lib/base/strbuf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"

struct strbuf
strbuf_new(size_t max)
{
    return (struct strbuf){.max = max};
}

void
strbuf_free(struct strbuf *b)
{
    free(b->ptr);
    *b = (struct strbuf){.max = b->max};
}

void
strbuf_clear(struct strbuf *b)
{
    b->len = 0;
    b->overflow = false;
    if (b->ptr != NULL)
        b->ptr[0] = '\0';
}

char *
strbuf_room(struct strbuf *b, size_t want)
{
    size_t need, cap;

    if (b->max < b->len || want > b->max - b->len) {
        b->overflow = true;
        return NULL;
    }
    need = b->len + want + 1;
    if (need > b->cap) {
        cap = b->cap == 0 ? 64 : b->cap * 2;
        if (cap < need)
            cap = need;
        if (cap > b->max + 1)
            cap = b->max + 1;
        b->ptr = xrealloc(b->ptr, cap);
        b->cap = cap;
    }
    return b->ptr + b->len;
}

void
strbuf_grew(struct strbuf *b, size_t by)
{
    assert_always(b->len + by < b->cap || (by == 0 && b->cap == 0));
    b->len += by;
    if (b->ptr != NULL)
        b->ptr[b->len] = '\0';
}

bool
strbuf_append(struct strbuf *b, struct slice s)
{
    char *at = strbuf_room(b, s.len);

    if (at == NULL)
        return false;
    if (s.len > 0)
        memcpy(at, s.ptr, s.len);
    strbuf_grew(b, s.len);
    return true;
}

bool
strbuf_u64(struct strbuf *b, uint64_t value)
{
    char digits[20];
    size_t at = sizeof(digits);

    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    return strbuf_append(b, slice_make(digits + at, sizeof(digits) - at));
}

/* Bytes that may be written behind the text without taking memory, one for a NUL among them. */
static size_t
room_at_hand(const struct strbuf *b)
{
    size_t room = b->cap - b->len;

    if (b->cap == 0 || b->max < b->len)
        return 0;
    return room <= b->max - b->len + 1 ? room : b->max - b->len + 1;
}

bool
strbuf_vprintf(struct strbuf *b, const char *format, va_list args)
{
    size_t room = room_at_hand(b);
    va_list again;
    int need;

    va_copy(again, args);
    need = vsnprintf(room > 0 ? b->ptr + b->len : NULL, room, format, args);
    if (need >= 0 && (size_t)need >= room) { /* it was cut: once more, with room for all of it */
        char *at = strbuf_room(b, (size_t)need);

        need = at == NULL ? -1 : vsnprintf(at, (size_t)need + 1, format, again);
    }
    va_end(again);
    strbuf_grew(b, need < 0 ? 0 : (size_t)need); /* nothing is left of what failed */
    return need >= 0;
}

bool
strbuf_printf(struct strbuf *b, const char *format, ...)
{
    va_list args;
    bool ok;

    va_start(args, format);
    ok = strbuf_vprintf(b, format, args);
    va_end(args);
    return ok;
}

void
strbuf_consume(struct strbuf *b, size_t count)
{
    assert_always(count <= b->len);
    if (count == 0)
        return;
    memmove(b->ptr, b->ptr + count, b->len - count);
    b->len -= count;
    b->ptr[b->len] = '\0';
}

void
strbuf_fit(struct strbuf *b)
{
    if (b->cap == 0)
        return;
    b->cap = b->len + 1;
    b->ptr = xrealloc(b->ptr, b->cap);
}

void
strbuf_truncate(struct strbuf *b, size_t len)
{
    assert_always(len <= b->len);
    b->len = len;
    if (b->ptr != NULL)
        b->ptr[len] = '\0';
}

bool
strbuf_ends_with(const struct strbuf *b, const char *text)
{
    return slice_ends(strbuf_slice(b), slice_of(text));
}

const char *
strbuf_cstr(const struct strbuf *b)
{
    return b->ptr == NULL ? "" : b->ptr;
}

char *
strbuf_steal(struct strbuf *b)
{
    char *text = b->ptr == NULL ? xstrdup("") : b->ptr;

    *b = (struct strbuf){.max = b->max};
    return text;
}
