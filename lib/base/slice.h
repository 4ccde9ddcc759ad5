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

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

struct slice {
    const char *ptr;
    size_t len;
};

/* Literal: SLICE("abc") is a constant expression without a strlen. */
#define SLICE(literal) ((struct slice){(literal), sizeof(literal) - 1})

struct slice slice_of(const char *text); /* NULL gives the empty slice */
struct slice slice_make(const void *ptr, size_t len);

bool slice_eq(struct slice a, struct slice b);
bool slice_eq_nocase(struct slice a, struct slice b); /* ASCII letters only */
bool slice_starts(struct slice s, struct slice prefix);
bool slice_starts_nocase(struct slice s, struct slice prefix);
bool slice_ends(struct slice s, struct slice suffix);
bool slice_ends_nocase(struct slice s, struct slice suffix);
int slice_cmp(struct slice a, struct slice b); /* memcmp order, shorter first */

/* Position of the first / last `c`, or s.len if there is none. */
size_t slice_index(struct slice s, char c);
size_t slice_rindex(struct slice s, char c);
/* Position of the first occurrence of `needle`, or s.len. */
size_t slice_find(struct slice s, struct slice needle);

/* The part [from, to), both cut to s.len. */
struct slice slice_sub(struct slice s, size_t from, size_t to);
/* Takes up to and including the first `c` off *s and returns it; all of *s if there is no `c`. */
struct slice slice_cut_after(struct slice *s, char c);
/* Takes the text before the first `c` off *s and returns it without the `c`; *s goes on behind it.
 * Without a `c` all of *s is returned and *s becomes empty. */
struct slice slice_split(struct slice *s, char c);
/* Without leading and trailing spaces, tabs, CR and LF. */
struct slice slice_trim(struct slice s);

#endif
