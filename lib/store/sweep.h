/*
 * lib/store/sweep.h - removes what interrupted work left in a folder.
 *
 * Message files of ours without a record, files in tmp/, half-written indexes: when they have not
 * changed for SWEEP_AGE_S. What other programs put there is never touched.
 */
#ifndef POSTHORN_LIB_STORE_SWEEP_H
#define POSTHORN_LIB_STORE_SWEEP_H

#include "lib/store/mailbox_private.h"

#define SWEEP_AGE_S (INT64_C(36) * 3600) /* as Maildir has it for tmp/ */

void sweep_folder(struct mailbox *mb);
/* The same with another age in seconds, for tests. */
void sweep_folder_older_than(struct mailbox *mb, int64_t age_s);

#endif
