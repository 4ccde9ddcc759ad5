/*
 * local-deliver/scrub.h - looks through all mail once in store.scrub_days, slowly, for damage.
 */
#ifndef POSTHORN_LOCAL_DELIVER_SCRUB_H
#define POSTHORN_LOCAL_DELIVER_SCRUB_H

#include "lib/store/store_dirs.h"
#include "lib/sys/daemon.h"

struct scrub;

/* NULL if store.scrub_days is 0. The descriptors stay the caller's. */
struct scrub *scrub_start(struct daemon *d, const struct store_dirs *dirs);
void scrub_stop(struct scrub **scrubp); /* where it was, the next one goes on */

#endif
