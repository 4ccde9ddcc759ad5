/*
 * logd/receiver.c - takes datagrams off the log socket and hands their lines on.
 *
 * Input: datagrams of any of our processes, taken as hostile. The socket is never closed by us and
 * survives our restart: master keeps it.
 */
#include "logd/receiver.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sysexits.h>

#include "lib/base/mem.h"
#include "lib/log/line.h"

#define DATAGRAMS_PER_TURN 128
#define TEND_EVERY_MS 60000

struct receiver {
    int fd;
    struct log_files *files;
    struct syslog_out *syslog;
    struct loop_fd *watch;
    struct loop_timer *tend;
    _Atomic uint64_t *bad_datagrams;
    char buffer[LOG_DATAGRAM_MAX];
};

/* False: nothing is there. */
static bool
receive_one(struct receiver *r)
{
    ssize_t n = recv(r->fd, r->buffer, sizeof(r->buffer), MSG_DONTWAIT | MSG_TRUNC);
    struct slice service, lines;

    if (n < 0)
        return errno == EINTR;
    if ((size_t)n > sizeof(r->buffer) ||
        log_datagram_split(slice_make(r->buffer, (size_t)n), &service, &lines) < 0) {
        stats_add(r->bad_datagrams, 1);
        return true;
    }
    log_files_append(r->files, service, lines);
    if (r->syslog != NULL)
        syslog_out_send(r->syslog, lines);
    return true;
}

static void
socket_ready(void *arg, unsigned ready)
{
    struct receiver *r = arg;

    (void)ready;
    for (int i = 0; i < DATAGRAMS_PER_TURN && receive_one(r); i++) {
    }
}

static void
end_of_turn(void *arg)
{
    struct receiver *r = arg;

    log_files_flush(r->files);
}

static void
tend(void *arg)
{
    struct receiver *r = arg;

    log_files_tend(r->files);
    loop_timer_set(r->tend, TEND_EVERY_MS);
}

static void
reopen(void *arg, int signo)
{
    struct receiver *r = arg;

    (void)signo;
    log_files_reopen(r->files);
}

struct receiver *
receiver_new(struct daemon *d, struct log_files *files, struct syslog_out *syslog)
{
    struct receiver *r = xcalloc(1, sizeof(*r));

    r->fd = daemon_listener(d, "control", 0);
    if (r->fd < 0) {
        (void)fprintf(stderr, "%s: no log socket was handed over\n", d->name);
        exit(EX_USAGE);
    }
    r->files = files;
    r->syslog = syslog;
    r->bad_datagrams = stats_counter(d->stats, "bad_datagrams");
    r->watch = loop_fd_new(d->loop, r->fd, LOOP_READ, socket_ready, r);
    r->tend = loop_timer_new(d->loop, tend, r);
    loop_timer_set(r->tend, TEND_EVERY_MS);
    loop_on_turn(d->loop, end_of_turn, r);
    loop_on_signal(d->loop, SIGHUP, reopen, r);
    return r;
}

void
receiver_drain(struct receiver *r)
{
    while (receive_one(r)) {
    }
}

void
receiver_free(struct receiver **rp)
{
    if (*rp == NULL)
        return;
    loop_fd_free(&(*rp)->watch);
    loop_timer_free(&(*rp)->tend);
    xfree(rp);
}
