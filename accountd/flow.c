/*
 * accountd/flow.c - what users have sent in this hour and today.
 */
#include "accountd/flow.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "lib/base/clock.h"
#include "lib/base/map.h"
#include "lib/base/mem.h"
#include "lib/log/log.h"

#define USERS_MAX 1000000
#define WRITE_MS 5000
#define ROW_MAX 200 /* seven numbers */

struct flow_entry {
    struct flow_use use;
    char *user;
    bool dirty; /* in the list of those that are to be written */
    STAILQ_ENTRY(flow_entry) link;
};

struct flow {
    struct server *server;
    struct map *users; /* canonical address -> struct flow_entry */
    STAILQ_HEAD(flow_dirty, flow_entry) dirty;
    uint64_t hour_rcpts; /* account.recipients_per_hour */
    uint64_t day;        /* of what is in `users` */
    struct loop_timer *timer;
};

/* ---- entries ---- */

static void
drop_entry(void *value)
{
    struct flow_entry *entry = value;

    free(entry->user);
    free(entry);
}

static struct flow_entry *
entry_of(struct flow *flow, struct slice user)
{
    void **at = map_at(flow->users, user);
    struct flow_entry *entry;

    if (at == NULL)
        return NULL;
    if (*at == NULL) {
        entry = xcalloc(1, sizeof(*entry));
        entry->user = xslicedup(user);
        *at = entry;
    }
    return *at;
}

static struct flow_use
use_of(struct flow *flow, struct slice user, int64_t now_ms)
{
    const struct flow_entry *entry = map_get(flow->users, user);
    struct flow_use use = {0};

    if (entry != NULL)
        use = entry->use;
    flow_use_until(&use, now_ms);
    return use;
}

/* ---- in the account base ---- */

static int
write_dirty(struct flow *flow)
{
    struct account_db *db = flow->server->base.db;
    struct strbuf row = strbuf_new(ROW_MAX);
    struct flow_entry *entry;
    int rc = account_db_begin(db);

    if (rc < 0)
        return -1;
    for (entry = STAILQ_FIRST(&flow->dirty); entry != NULL; entry = STAILQ_NEXT(entry, link)) {
        strbuf_clear(&row);
        flow_use_print(&entry->use, &row);
        rc = account_db_put(db, ACCOUNT_TABLE_FLOW, slice_of(entry->user), strbuf_slice(&row));
        if (rc < 0)
            break;
    }
    strbuf_free(&row);
    if (rc < 0) {
        account_db_abort(db);
        return -1;
    }
    return account_db_commit_figures(db);
}

/* At midnight everybody starts anew: what is in memory of another day would be in the way. The rows
 * go at the next start. */
static void
forget_yesterday(struct flow *flow, int64_t now_ms)
{
    struct flow_use now = {0};

    flow_use_until(&now, now_ms);
    if (now.day == flow->day)
        return;
    STAILQ_INIT(&flow->dirty);
    map_free(&flow->users, drop_entry);
    flow->users = map_new(USERS_MAX);
    flow->day = now.day;
}

static void
write_out(void *arg)
{
    struct flow *flow = arg;
    struct flow_entry *entry;

    forget_yesterday(flow, clock_real_ms());
    if (STAILQ_EMPTY(&flow->dirty))
        return; /* the next message sets the timer */
    if (write_dirty(flow) < 0) {
        log_event(LOG_ERROR, "flow_not_written", KV_ERRNO());
        loop_timer_set(flow->timer, WRITE_MS);
        return;
    }
    while ((entry = STAILQ_FIRST(&flow->dirty)) != NULL) {
        STAILQ_REMOVE_HEAD(&flow->dirty, link);
        entry->dirty = false;
    }
}

static void
mark(struct flow *flow, struct flow_entry *entry)
{
    if (entry->dirty)
        return;
    if (STAILQ_EMPTY(&flow->dirty))
        loop_timer_set(flow->timer, WRITE_MS);
    entry->dirty = true;
    STAILQ_INSERT_TAIL(&flow->dirty, entry, link);
}

/* The rows of other days, in a transaction of their own. */
static int
remove_rows(struct account_db *db, const struct strbuf *keys)
{
    struct slice rest = strbuf_slice(keys);
    int rc = account_db_begin(db);

    if (rc < 0)
        return -1;
    while (rest.len > 0 && rc == 0)
        rc = account_db_del(db, ACCOUNT_TABLE_FLOW, slice_split(&rest, '\n'));
    if (rc < 0) {
        account_db_abort(db);
        return -1;
    }
    return account_db_commit_figures(db);
}

static int
read_rows(struct flow *flow, struct strbuf *old)
{
    struct account_rows *rows =
        account_db_rows(flow->server->base.db, ACCOUNT_TABLE_FLOW, SLICE(""), SLICE(""));
    struct slice key, value;
    int rc = rows == NULL ? -1 : 1;

    while (rc == 1 && (rc = account_rows_next(rows, &key, &value)) == 1) {
        struct flow_use use;
        struct flow_entry *entry = NULL;

        if (flow_use_parse(value, &use) == 0 && use.day == flow->day)
            entry = entry_of(flow, key);
        if (entry != NULL)
            entry->use = use;
        else if (strbuf_append(old, key)) /* what finds no room goes at another start */
            (void)strbuf_char(old, '\n');
    }
    account_rows_close(&rows);
    return rc;
}

void
flow_settle(struct flow *flow)
{
    write_out(flow);
}

void
flow_reload(struct flow *flow)
{
    struct strbuf old = strbuf_new((size_t)USERS_MAX * 64);

    if (!STAILQ_EMPTY(&flow->dirty)) /* it could not be written: then nobody's is lost */
        return;
    map_free(&flow->users, drop_entry);
    flow->users = map_new(USERS_MAX);
    if (read_rows(flow, &old) < 0)
        log_event(LOG_ERROR, "flow_not_read", KV_ERRNO());
    strbuf_free(&old);
}

struct flow *
flow_new(struct server *server)
{
    struct flow *flow = xcalloc(1, sizeof(*flow));
    struct strbuf old = strbuf_new((size_t)USERS_MAX * 64);

    flow->server = server;
    flow->users = map_new(USERS_MAX);
    STAILQ_INIT(&flow->dirty);
    flow->hour_rcpts = conf_u64(server->daemon->conf, ACCOUNT_RECIPIENTS_PER_HOUR);
    flow->timer = loop_timer_new(server->daemon->loop, write_out, flow);
    forget_yesterday(flow, clock_real_ms());
    if (read_rows(flow, &old) < 0 || (old.len > 0 && remove_rows(server->base.db, &old) < 0))
        log_event(LOG_ERROR, "flow_not_read", KV_ERRNO());
    strbuf_free(&old);
    return flow;
}

void
flow_free(struct flow **flowp)
{
    struct flow *flow = *flowp;

    if (flow == NULL)
        return;
    write_out(flow);
    loop_timer_free(&flow->timer);
    map_free(&flow->users, drop_entry);
    xfree(flowp);
}

/* ---- questions ---- */

static bool
limits_of(const struct flow *flow, const struct account_hit *user, struct flow_limits *limits)
{
    if (user->entry.kind != ACCOUNT_USER)
        return false;
    flow_limits_of(&user->entry, flow->hour_rcpts, limits);
    return flow_is_limited(limits);
}

bool
flow_allowances_of(struct flow *flow, const struct account_hit *user, bool remote,
                   struct flow_allowances *out)
{
    struct flow_limits limits;
    struct flow_use use;

    if (flow == NULL || !limits_of(flow, user, &limits))
        return false;
    use = use_of(flow, strbuf_slice(&user->address), clock_real_ms());
    flow_allow(&limits, &use, remote, out);
    return true;
}

int
flow_spend(struct flow *flow, const struct account_hit *user, const struct flow_message *message,
           const char **limit)
{
    int64_t now_ms = clock_real_ms();
    struct flow_limits limits;
    struct flow_entry *entry;

    *limit = NULL;
    if (!limits_of(flow, user, &limits))
        return 0;
    forget_yesterday(flow, now_ms);
    entry = entry_of(flow, strbuf_slice(&user->address));
    if (entry == NULL)
        return -1;
    flow_use_until(&entry->use, now_ms);
    *limit = flow_exceeded(&limits, &entry->use, message);
    if (*limit != NULL)
        return 0;
    flow_count(&entry->use, message);
    mark(flow, entry);
    return 0;
}

void
flow_unspend(struct flow *flow, const struct account_hit *user, const struct flow_message *message)
{
    struct flow_entry *entry = map_get(flow->users, strbuf_slice(&user->address));
    struct flow_limits limits;

    if (entry == NULL || !limits_of(flow, user, &limits))
        return;
    flow_use_until(&entry->use, clock_real_ms());
    flow_uncount(&entry->use, message);
    mark(flow, entry);
}
