/*
 * local-deliver/recount.h - counts users' mail again in processes of their own.
 *
 * A count takes as long as the mailbox is large, and may have to wait for a moment without changes:
 * the parent goes on meanwhile.
 */
#ifndef POSTHORN_LOCAL_DELIVER_RECOUNT_H
#define POSTHORN_LOCAL_DELIVER_RECOUNT_H

#include "lib/ipc/local_deliver.h"
#include "lib/store/store_dirs.h"
#include "lib/sys/daemon.h"

struct recounts;

/* Who asked, for done(). */
struct recount_asker {
    uint64_t peer_id;
    uint32_t request_id;
};
/* done() runs once for each that recount_begin has taken, from the loop. */
struct recounts *recounts_new(struct daemon *d, const struct store_dirs *dirs,
                              void (*done)(void *arg, const struct recount_asker *asker,
                                           const struct store_ctl_reply *reply),
                              void *arg);
void recounts_free(struct recounts **recountsp); /* ends what is under way, without done() */
/* `path` is DOMAIN/xx/USER. 0, or -1 with errno: EBUSY if as many as may be are under way. */
int recount_begin(struct recounts *r, struct slice path, const struct recount_asker *asker);

#endif
