/*
 * lib/auth/hash_worker.c - the processes that hash (lib/sys/keeper.h keeps them alive).
 *
 * Workers may compute and answer on their socket, nothing else: no file, no network, bounded
 * memory, bounded processor time for each job. They see passwords and records, which come from the
 * front's untrusted side: libcrypt and libargon2 parse the records.
 */
#include "lib/auth/hash_worker.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sysexits.h>
#include <unistd.h>

#include "lib/auth/hash_job.h"
#include "lib/base/mem.h"
#include "lib/sys/keeper.h"

enum {
    JOB_CPU_S = 20,         /* a record that asks for more is no password hash */
    MEMORY_BASE = 256 << 20 /* address space: libraries, stack, an imported hash's memory */
};

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
    struct password_policy own = *policy;
    struct strbuf record = strbuf_new(PASSWORD_RECORD_MAX);
    struct strbuf packet = strbuf_new(HASH_PACKET_MAX);

    if (request->type == HASH_VERIFY) {
        answer.verdict = (uint8_t)password_verify(request->record, request->password);
    } else {
        if (request->record.len > 0)
            own.argon2id = slice_eq(request->record, SLICE("argon2id"));
        answer.verdict = password_hash(&own, request->password, &record) == 0 ? PASSWORD_RIGHT
                                                                              : PASSWORD_UNUSABLE;
        answer.record = strbuf_slice(&record);
    }
    if (hash_answer_encode(&packet, &answer) < 0 ||
        send(fd, packet.ptr, packet.len, MSG_NOSIGNAL) < 0)
        _exit(EX_OSERR); /* the front is gone, or the keeper will tell it */
    strbuf_free(&record);
    strbuf_free(&packet);
}

static void
work(void *arg, int fd)
{
    const struct password_policy *policy = arg;
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

unsigned
hash_workers_width(const struct conf *conf)
{
    uint64_t width = conf_u64(conf, AUTH_HASH_WORKERS);
    long processors = sysconf(_SC_NPROCESSORS_ONLN);

    if (width == 0)
        width = processors > 0 ? (uint64_t)processors : 1;
    return width > HASH_WORKERS_MAX ? HASH_WORKERS_MAX : (unsigned)width;
}

void
hash_workers_start(const struct daemon *d, enum conf_id user, const struct password_policy *policy,
                   unsigned width, int fds[HASH_WORKERS_MAX])
{
    struct password_policy own = *policy;
    struct strbuf lost = strbuf_new(HASH_PACKET_MAX);
    struct hash_answer answer = {.type = HASH_LOST};
    struct keeper_plan plan = {
        .keeper_role = "hash keeper",
        .worker_role = "hash worker",
        .box = daemon_sandbox_base(d, user),
        .width = width,
        .work = work,
        .arg = &own,
    };

    assert_always(hash_answer_encode(&lost, &answer) == 0);
    plan.lost = strbuf_slice(&lost);
    plan.box.calls = SANDBOX_THREADS; /* an argon2 record may ask for lanes */
    plan.box.memory_max = MEMORY_BASE + (uint64_t)policy->argon2_kib * 1024;
    keeper_start(d, &plan, fds);
    strbuf_free(&lost);
}
