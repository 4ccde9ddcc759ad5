/*
 * t/unit/queue_harness.h - a queue manager in the test's process, with an accountd and delivery
 * agents that do what the recipient's local part says.
 *
 *   NAME@d.test          mailbox d.test/00/NAME       team@d.test      group of a, b, c@d.test
 *   twice@d.test         a@d.test and b@d.test        nobody@d.test    unknown: 5.1.1
 *   fwd@d.test           forward to x@far.test        everything else  remote
 *   away@d.test          has an automatic reply
 *   ghost@d.test         unknown, admin@d.test hears  off@d.test       group of a and b, disabled
 *   later@, laterN@...   deferred by the agent        never@...        bounced by the agent
 *   lost@...             the agent dies with the job the first time; deadly@...: each time
 *   once@...             deferred the first time (with a store)
 *   down@...             deferred, destination_failed
 *   huge@d.test          a group too large to be expanded, as are all behind it in one question
 */
#ifndef POSTHORN_T_UNIT_QUEUE_HARNESS_H
#define POSTHORN_T_UNIT_QUEUE_HARNESS_H

#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "lib/base/clock.h"
#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/ipc/accountd.h"
#include "lib/ipc/peer.h"
#include "lib/ipc/socket.h"
#include "lib/queue/queue_slots.h"
#include "lib/sys/stats.h"
#include "queue-manager/queue.h"
#include "queue-manager/schedule.h"
#include "queue-manager/server.h"
#include "t/unit/queue_senders.h"
#include "t/unit/scratch.h"

#define DELIVERIES_MAX 20000

struct delivery {
    char id[QUEUE_ID_SIZE];
    char address[128];
    char prepend[128];
    char sender[128];
    char forwarder[128];
    char classes[QUEUE_CLASSES_MAX];
    char envelope_rcpts[256];
    uint64_t connection;
    bool in_doubt, auto_reply;
};

struct fake_agent {
    struct ipc_peer *peer;
    uint8_t kind;
    bool silent;         /* takes jobs and never answers */
    bool full;           /* defers everything */
    uint64_t connection; /* a customer's, which it has; 0: none */
};

static struct harness {
    struct loop *loop;
    int run_dirfd, queue_listen, account_listen, root_fd;
    struct ipc_server *accountd;
    struct stats *stats;
    struct queue_settings settings;
    struct queue *queue;
    struct server *server;
    struct fake_agent agents[8];
    size_t agent_count;
    struct delivery *deliveries;
    size_t delivery_count, job_count;
    int job_priority; /* of the last */
    unsigned expansions;
    bool account_mute;
    int store_fd; /* of a directory with a mark for each delivery, or 0 */
    bool lost_once;
    int64_t deadline;
    bool (*until)(void);
    struct loop_timer *watch;
} h;

/* ---- accountd ---- */

static inline void
answer_one(struct accountd_target *targets, uint32_t *count, uint32_t source, struct slice a)
{
    static char paths[4096][160];
    static unsigned next;
    struct accountd_target t = {.source = (uint16_t)source, .address = a};
    struct slice domain = slice_sub(a, slice_index(a, '@') + 1, a.len);
    struct slice local = slice_sub(a, 0, slice_index(a, '@'));
    static const struct slice members[] = {{"a@d.test", 8}, {"b@d.test", 8}, {"c@d.test", 8}};
    uint32_t from = 0, to = 0;

    if (!slice_eq(domain, SLICE("d.test"))) {
        t.kind = ACCOUNTD_TO_REMOTE;
    } else if (slice_eq(local, SLICE("nobody"))) {
        t.kind = ACCOUNTD_TO_FAILURE;
        t.dsn = SLICE("5.1.1");
        t.text = SLICE("no such user");
    } else if (slice_eq(local, SLICE("ghost"))) {
        t.kind = ACCOUNTD_TO_FAILURE;
        t.dsn = SLICE("5.1.1");
        t.text = SLICE("no such mailbox");
        t.notice = SLICE("admin@d.test");
    } else if (slice_eq(local, SLICE("off"))) {
        t.kind = ACCOUNTD_TO_FAILURE;
        t.via = SLICE("group off");
        t.dsn = SLICE("5.2.1");
        t.text = SLICE("mailbox is disabled");
        to = 2;
    } else if (slice_eq(local, SLICE("fwd"))) {
        t.kind = ACCOUNTD_TO_REMOTE;
        t.address = SLICE("x@Far.Test");
        t.via = SLICE("forward");
    } else if (slice_eq(local, SLICE("team"))) {
        to = 3;
        t.via = SLICE("group team");
    } else if (slice_eq(local, SLICE("twice"))) {
        to = 2;
        t.via = SLICE("alias");
    }
    t.auto_reply = slice_eq(local, SLICE("away"));
    for (uint32_t i = from; i < (to == 0 ? 1 : to); i++) {
        if (to > 0)
            t.address = members[i];
        (void)snprintf(paths[next % 4096], sizeof(paths[0]), "d.test/00/%.*s",
                       (int)slice_index(t.address, '@'), t.address.ptr);
        if (t.kind == ACCOUNTD_TO_MAILBOX)
            t.path = slice_of(paths[next++ % 4096]);
        targets[(*count)++] = t;
    }
    if (slice_eq(local, SLICE("fwd")) && slice_eq(domain, SLICE("d.test")))
        targets[(*count)++] = (struct accountd_target){
            .source = (uint16_t)source, .kind = ACCOUNTD_TO_NOBODY, .address = a};
}

struct expand_request {
    struct accountd_target targets[4000];
    uint32_t count;
    bool full; /* "huge@" was among the addresses: no room for those behind it */
};

static inline int
take_address(void *arg, uint32_t i, const struct accountd_recipient *recipient)
{
    struct expand_request *r = arg;
    struct slice address = recipient->address;

    r->full |= slice_starts(address, SLICE("huge@"));
    if (r->full)
        r->targets[r->count++] = (struct accountd_target){.source = (uint16_t)i,
                                                          .kind = ACCOUNTD_TO_FAILURE,
                                                          .address = address,
                                                          .dsn = SLICE("4.5.3")};
    else
        answer_one(r->targets, &r->count, i, address);
    return 0;
}

static inline int
account_frame(struct ipc_peer *peer, const struct frame_header *header, struct slice payload,
              int fd)
{
    static struct expand_request r;
    struct strbuf out = strbuf_new(ACCOUNTD_PAYLOAD_MAX);

    (void)fd;
    if (header->type == ACCOUNTD_SENDERS) {
        strbuf_free(&out);
        return senders_frame(peer, header->request_id, payload);
    }
    h.expansions++;
    if (h.account_mute)
        return -1;
    r.count = 0;
    r.full = false;
    ck_assert_int_eq(accountd_expand_decode(payload, take_address, &r), 0);
    ck_assert_int_eq(accountd_expand_reply_encode(&out, header->request_id, r.targets, r.count), 0);
    ipc_peer_send(peer, &out, -1);
    strbuf_free(&out);
    return 0;
}

/* ---- agents ---- */

/* True if the mark is new. A directory: no call that the queue makes, so a crash test leaves it be.
 */
static inline bool
store_mark(const char *what, struct slice name)
{
    char path[256];

    (void)snprintf(path, sizeof(path), "%s:%.*s", what, (int)name.len, name.ptr);
    return mkdirat(h.store_fd, path, 0700) == 0;
}

/* A mailbox that remembers queue ids, as the store does: only a job in doubt is looked up. */
static inline void
store_deliver(const struct queue_job *job, struct slice address)
{
    char id[QUEUE_ID_SIZE];

    (void)snprintf(id, sizeof(id), "%.*s", (int)job->queue_id.len, job->queue_id.ptr);
    if (!store_mark(id, address) && !job->in_doubt)
        (void)store_mark("TWICE", job->queue_id);
}

static inline struct queue_result_rcpt
outcome_for(const struct queue_job_rcpt *rcpt, bool *failed)
{
    struct queue_result_rcpt r = {
        .index = rcpt->index, .outcome = QUEUE_DELIVERED, .dsn = SLICE("2.0.0")};

    if (slice_starts(rcpt->address, SLICE("later"))) {
        r.outcome = QUEUE_DEFERRED;
        r.dsn = SLICE("4.2.2");
        r.text = SLICE("mailbox busy");
    } else if (slice_starts(rcpt->address, SLICE("once")) && store_mark("tried", rcpt->address)) {
        r.outcome = QUEUE_DEFERRED;
        r.dsn = SLICE("4.2.2");
        r.text = SLICE("mailbox busy");
    } else if (slice_starts(rcpt->address, SLICE("never"))) {
        r.outcome = QUEUE_BOUNCED;
        r.dsn = SLICE("5.1.1");
        r.text = SLICE("550 5.1.1 no such user\r\n here");
        r.remote = SLICE("mx.far.test");
    } else if (slice_starts(rcpt->address, SLICE("passed"))) {
        r.tell_relayed = true;
        r.dsn_relayed = slice_starts(rcpt->address, SLICE("passed-dsn"));
    } else if (slice_starts(rcpt->address, SLICE("alien"))) {
        r.index++; /* of somebody else's job */
    } else if (slice_starts(rcpt->address, SLICE("down"))) {
        r.outcome = QUEUE_DEFERRED;
        r.dsn = SLICE("4.4.1");
        r.text = SLICE("connection refused");
        *failed = true;
    }
    return r;
}

/* Of a customer's connection: it is taken, and said to be over when no more jobs come for it. */
static inline int
agent_connection(struct ipc_peer *peer, uint16_t type, struct slice payload, int fd)
{
    struct fake_agent *agent = ipc_peer_data(peer);
    struct queue_connection connection;
    struct strbuf out = strbuf_new(100);

    ck_assert_int_eq(queue_connection_decode(payload, &connection), 0);
    ck_assert((fd >= 0) == (type == QUEUE_CONNECTION));
    close_keep_errno(fd);
    if (type == QUEUE_CONNECTION) {
        ck_assert_uint_eq(agent->connection, 0);
        agent->connection = connection.number;
    } else {
        ck_assert_uint_eq(agent->connection, connection.number);
        agent->connection = 0;
        ck_assert_int_eq(queue_connection_encode(&out, QUEUE_CONNECTION_OVER, &connection), 0);
        ipc_peer_send(peer, &out, -1);
    }
    strbuf_free(&out);
    return 0;
}

static inline int
agent_frame(struct ipc_peer *peer, const struct frame_header *header, struct slice payload, int fd)
{
    static struct queue_result_rcpt rcpts[QUEUE_JOB_RCPTS_MAX];
    struct fake_agent *agent = ipc_peer_data(peer);
    struct queue_job job;
    struct queue_result result = {.rcpts = rcpts};
    struct strbuf out = strbuf_new(QUEUE_PAYLOAD_MAX);

    if (header->type == QUEUE_CONNECTION || header->type == QUEUE_CONNECTION_END)
        return agent_connection(peer, header->type, payload, fd);
    ck_assert_uint_eq(header->type, QUEUE_JOB);
    ck_assert_int_eq(queue_job_decode(payload, &job), 0);
    ck_assert((fd >= 0) == (agent->kind != QUEUE_AGENT_LOCAL));
    ck_assert_uint_eq(job.connection, agent->connection);
    close_keep_errno(fd);
    h.job_count++;
    h.job_priority = job.priority;
    if (agent->silent)
        goto out;
    if (slice_starts(job.rcpts[0].address, SLICE("deadly")) ||
        (slice_starts(job.rcpts[0].address, SLICE("lost")) && !h.lost_once)) {
        h.lost_once = true;
        queue_job_free(&job);
        return -1;
    }
    result.job_id = job.job_id;
    for (uint32_t i = 0; i < job.rcpt_count; i++) {
        struct delivery *d = &h.deliveries[h.delivery_count];
        struct queue_result_rcpt *r = &rcpts[result.rcpt_count];

        if (slice_starts(job.rcpts[i].address, SLICE("unsaid")))
            continue;
        result.rcpt_count++;
        *r = outcome_for(&job.rcpts[i], &result.destination_failed);
        if (agent->full) {
            r->outcome = QUEUE_DEFERRED;
            r->dsn = SLICE("4.3.1");
            r->text = SLICE("no space");
        }
        if (r->outcome != QUEUE_DELIVERED)
            continue;
        if (h.store_fd > 0)
            store_deliver(&job, job.rcpts[i].address);
        ck_assert_uint_lt(h.delivery_count, DELIVERIES_MAX);
        (void)snprintf(d->id, sizeof(d->id), "%.*s", (int)job.queue_id.len, job.queue_id.ptr);
        (void)snprintf(d->address, sizeof(d->address), "%.*s", (int)job.rcpts[i].address.len,
                       job.rcpts[i].address.ptr);
        (void)snprintf(d->prepend, sizeof(d->prepend), "%.*s", (int)job.prepend.len,
                       job.prepend.ptr);
        (void)snprintf(d->sender, sizeof(d->sender), "%.*s", (int)job.sender.len, job.sender.ptr);
        (void)snprintf(d->forwarder, sizeof(d->forwarder), "%.*s", (int)job.forwarder.len,
                       job.forwarder.ptr);
        (void)snprintf(d->classes, sizeof(d->classes), "%.*s", (int)job.classes.len,
                       job.classes.ptr);
        (void)snprintf(d->envelope_rcpts, sizeof(d->envelope_rcpts), "%.*s",
                       (int)job.envelope_rcpts.len, job.envelope_rcpts.ptr);
        d->connection = job.connection;
        d->in_doubt = job.in_doubt;
        d->auto_reply = job.rcpts[i].auto_reply;
        h.delivery_count++;
    }
    ck_assert_int_eq(queue_result_encode(&out, &result), 0);
    ipc_peer_send(peer, &out, -1);
out:
    strbuf_free(&out);
    queue_job_free(&job);
    return 0;
}

static inline void
agent_closed(struct ipc_peer *peer)
{
    ((struct fake_agent *)ipc_peer_data(peer))->peer = NULL;
}

static inline struct fake_agent *
agent_start(uint8_t kind, uint16_t slots)
{
    static const struct ipc_handlers handlers = {
        .payload_max = QUEUE_PAYLOAD_MAX, .frame = agent_frame, .closed = agent_closed};
    struct queue_hello hello = {.agent = kind, .slots = slots};
    struct strbuf out = strbuf_new(100);
    struct fake_agent *a = &h.agents[h.agent_count++];

    a->kind = kind;
    a->silent = false;
    a->connection = 0;
    a->full = false;
    a->peer = ipc_peer_new(h.loop, ipc_socket_connect(h.run_dirfd, QUEUE_SOCKET), &handlers, a);
    ck_assert_int_eq(queue_hello_encode(&out, &hello), 0);
    ipc_peer_send(a->peer, &out, -1);
    strbuf_free(&out);
    return a;
}

/* ---- the whole ---- */

static inline int
listen_on(const char *name)
{
    struct sockaddr_un address;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    ck_assert_int_eq(ipc_socket_address(h.run_dirfd, name, &address), 0);
    (void)unlinkat(h.run_dirfd, name, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    ck_assert_int_eq(listen(fd, 100), 0);
    return fd;
}

static inline bool
anybody(uid_t uid, void *data)
{
    (void)uid;
    (void)data;
    return true;
}

static inline void
queue_up(void)
{
    struct server_uids uids = {getuid(), getuid(), getuid(), getuid(), getuid(), getuid()};
    char path[128];
    struct spool spool;

    (void)snprintf(path, sizeof(path), "%s/queue", scratch_dir);
    (void)mkdir(path, 0755);
    ck_assert_int_eq(spool_open(&spool, path, getuid(), getgid()), 0);
    h.queue = queue_new(h.loop, &spool, &h.settings, h.stats);
    h.server = server_new(h.queue, h.queue_listen, &uids);
    ck_assert_int_eq(queue_start(h.queue, h.run_dirfd), 0);
}

static inline void
queue_down(void)
{
    server_free(&h.server);
    queue_free(&h.queue);
}

static inline void
check_until(void *arg)
{
    (void)arg;
    if (h.until() || clock_mono_ms() > h.deadline)
        loop_stop(h.loop);
    else
        loop_timer_set(h.watch, 2);
}

/* Runs until `done`; fails after ten seconds. */
static inline void
run_until(bool (*done)(void))
{
    h.until = done;
    h.deadline = clock_mono_ms() + 10000;
    loop_timer_set(h.watch, 0);
    loop_run(h.loop);
    ck_assert_msg(done(), "time passed: %zu deliveries, %zu jobs, %u active", h.delivery_count,
                  h.job_count, h.queue->active_count);
}

static inline int64_t *
wait_end(void)
{
    static int64_t end;

    return &end;
}

static inline bool
waited(void)
{
    return clock_mono_ms() >= *wait_end();
}

static inline void
run_for(int64_t ms)
{
    *wait_end() = clock_mono_ms() + ms;
    run_until(waited);
}

/* In scratch_dir, which may hold what an earlier run has left. */
static inline void
harness_open(void)
{
    static const struct ipc_handlers handlers = {.payload_max = ACCOUNTD_PAYLOAD_MAX,
                                                 .frame = account_frame};

    memset(&h, 0, sizeof(h));
    h.settings = (struct queue_settings){.retry_interval_ms = 60000,
                                         .retry_max_ms = 60000,
                                         .lifetime_ms = 100000,
                                         .active_max = 1000,
                                         .trouble_ms = 20,
                                         .hop_limit = 50,
                                         .destination_concurrency = 20,
                                         .remote_rcpts_max = 100,
                                         .bounce_size_max = 100000,
                                         .double_bounce = true,
                                         .hostname = "mail.d.test",
                                         .postmaster = "postmaster@d.test"};
    wording_load(&h.settings.wording, NULL, "en");
    h.deliveries = xcalloc(DELIVERIES_MAX, sizeof(*h.deliveries));
    h.root_fd = open(scratch_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    (void)mkdirat(h.root_fd, "run", 0700);
    h.run_dirfd = openat(h.root_fd, "run", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    h.loop = loop_new();
    h.watch = loop_timer_new(h.loop, check_until, NULL);
    h.stats = stats_open(h.run_dirfd, "queue", true);
    h.queue_listen = listen_on(QUEUE_SOCKET);
    h.account_listen = listen_on(ACCOUNTD_SOCKET);
    h.accountd = ipc_server_new(h.loop, h.account_listen, &handlers, anybody, 10, NULL);
}

static inline void
harness_start(void)
{
    (void)scratch_make();
    harness_open();
    queue_up();
}

static inline void
harness_stop(void)
{
    if (h.queue != NULL)
        queue_down();
    for (size_t i = 0; i < h.agent_count; i++)
        if (h.agents[i].peer != NULL)
            ipc_peer_close(h.agents[i].peer);
    ipc_server_free(&h.accountd);
    loop_timer_free(&h.watch);
    loop_free(&h.loop);
    stats_close(&h.stats);
    (void)close(h.queue_listen);
    (void)close(h.account_listen);
    (void)close(h.run_dirfd);
    (void)close(h.root_fd);
    free(h.deliveries);
    scratch_remove();
}

/* Commits a message as smtpd does; recipients separated by spaces. NULL: the disk is full. */
static inline const char *
submit_as(const char *sender, const char *rcpts_text, const char *content, uint8_t notify,
          struct queue_envelope base)
{
    static char id[QUEUE_ID_SIZE];
    static struct queue_rcpt rcpts[5000];
    struct queue_slots *slots = queue_slots_new(h.queue->spool.fds[SPOOL_TMP]);
    struct slice rest = slice_of(rcpts_text);
    struct queue_writer *w;
    int fd = queue_slots_take(slots, id);

    base.sender = slice_of(sender);
    base.received_ms = base.received_ms == 0 ? clock_real_ms() : base.received_ms;
    base.rcpts = rcpts;
    while (rest.len > 0)
        rcpts[base.rcpt_count++] =
            (struct queue_rcpt){.address = slice_split(&rest, ' '), .notify = notify};
    queue_slots_free(&slots);
    if (fd < 0)
        return NULL;
    w = queue_writer_adopt(h.queue->spool.fds[SPOOL_TMP], h.queue->spool.fds[SPOOL_NEW], id, fd);
    ck_assert_int_eq(queue_writer_write(w, slice_of(content)), 0);
    if (queue_writer_commit(&w, &base) < 0)
        return NULL;
    queue_trigger(h.queue->spool.trigger_fd);
    return id;
}

static inline const char *
submit(const char *sender, const char *rcpts)
{
    return submit_as(sender, rcpts, "Subject: hello\r\n\r\nbody\r\n", 0,
                     (struct queue_envelope){.rcpt_count = 0});
}

static inline size_t
delivered_to(const char *address)
{
    size_t count = 0;

    for (size_t i = 0; i < h.delivery_count; i++)
        count += strcmp(h.deliveries[i].address, address) == 0;
    return count;
}

/* Entries of one state's directory, ID.env and ID.log included. */
static inline size_t
files_in(enum spool_state state)
{
    int fd = openat(h.queue->spool.fds[state], ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fdopendir(fd);
    struct dirent *e;
    size_t count = 0;

    while ((e = readdir(dir)) != NULL)
        count += e->d_name[0] != '.';
    (void)closedir(dir);
    return count;
}

static inline bool
all_gone(void)
{
    for (int s = SPOOL_TMP; s < SPOOL_STATES; s++)
        if (files_in((enum spool_state)s) > 0)
            return false;
    return h.queue->active_count == 0;
}

static inline bool
one_deferred(void)
{
    return h.queue->active_count == 0 && files_in(SPOOL_DEFERRED) > 0 && files_in(SPOOL_NEW) == 0;
}

#endif
