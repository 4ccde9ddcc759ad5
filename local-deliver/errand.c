/*
 * local-deliver/errand.c - requests of the control socket that may take long, in processes of their
 * own.
 *
 * Each child inherits the sandbox, works on one store and writes one result into its pipe. What
 * comes out of the pipe is believed as far as a worker's word goes: a short one is a failure. The
 * child of a URL writes a text into a second pipe afterwards, which its reader empties; the end of
 * the first pipe is the end of the child.
 */
#include "local-deliver/errand.h"

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
#include "lib/store/mailbox.h"
#include "lib/store/store.h"
#include "local-deliver/counts.h"
#include "local-deliver/url.h"
#include "local-deliver/user_dir.h"

enum {
    ERRANDS_MAX = 32,
    /* Whose sessions hold a lock, or read what they asked for slowly, may make so many of us wait.
     */
    ERRANDS_OF_USER_MAX = 8
};

struct errand {
    struct errands *all;
    pid_t pid;   /* 0: a free place */
    int fd;      /* its result comes here */
    int text_fd; /* of a URL until it is answered: where the text comes out; else -1 */
    bool answered;
    char *user; /* whose path it is, or who reads */
    struct loop_fd *watch;
    struct errand_asker asker;
};

struct errands {
    struct daemon *daemon;
    struct store_dirs dirs;
    uint32_t undelete_days; /* store.undelete_days */
    void (*done)(void *arg, const struct errand_asker *asker, const struct store_ctl_reply *reply,
                 int text_fd);
    void *arg;
    struct errand places[ERRANDS_MAX];
};

struct errands *
errands_new(struct daemon *d, const struct store_dirs *dirs,
            void (*done)(void *arg, const struct errand_asker *asker,
                         const struct store_ctl_reply *reply, int text_fd),
            void *arg)
{
    struct errands *r = xcalloc(1, sizeof(*r));

    r->daemon = d;
    r->dirs = *dirs;
    r->undelete_days = (uint32_t)conf_u64(d->conf, STORE_UNDELETE_DAYS);
    r->done = done;
    r->arg = arg;
    for (size_t i = 0; i < ERRANDS_MAX; i++)
        r->places[i].all = r;
    return r;
}

/* ---- the child ---- */

static struct store *
open_store(const struct errands *r, const struct store_ctl *ctl)
{
    const struct store_options options = {.may_remove = true,
                                          .bare = store_path_is_public(ctl->path),
                                          .undelete_days = r->undelete_days,
                                          .quota_bytes = ctl->charge.quota_bytes,
                                          .quota_messages = ctl->charge.quota_messages};
    int fd = user_dir_open(&r->dirs, ctl->path);
    struct store *store = fd < 0 ? NULL : store_open(fd, &options);

    close_keep_errno(fd);
    return store;
}

static void
count_again(struct store *store, const struct store_ctl *ctl, struct store_ctl_reply *reply)
{
    if (store_recount(store, &reply->bytes, &reply->messages) < 0)
        reply->error = (uint32_t)errno;
    else
        log_event(LOG_INFO, "recounted", KV_SLICE("path", ctl->path), KV_U64("bytes", reply->bytes),
                  KV_U64("messages", reply->messages));
}

static void
charge(struct store *store, const struct store_ctl *ctl, struct store_ctl_reply *reply)
{
    const struct store_charge c = {.bytes = ctl->charge.bytes,
                                   .messages = ctl->charge.messages,
                                   .within_quota = ctl->charge.within_quota,
                                   .new_uidvalidity = ctl->charge.new_uidvalidity};

    if (store_charge(store, &c, &reply->uidvalidity) < 0)
        reply->error = (uint32_t)errno;
}

/* The folder's id goes with the answer: a new one's, or what was removed. */
static int
note_mailbox_id(struct store *store, struct slice folder, struct store_ctl_reply *reply)
{
    struct mailbox_info info;

    if (mailbox_status(store, folder, &info) < 0)
        return -1;
    memcpy(reply->mailbox_id, info.mailbox_id, sizeof(reply->mailbox_id));
    reply->mailbox_id[sizeof(reply->mailbox_id) - 1] = '\0';
    return 0;
}

/* What gave the right is the nearest folder above the new one (RFC 4314 section 4)? Another that is
 * made at this moment has the same rights as that. */
static bool
is_nearest(const struct store *store, const struct store_ctl *ctl, struct slice made)
{
    bool is = slice_eq(store_nearest(store, made), ctl->parent);

    errno = EACCES;
    return is;
}

static int
change_folder(struct store *store, uint16_t type, const struct store_ctl *ctl,
              struct store_ctl_reply *reply)
{
    switch (type) {
    case STORE_FOLDER_CREATE:
        if (!is_nearest(store, ctl, ctl->folder) ||
            store_create(store, ctl->folder, STORE_USE_NONE) < 0)
            return -1;
        (void)note_mailbox_id(store, ctl->folder, reply); /* somebody was quick to remove it */
        return 0;
    case STORE_FOLDER_REMOVE:
        return note_mailbox_id(store, ctl->folder, reply) < 0 ? -1
                                                              : store_remove(store, ctl->folder);
    default:
        return is_nearest(store, ctl, ctl->new_folder)
                   ? store_rename(store, ctl->folder, ctl->new_folder)
                   : -1;
    }
}

static void
change_folders(struct store *store, uint16_t type, const struct store_ctl *ctl,
               struct store_ctl_reply *reply)
{
    if (change_folder(store, type, ctl, reply) < 0)
        reply->error = (uint32_t)errno;
}

static void
run(const struct errands *r, uint16_t type, const struct store_ctl *ctl,
    struct store_ctl_reply *reply)
{
    struct store *store = open_store(r, ctl);

    if (store == NULL) /* no directory: nothing is in it */
        reply->error = errno == ENOENT && type == STORE_RECOUNT ? 0 : (uint32_t)errno;
    else if (type == STORE_RECOUNT)
        count_again(store, ctl, reply);
    else if (type == STORE_CHARGE)
        charge(store, ctl, reply);
    else
        change_folders(store, type, ctl, reply);
    store_close(&store);
}

static void
begin_child(const struct errands *r, const char *title)
{
    sandbox_die_with_parent();
    log_forked();
    stats_process_begin(r->daemon->stats, title);
}

static _Noreturn void
be_errand(const struct errands *r, uint16_t type, const struct store_ctl *ctl, int fd)
{
    struct store_ctl_reply reply = {0};

    begin_child(r, "errand");
    run(r, type, ctl, &reply);
    log_flush();
    (void)write_all(fd, slice_make(&reply, sizeof(reply))); /* nobody is left to tell */
    _exit(EX_OK);
}

static _Noreturn void
be_counts(const struct errands *r, const struct store_ctl *ctl, int fd)
{
    begin_child(r, "counts");
    counts_serve(r->daemon, &r->dirs, ctl->path, fd);
    _exit(EX_OK);
}

static _Noreturn void
be_url(const struct errands *r, const struct store_url *url, int fd, int text_fd)
{
    begin_child(r, "url");
    url_serve(r->daemon, &r->dirs, url, fd, text_fd);
    _exit(EX_OK);
}

/* ---- the parent ---- */

static void
reap(struct errand *e)
{
    int status;

    loop_fd_free(&e->watch);
    (void)close(e->fd);
    close_keep_errno(e->text_fd);
    while (waitpid(e->pid, &status, 0) < 0 && errno == EINTR)
        continue; /* it ends right behind its result */
    stats_process_end(e->all->daemon->stats, e->pid);
    xfree(&e->user);
    e->pid = 0;
}

static void
answer(struct errand *e, const struct store_ctl_reply *reply)
{
    e->answered = true;
    e->all->done(e->all->arg, &e->asker, reply, reply->error == 0 ? e->text_fd : -1);
    close_keep_errno(e->text_fd); /* the reader has it */
    e->text_fd = -1;
}

static void
result_came(void *arg, unsigned ready)
{
    struct errand *e = arg;
    struct store_ctl_reply reply;
    /* so few bytes come in one piece or, if the child died, not at all */
    bool whole = read(e->fd, &reply, sizeof(reply)) == (ssize_t)sizeof(reply);
    bool has_text = whole && e->text_fd >= 0 && reply.error == 0;

    (void)ready;
    if (!whole)
        reply = (struct store_ctl_reply){.error = EIO};
    if (!e->answered)
        answer(e, &reply);
    if (!has_text)
        reap(e);
}

static struct errand *
free_place(struct errands *r, struct slice user)
{
    struct errand *found = NULL;
    unsigned of_user = 0;

    for (size_t i = 0; i < ERRANDS_MAX; i++) {
        struct errand *e = &r->places[i];

        if (e->pid == 0)
            found = e;
        else if (slice_eq(user, slice_of(e->user)))
            of_user++;
    }
    if (found != NULL && of_user < ERRANDS_OF_USER_MAX)
        return found;
    errno = EBUSY;
    return NULL;
}

bool
errand_takes(uint16_t type)
{
    return type == STORE_RECOUNT || type == STORE_CHARGE || type == STORE_FOLDER_CREATE ||
           type == STORE_FOLDER_REMOVE || type == STORE_FOLDER_RENAME || type == STORE_COUNTS;
}

/* Before the fork: flushed, or the child would send the parent's lines again. */
static int
make_pipes(bool with_text, int result[2], int text[2])
{
    text[0] = text[1] = -1;
    log_flush();
    if (pipe2(result, O_CLOEXEC) < 0)
        return -1;
    if (!with_text || pipe2(text, O_CLOEXEC) == 0)
        return 0;
    close_keep_errno(result[0]);
    close_keep_errno(result[1]);
    return -1;
}

/* In the parent: the child is on its way, or there is none. */
static int
watch_child(struct errand *e, pid_t pid, const int result[2], const int text[2], struct slice user)
{
    close_keep_errno(result[1]);
    close_keep_errno(text[1]);
    if (pid < 0) {
        close_keep_errno(result[0]);
        close_keep_errno(text[0]);
        return -1;
    }
    e->pid = pid;
    e->fd = result[0];
    e->text_fd = text[0];
    e->answered = false;
    e->user = xslicedup(user);
    e->watch = loop_fd_new(e->all->daemon->loop, e->fd, LOOP_READ, result_came, e);
    return 0;
}

int
errand_begin(struct errands *r, uint16_t type, const struct store_ctl *ctl,
             const struct errand_asker *asker)
{
    struct errand *e = free_place(r, ctl->path);
    int result[2], text[2];
    pid_t pid;

    if (e == NULL || make_pipes(false, result, text) < 0)
        return -1;
    e->asker = *asker;
    pid = fork();
    if (pid == 0 && type == STORE_COUNTS)
        be_counts(r, ctl, result[1]);
    if (pid == 0)
        be_errand(r, type, ctl, result[1]);
    return watch_child(e, pid, result, text, ctl->path);
}

int
errand_begin_url(struct errands *r, const struct store_url *url, const struct errand_asker *asker)
{
    struct errand *e = free_place(r, url->reader);
    int result[2], text[2];
    pid_t pid;

    if (e == NULL || make_pipes(true, result, text) < 0)
        return -1;
    e->asker = *asker;
    pid = fork();
    if (pid == 0)
        be_url(r, url, result[1], text[1]);
    return watch_child(e, pid, result, text, url->reader);
}

void
errands_free(struct errands **errandsp)
{
    struct errands *r = *errandsp;

    for (size_t i = 0; i < ERRANDS_MAX; i++) {
        if (r->places[i].pid == 0)
            continue;
        (void)kill(r->places[i].pid, SIGKILL); /* a store is whole at any moment */
        reap(&r->places[i]);
    }
    xfree(errandsp);
}
