/*
 * authd/login_delay.h - when each user was last logged in by POP3, so that nobody comes too often
 * (LOGIN-DELAY, RFC 2449 section 6.5). In memory: a new authd knows of no login.
 */
#ifndef POSTHORN_AUTHD_LOGIN_DELAY_H
#define POSTHORN_AUTHD_LOGIN_DELAY_H

#include <stdint.h>

#include "lib/base/slice.h"

struct login_delay;

/* `delay_ms` 0: nobody ever waits. */
struct login_delay *login_delay_new(int64_t delay_ms);
void login_delay_free(struct login_delay **ldp);
/* True if the last login noted for `user` is not yet the delay ago. */
bool login_delay_is_too_soon(const struct login_delay *ld, struct slice user, int64_t now_ms);
void login_delay_note(struct login_delay *ld, struct slice user, int64_t now_ms);

#endif
