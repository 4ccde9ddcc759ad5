/*
 * local-deliver/errand.h - requests of the control socket that may take long, in processes of their
 * own: RECOUNT, CHARGE, FOLDER_*, URL and COUNTS.
 *
 * A count takes as long as the mailbox is large, and the others may have to wait for whoever holds
 * a lock of it: the parent goes on meanwhile. A URL has a message looked at, which the parent never
 * does, and its text goes to a reader who takes his time.
 */
#ifndef POSTHORN_LOCAL_DELIVER_ERRAND_H
#define POSTHORN_LOCAL_DELIVER_ERRAND_H

#include "lib/ipc/local_deliver.h"
#include "lib/store/store_dirs.h"
#include "lib/sys/daemon.h"

struct errands;

/* Who asked, for done(). */
struct errand_asker {
    uint64_t peer_id;
    uint32_t request_id;
};
/* done() runs once for each that errand_begin has taken, from the loop. `text_fd` is borrowed: what
 * the reply to a URL carries, or -1. */
struct errands *errands_new(struct daemon *d, const struct store_dirs *dirs,
                            void (*done)(void *arg, const struct errand_asker *asker,
                                         const struct store_ctl_reply *reply, int text_fd),
                            void *arg);
void errands_free(struct errands **errandsp); /* ends what is under way, without done() */
/* One of these types? */
bool errand_takes(uint16_t type);
/* One of these types. 0, or -1 with errno: EBUSY if as many as may be are under way, of
 * all or of that user. */
int errand_begin(struct errands *r, uint16_t type, const struct store_ctl *ctl,
                 const struct errand_asker *asker);
/* STORE_URL; it is under way until its text is read. As above, with `url->reader` as the user. */
int errand_begin_url(struct errands *r, const struct store_url *url,
                     const struct errand_asker *asker);

#endif
