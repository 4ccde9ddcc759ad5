/*
 * accountd/changes.c - WATCH: tells authd of changes that may end sessions.
 *
 * Numbers begin with the clock, so that what an accountd before this one gave out is older than
 * what we know, and means: anything may have changed.
 */
#include "accountd/changes.h"

#include <stdlib.h>

#include "accountd/watchers.h"
#include "lib/base/clock.h"
#include "lib/base/mem.h"

enum {
    KEPT_MAX = ACCOUNTD_CHANGED_MAX, /* names; with more everybody is looked at */
    REPLY_MAX = 256 << 10
};

struct changes {
    uint64_t first, last; /* numbers: what we know lies above `first` */
    uint64_t folders;     /* the last change of rights on folders */
    uint64_t everybody;   /* up to here names are not known */
    struct {
        uint64_t number;
        char *who; /* NULL: free */
    } kept[KEPT_MAX];
    size_t next; /* place of the next name: the oldest one's */
    struct watcher watchers[ACCOUNTD_WATCHERS_MAX];
};

struct changes *
changes_new(void)
{
    struct changes *c = xcalloc(1, sizeof(*c));

    c->first = c->last = (uint64_t)clock_real_us();
    return c;
}

void
changes_free(struct changes **changesp)
{
    for (size_t i = 0; *changesp != NULL && i < KEPT_MAX; i++)
        free((*changesp)->kept[i].who);
    xfree(changesp);
}

/* ---- answering ---- */

static void
answer(struct server *server, const struct watcher *watcher)
{
    const struct changes *c = server->changes_told;
    struct ipc_peer *peer = ipc_server_peer(server->ipc, watcher->peer_id);
    struct strbuf out = strbuf_new(REPLY_MAX);
    struct slice who[KEPT_MAX];
    struct accountd_changed changed = {.number = c->last, .users = who};

    if (watcher->known < c->first || watcher->known > c->last) { /* of another accountd */
        changed.folders = changed.everybody = true;
    } else {
        changed.folders = watcher->known < c->folders;
        changed.everybody = watcher->known < c->everybody;
        for (size_t i = 0; i < KEPT_MAX && !changed.everybody; i++)
            if (c->kept[i].number > watcher->known)
                who[changed.user_count++] = slice_of(c->kept[i].who);
    }
    if (peer != NULL && accountd_changed_encode(&out, watcher->request_id, &changed) == 0)
        ipc_peer_send(peer, &out, -1);
    strbuf_free(&out);
}

static void
tell(struct server *server)
{
    struct changes *c = server->changes_told;

    for (size_t i = 0; i < ACCOUNTD_WATCHERS_MAX && server->ipc != NULL; i++) {
        struct watcher watcher = c->watchers[i];

        c->watchers[i].peer_id = 0;
        if (watcher.peer_id != 0)
            answer(server, &watcher);
    }
}

/* With all places taken one watcher gives way: its peer asks again. */
enum outcome
changes_watch(struct request *rq)
{
    struct server *server = rq->server;
    struct changes *c = server->changes_told;
    struct watcher watcher = {ipc_peer_id(rq->peer), rq->header.request_id, 0};
    size_t at;

    if (server->ipc == NULL || accountd_watch_decode(rq->payload, &watcher.known) < 0)
        return REQUEST_BAD;
    if (watcher.known != c->last) {
        answer(server, &watcher);
        return REQUEST_DONE;
    }
    at = watchers_place(c->watchers, ACCOUNTD_WATCHERS_MAX, server->ipc, watcher.peer_id);
    if (at == ACCOUNTD_WATCHERS_MAX) {
        at = 0;
        answer(server, &c->watchers[at]);
    }
    c->watchers[at] = watcher;
    return REQUEST_DONE;
}

/* ---- changes ---- */

void
changes_folders(struct server *server)
{
    server->changes_told->folders = ++server->changes_told->last;
    tell(server);
}

void
changes_user(struct server *server, struct slice who)
{
    struct changes *c = server->changes_told;

    if (c->kept[c->next].who != NULL)
        c->everybody = c->kept[c->next].number; /* older questions cannot be told that name */
    free(c->kept[c->next].who);
    c->kept[c->next].who = xslicedup(who);
    c->kept[c->next].number = ++c->last;
    c->next = (c->next + 1) % KEPT_MAX;
    tell(server);
}

void
changes_everybody(struct server *server)
{
    server->changes_told->everybody = ++server->changes_told->last;
    server->changes_told->folders = server->changes_told->last;
    tell(server);
}
