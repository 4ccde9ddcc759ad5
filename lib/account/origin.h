/*
 * lib/account/origin.h - who a mail is from, as far as rules about senders go, and what a mailbox
 * says to that (DIR-29).
 *
 * Who authenticated is known by that; of others the envelope sender is believed.
 */
#ifndef POSTHORN_LIB_ACCOUNT_ORIGIN_H
#define POSTHORN_LIB_ACCOUNT_ORIGIN_H

#include "lib/account/account.h"
#include "lib/account/sending.h"

struct origin {
    struct strbuf address; /* as the base has it; empty: the null sender */
    struct slice domain;   /* borrows from it */
    bool is_ours;
};

/* `auth_user` and `sender`, the reverse path, may be empty. An address of ours stands with its
 * domain's aliases resolved and its tag taken off, one outside with its domain in A-labels; `hit`
 * has the record of one of ours. origin_free in any case. */
enum account_found origin_find(struct account_base *base, struct slice auth_user,
                               struct slice sender, struct account_hit *hit, struct origin *origin);
void origin_free(struct origin *origin);

/* The way from a sender to a mailbox of domain `to`, or back. */
enum sending_way origin_way(const struct origin *origin, struct slice to);
/* The property of the mailbox that keeps it from taking this mail, or NULL. Bounces and what it has
 * sent itself it takes always. */
const char *origin_denied_by(const struct origin *origin, const struct account_hit *mailbox);

/* Mail for postmaster is taken from everybody (RFC 5321 section 4.5.1). */
bool origin_is_free(struct slice recipient);

#endif
