/*
 * imapd/partial_range.c - which part of a list of results is wanted (RFC 5267 section 4.4, RFC 9394
 * section 4).
 *
 * Input:  the client's range. Any two numbers are fine, those beyond the list mean nothing.
 */
#include "imapd/partial_range.h"

bool
partial_range_parse(struct parser *p, struct partial_range *out)
{
    if (!parser_space(p))
        return false;
    out->from_end = parser_optional(p, '-');
    return parser_nz_number(p, &out->first) && parser_char(p, ':') &&
           (!out->from_end || parser_char(p, '-')) && parser_nz_number(p, &out->last);
}

void
partial_range_apply(const struct partial_range *range, uint32_t count, uint32_t *from, uint32_t *to)
{
    uint32_t low = (range->first < range->last ? range->first : range->last) - 1;
    uint32_t high = range->first < range->last ? range->last : range->first;

    low = low < count ? low : count;
    high = high < count ? high : count;
    *from = range->from_end ? count - high : low;
    *to = range->from_end ? count - low : high;
}

uint64_t
partial_range_len(const struct partial_range *range)
{
    uint32_t low = range->first < range->last ? range->first : range->last;
    uint32_t high = range->first < range->last ? range->last : range->first;

    return (uint64_t)high - low + 1;
}

void
partial_range_write(const struct partial_range *range, struct strbuf *out)
{
    const char *sign = range->from_end ? "-" : "";

    (void)strbuf_printf(out, "%s%u:%s%u", sign, range->first, sign, range->last);
}
