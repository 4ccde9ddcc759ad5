/*
 * lib/sys/heap.h - keeps the heap of a process that forks many others small and shared.
 */
#ifndef POSTHORN_LIB_SYS_HEAP_H
#define POSTHORN_LIB_SYS_HEAP_H

/* One arena, early trimming, no unsorted remains. At the start of a parent. */
void heap_tune(void);

/* Fills the holes that start-up has left, for good. A child's first allocations would land in them,
 * all over the heap, and each would copy a page that it shares with its parent; now they lie
 * together behind it, and what the child frees goes back to the system as whole pages. */
void heap_seal(void);

#endif
