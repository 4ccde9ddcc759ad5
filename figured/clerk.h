/*
 * figured/clerk.h - reads all counters at each full minute and has them written (figured/book.h).
 */
#ifndef POSTHORN_FIGURED_CLERK_H
#define POSTHORN_FIGURED_CLERK_H

#include "figured/places.h"
#include "lib/sys/daemon.h"

struct clerk;

/* Reads once at its start. The descriptors and `places` stay the caller's. NULL with errno: the
 * files cannot be opened. */
struct clerk *clerk_new(struct daemon *d, const struct places *places, int figures_fd,
                        int stats_fd);
void clerk_close(struct clerk **clerkp); /* reads once more */

#endif
