/*
 * acmed/clerk.c - does one job with the authority, and tells how it went.
 */
#include "acmed/clerk.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "acmed/renewal.h"
#include "lib/acme/pem.h"
#include "lib/base/clock.h"
#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/log/log.h"
#include "lib/tls/cert_make.h"

enum { LIFE_S = 3600, TROUBLE_MAX = 4096 };

struct clerk {
    pid_t pid;
    int fd;
    struct loop_fd *watch;
    struct strbuf trouble;
    void (*done)(void *arg, const char *trouble);
    void *arg;
};

/* ---- in the process ---- */

struct work {
    const struct clerk_options *options;
    enum clerk_job job;
    struct managed m; /* a copy: its state is written from here */
    unsigned reason;
    struct ca ca;
};

static void
save(struct work *w)
{
    if (state_write(w->options->account.dirfd, w->m.name, &w->m.state) < 0)
        (void)ca_fail(&w->ca, "db/acme/%s.state: %s", w->m.name, strerror(errno));
}

static void
order_done(struct work *w, int rc)
{
    struct state *state = &w->m.state;
    int64_t now = clock_real_ms();
    int64_t retry = (int64_t)conf_u64(w->options->account.conf, ACME_RETRY);

    if (rc == 0) { /* the state is saved: what follows may take time */
        renewal_look(&w->ca, state, clock_real_ms());
        if (state->renew_ms < now + retry) /* a window that is always over is none to follow */
            state->next_ms = now + retry;
        strbuf_clear(&w->ca.error);
        save(w);
        return;
    }
    state->failures++;
    renewal_put_off(state, retry, w->ca.not_before_ms, now);
    (void)snprintf(state->error, sizeof(state->error), "%.*s", (int)w->ca.error.len,
                   strbuf_cstr(&w->ca.error)); /* cut */
    save(w);
}

/* With or without a look at the directory: a failure waits as long as a failed request. */
static void
look(struct work *w, int rc)
{
    if (rc == 0)
        renewal_look(&w->ca, &w->m.state, clock_real_ms());
    else
        w->m.state.look_ms = clock_real_ms() + 3600000;
    save(w);
}

/* RFC 8555 section 7.6 */
static int
revoke_certificate(struct work *w)
{
    struct strbuf pem = strbuf_new(CERT_PEM_MAX), payload = strbuf_new((size_t)2 * CERT_PEM_MAX);
    char *file = xasprintf("%s.crt", w->m.name);
    int rc = 0;

    (void)strbuf_str(&payload, "{\"certificate\":\"");
    if (w->ca.url[ACME_REVOKE_CERT] == NULL)
        rc = ca_fail(&w->ca, "the authority revokes nothing by ACME");
    else if (read_file(w->options->account.dirfd, file, &pem) < 0)
        rc = ca_fail(&w->ca, "db/acme/%s: %s", file, strerror(errno));
    else if (acme_pem_base64url(strbuf_slice(&pem), &payload) < 0)
        rc = ca_fail(&w->ca, "db/acme/%s: is damaged", file);
    (void)strbuf_printf(&payload, "\",\"reason\":%u}", w->reason);
    if (rc == 0)
        rc =
            ca_post(&w->ca, &(const struct ca_request){.what = "revocation",
                                                       .url = slice_of(w->ca.url[ACME_REVOKE_CERT]),
                                                       .payload = strbuf_slice(&payload),
                                                       .kind = ACME_NOTHING});
    if (rc < 0 && strcmp(w->ca.problem, "alreadyRevoked") == 0)
        rc = 0;
    if (rc == 0) {
        strbuf_clear(&w->ca.error);
        w->m.state.is_revoked = 1;
        save(w);
    }
    free(file);
    strbuf_free(&pem);
    strbuf_free(&payload);
    return rc;
}

static void
run_job(struct work *w)
{
    const struct clerk_options *o = w->options;
    int rc = ca_open(&w->ca, &o->ask, conf_str(o->account.conf, ACME_DIRECTORY_URL));

    if (rc == 0 && w->job != CLERK_LOOK)
        rc = account_open(&w->ca, &o->account);
    if (w->job == CLERK_LOOK)
        look(w, rc);
    else if (rc == 0 && w->job == CLERK_ROLL_OVER)
        rc = account_roll_over(&w->ca, &o->account);
    else if (rc == 0 && w->job == CLERK_REVOKE)
        rc = revoke_certificate(w);
    else if (rc == 0 && w->job == CLERK_ORDER)
        rc = order_run(&w->ca, &o->order, &w->m);
    if (rc < 0 && strcmp(w->ca.problem, "accountDoesNotExist") == 0)
        account_forget(&o->account);
    if (w->job == CLERK_ORDER)
        order_done(w, rc);
    else if (rc == 0)
        strbuf_clear(&w->ca.error);
}

/* The signals are blocked in the parent, which reads them in its loop. */
static void
be_ordinary(void)
{
    sigset_t none;

    (void)sigemptyset(&none); /* none of these can fail */
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    sandbox_die_with_parent();
    log_forked();
    (void)alarm(LIFE_S); /* the last resort: each step has its own limit */
}

static _Noreturn void
run(struct work *w, int fd)
{
    be_ordinary();
    stats_process_begin(w->options->daemon->stats, "clerk");
    run_job(w);
    (void)write_all(fd, strbuf_slice(&w->ca.error)); /* the state file has it too */
    (void)write_all(fd, SLICE("\n"));                /* one that was killed does not get here */
    log_flush();
    stats_process_end(w->options->daemon->stats, getpid());
    _exit(EXIT_SUCCESS);
}

/* ---- in the parent ---- */

void
clerk_stop(struct clerk **clerkp)
{
    struct clerk *clerk = *clerkp;

    if (clerk == NULL)
        return;
    loop_fd_free(&clerk->watch);
    (void)close(clerk->fd); /* only read from; the process ends with this one */
    strbuf_free(&clerk->trouble);
    xfree(clerkp);
}

/* One that dies says nothing of its own, and that is not success. */
static const char *
last_word(struct clerk *clerk)
{
    if (!strbuf_ends_with(&clerk->trouble, "\n"))
        return "the process that works on it ended early";
    strbuf_truncate(&clerk->trouble, clerk->trouble.len - 1);
    return strbuf_cstr(&clerk->trouble);
}

static void
ready(void *arg, unsigned events)
{
    struct clerk *clerk = arg;
    char bytes[1024];
    ssize_t n = read(clerk->fd, bytes, sizeof(bytes));

    (void)events;
    if (n > 0) {
        (void)strbuf_append(&clerk->trouble, slice_make(bytes, (size_t)n)); /* cut nowhere */
        return;
    }
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    clerk->done(clerk->arg, last_word(clerk));
    clerk_stop(&clerk);
}

struct clerk *
clerk_start(const struct clerk_options *options, enum clerk_job job, const struct managed *m,
            unsigned reason, void (*done)(void *arg, const char *trouble), void *arg)
{
    struct work work = {.options = options, .job = job, .reason = reason};
    struct clerk *clerk;
    int ends[2];
    pid_t pid;

    if (m != NULL)
        work.m = *m;
    if (pipe2(ends, O_CLOEXEC) < 0)
        return NULL;
    log_flush();
    pid = fork();
    if (pid == 0) {
        (void)close(ends[0]);
        run(&work, ends[1]);
    }
    close_keep_errno(ends[1]);
    if (pid < 0 || fcntl(ends[0], F_SETFL, O_NONBLOCK) < 0) {
        close_keep_errno(ends[0]);
        return NULL;
    }
    clerk = xcalloc(1, sizeof(*clerk));
    *clerk = (struct clerk){
        .pid = pid, .fd = ends[0], .trouble = strbuf_new(TROUBLE_MAX), .done = done, .arg = arg};
    clerk->watch = loop_fd_new(options->daemon->loop, clerk->fd, LOOP_READ, ready, clerk);
    return clerk;
}
