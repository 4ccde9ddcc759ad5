/*
 * accountd/visits.c - the last visit of each user.
 *
 * Input: reports from authd, of users that may be gone by now: only who is still there gets a row.
 */
#include "accountd/visits.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/queue.h>

#include "accountd/doings.h"
#include "lib/base/map.h"
#include "lib/base/mem.h"
#include "lib/log/log.h"

enum {
    WRITE_MS = 1000,
    USERS_MAX = 20000, /* who log in within that second */
    ROW_MAX = VISIT_SERVICE_MAX + VISIT_ADDRESS_MAX + 32,
    OK_MAX = 64
};

struct entry {
    struct visit visit;
    STAILQ_ENTRY(entry) link;
    char user[];
};

struct visits {
    struct server *server;
    struct map *users; /* canonical address -> struct entry */
    STAILQ_HEAD(visit_entries, entry) all;
    struct loop_timer *timer;
    _Atomic uint64_t *lost;
};

/* ---- written out ---- */

static void
forget(struct visits *visits)
{
    struct entry *entry;

    while ((entry = STAILQ_FIRST(&visits->all)) != NULL) {
        STAILQ_REMOVE_HEAD(&visits->all, link);
        (void)map_remove(visits->users, slice_of(entry->user));
        free(entry);
    }
}

static int
put(struct visits *visits, const struct entry *entry, struct strbuf *row)
{
    struct server *server = visits->server;

    if (account_find_exact(&server->base, slice_of(entry->user), &server->hit) != ACCOUNT_FOUND ||
        server->hit.entry.kind != ACCOUNT_USER)
        return 0;
    strbuf_clear(row);
    visit_print(&entry->visit, row);
    return account_db_put(server->base.db, ACCOUNT_TABLE_VISITS, strbuf_slice(&server->hit.key),
                          strbuf_slice(row));
}

/* What cannot be written is lost: the next login says it anew. */
void
visits_write(struct visits *visits)
{
    struct strbuf row = strbuf_new(ROW_MAX);
    struct account_db *db;
    struct entry *entry;
    int rc;

    if (visits == NULL || STAILQ_EMPTY(&visits->all))
        return;
    db = visits->server->base.db;
    rc = account_db_begin(db);
    if (rc == 0) {
        STAILQ_FOREACH(entry, &visits->all, link)
        if ((rc = put(visits, entry, &row)) < 0)
            break;
        if (rc < 0)
            account_db_abort(db);
        else
            rc = account_db_commit_figures(db);
    }
    if (rc < 0)
        log_event(LOG_ERROR, "visits_not_written", KV_ERRNO());
    forget(visits);
    strbuf_free(&row);
}

static void
write_out(void *arg)
{
    visits_write(arg);
}

/* ---- reports ---- */

static struct entry *
entry_of(struct visits *visits, struct slice user)
{
    void **at = map_at(visits->users, user);
    struct entry *entry;

    if (at == NULL)
        return NULL;
    if (*at == NULL) {
        entry = xcalloc(1, sizeof(*entry) + user.len + 1);
        memcpy(entry->user, user.ptr, user.len);
        if (STAILQ_EMPTY(&visits->all))
            loop_timer_set(visits->timer, WRITE_MS);
        STAILQ_INSERT_TAIL(&visits->all, entry, link);
        *at = entry;
    }
    return *at;
}

static int
take_visit(void *arg, const struct accountd_visit *reported)
{
    struct visits *visits = arg;
    struct visit visit;
    struct entry *entry;

    doings_visit(visits->server, reported);
    if (!reported->good)
        return 0;
    if (visit_set(&visit, reported->time_ms, reported->service, reported->client_ip) < 0)
        return -1;
    entry = entry_of(visits, reported->user);
    if (entry == NULL)
        stats_add(visits->lost, 1);
    else if (visit.time_ms >= entry->visit.time_ms)
        entry->visit = visit;
    return 0;
}

static int
take_removal(void *arg, const struct accountd_removal *removal)
{
    struct visits *visits = arg;

    doings_removal(visits->server, removal);
    return 0;
}

enum outcome
visits_request(struct request *rq)
{
    const struct accountd_visits_taker taker = {take_visit, take_removal, rq->server->visits};
    struct strbuf out = strbuf_new(OK_MAX);
    struct writer w;

    if (rq->server->visits == NULL || accountd_visits_decode(rq->payload, &taker) < 0) {
        strbuf_free(&out);
        return REQUEST_BAD;
    }
    w = frame_begin(&out, ACCOUNTD_OK, rq->header.request_id);
    (void)frame_end(&w); /* an empty frame fits */
    ipc_peer_send(rq->peer, &out, -1);
    strbuf_free(&out);
    return REQUEST_DONE;
}

bool
visits_last(struct server *server, struct slice user, struct visit *out)
{
    const struct entry *entry =
        server->visits == NULL ? NULL : map_get(server->visits->users, user);
    struct strbuf key = strbuf_new(ACCOUNT_KEY_MAX);
    struct slice row;
    bool found = entry != NULL;

    if (found) {
        *out = entry->visit;
    } else {
        account_entry_key(user, &key);
        found =
            account_db_get(server->base.db, ACCOUNT_TABLE_VISITS, strbuf_slice(&key), &row) == 0 &&
            visit_parse(row, out) == 0;
    }
    strbuf_free(&key);
    return found;
}

struct visits *
visits_new(struct server *server)
{
    struct visits *visits = xcalloc(1, sizeof(*visits));

    visits->server = server;
    visits->users = map_new(USERS_MAX);
    STAILQ_INIT(&visits->all);
    visits->timer = loop_timer_new(server->daemon->loop, write_out, visits);
    visits->lost = stats_counter(server->daemon->stats, "visits_lost");
    return visits;
}

void
visits_free(struct visits **visitsp)
{
    struct visits *visits = *visitsp;

    if (visits == NULL)
        return;
    visits_write(visits);
    loop_timer_free(&visits->timer);
    map_free(&visits->users, NULL);
    xfree(visitsp);
}
