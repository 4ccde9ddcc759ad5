/*
 * local-deliver/maker.c - batches of users' directories that are made, renamed or removed.
 *
 * The child inherits the sandbox and writes one error number for each request into its pipe. One
 * that dies has its requests run again one by one, so that one which kills it costs no other.
 */
#include "local-deliver/maker.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/log/log.h"
#include "local-deliver/user_batch.h"

enum { BATCH_MAX = 64, WAITING_MAX = 8192, PAUSE_MAX_MS = 1000 };

struct waiting {
    struct waiting *next;
    struct maker_request req; /* path, new_path and place are owned, the rest is empty */
    bool alone;               /* a batch with it has failed */
};

struct waiting_list {
    struct waiting *first, **last;
};

struct maker {
    struct daemon *daemon;
    struct store_dirs dirs;
    unsigned reserve; /* store.directory_reserve */
    void (*done)(void *arg, const struct maker_request *req, uint32_t error);
    void *arg;
    struct waiting_list urgent, others;
    size_t count; /* of both */
    struct waiting *batch[BATCH_MAX];
    size_t batch_count; /* 0: none is under way */
    pid_t pid;
    int fd; /* the errors come here */
    struct loop_fd *watch;
    struct loop_timer *timer; /* starts the next batch */
    int64_t began_ms, rest_until_ms;
};

static void start_batch(void *arg);

static void
list_init(struct waiting_list *list)
{
    list->first = NULL;
    list->last = &list->first;
}

static void
list_add(struct waiting_list *list, struct waiting *w)
{
    w->next = NULL;
    *list->last = w;
    list->last = &w->next;
}

static struct waiting *
list_take(struct waiting_list *list)
{
    struct waiting *w = list->first;

    if (w == NULL)
        return NULL;
    list->first = w->next;
    if (list->first == NULL)
        list->last = &list->first;
    return w;
}

static struct slice
copy(struct slice s)
{
    return slice_make(xslicedup(s), s.len);
}

static void
waiting_free(struct waiting *w)
{
    free((char *)(uintptr_t)w->req.ctl.path.ptr);
    free((char *)(uintptr_t)w->req.ctl.new_path.ptr);
    free((char *)(uintptr_t)w->req.ctl.place.ptr);
    free(w);
}

struct maker *
maker_new(struct daemon *d, const struct store_dirs *dirs,
          void (*done)(void *arg, const struct maker_request *req, uint32_t error), void *arg)
{
    struct maker *m = xcalloc(1, sizeof(*m));

    m->daemon = d;
    m->dirs = *dirs;
    m->reserve = (unsigned)conf_u64(d->conf, STORE_DIRECTORY_RESERVE);
    m->done = done;
    m->arg = arg;
    list_init(&m->urgent);
    list_init(&m->others);
    m->timer = loop_timer_new(d->loop, start_batch, m);
    return m;
}

/* What came together is run together, so the first one waits for the others of this turn. */
static void
plan_batch(struct maker *m)
{
    int64_t rest_ms = m->rest_until_ms - clock_mono_ms();

    if (m->batch_count > 0 || m->count == 0)
        return;
    loop_timer_set(m->timer, m->urgent.first == NULL && rest_ms > 0 ? rest_ms : 0);
}

int
maker_add(struct maker *m, const struct maker_request *req)
{
    struct waiting *w;

    if (m->count >= WAITING_MAX) {
        errno = EBUSY;
        return -1;
    }
    w = xcalloc(1, sizeof(*w));
    w->req = *req;
    w->req.ctl = (struct store_ctl){.path = copy(req->ctl.path),
                                    .new_path = copy(req->ctl.new_path),
                                    .place = copy(req->ctl.place)};
    list_add(req->is_urgent ? &m->urgent : &m->others, w);
    m->count++;
    plan_batch(m);
    return 0;
}

/* ---- the child ---- */

static _Noreturn void
be_maker(const struct maker *m, int fd)
{
    struct user_batch_item items[BATCH_MAX];
    uint32_t errors[BATCH_MAX];

    sandbox_die_with_parent();
    log_forked();
    stats_process_begin(m->daemon->stats, "maker");
    for (size_t i = 0; i < m->batch_count; i++) {
        const struct maker_request *req = &m->batch[i]->req;

        items[i] = (struct user_batch_item){req->type, req->ctl.path, req->ctl.new_path,
                                            req->ctl.place, 0};
    }
    user_batch_run(&m->dirs, m->reserve, items, m->batch_count);
    for (size_t i = 0; i < m->batch_count; i++)
        errors[i] = items[i].error;
    log_flush();
    (void)write_all(fd, slice_make(errors, m->batch_count * sizeof(errors[0]))); /* EPIPE: no one */
    _exit(EX_OK);
}

/* ---- the parent ---- */

static void
reap(struct maker *m)
{
    int status;

    loop_fd_free(&m->watch);
    (void)close(m->fd);
    while (waitpid(m->pid, &status, 0) < 0 && errno == EINTR)
        continue; /* it ends right behind its result */
    stats_process_end(m->daemon->stats, m->pid);
    m->batch_count = 0;
}

static void
answer(struct maker *m, struct waiting *w, uint32_t error)
{
    m->done(m->arg, &w->req, error);
    waiting_free(w);
}

/* Each by itself, before all others. */
static void
try_one_by_one(struct maker *m, struct waiting *batch[BATCH_MAX], size_t count)
{
    struct waiting_list again;

    list_init(&again);
    for (size_t i = 0; i < count; i++) {
        batch[i]->alone = true;
        list_add(&again, batch[i]);
    }
    *again.last = m->urgent.first;
    if (m->urgent.first == NULL)
        m->urgent.last = again.last;
    m->urgent.first = again.first;
    m->count += count;
}

static void
errors_came(void *arg, unsigned ready)
{
    struct maker *m = arg;
    struct waiting *batch[BATCH_MAX];
    uint32_t errors[BATCH_MAX];
    size_t count = m->batch_count;
    int64_t now_ms = clock_mono_ms(), took_ms = now_ms - m->began_ms;
    /* so few bytes come in one piece or, if the child died, not at all */
    bool whole = read(m->fd, errors, sizeof(errors)) == (ssize_t)(count * sizeof(errors[0]));

    (void)ready;
    memcpy(batch, m->batch, sizeof(batch));
    reap(m);
    m->rest_until_ms = now_ms + (took_ms < PAUSE_MAX_MS ? took_ms : PAUSE_MAX_MS);
    if (!whole && count > 1) {
        try_one_by_one(m, batch, count);
    } else {
        for (size_t i = 0; i < count; i++)
            answer(m, batch[i], whole ? errors[i] : EIO);
    }
    plan_batch(m);
}

static void
gather(struct maker *m)
{
    while (m->batch_count < BATCH_MAX && m->count > 0) {
        struct waiting_list *from = m->urgent.first != NULL ? &m->urgent : &m->others;

        if (from->first->alone && m->batch_count > 0)
            break;
        m->batch[m->batch_count++] = list_take(from);
        m->count--;
        if (m->batch[0]->alone)
            break;
    }
}

static void
start_batch(void *arg)
{
    struct maker *m = arg;
    int result[2];

    if (m->batch_count > 0 || m->count == 0)
        return;
    log_flush(); /* or the child would send these lines again */
    if (pipe2(result, O_CLOEXEC) < 0) {
        log_event(LOG_ERROR, "pipe_failed", KV_ERRNO());
        loop_timer_set(m->timer, PAUSE_MAX_MS);
        return;
    }
    gather(m);
    m->began_ms = clock_mono_ms();
    m->pid = fork();
    if (m->pid == 0)
        be_maker(m, result[1]);
    close_keep_errno(result[1]);
    m->fd = result[0];
    if (m->pid > 0) {
        m->watch = loop_fd_new(m->daemon->loop, m->fd, LOOP_READ, errors_came, m);
        return;
    }
    log_event(LOG_ERROR, "fork_failed", KV_ERRNO());
    close_keep_errno(m->fd);
    for (; m->batch_count > 0; m->batch_count--)
        answer(m, m->batch[m->batch_count - 1], EAGAIN);
    loop_timer_set(m->timer, PAUSE_MAX_MS);
}

static void
list_free(struct waiting_list *list)
{
    struct waiting *w;

    while ((w = list_take(list)) != NULL)
        waiting_free(w);
}

void
maker_free(struct maker **makerp)
{
    struct maker *m = *makerp;

    for (size_t i = 0; i < m->batch_count; i++)
        waiting_free(m->batch[i]);
    if (m->batch_count > 0)
        reap(m); /* not killed: INBOX's locks would go while names are not on disk yet */
    list_free(&m->urgent);
    list_free(&m->others);
    loop_timer_free(&m->timer);
    xfree(makerp);
}
