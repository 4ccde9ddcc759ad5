/*
 * ldapd/sorted.h - entries in the order that a client asked for (RFC 2891), and which of them it
 * has.
 */
#ifndef POSTHORN_LDAPD_SORTED_H
#define POSTHORN_LDAPD_SORTED_H

#include "ldapd/query.h"

#define SORTED_ENTRIES_MAX 50000
#define SORTED_BYTES_MAX ((size_t)32 << 20)

struct sorted;

struct sorted *sorted_new(const struct query *query);
void sorted_free(struct sorted **sortedp);
/* Copies the entry. -1: there are too many to sort. */
int sorted_add(struct sorted *sorted, const struct ldap_entry *entry);
void sorted_finish(struct sorted *sorted);
/* The next one in order, borrowed. False: there is no more. */
bool sorted_next(struct sorted *sorted, struct ldap_entry *entry);
bool sorted_has_more(const struct sorted *sorted);
/* The search that this is of, and how many were taken. */
uint32_t sorted_mark(const struct sorted *sorted);
uint64_t sorted_position(const struct sorted *sorted);

#endif
