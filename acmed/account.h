/*
 * acmed/account.h - the account with the authority: its key in db/acme/account.key, its URL in
 * db/acme/account.
 */
#ifndef POSTHORN_ACMED_ACCOUNT_H
#define POSTHORN_ACMED_ACCOUNT_H

#include "acmed/ca.h"
#include "lib/conf/conf.h"

struct account_options {
    const struct conf *conf;
    struct slice binding_key; /* decoded; "": there is none */
    int dirfd;                /* db/acme */
};

/* Each returns 0, or -1 with a line in ca->error. */

/* Gives `ca` the key, which is made when there is none, and the account, which is registered when
 * there is none; its contacts are brought up to date. Finishes a change of keys that was cut off.
 */
int account_open(struct ca *ca, const struct account_options *options);
/* The authority knows no such account (any more): it is registered anew the next time. */
void account_forget(const struct account_options *options);
/* Another key (RFC 8555 section 7.3.5), in its file as soon as the authority has it. */
int account_roll_over(struct ca *ca, const struct account_options *options);

#endif
