/*
 * accountd/recorder.c - accountd's side: a bounded queue of packets, and the questions under way.
 */
#include "accountd/recorder.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "accountd/recorder_message.h"
#include "accountd/recorder_worker.h"
#include "lib/base/mem.h"
#include "lib/ipc/frame.h"
#include "lib/log/log.h"
#include "lib/sys/keeper.h"

enum {
    GATHER_MS = 100,
    PACKETS_MAX = 256,        /* 8 MB: some 25,000 entries */
    MOVE_PACKETS_MAX = 65536, /* a domain's moves come at once; store.c has as many jobs */
    QUESTIONS_MAX = 64,
    STOP_WAIT_MS = 5000
};

struct packet {
    struct strbuf bytes;
    TAILQ_ENTRY(packet) link;
};

struct question {
    uint32_t id;
    recorder_done *done;
    void *arg;
    TAILQ_ENTRY(question) link;
};

struct recorder {
    struct loop *loop;
    struct recorder_place place;
    int fd;
    struct loop_fd *watch;
    struct loop_timer *timer;
    TAILQ_HEAD(packet_queue, packet) packets; /* the last one still takes frames */
    unsigned packet_count;
    TAILQ_HEAD(question_list, question) questions;
    unsigned question_count;
    uint32_t last_id;
    _Atomic uint64_t *notes, *lost;
};

/* ---- sending ---- */

static void
drop_first(struct recorder *r)
{
    struct packet *packet = TAILQ_FIRST(&r->packets);

    TAILQ_REMOVE(&r->packets, packet, link);
    r->packet_count--;
    strbuf_free(&packet->bytes);
    free(packet);
}

static void
send_packets(struct recorder *r)
{
    struct packet *packet;

    while ((packet = TAILQ_FIRST(&r->packets)) != NULL) {
        /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): it does not follow TAILQ_REMOVE */
        if (packet->bytes.len > 0 && /* an empty one would be the end */
            send(r->fd, packet->bytes.ptr, packet->bytes.len, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 &&
            (errno == EAGAIN || errno == EINTR)) {
            loop_fd_want(r->watch, LOOP_READ | LOOP_WRITE);
            return;
        }
        drop_first(r); /* sent, or there is nobody, which the other direction shows */
    }
    loop_fd_want(r->watch, LOOP_READ);
}

static void
gathered(void *arg)
{
    send_packets(arg);
}

/* Where the next frame goes; NULL: there are `max` packets. */
static struct strbuf *
room(struct recorder *r, unsigned max)
{
    struct packet *packet = TAILQ_LAST(&r->packets, packet_queue);

    if (packet != NULL && packet->bytes.len < RECORDER_PACKET_MAX / 2)
        return &packet->bytes;
    send_packets(r);
    if (r->packet_count >= max)
        return NULL;
    packet = xcalloc(1, sizeof(*packet));
    packet->bytes = strbuf_new(RECORDER_PACKET_MAX);
    TAILQ_INSERT_TAIL(&r->packets, packet, link);
    if (r->packet_count++ == 0)
        loop_timer_set(r->timer, GATHER_MS);
    return &packet->bytes;
}

void
recorder_note(struct recorder *r, const struct recorder_note *note)
{
    struct strbuf *out = r == NULL ? NULL : room(r, PACKETS_MAX);

    if (r == NULL)
        return;
    if (out == NULL || recorder_note_encode(out, note) < 0)
        stats_add(r->lost, 1);
    else
        stats_add(r->notes, 1);
}

/* Its place among the notes says whose they are: so it has room where they have none. */
void
recorder_moved(struct recorder *r, const char *path, const char *new_path)
{
    struct strbuf *out = r == NULL ? NULL : room(r, MOVE_PACKETS_MAX);

    if (r == NULL)
        return;
    if (out == NULL || recorder_moved_encode(out, slice_of(path), slice_of(new_path)) < 0)
        log_event(LOG_ERROR, "records_not_moved", KV_STR("path", path));
}

void
recorder_removed(struct recorder *r, const char *path)
{
    recorder_moved(r, path, "");
}

/* ---- questions ---- */

static void
end_question(struct recorder *r, struct question *q, const struct slice *data, struct slice cursor)
{
    TAILQ_REMOVE(&r->questions, q, link);
    r->question_count--;
    q->done(q->arg, data, cursor);
    free(q);
}

static void
fail_questions(struct recorder *r)
{
    while (!TAILQ_EMPTY(&r->questions))
        /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): it does not follow TAILQ_REMOVE */
        end_question(r, TAILQ_FIRST(&r->questions), NULL, SLICE(""));
}

static bool
ask(struct recorder *r, enum recorder_type type, const struct recorder_question *question,
    recorder_done *done, void *arg)
{
    struct strbuf *out = r->question_count == QUESTIONS_MAX ? NULL : room(r, PACKETS_MAX);
    struct question *q;

    if (out == NULL || recorder_question_encode(out, type, ++r->last_id, question) < 0)
        return false;
    q = xcalloc(1, sizeof(*q));
    *q = (struct question){.id = r->last_id, .done = done, .arg = arg};
    TAILQ_INSERT_TAIL(&r->questions, q, link);
    r->question_count++;
    send_packets(r); /* what was noted until now is in the answer */
    return true;
}

static bool
copy_path(struct recorder_question *question, const char *path)
{
    int len = snprintf(question->path, sizeof(question->path), "%s", path);

    return len >= 0 && (size_t)len < sizeof(question->path);
}

bool
recorder_ask_list(struct recorder *r, const char *path, unsigned kinds, recorder_done *done,
                  void *arg)
{
    struct recorder_question question = {.kinds = kinds};

    return copy_path(&question, path) && ask(r, RECORDER_LIST, &question, done, arg);
}

bool
recorder_ask_sums(struct recorder *r, const char *directory, const struct book_period *period,
                  struct slice cursor, recorder_done *done, void *arg)
{
    struct recorder_question question = {.period = *period, .cursor = cursor};

    return copy_path(&question, directory) && ask(r, RECORDER_SUMS, &question, done, arg);
}

static void
take_answer(struct recorder *r, uint32_t id, struct slice payload)
{
    struct slice data, cursor;
    struct question *q = TAILQ_FIRST(&r->questions);

    while (q != NULL && q->id != id)
        q = TAILQ_NEXT(q, link);
    if (q == NULL)
        return;
    if (recorder_answer_decode(payload, &data, &cursor) < 0)
        end_question(r, q, NULL, SLICE(""));
    else
        end_question(r, q, &data, cursor);
}

static void
receive(struct recorder *r)
{
    static char packet[RECORDER_ANSWER_MAX];
    ssize_t len = recv(r->fd, packet, sizeof(packet), MSG_DONTWAIT);
    struct frame_header header;

    if (len < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (len <= 0) { /* the keeper is gone: master starts us anew, with another one */
        log_event(LOG_ERROR, "recorder_keeper_gone", KV_I64("len", len));
        loop_fd_want(r->watch, 0);
        loop_stop(r->loop);
        return;
    }
    if (len < FRAME_HEADER || frame_header_decode(packet, RECORDER_ANSWER_MAX, &header) < 0 ||
        header.length != (size_t)len - FRAME_HEADER)
        log_event(LOG_ERROR, "recorder_nonsense", KV_I64("len", len));
    else if (header.type == RECORDER_ANSWER)
        take_answer(r, header.request_id, slice_make(packet + FRAME_HEADER, header.length));
    else
        fail_questions(r); /* it died, another one has begun */
}

static void
ready(void *arg, unsigned events)
{
    struct recorder *r = arg;

    if ((events & LOOP_READ) != 0)
        receive(r);
    if ((events & LOOP_WRITE) != 0)
        send_packets(r);
}

/* ---- start and end ---- */

static _Noreturn void
give_up(const char *what)
{
    (void)fprintf(stderr, "accountd: db/recent%s: %s\n", what, strerror(errno));
    exit(EX_CANTCREAT);
}

static int
owned(const struct daemon *d, int fd)
{
    return d->is_root
               ? fchown(fd, daemon_role_uid(d, USERS_ACCOUNT), daemon_role_gid(d, USERS_ACCOUNT))
               : 0;
}

/* Made at the first start. */
static struct recorder_place
open_place(const struct daemon *d)
{
    struct recorder_place place = {.dirfd = daemon_own_dir(d, "recent", USERS_ACCOUNT)};

    place.lockfd = openat(place.dirfd, ".lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (place.lockfd < 0 || owned(d, place.lockfd) < 0)
        give_up("/.lock");
    return place;
}

static void
start_worker(const struct daemon *d, struct recorder *r)
{
    struct strbuf lost = strbuf_new(FRAME_HEADER);
    struct writer w = frame_begin(&lost, RECORDER_LOST, 0);
    const int keep[] = {r->place.dirfd, r->place.lockfd};
    int fds[KEEPER_WORKERS_MAX];
    struct keeper_plan plan = {.keeper_role = "recorder keeper",
                               .worker_role = "recorder",
                               .box = daemon_sandbox_base(d, USERS_ACCOUNT),
                               .width = 1,
                               .work = recorder_work,
                               .arg = &r->place,
                               .keep = keep,
                               .keep_count = ARRAY_LEN(keep)};

    (void)frame_end(&w); /* an empty frame fits */
    plan.lost = strbuf_slice(&lost);
    plan.box.dirs[plan.box.dir_count++] =
        (struct sandbox_dir){r->place.dirfd, SANDBOX_READ | SANDBOX_WRITE};
    plan.box.calls = SANDBOX_FILES;
    keeper_start(d, &plan, fds);
    r->fd = fds[0];
    strbuf_free(&lost);
}

struct recorder *
recorder_new(const struct daemon *d)
{
    struct recorder *r = xcalloc(1, sizeof(*r));

    r->place = open_place(d);
    TAILQ_INIT(&r->packets);
    TAILQ_INIT(&r->questions);
    start_worker(d, r);
    (void)close(r->place.dirfd); /* the worker has them */
    (void)close(r->place.lockfd);
    r->loop = d->loop;
    r->watch = loop_fd_new(d->loop, r->fd, LOOP_READ, ready, r);
    r->timer = loop_timer_new(d->loop, gathered, r);
    r->notes = stats_counter(d->stats, "records");
    r->lost = stats_counter(d->stats, "records_lost");
    return r;
}

void
recorder_free(struct recorder **rp)
{
    struct recorder *r = *rp;
    struct pollfd wait = {.events = POLLOUT};

    if (r == NULL)
        return;
    wait.fd = r->fd;
    while (r->packet_count > 0 && poll(&wait, 1, STOP_WAIT_MS) > 0 && (wait.revents & POLLOUT) != 0)
        send_packets(r);
    while (r->packet_count > 0)
        drop_first(r);
    fail_questions(r);
    loop_fd_free(&r->watch);
    loop_timer_free(&r->timer);
    (void)close(r->fd);
    xfree(rp);
}
