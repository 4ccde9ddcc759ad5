/*
 * imapd/copy_across.h - COPY and MOVE from one user's store into another's.
 */
#ifndef POSTHORN_IMAPD_COPY_ACROSS_H
#define POSTHORN_IMAPD_COPY_ACROSS_H

#include "imapd/places.h"

/* As mailbox_copy: all or none, and MOVE removes the sources then. Flags that the target's rights
 * do not allow are left out. The files are copied: no link may lead from one store to another. */
int copy_across(struct mailbox *from, const uint32_t *seqs, uint32_t count,
                const struct target *target, bool move, struct mailbox_uids *uids);

#endif
