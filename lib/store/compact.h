/*
 * lib/store/compact.h - rewrites a journal that has grown far beyond what it says.
 *
 * The new journal restates the messages as they are (a checkpoint), which UIDs left when, and the
 * delivery keys that a retry may still ask for. It takes the old one's place by rename under the
 * lock of both, one generation higher. Sessions notice and go over.
 */
#ifndef POSTHORN_LIB_STORE_COMPACT_H
#define POSTHORN_LIB_STORE_COMPACT_H

#include "lib/store/mailbox_private.h"

/* A queued message is retried for 5 days as shipped; held ones longer. */
#define COMPACT_KEY_KEEP_MS (INT64_C(30) * 24 * 3600 * 1000)

bool compact_due(const struct mailbox *mb);
/* 0; also when it must wait because something is not settled. -1 with errno: the old one stays. */
int compact_journal(struct mailbox *mb);

#endif
