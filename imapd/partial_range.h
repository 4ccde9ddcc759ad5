/*
 * imapd/partial_range.h - which part of a list of results is wanted (RFC 9394 section 4).
 */
#ifndef POSTHORN_IMAPD_PARTIAL_RANGE_H
#define POSTHORN_IMAPD_PARTIAL_RANGE_H

#include "imapd/parser.h"
#include "lib/base/strbuf.h"

struct partial_range {
    uint32_t first, last; /* places from 1, as the client wrote them: in either order */
    bool from_end;        /* "-1:-100": place 1 is the last result */
};

/* Behind "PARTIAL". */
bool partial_range_parse(struct parser *p, struct partial_range *out);
/* The part [*from, *to) of a list of `count` results; from == to: none. */
void partial_range_apply(const struct partial_range *range, uint32_t count, uint32_t *from,
                         uint32_t *to);
/* How long it is, whatever there is: places. */
uint64_t partial_range_len(const struct partial_range *range);
/* As the client wrote it. */
void partial_range_write(const struct partial_range *range, struct strbuf *out);

#endif
