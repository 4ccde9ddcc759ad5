/*
 * lib/base/slice.h - bytes that somebody else owns.
 *
 * A slice borrows; it is passed by value and never freed. It may hold any byte, NUL included, and
 * is not NUL-terminated. A slice with len 0 may have a NULL ptr.
 */
#ifndef POSTHORN_LIB_BASE_SLICE_H
#define POSTHORN_LIB_BASE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

struct slice {
    const char *ptr;
    size_t len;
};

/* Literal: SLICE("abc") is a constant expression without a strlen. */
#define SLICE(literal) ((struct slice){(literal), sizeof(literal) - 1})

/* What parsers call for every byte or word of a message stands here, for the compiler to inline. */

static inline struct slice
slice_make(const void *ptr, size_t len)
{
    return (struct slice){(const char *)ptr, len};
}

/* NULL gives the empty slice. */
static inline struct slice
slice_of(const char *text)
{
    return (struct slice){text, text == NULL ? 0 : strlen(text)};
}

/* The part [from, to), both cut to s.len. */
static inline struct slice
slice_sub(struct slice s, size_t from, size_t to)
{
    if (to > s.len)
        to = s.len;
    if (from >= to)
        return (struct slice){s.ptr, 0};
    return (struct slice){s.ptr + from, to - from};
}

static inline bool
slice_eq(struct slice a, struct slice b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

static inline bool
slice_starts(struct slice s, struct slice prefix)
{
    return s.len >= prefix.len && slice_eq(slice_make(s.ptr, prefix.len), prefix);
}

/* Position of the first `c`, or s.len if there is none. */
static inline size_t
slice_index(struct slice s, char c)
{
    const char *at = s.len == 0 ? NULL : (const char *)memchr(s.ptr, c, s.len);

    return at == NULL ? s.len : (size_t)(at - s.ptr);
}

bool slice_same_nocase(const char *a, const char *b, size_t len); /* of slice_eq_nocase */

/* ASCII letters only. */
static inline bool
slice_eq_nocase(struct slice a, struct slice b)
{
    return a.len == b.len && slice_same_nocase(a.ptr, b.ptr, a.len);
}

bool slice_starts_nocase(struct slice s, struct slice prefix);
bool slice_ends(struct slice s, struct slice suffix);
bool slice_ends_nocase(struct slice s, struct slice suffix);
int slice_cmp(struct slice a, struct slice b); /* memcmp order, shorter first */

/* Position of the last `c`, or s.len if there is none. */
size_t slice_rindex(struct slice s, char c);
/* Position of the first occurrence of `needle`, or s.len. */
size_t slice_find(struct slice s, struct slice needle);

/* Takes up to and including the first `c` off *s and returns it; all of *s if there is no `c`. */
struct slice slice_cut_after(struct slice *s, char c);
/* Takes the text before the first `c` off *s and returns it without the `c`; *s goes on behind it.
 * Without a `c` all of *s is returned and *s becomes empty. */
struct slice slice_split(struct slice *s, char c);
/* Without leading and trailing spaces, tabs, CR and LF. */
struct slice slice_trim(struct slice s);

#endif
