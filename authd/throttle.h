/*
 * authd/throttle.h - the more logins fail from an address, the later their answers come.
 */
#ifndef POSTHORN_AUTHD_THROTTLE_H
#define POSTHORN_AUTHD_THROTTLE_H

#include <stdint.h>

struct throttle;

/* `delay_ms`: of the first failure; 0: never any. */
struct throttle *throttle_new(int64_t delay_ms);
void throttle_free(struct throttle **throttlep);
/* Counts a failure of this share (client_address.h) and returns how long to keep the answer. */
int64_t throttle_failed(struct throttle *throttle, uint64_t share, int64_t now_ms);

#endif
