/*
 * directoryd/feed.h - keeps a copy of accountd's public contacts up to date.
 */
#ifndef POSTHORN_DIRECTORYD_FEED_H
#define POSTHORN_DIRECTORYD_FEED_H

#include "directoryd/book.h"
#include "lib/ipc/peer.h"

struct feed;

/* `accounts` is borrowed. came() runs when more is known. */
struct feed *feed_new(struct loop *loop, struct ipc_async *accounts, void (*came)(void *arg),
                      void *arg);
void feed_free(struct feed **feedp);
/* NULL: not everything was read yet. Borrowed until the loop goes on. */
const struct book *feed_book(const struct feed *feed);
/* Number of the last change that is in the book. */
uint64_t feed_known(const struct feed *feed);

#endif
