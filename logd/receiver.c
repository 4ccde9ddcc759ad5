/*
 * logd/receiver.c - takes datagrams off the log socket and hands their lines on.
 *
 * Input: datagrams of any of our processes, taken as hostile: a line counts only if the kernel says
 * that it comes from the process and the service that it names. The socket is never closed by us
 * and survives our restart: master keeps it.
 */
#include "logd/receiver.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sysexits.h>

#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/log/line.h"
#include "lib/log/log.h"
#include "logd/sender.h"

#define DATAGRAMS_PER_TURN 128
#define DATAGRAMS_AT_END 4096 /* a flood shall not keep us from ending */
#define FOREIGN_LOGGED 10     /* in a second; the others are in the counter alone */
#define TEND_EVERY_MS 60000

struct receiver {
    int fd;
    struct log_files *files;
    struct syslog_out *syslog;
    struct loop_fd *watch;
    struct loop_timer *tend;
    _Atomic uint64_t *bad_datagrams, *foreign_lines;
    int64_t foreign_since_ms; /* mono */
    unsigned foreign;         /* since then */
    char buffer[LOG_DATAGRAM_MAX];
};

static bool
may_log_foreign(struct receiver *r)
{
    int64_t now = clock_mono_ms();

    if (now - r->foreign_since_ms >= 1000) {
        r->foreign_since_ms = now;
        r->foreign = 0;
    }
    return r->foreign++ < FOREIGN_LOGGED;
}

/* A process that writes in another's name is not what we have started. */
static void
refuse(struct receiver *r, const struct sender *sender, struct slice service, struct slice line)
{
    stats_add(r->foreign_lines, 1);
    if (may_log_foreign(r))
        log_event(LOG_ERROR, "foreign_line", KV_SLICE("from_service", sender->service),
                  KV_SLICE("from_program", sender->program), KV_U64("from_pid", sender->pid),
                  KV_U64("from_uid", sender->uid), KV_SLICE("service", service),
                  KV_SLICE("line", line));
}

/* accountd and operd also write down who has changed what, in a file of its own; alertd, who has
 * told everybody something. */
static bool
may_write(const struct sender *sender, struct slice service)
{
    return slice_eq(service, sender->service) ||
           (slice_eq(service, SLICE(LOG_AUDIT)) && (slice_eq(sender->program, SLICE("accountd")) ||
                                                    slice_eq(sender->program, SLICE("operd")) ||
                                                    slice_eq(sender->program, SLICE("alertd"))));
}

/* Takes the sender's own lines, each run of them at once. */
static void
take_lines(struct receiver *r, const struct sender *sender, struct slice service,
           struct slice lines)
{
    bool right_file = may_write(sender, service);

    while (lines.len > 0) {
        struct slice own = lines, rest = lines;

        while (right_file && rest.len > 0 && sender_owns(sender, rest))
            (void)slice_cut_after(&rest, '\n');
        own = slice_sub(own, 0, lines.len - rest.len);
        if (own.len > 0) {
            log_files_append(r->files, service, own);
            if (r->syslog != NULL)
                syslog_out_send(r->syslog, own);
        }
        lines = rest;
        if (lines.len > 0)
            refuse(r, sender, service, slice_split(&lines, '\n'));
    }
}

/* False: nothing is there. */
static bool
receive_one(struct receiver *r)
{
    union {
        char bytes[SENDER_CONTROL_SIZE]; /* no room for descriptors: the kernel closes them */
        struct cmsghdr align;
    } control;
    struct sockaddr_un from;
    struct iovec part = {.iov_base = r->buffer, .iov_len = sizeof(r->buffer)};
    struct msghdr message = {.msg_name = &from,
                             .msg_namelen = sizeof(from),
                             .msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof(control.bytes)};
    ssize_t n = recvmsg(r->fd, &message, MSG_DONTWAIT | MSG_TRUNC);
    struct slice service, lines;
    struct sender sender;

    if (n < 0)
        return errno == EINTR;
    if ((size_t)n > sizeof(r->buffer) ||
        sender_find(&message, &from, message.msg_namelen, &sender) < 0 ||
        log_datagram_split(slice_make(r->buffer, (size_t)n), &service, &lines) < 0)
        stats_add(r->bad_datagrams, 1);
    else
        take_lines(r, &sender, service, lines);
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
    r->foreign_lines = stats_counter(d->stats, "foreign_lines");
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
    for (int i = 0; i < DATAGRAMS_AT_END && receive_one(r); i++) {
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
