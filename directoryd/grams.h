/*
 * directoryd/grams.h - which contacts have three bytes behind each other: for names and addresses.
 *
 * A value is folded (lib/ldap/fold.h) and put between marks, two in front and one behind, so that
 * the beginning and the end of a value have grams of their own. Ids are added in ascending order
 * and never taken out: who looks checks the contact itself.
 */
#ifndef POSTHORN_DIRECTORYD_GRAMS_H
#define POSTHORN_DIRECTORYD_GRAMS_H

#include <stdint.h>

#include "lib/ldap/filter.h"

struct grams;

struct grams *grams_new(void);
void grams_free(struct grams **gramsp);
void grams_add(struct grams *grams, uint32_t id, const struct ldap_entry *entry);

/* Bits by id. */
struct idset {
    uint64_t *words;
    size_t word_count;
};
struct idset idset_new(uint32_t ids);
void idset_free(struct idset *set);
/* The first id from `from` on that is in it, or UINT32_MAX. */
uint32_t idset_next(const struct idset *set, uint32_t from);

/* Does the index know something of this leaf of a folded filter? Then no more than *count contacts
 * fit it. */
bool grams_estimate(const struct grams *grams, const struct ldap_filter *filter, int node,
                    uint32_t *count);
/* Puts all contacts that may fit such a leaf into the set. `room` is another set of that size. */
void grams_collect(const struct grams *grams, const struct ldap_filter *filter, int node,
                   struct idset *set, struct idset *room);

#endif
