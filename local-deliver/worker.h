/*
 * local-deliver/worker.h - one delivery agent: takes jobs from queue-manager, answers each.
 */
#ifndef POSTHORN_LOCAL_DELIVER_WORKER_H
#define POSTHORN_LOCAL_DELIVER_WORKER_H

#include "lib/sys/daemon.h"
#include "lib/sys/disk_level.h"
#include "local-deliver/auto_reply.h"
#include "local-deliver/busy.h"
#include "local-deliver/shown.h"
#include "local-deliver/warning.h"

struct ipc_client;

#define WORKER_SLOTS 64 /* jobs that one batch may hold */

struct worker {
    struct daemon *daemon;
    struct store_dirs dirs;
    int queue_dirfd;
    int stop_fd;                  /* readable when the worker shall end after its batch */
    bool bounce_over_quota;       /* false: defer */
    bool single_copy;             /* store.single_copy */
    struct sender_table *senders; /* queue.header_replace; NULL: nothing is replaced */
    struct busy busy;
    struct disk_gates gates;
    struct warning_text warning;
    struct auto_replies replies;
    struct ipc_client *queue;    /* NULL: not connected */
    struct ipc_client *accounts; /* takes the usage reports */
    _Atomic uint64_t *delivered, *duplicates, *deferred, *bounced, *batches, *messages, *bytes;
};

/* Opens store and queue; exits with a message if one is missing. */
void worker_init(struct worker *w, struct daemon *d);
/* In the worker process: delivers until stop_fd is readable. */
void worker_run(struct worker *w);

#endif
