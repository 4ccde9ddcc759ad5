/*
 * local-deliver/recount.c - counts users' mail again in processes of their own.
 *
 * Each child inherits the sandbox, counts one store and writes one result into its pipe. What comes
 * out of the pipe is believed as far as a worker's word goes: a short one is a failed count.
 */
#include "local-deliver/recount.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/ipc/local_deliver.h"
#include "lib/log/log.h"
#include "lib/store/store.h"
#include "local-deliver/user_dir.h"

enum { RECOUNTS_MAX = 4 };

struct recount {
    struct recounts *all;
    pid_t pid; /* 0: a free place */
    int fd;    /* its result comes here */
    struct loop_fd *watch;
    struct recount_asker asker;
};

struct recounts {
    struct daemon *daemon;
    struct store_dirs dirs;
    void (*done)(void *arg, const struct recount_asker *asker, const struct store_ctl_reply *reply);
    void *arg;
    struct recount places[RECOUNTS_MAX];
};

struct recounts *
recounts_new(struct daemon *d, const struct store_dirs *dirs,
             void (*done)(void *arg, const struct recount_asker *asker,
                          const struct store_ctl_reply *reply),
             void *arg)
{
    struct recounts *r = xcalloc(1, sizeof(*r));

    r->daemon = d;
    r->dirs = *dirs;
    r->done = done;
    r->arg = arg;
    for (size_t i = 0; i < RECOUNTS_MAX; i++)
        r->places[i].all = r;
    return r;
}

/* ---- the child ---- */

static void
count_one(const struct store_dirs *dirs, struct slice path, struct store_ctl_reply *reply)
{
    const struct store_options options = {.may_remove = true, .bare = store_path_is_public(path)};
    int fd = user_dir_open(dirs, path);
    struct store *store = NULL;

    if (fd < 0) {
        reply->error = errno == ENOENT ? 0 : (uint32_t)errno; /* no directory: nothing is in it */
        return;
    }
    store = store_open(fd, &options);
    if (store == NULL || store_recount(store, &reply->bytes, &reply->messages) < 0)
        reply->error = (uint32_t)errno;
    else
        log_event(LOG_INFO, "recounted", KV_SLICE("path", path), KV_U64("bytes", reply->bytes),
                  KV_U64("messages", reply->messages));
    store_close(&store);
    (void)close(fd);
}

static _Noreturn void
be_counter(const struct recounts *r, struct slice path, int fd)
{
    struct store_ctl_reply reply = {0};

    sandbox_die_with_parent();
    log_forked();
    stats_process_begin(r->daemon->stats, "recount");
    count_one(&r->dirs, path, &reply);
    log_flush();
    (void)write_all(fd, slice_make(&reply, sizeof(reply))); /* nobody is left to tell */
    _exit(EX_OK);
}

/* ---- the parent ---- */

static void
reap(struct recount *c)
{
    int status;

    loop_fd_free(&c->watch);
    (void)close(c->fd);
    while (waitpid(c->pid, &status, 0) < 0 && errno == EINTR)
        continue; /* it ends right behind its result */
    stats_process_end(c->all->daemon->stats, c->pid);
    c->pid = 0;
}

static void
result_came(void *arg, unsigned ready)
{
    struct recount *c = arg;
    struct store_ctl_reply reply;

    (void)ready;
    /* so few bytes come in one piece or, if the child died, not at all */
    if (read(c->fd, &reply, sizeof(reply)) != (ssize_t)sizeof(reply))
        reply = (struct store_ctl_reply){.error = EIO};
    reap(c);
    c->all->done(c->all->arg, &c->asker, &reply);
}

static struct recount *
free_place(struct recounts *r)
{
    for (size_t i = 0; i < RECOUNTS_MAX; i++)
        if (r->places[i].pid == 0)
            return &r->places[i];
    errno = EBUSY;
    return NULL;
}

int
recount_begin(struct recounts *r, struct slice path, const struct recount_asker *asker)
{
    struct recount *c = free_place(r);
    int ends[2];

    if (c == NULL || pipe2(ends, O_CLOEXEC) < 0)
        return -1;
    log_flush();
    c->pid = fork();
    if (c->pid == 0)
        be_counter(r, path, ends[1]);
    close_keep_errno(ends[1]);
    if (c->pid < 0) {
        close_keep_errno(ends[0]);
        c->pid = 0;
        return -1;
    }
    c->fd = ends[0];
    c->asker = *asker;
    c->watch = loop_fd_new(r->daemon->loop, c->fd, LOOP_READ, result_came, c);
    return 0;
}

void
recounts_free(struct recounts **recountsp)
{
    struct recounts *r = *recountsp;

    for (size_t i = 0; i < RECOUNTS_MAX; i++) {
        if (r->places[i].pid == 0)
            continue;
        (void)kill(r->places[i].pid, SIGKILL); /* a store is whole at any moment */
        reap(&r->places[i]);
    }
    xfree(recountsp);
}
