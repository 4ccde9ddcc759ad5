/*
 * authd/decoy.h - what stands in for a user who does not exist, so that nobody can tell.
 *
 * An unknown name costs the same hash as a known one, and its SCRAM salt stays the same from day to
 * day, over restarts too.
 */
#ifndef POSTHORN_AUTHD_DECOY_H
#define POSTHORN_AUTHD_DECOY_H

#include "lib/auth/password.h"

struct decoy;

/* Reads the secret below `dirfd`, or makes it at the first start. Exits with a message if neither
 * works. Costs one hash. */
struct decoy *decoy_new(int dirfd, const struct password_policy *policy);
void decoy_free(struct decoy **decoyp);
/* A record of the scheme of new passwords; nobody knows its password. */
struct slice decoy_record(const struct decoy *decoy);
/* Keys that no proof fits, with the salt that belongs to `name` and the policy's iterations. */
void decoy_scram(const struct decoy *decoy, struct slice name, enum digest digest,
                 struct password_scram *keys);

#endif
