/*
 * imapd/seqset.c - sets of message numbers or UIDs (RFC 3501 section 9, sequence-set).
 *
 * Input:  the client's set. Its size is bounded by the length of the command.
 */
#include "imapd/seqset.h"

#include <stdlib.h>

static bool
parse_number_or_star(struct parser *p, uint32_t *out)
{
    if (parser_optional(p, '*')) {
        *out = 0;
        return true;
    }
    return parser_nz_number(p, out);
}

static size_t
count_ranges(struct slice text)
{
    size_t count = 1;

    for (size_t i = 0; i < text.len && text.ptr[i] != ' ' && text.ptr[i] != ')'; i++)
        count += text.ptr[i] == ',';
    return count;
}

bool
seqset_parse_numbers(struct parser *p, struct seqset *out)
{
    return seqset_parse(p, out) &&
           (!out->has_saved || parser_fail(p, "A saved result is not allowed here"));
}

bool
seqset_parse(struct parser *p, struct seqset *out)
{
    out->ranges = arena_alloc(p->arena, count_ranges(p->rest) * sizeof(*out->ranges));
    out->count = 0;
    out->has_saved = false;
    do {
        if (parser_optional(p, '$')) { /* the grammar has it at the end only (RFC 5182 section 3) */
            out->has_saved = true;
            return true;
        }
        struct seqrange *r = &out->ranges[out->count];

        if (!parse_number_or_star(p, &r->first))
            return false;
        r->last = r->first;
        if (parser_optional(p, ':') && !parse_number_or_star(p, &r->last))
            return false;
        out->count++;
    } while (parser_optional(p, ','));
    return true;
}

static int
by_first(const void *a, const void *b)
{
    const struct seqrange *x = a, *y = b;

    return (x->first > y->first) - (x->first < y->first);
}

void
seqset_resolve(struct seqset *set, uint32_t star)
{
    size_t kept = 0;

    for (size_t i = 0; i < set->count; i++) {
        struct seqrange r = set->ranges[i];

        if (star == 0 && (r.first == 0 || r.last == 0))
            continue;
        r.first = r.first == 0 ? star : r.first;
        r.last = r.last == 0 ? star : r.last;
        set->ranges[kept++] = r.first <= r.last ? r : (struct seqrange){r.last, r.first};
    }
    set->count = kept;
    if (kept < 2)
        return;
    qsort(set->ranges, kept, sizeof(*set->ranges), by_first);
    kept = 0;
    for (size_t i = 1; i < set->count; i++) {
        struct seqrange *last = &set->ranges[kept];

        if (set->ranges[i].first > last->last && set->ranges[i].first - last->last > 1)
            set->ranges[++kept] = set->ranges[i];
        else if (set->ranges[i].last > last->last)
            last->last = set->ranges[i].last;
    }
    set->count = kept + 1;
}

bool
seqset_contains(const struct seqset *set, uint32_t number)
{
    size_t from = 0, to = set->count;

    while (from < to) {
        size_t middle = from + (to - from) / 2;

        if (number < set->ranges[middle].first)
            to = middle;
        else if (number > set->ranges[middle].last)
            from = middle + 1;
        else
            return true;
    }
    return false;
}

uint32_t
seqset_max(const struct seqset *set)
{
    return set->count == 0 ? 0 : set->ranges[set->count - 1].last;
}

void
seqset_write(const uint32_t *numbers, size_t count, struct strbuf *out)
{
    size_t i = 0;

    while (i < count) {
        size_t end = i + 1;

        while (end < count && numbers[end] == numbers[end - 1] + 1)
            end++;
        if (i > 0)
            (void)strbuf_char(out, ',');
        (void)strbuf_u64(out, numbers[i]);
        if (end - i > 1)
            (void)strbuf_printf(out, ":%u", numbers[end - 1]);
        i = end;
    }
}
