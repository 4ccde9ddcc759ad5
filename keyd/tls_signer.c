/*
 * keyd/tls_signer.c - answers questions for signatures of handshakes.
 *
 * Untrusted: the datagrams. Who sent one, the kernel says; only the users of services that speak
 * TLS are answered, and each question on the socket that it came from. A signer has the descriptors
 * of the key files, can open nothing, and is in reach of nobody but by these datagrams. There are
 * several, so that one slow signature holds nobody up; all read from the one socket.
 */
#include "keyd/tls_signer.h"

#include <err.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sysexits.h>
#include <unistd.h>

#include "keyd/tls_keys.h"
#include "keyd/tls_roles.h"
#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/conf/services.h"
#include "lib/log/log.h"

enum {
    START_MS = 10000,
    ERROR_MAX = 1024,
    LOG_EVERY_MS = 1000, /* a service that was taken over must not fill the log */
};

struct counters {
    _Atomic uint64_t *of[TLS_KEY_REFUSED + 1];
};

/* What the signers are forked with. */
struct plan {
    int socket;
    struct tls_files files;
    uid_t uids[TLS_ROLES];
    bool old_too[TLS_ROLES]; /* one of its ports speaks TLS 1.0 and 1.1 */
    struct counters count;
};

struct tls_signers {
    struct loop *loop;
    unsigned width;
    int fds[KEEPER_WORKERS_MAX];
    struct loop_fd *watches[KEEPER_WORKERS_MAX];
};

/* ---- in a signer ---- */

struct question {
    char datagram[TLS_KEY_DATAGRAM_MAX];
    size_t len;
    struct sockaddr_un from;
    socklen_t from_len;
    struct ucred sender;
};

union control {
    char bytes[CMSG_SPACE(sizeof(struct ucred))];
    struct cmsghdr align;
};

/* False: there is none, or it is no whole one. Descriptors that came along are dropped by the
 * kernel, for which there is no room. */
static bool
receive(int fd, struct question *q)
{
    union control control;
    struct iovec part = {.iov_base = q->datagram, .iov_len = sizeof(q->datagram)};
    struct msghdr message = {.msg_name = &q->from,
                             .msg_namelen = sizeof(q->from),
                             .msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof(control.bytes)};
    ssize_t n = recvmsg(fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    const struct cmsghdr *cmsg = n < 0 ? NULL : CMSG_FIRSTHDR(&message);

    if (cmsg == NULL || cmsg->cmsg_level != SOL_SOCKET || cmsg->cmsg_type != SCM_CREDENTIALS ||
        cmsg->cmsg_len != CMSG_LEN(sizeof(struct ucred)) || (message.msg_flags & MSG_TRUNC) != 0)
        return false;
    memcpy(&q->sender, CMSG_DATA(cmsg), sizeof(q->sender));
    q->len = (size_t)n;
    q->from_len = message.msg_namelen;
    return true;
}

/* Where there is no root all roles are one user. */
static bool
may_ask(const struct plan *plan, uid_t uid, bool *old_too)
{
    bool may = false;

    *old_too = false;
    for (size_t i = 0; i < TLS_ROLES; i++) {
        may |= uid == plan->uids[i];
        *old_too |= uid == plan->uids[i] && plan->old_too[i];
    }
    return may;
}

static void
log_refusal(const struct question *q, const char *reason)
{
    static int64_t last_ms = -LOG_EVERY_MS;
    int64_t now = clock_mono_ms();

    if (now - last_ms < LOG_EVERY_MS)
        return;
    last_ms = now;
    log_event(LOG_WARN, "tls_signature_refused", KV_STR("reason", reason),
              KV_U64("uid", q->sender.uid), KV_I64("pid", q->sender.pid));
    log_flush();
}

/* Who does not listen gets none. */
static void
send_answer(int fd, const struct question *q, struct slice frame)
{
    struct iovec part = {.iov_base = (void *)(uintptr_t)frame.ptr, .iov_len = frame.len};
    struct msghdr message = {.msg_name = (void *)(uintptr_t)&q->from,
                             .msg_namelen = q->from_len,
                             .msg_iov = &part,
                             .msg_iovlen = 1};

    (void)sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void
answer(const struct plan *plan, const struct tls_keys *keys, const struct question *q)
{
    unsigned char signature[TLS_KEY_SIGNATURE_MAX];
    struct strbuf frame = strbuf_new(TLS_KEY_DATAGRAM_MAX);
    struct tls_key_answer result;
    struct tls_key_ask ask;
    bool old_too;
    uint32_t id;

    if (!may_ask(plan, q->sender.uid, &old_too)) {
        log_refusal(q, "no service with TLS");
        return;
    }
    if (tls_key_ask_decode(slice_make(q->datagram, q->len), &id, &ask) < 0) {
        log_refusal(q, "no question");
        return;
    }
    result = tls_keys_sign(keys, &ask, old_too, signature);
    stats_add(plan->count.of[result.result], 1);
    if (result.result != TLS_KEY_SIGNED)
        log_refusal(q, result.result == TLS_KEY_UNKNOWN ? "no such key" : "no TLS handshake");
    if (tls_key_answer_encode(&frame, id, &result) == 0)
        send_answer(plan->socket, q, strbuf_slice(&frame));
    strbuf_free(&frame);
}

/* Waits for a question, or for the end of the front. */
static int
make_epoll(const struct plan *plan, int front)
{
    /* EXCLUSIVE: a question wakes one of us */
    struct epoll_event question = {.events = EPOLLIN | EPOLLEXCLUSIVE, .data.fd = plan->socket};
    struct epoll_event end = {.events = EPOLLIN, .data.fd = front};
    int fd = epoll_create1(EPOLL_CLOEXEC);

    if (fd < 0 || epoll_ctl(fd, EPOLL_CTL_ADD, plan->socket, &question) < 0 ||
        epoll_ctl(fd, EPOLL_CTL_ADD, front, &end) < 0)
        _exit(EX_OSERR);
    return fd;
}

/* The first packet to the front: empty but for a byte, or what is wrong. */
static void
report(int front, const struct tls_keys *keys, const struct strbuf *error)
{
    const char *text = keys != NULL ? "" : strbuf_cstr(error);

    (void)send(front, text, strlen(text) + 1, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void
work(void *arg, int front)
{
    const struct plan *plan = arg;
    struct strbuf error = strbuf_new(ERROR_MAX);
    struct tls_keys *keys = tls_keys_load(&plan->files, &error);
    int epoll_fd = make_epoll(plan, front);
    struct epoll_event event;
    struct question q;

    report(front, keys, &error);
    log_flush();
    if (keys == NULL)
        (void)poll(&(struct pollfd){.fd = front, .events = POLLIN}, 1, -1); /* it gives up */
    while (keys != NULL) {
        int n = epoll_wait(epoll_fd, &event, 1, -1);

        if (n == 1 && event.data.fd == front)
            _exit(EX_OK); /* it says nothing: this is its end */
        while (receive(plan->socket, &q))
            answer(plan, keys, &q);
    }
    _exit(EX_OK);
}

/* ---- in the front ---- */

static unsigned
width(const struct conf *conf)
{
    uint64_t wanted = conf_u64(conf, TLS_SIGNERS);
    long processors = sysconf(_SC_NPROCESSORS_ONLN);

    if (wanted == 0)
        wanted = processors > 0 ? (uint64_t)processors : 1;
    return wanted > KEEPER_WORKERS_MAX ? KEEPER_WORKERS_MAX : (unsigned)wanted;
}

static void
make_plan(struct plan *plan, const struct daemon *d)
{
    plan->socket = daemon_listener(d, SERVICE_DATAGRAMS, 0);
    if (plan->socket < 0)
        errx(EX_USAGE, "no socket from master for TLS keys: [key] of services.conf needs the line "
                       "datagrams = " TLS_KEY_SOCKET " 0666");
    for (size_t i = 0; i < TLS_ROLES; i++) {
        plan->uids[i] = daemon_role_uid_or_none(d, tls_roles[i]);
        plan->old_too[i] = tls_role_speaks_old(d->conf, tls_roles[i]);
    }
    plan->count = (struct counters){
        .of = {[TLS_KEY_SIGNED] = stats_counter(d->stats, "handshakes_signed"),
               [TLS_KEY_UNKNOWN] = stats_counter(d->stats, "handshakes_without_key"),
               [TLS_KEY_REFUSED] = stats_counter(d->stats, "handshakes_refused")}};
    tls_files_open(&plan->files, d);
}

/* Waits until each has read the keys. */
static void
wait_until_ready(const struct tls_signers *signers)
{
    char text[ERROR_MAX];

    for (unsigned i = 0; i < signers->width; i++) {
        struct pollfd p = {.fd = signers->fds[i], .events = POLLIN};
        ssize_t n = -1;

        if (poll(&p, 1, START_MS) == 1)
            n = recv(p.fd, text, sizeof(text) - 1, MSG_DONTWAIT);
        if (n <= 0)
            errx(EX_SOFTWARE, "a TLS signer did not start");
        text[n] = '\0';
        if (text[0] != '\0')
            errx(EX_CONFIG, "%s", text);
    }
}

struct tls_signers *
tls_signers_start(const struct daemon *d)
{
    struct tls_signers *signers = xcalloc(1, sizeof(*signers));
    struct plan *plan = xcalloc(1, sizeof(*plan));
    struct keeper_plan keeper = {
        .keeper_role = "tls keeper",
        .worker_role = "tls signer",
        .box = daemon_sandbox_base(d, USERS_KEY),
        .work = work,
        .arg = plan,
        .lost = SLICE("lost"),
    };
    int *keep;

    make_plan(plan, d);
    keep = xcalloc(plan->files.count + 1, sizeof(*keep));
    keep[keeper.keep_count++] = plan->socket;
    for (size_t i = 0; i < plan->files.count; i++)
        keep[keeper.keep_count++] = plan->files.items[i].fd;
    keeper.keep = keep;
    keeper.width = signers->width = width(d->conf);
    keeper.box.calls |= SANDBOX_SEND_FDS; /* an answer has an address, */
    keeper.box.answers = true;            /* in the abstract name space */
    keeper_start(d, &keeper, signers->fds);
    tls_files_close(&plan->files);
    (void)close(plan->socket); /* the signers' */
    free(keep);
    free(plan);
    wait_until_ready(signers);
    return signers;
}

static void
spoke(void *arg, unsigned ready)
{
    struct tls_signers *signers = arg;
    char text[ERROR_MAX];

    (void)ready;
    for (unsigned i = 0; i < signers->width; i++) {
        ssize_t n;

        while ((n = recv(signers->fds[i], text, sizeof(text), MSG_DONTWAIT)) > 0)
            continue; /* one was lost, another is ready: it is in the log */
        if (n == 0) {
            log_note(LOG_ERROR, "tls_keeper_gone");
            loop_stop(signers->loop);
        }
    }
}

void
tls_signers_watch(struct tls_signers *signers, struct loop *loop)
{
    signers->loop = loop;
    for (unsigned i = 0; i < signers->width; i++)
        signers->watches[i] = loop_fd_new(loop, signers->fds[i], LOOP_READ, spoke, signers);
}

void
tls_signers_free(struct tls_signers **signersp)
{
    struct tls_signers *signers = *signersp;

    if (signers == NULL)
        return;
    for (unsigned i = 0; i < signers->width; i++) {
        loop_fd_free(&signers->watches[i]);
        (void)close(signers->fds[i]);
    }
    xfree(signersp);
}
