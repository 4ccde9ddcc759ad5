/*
 * imapd/seqset.h - sets of message numbers or UIDs as clients write them: "2,4:7,12:*".
 */
#ifndef POSTHORN_IMAPD_SEQSET_H
#define POSTHORN_IMAPD_SEQSET_H

#include "imapd/parser.h"
#include "lib/base/strbuf.h"

struct seqrange {
    uint32_t first, last; /* before seqset_resolve 0 stands for '*', and the order is open */
};

struct seqset {
    struct seqrange *ranges;
    size_t count;
    bool has_saved; /* '$' was in it: saved_result_expand puts those messages in */
};

bool seqset_parse(struct parser *p, struct seqset *out);
/* A set of numbers alone, where "$" has no meaning. */
bool seqset_parse_numbers(struct parser *p, struct seqset *out);
/* Puts `star` for '*', sorts and merges. `star` 0 (an empty mailbox): '*' means nothing. Do it once
 * for each set. */
void seqset_resolve(struct seqset *set, uint32_t star);
/* Of a resolved set. */
bool seqset_contains(const struct seqset *set, uint32_t number);
uint32_t seqset_max(const struct seqset *set); /* 0: it is empty */
/* Appends numbers[0..count), in their order, as a set: "3,5:9". */
void seqset_write(const uint32_t *numbers, size_t count, struct strbuf *out);

#endif
