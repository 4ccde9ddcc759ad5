/*
 * accountd/store.c - asking local-deliver.
 *
 * Jobs run in the order in which they were committed as far as they touch the same path, several at
 * once otherwise, again and again with back-off until the store says that they are done. They are
 * in the database meanwhile. local-deliver's answers are trusted as far as its report goes.
 */
#include "accountd/store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "accountd/parking.h"
#include "accountd/recorder.h"
#include "accountd/usage.h"
#include "lib/account/jobs.h"
#include "lib/base/map.h"
#include "lib/base/mem.h"
#include "lib/log/log.h"

#define PENDING_MAX 4096
#define ASKED_MAX 4000     /* usage questions at once */
#define JOBS_AT_ONCE 128   /* local-deliver has one batch in hand and one that waits */
#define JOBS_LOOKED_AT 256 /* from the head of the list, for some that can run */
#define JOB_TIMEOUT_MS 60000
#define USAGE_TIMEOUT_MS 3000
#define RECOUNT_TIMEOUT_MS 600000
#define BACKOFF_FIRST_MS 1000
#define BACKOFF_MAX_MS 60000
#define MOVING_MAX 10000000

struct job {
    struct job *next;
    struct store *store;
    uint64_t sequence; /* 0: not in the database */
    enum account_job_op op;
    char *path, *new_path;
    bool is_sent;
};

struct question {
    struct store *store;
    char *path;
};

struct store {
    struct server *server;
    struct ipc_async *client;
    struct map *asked;   /* paths whose usage was asked for */
    struct map *moving;  /* path -> how many jobs will remove or rename it */
    struct map *making;  /* path -> how many jobs will make it */
    struct map *leaving; /* path -> the first job that will rename it to another */
    struct job *first, **last;
    size_t sent;
    uint64_t last_sequence;
    int64_t backoff_ms;
    bool is_backing_off;
    struct loop_timer *again; /* after a failure */
    struct loop_timer *next;  /* after answers, which come many at once */
};

static void run_jobs(struct store *store);

static void
run_after_failure(void *arg)
{
    struct store *store = arg;

    store->is_backing_off = false;
    run_jobs(store);
}

static void
run_next(void *arg)
{
    run_jobs(arg);
}

struct store *
store_new(struct server *server)
{
    struct store *store = xcalloc(1, sizeof(*store));

    store->server = server;
    store->client = ipc_async_new(server->daemon->loop, server->daemon->run_dirfd, STORE_SOCKET,
                                  STORE_CTL_PAYLOAD_MAX, PENDING_MAX);
    store->asked = map_new(ASKED_MAX);
    store->moving = map_new(MOVING_MAX);
    store->making = map_new(MOVING_MAX);
    store->leaving = map_new(MOVING_MAX);
    store->last = &store->first;
    store->again = loop_timer_new(server->daemon->loop, run_after_failure, store);
    store->next = loop_timer_new(server->daemon->loop, run_next, store);
    return store;
}

static void
job_free(struct job *job)
{
    free(job->path);
    free(job->new_path);
    free(job);
}

void
store_free(struct store **storep)
{
    struct store *store = *storep;

    if (store == NULL)
        return;
    store->last_sequence = UINT64_MAX; /* answers from here on change nothing */
    ipc_async_free(&store->client);
    while (store->first != NULL) {
        struct job *next = store->first->next;

        job_free(store->first);
        store->first = next;
    }
    map_free(&store->asked, NULL);
    map_free(&store->moving, NULL);
    map_free(&store->making, NULL);
    map_free(&store->leaving, NULL);
    loop_timer_free(&store->again);
    loop_timer_free(&store->next);
    xfree(storep);
}

/* ---- usage ---- */

static void
usage_answered(void *arg, const struct frame_header *header, struct slice payload, int fd)
{
    struct question *question = arg;
    struct store *store = question->store;
    struct store_ctl_reply reply;

    (void)fd; /* none comes with this reply; the connection closes what it does not expect */
    if (store->last_sequence != UINT64_MAX) {
        (void)map_remove(store->asked, slice_of(question->path));
        if (header != NULL && header->type == STORE_CTL_REPLY &&
            store_ctl_reply_decode(payload, &reply) == 0 &&
            (reply.error == 0 || reply.error == ENOENT))
            usage_set(store->server->usage, slice_of(question->path),
                      reply.error == 0 ? reply.bytes : 0, reply.error == 0 ? reply.messages : 0);
        parking_wake(store->server->parking, slice_of(question->path));
    }
    free(question->path);
    free(question);
}

void
store_ask_usage(struct store *store, struct slice path)
{
    struct strbuf frame = strbuf_new(STORE_CTL_PAYLOAD_MAX + FRAME_HEADER);
    const struct store_ctl ask = {.path = path};
    void **asked = map_at(store->asked, path);
    struct question *question;

    if (asked == NULL || *asked != NULL) { /* who waits longest is answered by parking's timer */
        strbuf_free(&frame);
        return;
    }
    question = xcalloc(1, sizeof(*question));
    question->store = store;
    question->path = xslicedup(path);
    *asked = question;
    (void)store_ctl_encode(&frame, STORE_USAGE, &ask); /* a path has its limit: it fits */
    ipc_async_call(store->client, &frame, USAGE_TIMEOUT_MS, usage_answered, question);
    strbuf_free(&frame);
}

struct counting {
    void (*done)(void *arg, const struct store_ctl_reply *reply);
    void *arg;
};

static void
recount_answered(void *arg, const struct frame_header *header, struct slice payload, int fd)
{
    struct counting *counting = arg;
    struct store_ctl_reply reply;
    bool good = header != NULL && header->type == STORE_CTL_REPLY &&
                store_ctl_reply_decode(payload, &reply) == 0;

    (void)fd; /* none comes with this reply */
    counting->done(counting->arg, good ? &reply : NULL);
    free(counting);
}

void
store_recount_mailbox(struct store *store, struct slice path,
                      void (*done)(void *arg, const struct store_ctl_reply *reply), void *arg)
{
    struct strbuf frame = strbuf_new(STORE_CTL_PAYLOAD_MAX + FRAME_HEADER);
    const struct store_ctl ask = {.path = path};
    struct counting *counting = xcalloc(1, sizeof(*counting));

    counting->done = done;
    counting->arg = arg;
    (void)store_ctl_encode(&frame, STORE_RECOUNT, &ask); /* a path has its limit: it fits */
    ipc_async_call(store->client, &frame, RECOUNT_TIMEOUT_MS, recount_answered, counting);
    strbuf_free(&frame);
}

/* ---- jobs ---- */

bool
store_is_moving(const struct store *store, struct slice path)
{
    return store != NULL && map_get(store->moving, path) != NULL;
}

bool
store_is_making(const struct store *store, struct slice path)
{
    return store != NULL && map_get(store->making, path) != NULL;
}

static void
mark(struct map *paths, const char *path, intptr_t by)
{
    void **at = path[0] == '\0' ? NULL : map_at(paths, slice_of(path));
    intptr_t count;

    if (at == NULL)
        return;
    count = (intptr_t)*at + by;
    *at = (void *)count; /* a counter in the pointer's place */
    if (count == 0)
        (void)map_remove(paths, slice_of(path));
}

static void
mark_job(struct job *job, intptr_t by)
{
    if (job->op == ACCOUNT_JOB_CREATE) { /* what is not there yet is in nobody's way */
        mark(job->store->making, job->path, by);
        return;
    }
    mark(job->store->moving, job->path, by);
    mark(job->store->moving, job->new_path, by);
}

/* Of `first` and those behind it. */
static void
note_leaving(struct job *first, const char *path)
{
    void **at = map_at(first->store->leaving, slice_of(path));

    for (struct job *job = first; at != NULL && *at == NULL && job != NULL; job = job->next)
        if (job->op == ACCOUNT_JOB_RENAME && strcmp(job->path, path) == 0)
            *at = job;
    if (at != NULL && *at == NULL)
        (void)map_remove(first->store->leaving, slice_of(path));
}

static void
append_job(struct store *store, struct job *job)
{
    job->store = store;
    *store->last = job;
    store->last = &job->next;
    mark_job(job, 1);
    if (job->op == ACCOUNT_JOB_RENAME)
        note_leaving(job, job->path);
}

static void
prepend_job(struct store *store, struct job *job)
{
    job->store = store;
    job->next = store->first;
    if (store->first == NULL)
        store->last = &job->next;
    store->first = job;
    mark_job(job, 1);
}

static int
take_job(void *arg, const struct account_job *job)
{
    struct store *store = arg;
    struct job *j = xcalloc(1, sizeof(*j));

    j->sequence = job->sequence;
    j->op = job->op;
    j->path = xslicedup(job->path);
    j->new_path = xslicedup(job->new_path);
    append_job(store, j);
    if (j->op == ACCOUNT_JOB_RENAME)
        recorder_moved(store->server->recorder, j->path, j->new_path);
    else if (j->op == ACCOUNT_JOB_REMOVE)
        recorder_removed(store->server->recorder, j->path);
    store->last_sequence = job->sequence;
    usage_forget(store->server->usage, job->path);
    return 0;
}

void
store_take_jobs(struct store *store)
{
    if (account_jobs_each(&store->server->base, store->last_sequence, take_job, store) < 0)
        log_event(LOG_ERROR, "jobs_unreadable", KV_ERRNO());
    run_jobs(store);
}

static void
unlink_job(struct store *store, struct job *job)
{
    struct job **at = &store->first;

    while (*at != job)
        at = &(*at)->next;
    *at = job->next;
    if (store->last == &job->next)
        store->last = at;
}

/* Off the list. */
static void
forget_leaving(struct job *job)
{
    struct store *store = job->store;

    if (map_get(store->leaving, slice_of(job->path)) != job)
        return;
    (void)map_remove(store->leaving, slice_of(job->path));
    if (store->first != NULL && store_is_moving(store, slice_of(job->path)))
        note_leaving(store->first, job->path);
}

/* Who waits for a path is served after its last job: once, for a request waits no second time. */
static void
wake(struct store *store, const char *path)
{
    if (!store_is_moving(store, slice_of(path)) && !store_is_making(store, slice_of(path)))
        parking_wake(store->server->parking, slice_of(path));
}

static void
finish_job(struct job *job)
{
    struct store *store = job->store;

    if (job->sequence != 0 && account_job_done(&store->server->base, job->sequence) < 0) {
        log_event(LOG_ERROR, "job_not_recorded", KV_U64("job", job->sequence), KV_ERRNO());
        loop_timer_set(store->again, BACKOFF_MAX_MS); /* doing it once more does no harm */
        return;
    }
    store->backoff_ms = 0;
    unlink_job(store, job);
    mark_job(job, -1);
    forget_leaving(job);
    wake(store, job->path);
    if (job->new_path[0] != '\0')
        wake(store, job->new_path);
    job_free(job);
}

static const char *
job_name(enum account_job_op op)
{
    return op == ACCOUNT_JOB_CREATE ? "create" : op == ACCOUNT_JOB_REMOVE ? "remove" : "rename";
}

/* Once for all that fail together. */
static void
back_off(struct store *store)
{
    if (store->is_backing_off)
        return;
    store->is_backing_off = true;
    store->backoff_ms = store->backoff_ms == 0 ? BACKOFF_FIRST_MS : store->backoff_ms * 2;
    if (store->backoff_ms > BACKOFF_MAX_MS)
        store->backoff_ms = BACKOFF_MAX_MS;
    loop_timer_set(store->again, store->backoff_ms);
}

static void
job_answered(void *arg, const struct frame_header *header, struct slice payload, int fd)
{
    struct job *job = arg;
    struct store *store = job->store;
    struct store_ctl_reply reply = {.error = ETIMEDOUT};

    (void)fd; /* none comes with this reply */
    if (store->last_sequence == UINT64_MAX)
        return;
    job->is_sent = false;
    store->sent--;
    if (header != NULL &&
        (header->type != STORE_CTL_REPLY || store_ctl_reply_decode(payload, &reply) < 0))
        reply.error = EPROTO;
    if (reply.error == 0) {
        log_event(LOG_INFO, "store_job_done", KV_STR("op", job_name(job->op)),
                  KV_STR("path", job->path));
        finish_job(job);
        loop_timer_set(store->next, 0);
        return;
    }
    log_event(LOG_WARN, "store_job_failed", KV_STR("op", job_name(job->op)),
              KV_STR("path", job->path), KV_STR("error", store_ctl_error(reply.error)));
    back_off(store);
}

/* Where is the mailbox at `path` to be? false: nobody lives there. */
static bool
find_place(struct store *store, struct slice path, char place[STORE_PLACE_MAX + 1])
{
    struct strbuf address = strbuf_new(ACCOUNT_ADDRESS_MAX);
    struct account_hit hit = account_hit_new();
    struct slice id;
    bool found =
        account_path_address(path, &address) == 0 &&
        account_find_exact(&store->server->base, strbuf_slice(&address), &hit) == ACCOUNT_FOUND &&
        hit.entry.kind == ACCOUNT_USER;

    id = found ? record_get(&hit.entry, USER_MAILBOX_PATH) : SLICE("");
    (void)snprintf(place, STORE_PLACE_MAX + 1, "%.*s", (int)id.len, id.ptr);
    account_hit_free(&hit);
    strbuf_free(&address);
    return found;
}

/* As the base says it now, so that a place that is not there is corrected by setting another. Who
 * is to be renamed once the mailbox is made has the new name in the base already. */
static void
place_of(const struct job *job, char place[STORE_PLACE_MAX + 1])
{
    struct store *store = job->store;
    const char *path = job->path;
    uint64_t sequence = job->sequence;

    place[0] = '\0';
    if (job->op != ACCOUNT_JOB_CREATE || find_place(store, slice_of(path), place))
        return;
    for (const struct job *later = map_get(store->leaving, slice_of(path));
         later != NULL && later->sequence > sequence; /* there and back ends */
         later = map_get(store->leaving, slice_of(path))) {
        sequence = later->sequence;
        path = later->new_path;
    }
    if (path != job->path)
        (void)find_place(store, slice_of(path), place);
}

static void
send_job(struct store *store, struct job *job)
{
    static const uint16_t types[] = {
        [ACCOUNT_JOB_CREATE] = STORE_CREATE,
        [ACCOUNT_JOB_REMOVE] = STORE_REMOVE,
        [ACCOUNT_JOB_RENAME] = STORE_RENAME,
    };
    struct strbuf frame = strbuf_new(STORE_CTL_PAYLOAD_MAX + FRAME_HEADER);
    struct store_ctl ctl = {.path = slice_of(job->path), .new_path = slice_of(job->new_path)};
    char place[STORE_PLACE_MAX + 1];

    place_of(job, place);
    ctl.place = slice_of(place);
    job->is_sent = true;
    store->sent++;
    (void)store_ctl_encode(&frame, types[job->op], &ctl); /* paths have their limit: it fits */
    ipc_async_call(store->client, &frame, JOB_TIMEOUT_MS, job_answered, job);
    strbuf_free(&frame);
}

static bool
touches_same(const struct job *a, const struct job *b)
{
    return strcmp(a->path, b->path) == 0 || strcmp(a->path, b->new_path) == 0 ||
           (a->new_path[0] != '\0' &&
            (strcmp(a->new_path, b->path) == 0 || strcmp(a->new_path, b->new_path) == 0));
}

/* No other job at all has its path: so it is with those of an import. */
static bool
is_only_one(const struct job *job)
{
    const struct store *store = job->store;

    return job->op == ACCOUNT_JOB_CREATE &&
           (intptr_t)map_get(store->making, slice_of(job->path)) == 1 &&
           !store_is_moving(store, slice_of(job->path));
}

static bool
may_run(const struct store *store, const struct job *job)
{
    if (job->is_sent)
        return false;
    if (is_only_one(job))
        return true;
    for (const struct job *earlier = store->first; earlier != job; earlier = earlier->next)
        if (touches_same(job, earlier))
            return false;
    return true;
}

static void
run_jobs(struct store *store)
{
    size_t looked_at = 0;

    for (struct job *job = store->first;
         job != NULL && store->sent < JOBS_AT_ONCE && looked_at < JOBS_LOOKED_AT;
         job = job->next, looked_at++)
        if (may_run(store, job))
            send_job(store, job);
}

/* Before all others: somebody waits for it. Where the path is to be removed or renamed, the order
 * counts, and it comes last. A second such job is as good as a third. */
void
store_make(struct store *store, struct slice path)
{
    intptr_t count = (intptr_t)map_get(store->making, path);
    bool in_order = store_is_moving(store, path);
    struct job *job;

    if (count > 1 || (count == 1 && in_order))
        return;
    job = xcalloc(1, sizeof(*job));
    job->op = ACCOUNT_JOB_CREATE;
    job->path = xslicedup(path);
    job->new_path = xstrdup("");
    if (in_order)
        append_job(store, job);
    else
        prepend_job(store, job);
    run_jobs(store);
}
