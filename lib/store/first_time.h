/*
 * lib/store/first_time.h - what a store has at its beginning: INBOX and, unless it is `bare`, the
 * standard folders Sent, Drafts, Trash and Junk, subscribed.
 */
#ifndef POSTHORN_LIB_STORE_FIRST_TIME_H
#define POSTHORN_LIB_STORE_FIRST_TIME_H

#include "lib/store/folder.h"

/* Makes what is missing of an open store, all of it flushed. Marked as done by posthorn.folders,
 * which has all uses and subscriptions and comes last: another session never meets a part of them,
 * and one that failed in between is followed by one that begins anew. 0, or -1 with errno. */
int first_time_make(struct store *store);
/* Makes the same in an empty directory that nobody else can find yet, and flushes nothing: the
 * caller has all of it on disk (syncfs) before it gives the directory its name. Returns INBOX's
 * journal, locked: until the caller closes it, nobody can add a message or learn a UIDVALIDITY, so
 * nothing is promised in a mailbox whose name a power cut could still take. -1 with errno. */
int first_time_make_unnamed(int dirfd, bool bare);

#endif
