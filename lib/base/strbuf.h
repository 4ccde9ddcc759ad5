/*
 * lib/base/strbuf.h - growing bytes with a ceiling from birth.
 *
 * Every append either takes all of its input or none of it; after a refused append the buffer is as
 * before, `overflow` is set and stays set until strbuf_clear, so a writer may append many times and
 * test once. The content is always followed by a NUL that len does not count.
 */
#ifndef POSTHORN_LIB_BASE_STRBUF_H
#define POSTHORN_LIB_BASE_STRBUF_H

#include "lib/base/slice.h"

#include <stdarg.h>
#include <stdint.h>

struct strbuf {
    char *ptr;
    size_t len;
    size_t cap;
    size_t max; /* bytes of content, without the NUL */
    bool overflow;
};

/* An empty buffer that will hold at most `max` bytes. Allocates on first append. */
struct strbuf strbuf_new(size_t max);
void strbuf_free(struct strbuf *b);  /* the struct may be used again after strbuf_new */
void strbuf_clear(struct strbuf *b); /* keeps the memory */

bool strbuf_append(struct strbuf *b, struct slice s);

static inline bool
strbuf_str(struct strbuf *b, const char *text)
{
    return strbuf_append(b, slice_of(text));
}

static inline bool
strbuf_char(struct strbuf *b, char c)
{
    if (b->len + 1 >= b->cap || b->len >= b->max) /* `max` may have been lowered */
        return strbuf_append(b, slice_make(&c, 1));
    b->ptr[b->len++] = c;
    b->ptr[b->len] = '\0';
    return true;
}

bool strbuf_u64(struct strbuf *b, uint64_t value); /* decimal */
__attribute__((format(printf, 2, 3))) bool strbuf_printf(struct strbuf *b, const char *format, ...);
__attribute__((format(printf, 2, 0))) bool strbuf_vprintf(struct strbuf *b, const char *format,
                                                          va_list args);

/* Makes room for `want` more bytes and returns where to write them; strbuf_grew takes them in.
 * NULL if that would pass the ceiling. */
char *strbuf_room(struct strbuf *b, size_t want);
void strbuf_grew(struct strbuf *b, size_t by);

void strbuf_consume(struct strbuf *b, size_t count); /* drops the first `count` bytes */
void strbuf_truncate(struct strbuf *b, size_t len);
void strbuf_fit(struct strbuf *b); /* gives back the room that its bytes don't need */
bool strbuf_ends_with(const struct strbuf *b, const char *text);
static inline struct slice
strbuf_slice(const struct strbuf *b)
{
    return slice_make(b->ptr, b->len);
}

const char *strbuf_cstr(const struct strbuf *b); /* "" when empty; valid until the next change */
/* Hands the memory to the caller as a NUL-terminated string (free()) and empties the buffer. */
char *strbuf_steal(struct strbuf *b);

#endif
