/*
 * accountd/store.c - asking local-deliver.
 *
 * Jobs run in the order of accountd/job_order.h, again and again until the store says that they are
 * done. They are in the database meanwhile. While the store does not answer at all, only what
 * somebody waits for is tried. local-deliver's answers are trusted as far as its report goes.
 */
#include "accountd/store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "accountd/job_order.h"
#include "accountd/parking.h"
#include "accountd/recorder.h"
#include "accountd/usage.h"
#include "lib/base/clock.h"
#include "lib/base/map.h"
#include "lib/base/mem.h"
#include "lib/log/log.h"

#define PENDING_MAX 4096
#define ASKED_MAX 4000 /* usage questions at once */
#define JOB_TIMEOUT_MS 60000
#define USAGE_TIMEOUT_MS 3000
#define RECOUNT_TIMEOUT_MS 600000
#define BACKOFF_FIRST_MS 1000
#define BACKOFF_MAX_MS 60000

struct question {
    struct store *store;
    char *path;
};

struct store {
    struct server *server;
    struct ipc_async *client;
    struct map *asked; /* paths whose usage was asked for */
    struct job_order *order;
    uint64_t last_sequence;
    int64_t backoff_ms;
    bool is_backing_off;      /* local-deliver does not answer */
    struct loop_timer *again; /* after that */
    struct loop_timer *next;  /* after answers, which come many at once, or for what has failed */
};

static void run_jobs(struct store *store);

static void
run_after_silence(void *arg)
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
    store->order = job_order_new();
    store->again = loop_timer_new(server->daemon->loop, run_after_silence, store);
    store->next = loop_timer_new(server->daemon->loop, run_next, store);
    return store;
}

void
store_free(struct store **storep)
{
    struct store *store = *storep;

    if (store == NULL)
        return;
    store->last_sequence = UINT64_MAX; /* answers from here on change nothing */
    ipc_async_free(&store->client);
    job_order_free(&store->order);
    map_free(&store->asked, NULL);
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
    return store != NULL && job_order_is_moving(store->order, path);
}

bool
store_is_making(const struct store *store, struct slice path)
{
    return store != NULL && job_order_making(store->order, path) > 0;
}

static struct job *
job_new(struct store *store, enum account_job_op op, struct slice path, struct slice new_path)
{
    struct job *job = xcalloc(1, sizeof(*job));

    job->owner = store;
    job->op = op;
    job->path = xslicedup(path);
    job->new_path = xslicedup(new_path);
    return job;
}

static int
take_job(void *arg, const struct account_job *job)
{
    struct store *store = arg;
    struct job *j = job_new(store, job->op, job->path, job->new_path);

    j->sequence = job->sequence;
    job_order_add(store->order, j);
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
    struct store *store = job->owner;
    char *path, *new_path;

    if (job->sequence != 0 && account_job_done(&store->server->base, job->sequence) < 0) {
        log_event(LOG_ERROR, "job_not_recorded", KV_U64("job", job->sequence), KV_ERRNO());
        job_order_failed(store->order, job, clock_mono_ms()); /* once more does no harm */
        return;
    }
    path = xstrdup(job->path);
    new_path = xstrdup(job->new_path);
    job_order_done(store->order, job);
    wake(store, path);
    if (new_path[0] != '\0')
        wake(store, new_path);
    free(path);
    free(new_path);
}

static const char *
job_name(enum account_job_op op)
{
    return op == ACCOUNT_JOB_CREATE ? "create" : op == ACCOUNT_JOB_REMOVE ? "remove" : "rename";
}

/* Nobody is there: once for all that have found out together. */
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
job_unanswered(struct store *store, struct job *job)
{
    log_event(LOG_WARN, "store_job_failed", KV_STR("op", job_name(job->op)),
              KV_STR("path", job->path), KV_STR("error", store_ctl_error(ETIMEDOUT)));
    job_order_unanswered(store->order, job, clock_mono_ms());
    back_off(store);
}

static void
job_answered(void *arg, const struct frame_header *header, struct slice payload, int fd)
{
    struct job *job = arg;
    struct store *store = job->owner;
    struct store_ctl_reply reply;

    (void)fd; /* none comes with this reply */
    if (store->last_sequence == UINT64_MAX)
        return;
    if (header == NULL) {
        job_unanswered(store, job);
        return;
    }
    if (header->type != STORE_CTL_REPLY || store_ctl_reply_decode(payload, &reply) < 0)
        reply = (struct store_ctl_reply){.error = EPROTO};
    store->backoff_ms = 0;
    store->is_backing_off = false;
    loop_timer_set(store->next, 0);
    if (reply.error == 0) {
        log_event(LOG_INFO, "store_job_done", KV_STR("op", job_name(job->op)),
                  KV_STR("path", job->path));
        finish_job(job);
        return;
    }
    log_event(LOG_WARN, "store_job_failed", KV_STR("op", job_name(job->op)),
              KV_STR("path", job->path), KV_STR("error", store_ctl_error(reply.error)));
    job_order_failed(store->order, job, clock_mono_ms());
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
    struct store *store = job->owner;
    const char *path = job->path;
    uint64_t sequence = job->sequence;

    place[0] = '\0';
    if (job->op != ACCOUNT_JOB_CREATE || find_place(store, slice_of(path), place))
        return;
    for (const struct job *later = job_order_leaving(store->order, path);
         later != NULL && later->sequence > sequence; /* there and back ends */
         later = job_order_leaving(store->order, path)) {
        sequence = later->sequence;
        path = later->new_path;
    }
    if (path != job->path)
        (void)find_place(store, slice_of(path), place);
}

static void
send_job(struct job *job)
{
    static const uint16_t types[] = {
        [ACCOUNT_JOB_CREATE] = STORE_CREATE,
        [ACCOUNT_JOB_REMOVE] = STORE_REMOVE,
        [ACCOUNT_JOB_RENAME] = STORE_RENAME,
    };
    struct strbuf frame = strbuf_new(STORE_CTL_PAYLOAD_MAX + FRAME_HEADER);
    struct store_ctl ctl = {.path = slice_of(job->path), .new_path = slice_of(job->new_path)};
    struct store *store = job->owner;
    char place[STORE_PLACE_MAX + 1];

    place_of(job, place);
    ctl.place = slice_of(place);
    ctl.is_urgent = job->sequence == 0;                   /* see store_make() */
    (void)store_ctl_encode(&frame, types[job->op], &ctl); /* paths have their limit: it fits */
    ipc_async_call(store->client, &frame, JOB_TIMEOUT_MS, job_answered, job);
    strbuf_free(&frame);
}

static void
run_jobs(struct store *store)
{
    int64_t now_ms = clock_mono_ms(), wait_ms;

    if (store->is_backing_off)
        return;
    job_order_run(store->order, now_ms, send_job);
    wait_ms = job_order_wait_ms(store->order, now_ms);
    if (wait_ms >= 0)
        loop_timer_set(store->next, wait_ms);
}

/* Before all others: somebody waits for it. Where the path is to be removed or renamed, the order
 * counts, and it comes last. A second such job is as good as a third. */
void
store_make(struct store *store, struct slice path)
{
    size_t count = job_order_making(store->order, path);
    bool in_order = job_order_is_moving(store->order, path);
    struct job *job;

    if (count > 1 || (count == 1 && in_order))
        return;
    job = job_new(store, ACCOUNT_JOB_CREATE, path, SLICE(""));
    if (in_order) {
        job_order_add(store->order, job);
        run_jobs(store);
    } else {
        job_order_add_urgent(store->order, job);
        send_job(job);
    }
}
