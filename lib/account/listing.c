/*
 * lib/account/listing.c - which objects of a listing are searched for, and their order. No I/O.
 */
#include "lib/account/listing.h"

static bool
contains(struct slice text, struct slice wanted)
{
    for (size_t i = 0; i + wanted.len <= text.len; i++)
        if (slice_eq_nocase(slice_sub(text, i, i + wanted.len), wanted))
            return true;
    return false;
}

bool
listing_has(const struct object_field *fields, uint32_t count, struct slice wanted)
{
    bool found = wanted.len == 0;

    for (uint32_t i = 0; i < count && !found; i++)
        found = contains(fields[i].value, wanted);
    return found;
}

static unsigned char
small(char c)
{
    return c >= 'A' && c <= 'Z' ? (unsigned char)(c + ('a' - 'A')) : (unsigned char)c;
}

int
listing_compare_text(struct slice a, struct slice b)
{
    for (size_t i = 0; i < a.len && i < b.len; i++)
        if (small(a.ptr[i]) != small(b.ptr[i]))
            return small(a.ptr[i]) < small(b.ptr[i]) ? -1 : 1;
    return (a.len > b.len) - (a.len < b.len);
}

int
listing_compare_number(struct slice a, struct slice b)
{
    return a.len != b.len ? (a.len > b.len) - (a.len < b.len) : slice_cmp(a, b);
}
