/*
 * syncd/entries.h - what the directory has: its users and groups, by name and by ID.
 */
#ifndef POSTHORN_SYNCD_ENTRIES_H
#define POSTHORN_SYNCD_ENTRIES_H

#include "lib/base/map.h"
#include "lib/ipc/object.h"

#define ENTRIES_MAX 2000000u

struct local;

/* One entry. The slices borrow from what was fetched. */
struct entry {
    bool of_group;
    bool disabled;
    struct slice dn, id;
    struct slice objects; /* all that was made of it (lib/sync/entry.h) */
    char *address;        /* canonical, in the domain; NULL: it has none that we could use */
    const char *trouble;  /* then why, a constant */
    struct local *local;  /* what it is here, or NULL */
    const char *here; /* the address under which accountd has it, borrowed; NULL: it is not here */
};

struct entries {
    struct entry *list;
    size_t count, users, groups;
    struct map *by_dn; /* folded names -> struct entry */
    struct map *user_by_id, *group_by_id;
    struct map *user_by_address;
};

/* Takes apart what was fetched; `domain` is canonical. 0, or -1: it is damaged, or too much. */
int entries_read(struct entries *entries, struct slice fetched, struct slice domain);
void entries_free(struct entries *entries);

/* Calls each(arg, field) for every field of the entry's objects. */
void entry_fields(const struct entry *entry,
                  void (*each)(void *arg, const struct object_field *field), void *arg);
/* The entry of that name, or NULL. */
struct entry *entries_by_dn(const struct entries *entries, struct slice dn);

#endif
