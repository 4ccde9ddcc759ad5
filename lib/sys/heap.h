/*
 * lib/sys/heap.h - keeps the private memory of a parent and its many children small.
 */
#ifndef POSTHORN_LIB_SYS_HEAP_H
#define POSTHORN_LIB_SYS_HEAP_H

/* One arena, early trimming, no unsorted remains. At the start of a parent. */
void heap_tune(void);

/* Fills the holes that start-up has left, for good. A child's first allocations would land in them,
 * all over the heap, and each would copy a page that it shares with its parent; now they lie
 * together behind it, and what the child frees goes back to the system as whole pages. */
void heap_seal(void);

/* In a session that waits: free pages of the heap, those that say again what the parent's say
 * (lib/sys/heap_image.h), and of the stack what deeper calls have used go back to the system. */
void heap_give_back(void);

#endif
