/*
 * lib/sys/pool_successor.c - the parent of a pool gives a connection to a second session.
 *
 * Input:  the request of a worker, which may have been taken over by its client. What it says of
 *         TLS is believed: it is that connection's own. The socket that the successor gets is the
 *         parent's copy or a new pair, never a descriptor of the worker's.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/io.h"
#include "lib/base/random.h"
#include "lib/log/log.h"
#include "lib/sys/pool_private.h"

static struct pool_handover
describe(const struct worker *w, const struct pool_request *request)
{
    struct pool_handover h = w->about;

    memcpy(h.previous_id, w->about.session_id, sizeof(h.previous_id));
    memset(h.session_id, 0, sizeof(h.session_id));
    random_name(h.session_id, SESSION_ID_LEN);
    h.continues = true;
    h.carried = request->carried;
    h.carried.tls[sizeof(h.carried.tls) - 1] = '\0';
    return h;
}

/* Each successor counts as a new connection of its address, but no connection counts twice at
 * once: a relay is no session. */
static bool
admit_again(struct worker *w)
{
    struct admission *admission = pool_admission_of(w->pool, &w->about);

    admission_leave(admission, &w->from);
    w->counted = admission_enter(admission, &w->from, clock_mono_ms()) == ADMISSION_OK;
    if (!w->counted)
        admission_rise(admission);
    return w->counted;
}

static void
pass_on(struct worker *w, struct worker *next, int client_fd)
{
    next->counted = w->counted;
    next->from = w->from;
    next->kept_fd = client_fd;
    w->counted = false;
    w->kept_fd = -1;
    w->about.session_id[0] = '\0'; /* authd speaks of sessions */
}

/* The worker keeps the client, and carries its bytes: no relay behind a relay. */
static int
start_behind(struct worker *w, struct worker *next, const struct pool_handover *h, int ends[2])
{
    if (w->relayed) {
        errno = EINVAL;
        return -1;
    }
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
        return -1;
    if (pool_start(next, h, ends[1], -1) < 0)
        goto fail;
    close_keep_errno(w->kept_fd);
    pass_on(w, next, ends[1]);
    next->relayed = true;
    return 0;
fail:
    close_keep_errno(ends[0]);
    close_keep_errno(ends[1]);
    return -1;
}

/* The worker leaves: its successor gets what it had, and first what it has read too much. */
static int
start_instead(struct worker *w, struct worker *next, const struct pool_handover *h, int ends[2])
{
    int rc;

    if (w->kept_fd < 0) {
        errno = EINVAL;
        return -1;
    }
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
        return -1;
    rc = pool_start(next, h, w->kept_fd, ends[1]);
    close_keep_errno(ends[1]);
    if (rc < 0) {
        close_keep_errno(ends[0]);
        return -1;
    }
    next->relayed = w->relayed;
    pass_on(w, next, w->kept_fd);
    return 0;
}

static int
start(struct worker *w, const struct pool_request *request, int ends[2])
{
    struct pool_handover h = describe(w, request);
    struct worker *next;

    if (w->ending || !w->counted || !admit_again(w)) {
        errno = EBUSY;
        return -1;
    }
    next = pool_idle_worker(w->pool);
    if (next == NULL)
        return -1;
    return request->relay ? start_behind(w, next, &h, ends) : start_instead(w, next, &h, ends);
}

void
pool_successor_give(struct worker *w, const struct pool_request *request)
{
    const char answer = POOL_SUCCESSOR;
    int ends[2];

    if (start(w, request, ends) < 0) {
        log_event(LOG_WARN, "no_successor", KV_STR("session", w->about.session_id), KV_ERRNO());
        (void)pool_message_send(w->fd, &answer, 1, NULL, 0); /* or it is gone */
        return;
    }
    (void)pool_message_send(w->fd, &answer, 1, ends, 1); /* a lost one ends the successor, too */
    (void)close(ends[0]);
}
