/*
 * accountd/expiry.c - tells authd of users whose last day has passed, when it has.
 *
 * No request comes with the end of a day. Who is told of it looks at the sessions of these users
 * again, and ends them.
 */
#include "accountd/expiry.h"

#include <errno.h>

#include "accountd/changes.h"
#include "lib/account/expiry.h"
#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/log/log.h"

#define DAY_MS (INT64_C(24) * 3600 * 1000)
#define LOOK_MS (INT64_C(600) * 1000) /* the clock may be set, the machine may have slept */
#define AGAIN_MS INT64_C(10000)       /* the base could not be read */

struct expiry {
    struct server *server;
    struct loop_timer *timer;
    int64_t looked_ms; /* real time: who ended before was told of */
};

static void
tell(void *arg, struct slice user)
{
    log_event(LOG_INFO, "account_expired", KV_SLICE("user", user));
    changes_user(arg, user);
}

static void
look(void *arg)
{
    struct expiry *e = arg;
    int64_t now_ms = clock_real_ms(), next_ms = DAY_MS - now_ms % DAY_MS;

    if (now_ms / DAY_MS != e->looked_ms / DAY_MS &&
        expiry_each(&e->server->base, e->looked_ms, now_ms, tell, e->server) < 0) {
        log_event(LOG_ERROR, "expired_unreadable", KV_ERRNO());
        next_ms = AGAIN_MS;
    } else {
        e->looked_ms = now_ms;
    }
    loop_timer_set(e->timer, next_ms < LOOK_MS ? next_ms : LOOK_MS);
}

struct expiry *
expiry_new(struct server *server)
{
    struct expiry *e = xcalloc(1, sizeof(*e));

    e->server = server;
    e->timer = loop_timer_new(server->daemon->loop, look, e);
    e->looked_ms = clock_real_ms();
    look(e);
    return e;
}

void
expiry_free(struct expiry **expiryp)
{
    if (*expiryp == NULL)
        return;
    loop_timer_free(&(*expiryp)->timer);
    xfree(expiryp);
}
