/*
 * posthorn/dkim_dns.h - DKIM records: to publish, and as the DNS has them.
 */
#ifndef POSTHORN_POSTHORN_DKIM_DNS_H
#define POSTHORN_POSTHORN_DKIM_DNS_H

#include "posthorn/dkim_place.h"
#include "posthorn/output.h"

/* Prints the TXT records of set `i`, or of all sets that belong into the DNS (-1), as a zone file
 * has them or as JSON. */
int dkim_dns_print(struct dkim_place *place, int i);
/* The same as rows of `table` (columns name, type, value and, if wanted, state); NULL: printed as a
 * zone file has them. */
int dkim_dns_records(struct dkim_place *place, int i, struct table *table);

/* Asks the DNS about the records of a set: a row for each in `table` (columns name, state, result,
 * text; NULL: on stderr, what is wrong alone). Sets *good; CLI_OK, or CLI_FAILED after the message.
 */
extern const struct column dkim_dns_columns[4];
int dkim_dns_check(struct dkim_place *place, const struct dkim_set *set, struct table *table,
                   bool *good);

#endif
