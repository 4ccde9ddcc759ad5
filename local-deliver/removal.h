/*
 * local-deliver/removal.h - deletes users' directories in the background.
 *
 * A directory is first moved to .removed/ of its storage directory (at once out of everybody's
 * reach, durable), then emptied a few entries a turn, so that nothing else waits. What a crash
 * leaves is taken up again at the next start.
 */
#ifndef POSTHORN_LOCAL_DELIVER_REMOVAL_H
#define POSTHORN_LOCAL_DELIVER_REMOVAL_H

#include "lib/store/store_dirs.h"
#include "lib/sys/daemon.h"

struct removal;

struct removal *removal_new(struct daemon *d, const struct store_dirs *dirs);
void removal_free(struct removal **removalp);
/* `path` is DOMAIN/xx/USER; one that is not there is success. 0, or -1 with errno. */
int removal_add(struct removal *r, struct slice path);

#endif
