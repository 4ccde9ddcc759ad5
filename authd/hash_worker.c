/*
 * authd/hash_worker.c - the processes that hash, and the one that keeps them alive.
 *
 * front --socket i--> worker i; the keeper holds the workers' ends too, so that a new worker goes
 * on where the dead one stopped. Workers may compute and answer on their socket, nothing else: no
 * file, no network, bounded memory, bounded processor time for each job. They see passwords and
 * records, which come from the front's untrusted side: libcrypt and libargon2 parse the records.
 */
#include "authd/hash_worker.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "authd/hash_job.h"
#include "lib/base/mem.h"
#include "lib/log/log.h"

enum {
    JOB_CPU_S = 20,          /* a record that asks for more is no password hash */
    MEMORY_BASE = 256 << 20, /* address space: libraries, stack, an imported hash's memory */
    RESPAWN_PAUSE_MS = 200
};

struct keeper {
    const struct daemon *daemon;
    struct password_policy policy;
    struct sandbox box;
    unsigned width;
    int fds[HASH_WORKERS_MAX]; /* the workers' ends */
    pid_t pids[HASH_WORKERS_MAX];
};

/* ---- one worker ---- */

/* From now on JOB_CPU_S seconds of processor time; then SIGPROF ends us and the keeper tells. */
static void
limit_job(void)
{
    static const struct itimerval limit = {.it_value = {.tv_sec = JOB_CPU_S}};

    (void)setitimer(ITIMER_PROF, &limit, NULL); /* cannot fail with these arguments */
}

static void
answer_job(const struct password_policy *policy, int fd, const struct hash_request *request)
{
    struct hash_answer answer = {.type = HASH_ANSWER, .id = request->id};
    struct strbuf record = strbuf_new(PASSWORD_RECORD_MAX);
    struct strbuf packet = strbuf_new(HASH_PACKET_MAX);

    if (request->type == HASH_VERIFY) {
        answer.verdict = (uint8_t)password_verify(request->record, request->password);
    } else {
        answer.verdict = password_hash(policy, request->password, &record) == 0 ? PASSWORD_RIGHT
                                                                                : PASSWORD_UNUSABLE;
        answer.record = strbuf_slice(&record);
    }
    if (hash_answer_encode(&packet, &answer) < 0 ||
        send(fd, packet.ptr, packet.len, MSG_NOSIGNAL) < 0)
        _exit(EX_OSERR); /* the front is gone, or the keeper will tell it */
    strbuf_free(&record);
    strbuf_free(&packet);
}

static _Noreturn void
work(const struct password_policy *policy, int fd)
{
    char packet[HASH_PACKET_MAX];

    for (;;) {
        struct hash_request request;
        ssize_t len = recv(fd, packet, sizeof(packet), 0);

        if (len < 0 && errno == EINTR)
            continue;
        if (len <= 0 || hash_request_decode(slice_make(packet, (size_t)len), &request) < 0)
            _exit(len == 0 ? EX_OK : EX_PROTOCOL);
        limit_job();
        answer_job(policy, fd, &request);
        mem_wipe(packet, (size_t)len);
    }
}

/* ---- the keeper ---- */

static void
start_worker(struct keeper *keeper, unsigned i)
{
    pid_t pid = fork();

    if (pid < 0) {
        log_event(LOG_ERROR, "hash_worker_fork", KV_ERRNO());
        keeper->pids[i] = 0; /* tried again at the next turn */
        return;
    }
    if (pid > 0) {
        keeper->pids[i] = pid;
        return;
    }
    log_forked();
    sandbox_die_with_parent();
    stats_process_begin(keeper->daemon->stats, "hash worker");
    if (sandbox_enter(&keeper->box) < 0)
        _exit(EX_NOPERM);
    for (unsigned other = 0; other < keeper->width; other++)
        if (other != i)
            (void)close(keeper->fds[other]); /* nothing to do about a failure */
    stats_process_state(keeper->daemon->stats, "running");
    work(&keeper->policy, keeper->fds[i]);
}

static void
worker_died(struct keeper *keeper, pid_t pid, int status)
{
    struct strbuf packet = strbuf_new(HASH_PACKET_MAX);
    struct hash_answer lost = {.type = HASH_LOST};

    stats_process_end(keeper->daemon->stats, pid);
    for (unsigned i = 0; i < keeper->width; i++) {
        if (keeper->pids[i] != pid)
            continue;
        keeper->pids[i] = 0;
        log_event(LOG_WARN, "hash_worker_died", KV_I64("pid", pid), KV_I64("status", status));
        if (hash_answer_encode(&packet, &lost) == 0)
            (void)send(keeper->fds[i], packet.ptr, packet.len, MSG_DONTWAIT | MSG_NOSIGNAL);
    }
    strbuf_free(&packet);
}

static _Noreturn void
keep(struct keeper *keeper)
{
    static const struct timespec pause = {.tv_nsec = RESPAWN_PAUSE_MS * 1000000L};

    for (;;) {
        int status;
        pid_t pid;

        for (unsigned i = 0; i < keeper->width; i++)
            if (keeper->pids[i] == 0)
                start_worker(keeper, i);
        log_flush();
        pid = waitpid(-1, &status, 0);
        /* A worker ends by itself only when the front is gone. The front's death signal does not
         * reach us: Landlock lets no process signal outside of its own domain. */
        if (pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == EX_OK)
            _exit(EX_OK);
        if (pid > 0)
            worker_died(keeper, pid, status);
        (void)nanosleep(&pause, NULL); /* a worker that cannot start must not keep us busy */
    }
}

/* What the front has open is no business of ours: only the workers' sockets and the log stay. */
static void
drop_descriptors(const struct keeper *keeper)
{
    int highest = keeper->daemon->log_fd;

    for (unsigned i = 0; i < keeper->width; i++)
        if (keeper->fds[i] > highest)
            highest = keeper->fds[i];
    for (int fd = STDERR_FILENO + 1; fd <= highest; fd++) {
        bool keep_it = fd == keeper->daemon->log_fd;

        for (unsigned i = 0; i < keeper->width; i++)
            keep_it = keep_it || fd == keeper->fds[i];
        if (!keep_it)
            (void)close(fd); /* most numbers are not open */
    }
    (void)close_range((unsigned)highest + 1, ~0U, 0); /* cannot fail with these arguments */
}

static void
make_sockets(struct keeper *keeper, int front[HASH_WORKERS_MAX])
{
    for (unsigned i = 0; i < keeper->width; i++) {
        int pair[2];

        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0 ||
            fcntl(pair[0], F_SETFL, O_NONBLOCK) < 0)
            err(EX_OSERR, "cannot make a socket for a hash worker");
        front[i] = pair[0];
        keeper->fds[i] = pair[1];
    }
}

static _Noreturn void
keeper_main(struct keeper *keeper)
{
    struct sandbox box = keeper->box;

    log_forked();
    stats_process_begin(keeper->daemon->stats, "hash keeper");
    drop_descriptors(keeper);
    /* what the workers' own sandboxes need on their way in, and they may only take away */
    box.calls = SANDBOX_FORK | SANDBOX_THREADS | SANDBOX_RESTRICT | SANDBOX_CHROOT;
    box.memory_max = 0;
    if (sandbox_enter(&box) < 0 || sandbox_prepare(&keeper->box) < 0)
        _exit(EX_NOPERM);
    sandbox_die_with_parent(); /* after the change of user, which forgets it */
    stats_process_state(keeper->daemon->stats, "running");
    keep(keeper);
}

void
hash_workers_start(const struct daemon *d, const struct password_policy *policy, unsigned width,
                   int fds[HASH_WORKERS_MAX])
{
    struct keeper keeper = {.daemon = d, .policy = *policy, .width = width};
    pid_t pid;

    assert_always(width >= 1 && width <= HASH_WORKERS_MAX);
    keeper.box = daemon_sandbox_base(d, USERS_AUTH);
    keeper.box.calls = SANDBOX_THREADS; /* an argon2 record may ask for lanes */
    keeper.box.memory_max = MEMORY_BASE + (uint64_t)policy->argon2_kib * 1024;
    make_sockets(&keeper, fds);
    log_flush();
    pid = fork();
    if (pid < 0)
        err(EX_OSERR, "cannot fork the hash workers");
    if (pid == 0)
        keeper_main(&keeper);
    for (unsigned i = 0; i < width; i++)
        (void)close(keeper.fds[i]); /* ours are the other ends */
}
