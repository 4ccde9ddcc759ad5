/*
 * acmed/clerk.h - a process for one job with the authority. It alone reads the account's key; what
 * the network sends is read by its children (acmed/ask.h).
 */
#ifndef POSTHORN_ACMED_CLERK_H
#define POSTHORN_ACMED_CLERK_H

#include "acmed/account.h"
#include "acmed/order.h"

struct clerk_options {
    struct daemon *daemon;
    struct ask_options ask;
    struct account_options account;
    struct order_options order;
};

enum clerk_job {
    CLERK_ORDER, /* a certificate, new or in place of the one that there is */
    CLERK_LOOK,  /* when is it to be renewed? */
    CLERK_REVOKE,
    CLERK_ROLL_OVER /* of no certificate */
};

struct clerk;

/* Forks it. `m` NULL: of no certificate; its state file is the clerk's until it ends, and has then
 * to be read again. done() comes once, from the loop: "" or what went wrong, one line; the clerk is
 * freed behind it. NULL with errno. */
struct clerk *clerk_start(const struct clerk_options *options, enum clerk_job job,
                          const struct managed *m, unsigned reason,
                          void (*done)(void *arg, const char *trouble), void *arg);
void clerk_stop(struct clerk **clerkp); /* without done() */

#endif
