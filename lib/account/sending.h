/*
 * lib/account/sending.h - whom a mailbox may send to, and from whom it takes mail (DIR-28, DIR-29).
 *
 * Decisions on records alone: no question to the database.
 */
#ifndef POSTHORN_LIB_ACCOUNT_SENDING_H
#define POSTHORN_LIB_ACCOUNT_SENDING_H

#include "lib/account/record.h"

/* Where the other end is, seen from the mailbox. */
enum sending_way {
    SENDING_DOMAIN, /* its own domain */
    SENDING_SYSTEM, /* another domain of this server */
    SENDING_REMOTE
};

/* The name of the property of `user` that forbids it, or NULL. `domain` is that of the recipient or
 * the sender, in its canonical form: an exception turns what the way's own property says round. */
const char *sending_denied(const struct record *user, enum sending_way way, struct slice domain);
/* Is there anybody at all that it may not take mail from? */
bool receiving_is_limited(const struct record *user);
const char *receiving_denied(const struct record *user, enum sending_way way, struct slice domain);

#endif
