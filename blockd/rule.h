/*
 * blockd/rule.h - the rule that drops new TCP connections from a set of addresses to a set of
 * ports, and counts them.
 */
#ifndef POSTHORN_BLOCKD_RULE_H
#define POSTHORN_BLOCKD_RULE_H

#include "blockd/batch.h"

struct rule {
    const char *ports, *addresses; /* names of sets; of IPv6 the networks of 64 bits */
    bool v4;
};

/* Adds it at the end of that chain. */
void rule_make(struct batch *batch, const char *table, const char *chain, const struct rule *rule);

#endif
