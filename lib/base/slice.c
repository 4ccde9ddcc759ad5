/*
 * lib/base/slice.c - comparing, finding and cutting in borrowed bytes. No allocation, no I/O.
 */
#include "lib/base/slice.h"

#include <string.h>

static unsigned char
lower(char c)
{
    unsigned char u = (unsigned char)c;

    return (u >= 'A' && u <= 'Z') ? (unsigned char)(u + ('a' - 'A')) : u;
}

bool
slice_same_nocase(const char *a, const char *b, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (a[i] != b[i] && lower(a[i]) != lower(b[i]))
            return false;
    return true;
}

bool
slice_starts_nocase(struct slice s, struct slice prefix)
{
    return s.len >= prefix.len && slice_eq_nocase(slice_make(s.ptr, prefix.len), prefix);
}

bool
slice_ends(struct slice s, struct slice suffix)
{
    return s.len >= suffix.len && slice_eq(slice_sub(s, s.len - suffix.len, s.len), suffix);
}

bool
slice_ends_nocase(struct slice s, struct slice suffix)
{
    return s.len >= suffix.len && slice_eq_nocase(slice_sub(s, s.len - suffix.len, s.len), suffix);
}

int
slice_cmp(struct slice a, struct slice b)
{
    size_t common = a.len < b.len ? a.len : b.len;
    int order = common == 0 ? 0 : memcmp(a.ptr, b.ptr, common);

    if (order != 0)
        return order;
    return (a.len > b.len) - (a.len < b.len);
}

size_t
slice_rindex(struct slice s, char c)
{
    const char *at = s.len == 0 ? NULL : memrchr(s.ptr, c, s.len);

    return at == NULL ? s.len : (size_t)(at - s.ptr);
}

size_t
slice_find(struct slice s, struct slice needle)
{
    const char *at;

    if (needle.len == 0)
        return 0;
    at = s.len == 0 ? NULL : memmem(s.ptr, s.len, needle.ptr, needle.len);
    return at == NULL ? s.len : (size_t)(at - s.ptr);
}

struct slice
slice_cut_after(struct slice *s, char c)
{
    size_t at = slice_index(*s, c);
    struct slice head = slice_sub(*s, 0, at == s->len ? at : at + 1);

    *s = slice_sub(*s, head.len, s->len);
    return head;
}

struct slice
slice_split(struct slice *s, char c)
{
    size_t at = slice_index(*s, c);
    struct slice head = slice_sub(*s, 0, at);

    *s = slice_sub(*s, at + 1, s->len);
    return head;
}

static bool
is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct slice
slice_trim(struct slice s)
{
    while (s.len > 0 && is_blank(s.ptr[0]))
        s = slice_sub(s, 1, s.len);
    while (s.len > 0 && is_blank(s.ptr[s.len - 1]))
        s.len--;
    return s;
}
