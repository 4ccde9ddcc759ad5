/*
 * local-deliver/maker.h - requests that make, rename or remove users' directories: gathered, and
 * run in batches by a process of their own (local-deliver/user_batch.h), one batch after the other.
 *
 * A login or a delivery waits for one batch at most. Where nobody waits (accountd's list after an
 * import), the disk rests as long as the last batch took, so that half of its time is left to the
 * mail.
 */
#ifndef POSTHORN_LOCAL_DELIVER_MAKER_H
#define POSTHORN_LOCAL_DELIVER_MAKER_H

#include "local-deliver/errand.h"

struct maker;

struct maker_request {
    uint16_t type; /* STORE_CREATE, STORE_RENAME, STORE_REMOVE */
    struct errand_asker asker;
    bool is_urgent; /* before all that are not */
    struct store_ctl ctl;
};

/* done() runs once for each request that maker_add has taken, from the loop; error is 0 or an errno
 * value. */
struct maker *maker_new(struct daemon *d, const struct store_dirs *dirs,
                        void (*done)(void *arg, const struct maker_request *req, uint32_t error),
                        void *arg);
void maker_free(struct maker **makerp); /* waits for the batch under way, without done() */
/* Copies what it needs. 0, or -1 with EBUSY: too many wait. */
int maker_add(struct maker *m, const struct maker_request *req);

#endif
