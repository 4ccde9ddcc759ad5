/*
 * local-deliver/removal.h - deletes users' directories in the background.
 *
 * A directory is first moved aside (lib/store/aside.h), at once out of everybody's reach and
 * durable (user_dir_remove), then emptied a few entries a turn, so that nothing else waits. What a
 * crash leaves is taken up again at the next start.
 */
#ifndef POSTHORN_LOCAL_DELIVER_REMOVAL_H
#define POSTHORN_LOCAL_DELIVER_REMOVAL_H

#include "lib/store/store_dirs.h"
#include "lib/sys/daemon.h"

struct removal;

struct removal *removal_new(struct daemon *d, const struct store_dirs *dirs);
void removal_free(struct removal **removalp);
/* Something was moved there: begin soon. */
void removal_look(struct removal *r);

#endif
