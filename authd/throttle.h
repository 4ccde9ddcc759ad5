/*
 * authd/throttle.h - the more logins fail from an address, the later their answers come.
 */
#ifndef POSTHORN_AUTHD_THROTTLE_H
#define POSTHORN_AUTHD_THROTTLE_H

#include "authd/client_address.h"

struct throttle;

/* `delay_ms`: of the first failure; 0: never any. */
struct throttle *throttle_new(int64_t delay_ms);
void throttle_free(struct throttle **throttlep);
/* Counts a failure of this client and returns how long to keep the answer. Clients on loopback are
 * programs of this host that serve many people (a webmail): theirs stays the first delay. */
int64_t throttle_failed(struct throttle *throttle, const struct client_address *client,
                        int64_t now_ms);

#endif
