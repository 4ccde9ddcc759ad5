/*
 * accountd/store.h - asking local-deliver: what a mailbox holds, and the jobs of
 * lib/account/jobs.h.
 */
#ifndef POSTHORN_ACCOUNTD_STORE_H
#define POSTHORN_ACCOUNTD_STORE_H

#include "accountd/server.h"
#include "lib/ipc/local_deliver.h"

struct store;

struct store *store_new(struct server *server);
void store_free(struct store **storep);
/* Asks for usage unless it was asked already; the answer goes to usage.h and wakes who is parked
 * for the path, as does the lack of an answer. */
void store_ask_usage(struct store *store, struct slice path);
/* Has the mailbox at `path` counted again; done(arg, NULL) if local-deliver does not answer. */
void store_recount_mailbox(struct store *store, struct slice path,
                           void (*done)(void *arg, const struct store_ctl_reply *reply), void *arg);
/* Takes up the jobs that were committed since the last call. */
void store_take_jobs(struct store *store);
/* Has the user's directory at `path` made now, whatever else is to be done elsewhere, and after
 * what is to be done there. Not recorded: who misses it says so again. */
void store_make(struct store *store, struct slice path);
/* Is its directory still to be made? */
bool store_is_making(const struct store *store, struct slice path);
/* The directory at `path` is about to be removed or renamed: nothing may be put there yet. */
bool store_is_moving(const struct store *store, struct slice path);

#endif
