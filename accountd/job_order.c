/*
 * accountd/job_order.c - which of the store's jobs runs next.
 *
 * Most wait in one list, in order. Three kinds are apart from it: those that have failed, by how
 * often, so that each list is in the order of its times; those that were sent again or are urgent;
 * and those that come after one of these at the same path. What is apart has its paths in a map, so
 * nothing in the one list passes it by.
 */
#include "accountd/job_order.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/map.h"
#include "lib/base/mem.h"

#define PATHS_MAX 10000000

enum { LOOKED_AT_MAX = 256, FAILED_LISTS = 7 };

struct job_order {
    struct job_list waiting, apart, behind, failed[FAILED_LISTS];
    struct map *apart_paths; /* path -> how many of those that are apart touch it */
    struct map *moving;      /* path -> how many will remove or rename it */
    struct map *making;      /* path -> how many will make it */
    struct map *leaving;     /* path -> the first that will rename it to another */
    size_t sent, retries;    /* retries: those of `sent` that had failed before */
    bool has_freed_paths;    /* those behind may have a look again */
    bool has_more;           /* the last look came to no end */
};

struct job_order *
job_order_new(void)
{
    struct job_order *order = xcalloc(1, sizeof(*order));

    TAILQ_INIT(&order->waiting);
    TAILQ_INIT(&order->apart);
    TAILQ_INIT(&order->behind);
    for (size_t i = 0; i < FAILED_LISTS; i++)
        TAILQ_INIT(&order->failed[i]);
    order->apart_paths = map_new(PATHS_MAX);
    order->moving = map_new(PATHS_MAX);
    order->making = map_new(PATHS_MAX);
    order->leaving = map_new(PATHS_MAX);
    return order;
}

static void
job_free(struct job *job)
{
    free(job->path);
    free(job->new_path);
    free(job);
}

static void
list_free(struct job_list *list)
{
    struct job *job, *next;

    for (job = TAILQ_FIRST(list); job != NULL; job = next) {
        next = TAILQ_NEXT(job, link);
        job_free(job);
    }
}

void
job_order_free(struct job_order **orderp)
{
    struct job_order *order = *orderp;

    if (order == NULL)
        return;
    list_free(&order->waiting);
    list_free(&order->apart);
    list_free(&order->behind);
    for (size_t i = 0; i < FAILED_LISTS; i++)
        list_free(&order->failed[i]);
    map_free(&order->apart_paths, NULL);
    map_free(&order->moving, NULL);
    map_free(&order->making, NULL);
    map_free(&order->leaving, NULL);
    xfree(orderp);
}

/* ---- paths ---- */

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

static size_t
marks(const struct map *paths, const char *path)
{
    return (size_t)map_get(paths, slice_of(path));
}

static void
mark_job(struct job_order *order, const struct job *job, intptr_t by)
{
    if (job->op == ACCOUNT_JOB_CREATE) { /* what is not there yet is in nobody's way */
        mark(order->making, job->path, by);
        return;
    }
    mark(order->moving, job->path, by);
    mark(order->moving, job->new_path, by);
}

size_t
job_order_making(const struct job_order *order, struct slice path)
{
    return (size_t)map_get(order->making, path);
}

bool
job_order_is_moving(const struct job_order *order, struct slice path)
{
    return map_get(order->moving, path) != NULL;
}

const struct job *
job_order_leaving(const struct job_order *order, const char *path)
{
    return map_get(order->leaving, slice_of(path));
}

static const struct job *
first_leaving(const struct job_list *list, const char *path, const struct job *first)
{
    const struct job *job;

    TAILQ_FOREACH(job, list, link)
    if (job->op == ACCOUNT_JOB_RENAME && strcmp(job->path, path) == 0 &&
        (first == NULL || job->sequence < first->sequence))
        first = job;
    return first;
}

/* Off the list. */
static void
forget_leaving(struct job_order *order, const struct job *job)
{
    const struct job *first = NULL;
    void **at;

    if (job_order_leaving(order, job->path) != job)
        return;
    (void)map_remove(order->leaving, slice_of(job->path));
    if (!job_order_is_moving(order, slice_of(job->path)))
        return;
    first = first_leaving(&order->waiting, job->path, first);
    first = first_leaving(&order->apart, job->path, first);
    first = first_leaving(&order->behind, job->path, first);
    for (size_t i = 0; i < FAILED_LISTS; i++)
        first = first_leaving(&order->failed[i], job->path, first);
    at = first == NULL ? NULL : map_at(order->leaving, slice_of(job->path));
    if (at != NULL)
        *at = (void *)(uintptr_t)first;
}

/* ---- lists ---- */

static void
enter(struct job_order *order, struct job *job, struct job_list *list)
{
    TAILQ_INSERT_TAIL(list, job, link);
    job->in = list;
    if (list == &order->waiting)
        return;
    mark(order->apart_paths, job->path, 1);
    mark(order->apart_paths, job->new_path, 1);
}

static void
leave(struct job_order *order, struct job *job)
{
    TAILQ_REMOVE(job->in, job, link);
    if (job->in == &order->waiting)
        return;
    mark(order->apart_paths, job->path, -1);
    mark(order->apart_paths, job->new_path, -1);
}

void
job_order_add(struct job_order *order, struct job *job)
{
    enter(order, job, &order->waiting);
    mark_job(order, job, 1);
    if (job->op == ACCOUNT_JOB_RENAME) {
        void **at = map_at(order->leaving, slice_of(job->path));

        if (at != NULL && *at == NULL)
            *at = job;
    }
}

static void
set_sent(struct job_order *order, struct job *job, bool is_sent)
{
    job->is_sent = is_sent;
    order->sent = is_sent ? order->sent + 1 : order->sent - 1;
    if (job->failures > 0)
        order->retries = is_sent ? order->retries + 1 : order->retries - 1;
}

void
job_order_add_urgent(struct job_order *order, struct job *job)
{
    enter(order, job, &order->apart);
    mark_job(order, job, 1);
    set_sent(order, job, true);
}

/* To the front of the list, as they were: what came later at their paths is behind them there. */
static void
bring_back(struct job_order *order)
{
    struct job *job, *next, *first = TAILQ_FIRST(&order->waiting);

    order->has_freed_paths = false;
    for (job = TAILQ_FIRST(&order->behind); job != NULL; job = next) {
        next = TAILQ_NEXT(job, link);
        leave(order, job);
        job->in = &order->waiting;
        if (first == NULL)
            TAILQ_INSERT_TAIL(&order->waiting, job, link);
        else
            TAILQ_INSERT_BEFORE(first, job, link);
    }
}

/* ---- running ---- */

static bool
touches_same(const struct job *a, const struct job *b)
{
    return strcmp(a->path, b->path) == 0 || strcmp(a->path, b->new_path) == 0 ||
           (a->new_path[0] != '\0' &&
            (strcmp(a->new_path, b->path) == 0 || strcmp(a->new_path, b->new_path) == 0));
}

/* No other job at all has its path: so it is with those of an import. */
static bool
is_only_one(const struct job_order *order, const struct job *job)
{
    return job->op == ACCOUNT_JOB_CREATE && marks(order->making, job->path) == 1 &&
           marks(order->moving, job->path) == 0;
}

static bool
comes_behind(const struct job_order *order, const struct job *job)
{
    return marks(order->apart_paths, job->path) > 0 ||
           (job->new_path[0] != '\0' && marks(order->apart_paths, job->new_path) > 0);
}

static bool
is_first(const struct job_order *order, const struct job *job)
{
    const struct job *earlier;

    for (earlier = TAILQ_FIRST(&order->waiting); earlier != job;
         earlier = TAILQ_NEXT(earlier, link))
        if (touches_same(job, earlier))
            return false;
    return true;
}

static bool
has_room(const struct job_order *order)
{
    return order->sent < JOBS_AT_ONCE;
}

/* Nothing at its paths is before it: it was sent once. */
static void
run_failed(struct job_order *order, int64_t now_ms, void (*send)(struct job *job))
{
    for (size_t i = 0; i < FAILED_LISTS; i++) {
        struct job *job;

        while (has_room(order) && order->retries < JOBS_RETRIES_AT_ONCE &&
               (job = TAILQ_FIRST(&order->failed[i])) != NULL && job->due_ms <= now_ms) {
            leave(order, job);
            enter(order, job, &order->apart);
            set_sent(order, job, true);
            send(job);
        }
    }
}

static void
run_waiting(struct job_order *order, void (*send)(struct job *job))
{
    struct job *job, *next;
    size_t looked_at = 0;
    bool has_moved = false;

    for (job = TAILQ_FIRST(&order->waiting);
         job != NULL && has_room(order) && looked_at < LOOKED_AT_MAX; job = next, looked_at++) {
        next = TAILQ_NEXT(job, link);
        if (job->is_sent)
            continue;
        if (is_only_one(order, job) || (!comes_behind(order, job) && is_first(order, job))) {
            set_sent(order, job, true);
            send(job);
        } else if (comes_behind(order, job) && is_first(order, job)) {
            leave(order, job);
            enter(order, job, &order->behind);
            has_moved = true;
        }
    }
    order->has_more = job != NULL && has_moved && has_room(order);
}

void
job_order_run(struct job_order *order, int64_t now_ms, void (*send)(struct job *job))
{
    if (order->has_freed_paths)
        bring_back(order);
    run_failed(order, now_ms, send);
    run_waiting(order, send);
}

int64_t
job_order_wait_ms(const struct job_order *order, int64_t now_ms)
{
    int64_t wait_ms = order->has_more ? 0 : -1;

    if (!has_room(order) || order->retries >= JOBS_RETRIES_AT_ONCE)
        return wait_ms;
    for (size_t i = 0; i < FAILED_LISTS; i++) {
        const struct job *job = TAILQ_FIRST(&order->failed[i]);
        int64_t left_ms = job == NULL || job->due_ms < now_ms ? 0 : job->due_ms - now_ms;

        if (job != NULL && (wait_ms < 0 || left_ms < wait_ms))
            wait_ms = left_ms;
    }
    return wait_ms;
}

/* ---- what became of it ---- */

void
job_order_done(struct job_order *order, struct job *job)
{
    set_sent(order, job, false);
    order->has_freed_paths |= job->in != &order->waiting;
    leave(order, job);
    mark_job(order, job, -1);
    forget_leaving(order, job);
    job_free(job);
}

static void
put_off(struct job_order *order, struct job *job, int64_t now_ms)
{
    int64_t delay_ms = (int64_t)JOBS_RETRY_FIRST_MS << (job->failures - 1);

    job->due_ms = now_ms + (delay_ms < JOBS_RETRY_MAX_MS ? delay_ms : JOBS_RETRY_MAX_MS);
    leave(order, job);
    enter(order, job, &order->failed[job->failures - 1]);
}

void
job_order_failed(struct job_order *order, struct job *job, int64_t now_ms)
{
    set_sent(order, job, false);
    if (job->failures < FAILED_LISTS)
        job->failures++;
    put_off(order, job, now_ms);
}

void
job_order_unanswered(struct job_order *order, struct job *job, int64_t now_ms)
{
    set_sent(order, job, false);
    if (job->in == &order->waiting)
        return;
    if (job->failures == 0) /* urgent: where it is now, nobody looks for it */
        job->failures++;
    put_off(order, job, now_ms);
}
