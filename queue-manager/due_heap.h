/*
 * queue-manager/due_heap.h - queue ids with the time when each is due: the soonest first, bounded.
 *
 * 32 bytes an entry. When it is full, the half that is due last is forgotten and `horizon_ms` says
 * from when on something is missing: the caller has it all on disk and reads it again in time.
 */
#ifndef POSTHORN_QUEUE_MANAGER_DUE_HEAP_H
#define POSTHORN_QUEUE_MANAGER_DUE_HEAP_H

#include <stdint.h>

#include "lib/base/slice.h"
#include "lib/queue/envelope.h"

#define DUE_NO_HORIZON INT64_MAX

struct due_entry;

struct due_heap {
    struct due_entry *entries; /* entries[i] is due no later than entries[2i+1], entries[2i+2] */
    uint32_t count, room, max;
    int64_t horizon_ms; /* everything due before this is here; DUE_NO_HORIZON: all is */
};

void due_heap_init(struct due_heap *heap, uint32_t max);
void due_heap_clear(struct due_heap *heap); /* frees the entries */
/* `domain` is what due_domain() and due_domain_join() give. What is due at the horizon or later is
 * not kept. */
void due_heap_add(struct due_heap *heap, const char *id, int64_t next_ms, uint64_t domain);
/* When the first one is due. The heap is not empty. */
int64_t due_heap_next_ms(const struct due_heap *heap);
/* Takes the first one out. The heap is not empty. */
void due_heap_take(struct due_heap *heap, char id[QUEUE_ID_SIZE], int64_t *next_ms,
                   uint64_t *domain);
/* The id that was made first (queue_id_make), "" if none is known. What waits for no domain, but
 * for a time that somebody chose, does not count. Looks at all of them. */
void due_heap_oldest(const struct due_heap *heap, char id[QUEUE_ID_SIZE]);
/* Makes those of `domain` (DUE_DOMAIN_ALL: all) due at time 0. Returns how many that are. */
uint32_t due_heap_flush(struct due_heap *heap, uint64_t domain);

/* What stands for the domains that a message waits for: a hash of one, or a set of bits for
 * several, in which some others look the same: who asks for one may get a little more. */
#define DUE_DOMAIN_NONE 0u
#define DUE_DOMAIN_ALL UINT64_MAX
uint64_t due_domain(struct slice address); /* or a domain; case does not count */
uint64_t due_domain_join(uint64_t a, uint64_t b);
bool due_domain_matches(uint64_t waiting, uint64_t wanted); /* `wanted`: of one domain, or ALL */

#endif
