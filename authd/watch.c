/*
 * authd/watch.c - ends the sessions that hold a folder of somebody else which they may not any
 * more.
 *
 * accountd holds our question back until something took rights away. Then each session that was
 * given folders is looked at again, and its parent told to end it if it would get less today. A
 * lost connection counts as a change: we may have missed one.
 */
#include "authd/watch.h"

#include <stdlib.h>

#include "authd/attach.h"
#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/log/log.h"

enum {
    WATCH_TIMEOUT_MS = 3600 * 1000,
    CHECK_TIMEOUT_MS = 10000,
    SETTLE_MS = 200, /* changes come in rows; also the pause before asking again */
    REQUEST_MAX = 4096
};

struct watch {
    struct server *server;
    struct loop_timer *timer;
};

static void ask(struct watch *watch);

/* ---- one session ---- */

static void
checked(void *arg, const struct frame_header *header, struct slice payload, int fd)
{
    struct session *s = arg;
    bool holds;

    close_keep_errno(fd);
    if (!session_release(s))
        return;
    if (header == NULL || header->type != ACCOUNTD_FOLDERS_REPLY || s->grants.count == 0)
        return; /* accountd is away: when it is back, all are looked at again */
    holds = folder_grants_still_hold(&s->grants, payload);
    if (holds)
        return;
    log_event(LOG_INFO, "rights_taken", KV_STR("user", s->user), KV_STR("session", s->session_id));
    watch_remove(s);
    attach_end_session(s->server->attach, s->parent_id, s->session_id);
}

static void
check(struct session *s)
{
    struct strbuf request = strbuf_new(REQUEST_MAX);

    assert_always(accountd_folders_encode(&request, slice_of(s->user)) == 0);
    session_hold(s);
    ipc_async_call(s->server->accounts, &request, CHECK_TIMEOUT_MS, checked, s);
    strbuf_free(&request);
}

/* ---- all of them ---- */

static void
settled(void *arg)
{
    struct watch *watch = arg;
    struct session *next;

    ask(watch); /* first: what changes while we look is told again */
    for (struct session *s = watch->server->granted; s != NULL; s = next) {
        next = s->granted_next;
        check(s);
    }
}

static void
changed(void *arg, const struct frame_header *header, struct slice payload, int fd)
{
    struct watch *watch = arg;

    (void)header, (void)payload;
    close_keep_errno(fd);
    loop_timer_set(watch->timer, SETTLE_MS);
}

static void
ask(struct watch *watch)
{
    struct strbuf request = strbuf_new(REQUEST_MAX);
    struct writer w = frame_begin(&request, ACCOUNTD_WATCH, 0);

    assert_always(frame_end(&w) == 0);
    ipc_async_call(watch->server->accounts, &request, WATCH_TIMEOUT_MS, changed, watch);
    strbuf_free(&request);
}

struct watch *
watch_new(struct server *server)
{
    struct watch *watch = xcalloc(1, sizeof(*watch));

    watch->server = server;
    watch->timer = loop_timer_new(server->loop, settled, watch);
    ask(watch);
    return watch;
}

void
watch_free(struct watch **watchp)
{
    if (*watchp == NULL)
        return;
    loop_timer_free(&(*watchp)->timer);
    xfree(watchp);
}

void
watch_add(struct session *s)
{
    if (s->grants.count == 0)
        return;
    s->granted_next = s->server->granted;
    if (s->granted_next != NULL)
        s->granted_next->granted_link = &s->granted_next;
    s->granted_link = &s->server->granted;
    s->server->granted = s;
}

void
watch_remove(struct session *s)
{
    if (s->granted_link == NULL)
        return;
    *s->granted_link = s->granted_next;
    if (s->granted_next != NULL)
        s->granted_next->granted_link = s->granted_link;
    s->granted_next = NULL;
    s->granted_link = NULL;
}
