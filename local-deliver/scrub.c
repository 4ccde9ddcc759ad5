/*
 * local-deliver/scrub.c - looks through all mail once in store.scrub_days, slowly, for damage.
 *
 * A child, in the sandbox that it inherits, does what `posthorn store check` does without --repair,
 * one mailbox after the other, and logs what it finds; nothing is changed. How far it is stands in
 * store/.scrub: "BEGAN PATH", the second in which the round began and the mailbox that was looked
 * at last, or "-" when it is done.
 */
#include "local-deliver/scrub.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "lib/ipc/local_deliver.h"
#include "lib/log/log.h"
#include "lib/store/beneath.h"
#include "lib/store/check.h"

#define STATE_NAME ".scrub"
#define STATE_MAX 1024
#define DONE "-"

enum { LOOK_MS = 60000, FIRST_LOOK_MS = 1000, DAY_S = 86400, LEVELS = 3 };

struct scrub {
    struct daemon *daemon;
    struct store_dirs dirs;
    uint64_t days, rate;
    struct loop_timer *timer;
    pid_t child; /* 0: none */
    int pipe_fd; /* its end is the child's */
    struct loop_fd *watch;
    _Atomic uint64_t *mailboxes, *findings;
};

/* ---- how far it is ---- */

struct state {
    uint64_t began; /* seconds since 1970 */
    char path[STORE_PATH_MAX + 1];
};

/* False: there is none, or it says nothing. */
static bool
read_state(const struct store_dirs *dirs, struct state *state)
{
    struct strbuf text = strbuf_new(STATE_MAX);
    struct slice rest, number;
    bool read = false;

    if (read_file(dirs->main_fd, STATE_NAME, &text) == 0) {
        rest = slice_trim(strbuf_slice(&text));
        number = slice_split(&rest, ' ');
        read = parse_u64(number, INT64_MAX, &state->began) == 0 && rest.len < sizeof(state->path);
        if (read) {
            memcpy(state->path, rest.ptr, rest.len);
            state->path[rest.len] = '\0';
        }
    }
    strbuf_free(&text);
    return read;
}

/* Failing, a restart does some of it again. The directory is opened anew: ours is O_PATH. */
static void
write_state(const struct store_dirs *dirs, uint64_t began, const char *path)
{
    int fd = store_dirs_root(dirs, STORE_DIR_MAIN, O_RDONLY);
    struct strbuf text = strbuf_new(STATE_MAX);

    (void)strbuf_printf(&text, "%llu %s\n", (unsigned long long)began, path);
    if (fd < 0 || replace_file(fd, STATE_NAME, strbuf_slice(&text), 0600) < 0)
        log_event(LOG_WARN, "scrub_not_noted", KV_ERRNO());
    close_keep_errno(fd);
    strbuf_free(&text);
}

/* ---- the child ---- */

struct walk {
    const struct scrub *scrub;
    uint64_t began;
    char path[STORE_PATH_MAX + 1]; /* of the mailbox at hand */
};

static void
found(void *arg, const struct check_finding *f)
{
    const struct walk *w = arg;
    bool harmless = f->outcome == CHECK_NOTE;

    if (!harmless)
        stats_add(w->scrub->findings, 1);
    log_event(harmless ? LOG_DEBUG : LOG_ERROR, "scrub_found", KV_STR("path", w->path),
              KV_STR("folder", f->folder), KV_U64("uid", f->uid), KV_STR("problem", f->problem),
              KV_STR("detail", f->detail),
              KV_STR("hint", harmless ? "" : "posthorn store check --repair"));
}

static void
check_mailbox(struct walk *w)
{
    const struct check_options options = {
        .bytes_per_second = w->scrub->rate, .found = found, .arg = w};
    int fd = store_dirs_open_mail(&w->scrub->dirs, slice_of(w->path), O_RDONLY);
    struct check_totals totals;

    if (fd < 0 || store_check(fd, &options, &totals) < 0) {
        if (errno != ENOENT && errno != EREMOTE) /* gone, or elsewhere since */
            log_event(LOG_WARN, "scrub_failed", KV_STR("path", w->path), KV_ERRNO());
    } else {
        stats_add(w->scrub->mailboxes, 1);
    }
    close_keep_errno(fd);
    write_state(&w->scrub->dirs, w->began, w->path);
    log_flush();
}

static int
is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.' && strcmp(entry->d_name, STORE_DIR_MARK) != 0;
}

/* DOMAIN, xx and USER in order. `resume`: what the last run of the round came to, whose part at
 * this level and what comes before it are passed over; empty: nothing is. */
static void
walk_level(struct walk *w, int parent, size_t len, struct slice resume, int level)
{
    struct slice first = slice_split(&resume, '/');
    struct dirent **list = NULL;
    int count = scandirat(parent, ".", &list, is_visible, alphasort);

    for (int i = 0; i < count; i++) {
        struct slice name = slice_of(list[i]->d_name);
        int order = first.len == 0 ? 1 : slice_cmp(name, first), fd;

        if (order >= (level == LEVELS ? 1 : 0) && len + name.len + 1 < sizeof(w->path)) {
            memcpy(w->path + len, name.ptr, name.len);
            w->path[len + name.len] = '\0';
            fd = level == LEVELS ? -1 : beneath_open_dir(parent, list[i]->d_name);
            if (level == LEVELS && store_path_valid(slice_of(w->path)))
                check_mailbox(w);
            if (fd >= 0) {
                w->path[len + name.len] = '/';
                walk_level(w, fd, len + name.len + 1, order == 0 ? resume : SLICE(""), level + 1);
            }
            close_keep_errno(fd);
        }
        free(list[i]);
    }
    free(list);
}

static _Noreturn void
be_scrubber(const struct scrub *s, const struct state *from)
{
    struct walk w = {.scrub = s, .began = from->began};
    int root;

    sandbox_die_with_parent();
    log_forked();
    stats_process_begin(s->daemon->stats, "scrub");
    root = store_dirs_root(&s->dirs, STORE_DIR_MAIN, O_RDONLY);
    log_event(LOG_INFO, "scrub_begins", KV_STR("after", from->path));
    if (root >= 0) {
        walk_level(&w, root, 0, slice_of(from->path), 1);
        write_state(&s->dirs, from->began, DONE);
        log_event(LOG_INFO, "scrub_done", KV_U64("began", from->began));
    }
    log_flush();
    _exit(EX_OK);
}

/* ---- the parent ---- */

static void
reap(struct scrub *s)
{
    int status;

    loop_fd_free(&s->watch);
    (void)close(s->pipe_fd);
    while (waitpid(s->child, &status, 0) < 0 && errno == EINTR)
        continue;
    stats_process_end(s->daemon->stats, s->child);
    s->child = 0;
}

static void
child_ended(void *arg, unsigned ready)
{
    struct scrub *s = arg;

    (void)ready;
    reap(s);
    loop_timer_set(s->timer, LOOK_MS);
}

static void
begin(struct scrub *s, const struct state *from)
{
    int ends[2];

    if (pipe2(ends, O_CLOEXEC) < 0)
        return;
    log_flush();
    s->child = fork();
    if (s->child == 0) {
        (void)close(ends[0]);
        be_scrubber(s, from);
    }
    (void)close(ends[1]);
    if (s->child < 0) {
        (void)close(ends[0]);
        s->child = 0;
        return;
    }
    s->pipe_fd = ends[0];
    s->watch = loop_fd_new(s->daemon->loop, s->pipe_fd, LOOP_READ, child_ended, s);
}

/* A new instance waits for a whole round's time: there is nothing old in it. */
static void
look(void *arg)
{
    struct scrub *s = arg;
    uint64_t now = (uint64_t)(clock_real_ms() / 1000);
    struct state state;

    if (!read_state(&s->dirs, &state)) {
        write_state(&s->dirs, now, DONE);
    } else if (strcmp(state.path, DONE) != 0) {
        begin(s, &state);
    } else if (now >= state.began + s->days * DAY_S) {
        state = (struct state){.began = now};
        begin(s, &state);
    }
    if (s->child == 0)
        loop_timer_set(s->timer, LOOK_MS);
}

struct scrub *
scrub_start(struct daemon *d, const struct store_dirs *dirs)
{
    uint64_t days = conf_u64(d->conf, STORE_SCRUB_DAYS);
    struct scrub *s = xcalloc(1, sizeof(*s));

    *s = (struct scrub){.daemon = d,
                        .dirs = *dirs,
                        .days = days,
                        .rate = conf_u64(d->conf, STORE_SCRUB_RATE),
                        .mailboxes = stats_counter(d->stats, "scrub_mailboxes"),
                        .findings = stats_counter(d->stats, "scrub_findings")};
    if (days == 0) {
        xfree(&s);
        return NULL;
    }
    s->timer = loop_timer_new(d->loop, look, s);
    loop_timer_set(s->timer, FIRST_LOOK_MS);
    return s;
}

void
scrub_stop(struct scrub **scrubp)
{
    struct scrub *s = *scrubp;

    if (s == NULL)
        return;
    if (s->child != 0) {
        (void)kill(s->child, SIGKILL); /* it changes nothing but its note */
        reap(s);
    }
    loop_timer_free(&s->timer);
    xfree(scrubp);
}
