/*
 * remote-deliver/delivery.h - one job: one message to recipients behind one next hop.
 */
#ifndef POSTHORN_REMOTE_DELIVER_DELIVERY_H
#define POSTHORN_REMOTE_DELIVER_DELIVERY_H

#include "lib/ipc/queue_manager.h"
#include "lib/remote/remote_settings.h"
#include "lib/sys/stats.h"
#include "remote-deliver/connections.h"
#include "remote-deliver/reversed.h"
#include "remote-deliver/scratch.h"
#include "remote-deliver/signing.h"

struct ipc_client;

struct counters {
    _Atomic uint64_t *messages, *sent, *deferred, *bounced, *bytes;
};
/* Names the counters: before the first fork. */
struct counters counters_open(struct stats *stats);

struct courier { /* what one worker has for all its jobs */
    const struct remote_settings *settings;
    struct ipc_client *dns, *sts;
    struct signing *signer;
    const struct scratch *scratch;
    struct connections connections;
    struct reversed reversed;
    struct counters counters;
};

struct delivery; /* holds the texts that a result borrows */

/* Delivers `job`, whose message is `fd`, and fills in *result (rcpts borrowed from the delivery
 * until delivery_free). Doubt defers, it never bounces. */
struct delivery *delivery_run(struct courier *courier, const struct queue_job *job, int fd,
                              struct queue_result *result);
void delivery_free(struct delivery **dp);

#endif
