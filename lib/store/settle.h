/*
 * lib/store/settle.h - finishes what a writer began and did not live to finish (doc/store.md,
 * "Settling").
 */
#ifndef POSTHORN_LIB_STORE_SETTLE_H
#define POSTHORN_LIB_STORE_SETTLE_H

#include "lib/store/folder.h"

/* Settles what a writer that died left in `f`'s journal. Nothing to do is fine, and so is a writer
 * that is still at it. No lock is held by the caller. */
int settle_folder(struct folder *f);
/* True if what the tail holds unsettled must not be announced: its writer is at it. Who may not
 * write (a read-only store) believes what a dead one left. */
bool settle_is_open(const struct journal *j, const struct journal_tail *tail);

#endif
