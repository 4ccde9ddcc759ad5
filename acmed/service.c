/*
 * acmed/service.c - starts what is due, one job at a time; has the services take what is new;
 * answers the command line.
 *
 * Reads nothing from the network. What is due stands in the state files: whatever ends this
 * process, the next one goes on from there.
 */
#include "acmed/service.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "acmed/responder.h"
#include "lib/base/clock.h"
#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "lib/ipc/acmed.h"
#include "lib/ipc/object.h"
#include "lib/ipc/peer.h"
#include "lib/log/log.h"

#define NEVER INT64_MAX

enum {
    PEERS_MAX = 64,
    SLEEP_MAX_MS = 3600000, /* the clock may be set meanwhile */
    PAUSE_MS = 60000,       /* after a clerk that ended without a word in its state; for a reload */
    ASK_AGAIN_MS = 300000,  /* for the services to take a certificate */
    REASON_MAX = 10
};

struct service {
    const struct clerk_options *options;
    struct managed_list *list;
    struct loop_timer *timer, *take;
    struct ipc_server *server;
    struct clerk *clerk;
    enum clerk_job job;
    struct managed *m;   /* that the clerk works on, or NULL */
    struct state before; /* of m, when the clerk began */
    int64_t taken_ms;
    pid_t responder;  /* or 0 */
    uint64_t peer_id; /* who waits for the clerk, or 0 */
    uint32_t request_id;
    _Atomic uint64_t *issued, *failed;
};

static void plan(struct service *s);

/* ---- having it taken ---- */

/* By the time of its renaming, which the change of an inode tells. One in the future tells nothing,
 * the clock was set back: no reload would be late enough. */
static bool
is_taken(const struct service *s, const struct managed *m)
{
    char *file = xasprintf("%s.crt", m->name);
    int64_t changed_ms = 0;
    struct stat st;

    if (fstatat(s->list->dirfd, file, &st, AT_SYMLINK_NOFOLLOW) == 0)
        changed_ms = (int64_t)st.st_ctim.tv_sec * 1000 + st.st_ctim.tv_nsec / 1000000;
    free(file);
    return !m->is_used || changed_ms <= s->taken_ms || changed_ms > clock_real_ms();
}

/* Master reloads the services, this one among them: if it does, this process ends. True: it was
 * asked to. */
static bool
have_taken(struct service *s)
{
    for (size_t i = 0; i < s->list->count; i++) {
        if (is_taken(s, &s->list->items[i]))
            continue;
        log_event(LOG_INFO, "acme_reload", KV_STR("name", s->list->items[i].name));
        log_flush();
        daemon_files_changed(s->options->daemon);
        loop_timer_set(s->take, ASK_AGAIN_MS);
        return true;
    }
    return false;
}

/* What is begun now would end with a reload. */
static void
go_on(void *arg)
{
    struct service *s = arg;

    if (have_taken(s))
        loop_timer_set(s->timer, PAUSE_MS);
    else
        plan(s);
}

/* ---- jobs ---- */

static void
answer(struct service *s, uint64_t peer_id, uint32_t request_id, const char *trouble,
       struct slice data)
{
    struct ipc_peer *peer = ipc_server_peer(s->server, peer_id);
    struct strbuf frame = strbuf_new(ACMED_PAYLOAD_MAX + FRAME_HEADER);
    const struct acmed_reply reply = {.result = trouble[0] != '\0',
                                      .text = slice_sub(slice_of(trouble), 0, ACMED_TEXT_MAX),
                                      .data = data};

    if (peer != NULL && acmed_reply_encode(&frame, request_id, &reply) == 0)
        ipc_peer_send(peer, &frame, -1);
    strbuf_free(&frame);
}

static void
log_order(struct service *s, const struct managed *m, const char *trouble)
{
    if (trouble[0] == '\0') {
        stats_add(s->issued, 1);
        log_event(LOG_INFO, "acme_issued", KV_STR("name", m->name),
                  KV_STR("serial", m->state.serial), KV_STR("hosts", m->hosts));
    } else {
        stats_add(s->failed, 1);
        log_event(LOG_WARN, "acme_failed", KV_STR("name", m->name), KV_STR("reason", trouble),
                  KV_U64("failures", m->state.failures));
    }
}

/* A clerk that was killed may have left the state as it was: not at once again. */
static void
hold_back(struct service *s)
{
    struct state *state = &s->m->state;
    int64_t later = clock_real_ms() + PAUSE_MS;

    if (s->job == CLERK_LOOK && state->look_ms == s->before.look_ms)
        state->look_ms = later;
    if (s->job == CLERK_ORDER && state->next_ms == s->before.next_ms &&
        state->failures == s->before.failures && strcmp(state->serial, s->before.serial) == 0)
        state->next_ms = later;
}

static void
job_done(void *arg, const char *trouble)
{
    struct service *s = arg;

    s->clerk = NULL; /* frees itself */
    (void)responder_tell(s->options->order.responder_fd,
                         &(const struct responder_word){.op = RESPONDER_CLEAR}); /* or none */
    if (s->m != NULL) {
        state_read(s->list->dirfd, s->m->name, &s->m->state);
        hold_back(s);
        if (s->job == CLERK_ORDER)
            log_order(s, s->m, trouble);
    }
    if (s->peer_id != 0)
        answer(s, s->peer_id, s->request_id, trouble, SLICE(""));
    s->peer_id = 0;
    s->m = NULL;
    go_on(s);
}

static bool
start_job(struct service *s, enum clerk_job job, struct managed *m, unsigned reason)
{
    s->clerk = clerk_start(s->options, job, m, reason, job_done, s);
    if (s->clerk == NULL) {
        log_event(LOG_ERROR, "acme_start", KV_ERRNO());
        return false;
    }
    s->job = job;
    s->m = m;
    if (m != NULL)
        s->before = m->state;
    return true;
}

/* When the certificate wants something next, and what. */
static int64_t
due(const struct managed *m, int64_t now, enum clerk_job *job)
{
    const struct state *state = &m->state;
    int64_t order = state->not_after_ms == 0 ? 0 : state->renew_ms;
    int64_t look = NEVER;

    *job = CLERK_ORDER;
    if (m->defect != NULL || state->is_revoked != 0)
        return NEVER;
    if (order < state->next_ms)
        order = state->next_ms;
    if (state->look_ms > 0 && state->not_after_ms > now) /* RFC 9773 section 4.3 */
        look = state->look_ms;
    if (look >= order)
        return order;
    *job = CLERK_LOOK;
    return look;
}

static int64_t
sleep_ms(int64_t until, int64_t now)
{
    if (until <= now)
        return PAUSE_MS; /* it could not be started */
    return until - now < SLEEP_MAX_MS ? until - now : SLEEP_MAX_MS;
}

/* Starts what has been due longest, or sleeps until something is. */
static void
plan(struct service *s)
{
    int64_t now = clock_real_ms(), first = NEVER;
    struct managed *next = NULL;
    enum clerk_job job = CLERK_ORDER;

    if (s->clerk != NULL || conf_str(s->options->account.conf, ACME_DIRECTORY_URL)[0] == '\0')
        return;
    for (size_t i = 0; i < s->list->count; i++) {
        enum clerk_job one;
        int64_t at = due(&s->list->items[i], now, &one);

        if (at >= first)
            continue;
        first = at;
        next = &s->list->items[i];
        job = one;
    }
    if (next == NULL)
        return;
    if (first <= now && start_job(s, job, next, 0))
        return;
    loop_timer_set(s->timer, sleep_ms(first, now));
}

static void
wake(void *arg)
{
    plan(arg);
}

/* ---- the command line ---- */

static const char *
state_word(const struct service *s, const struct managed *m)
{
    const struct state *state = &m->state;

    if (m->defect != NULL)
        return "unusable";
    if (s->m == m && s->job == CLERK_ORDER)
        return "ordering";
    if (state->is_revoked != 0)
        return "revoked";
    if (state->failures > 0)
        return "failing";
    return state->not_after_ms == 0 ? "waiting" : "issued";
}

static struct slice
time_text(int64_t ms, struct strbuf *out)
{
    if (ms > 0 && ms != NEVER)
        (void)clock_rfc3339(ms, out); /* it fits */
    return strbuf_slice(out);
}

static void
describe(const struct service *s, const struct managed *m, struct strbuf *objects)
{
    struct strbuf next = strbuf_new(32), expires = strbuf_new(32), start = strbuf_new(32),
                  end = strbuf_new(32);
    const struct state *state = &m->state;
    int64_t at = state->not_after_ms == 0 ? 0 : state->renew_ms;
    char failures[24];

    (void)snprintf(failures, sizeof(failures), "%lld", (long long)state->failures);
    if (at < state->next_ms)
        at = state->next_ms;
    if (m->defect != NULL || state->is_revoked != 0)
        at = 0;
    const struct object_field fields[] = {
        {SLICE("name"), slice_of(m->name)},
        {SLICE("state"), slice_of(state_word(s, m))},
        {SLICE("next"), time_text(at, &next)},
        {SLICE("expires"), time_text(state->not_after_ms, &expires)},
        {SLICE("serial"), slice_of(state->serial)},
        {SLICE("hosts"), slice_of(m->hosts)},
        {SLICE("window_start"), time_text(state->window_start_ms, &start)},
        {SLICE("window_end"), time_text(state->window_end_ms, &end)},
        {SLICE("failures"), slice_of(failures)},
        {SLICE("error"), slice_of(m->defect != NULL ? m->defect : state->error)},
        {SLICE("explanation"), slice_of(state->explanation)},
        {SLICE("order"), slice_of(state->order)},
        {SLICE("directory"), slice_of(conf_str(s->options->account.conf, ACME_DIRECTORY_URL))},
    };
    object_add(objects, fields, (uint32_t)ARRAY_LEN(fields));
    strbuf_free(&next);
    strbuf_free(&expires);
    strbuf_free(&start);
    strbuf_free(&end);
}

static void
run_status(struct service *s, struct ipc_peer *peer, uint32_t id)
{
    struct strbuf objects = strbuf_new(ACMED_DATA_MAX);

    for (size_t i = 0; i < s->list->count; i++)
        describe(s, &s->list->items[i], &objects);
    answer(s, ipc_peer_id(peer), id, "", strbuf_slice(&objects));
    strbuf_free(&objects);
}

/* On disk first: it is not forgotten if this process ends now. */
static const char *
run_renew(struct service *s, struct managed *m)
{
    if (m->defect != NULL)
        return m->defect;
    if (s->m == m)
        return s->job == CLERK_ORDER ? "" : "it is being worked on; try again in a moment";
    m->state.renew_ms = clock_real_ms();
    m->state.next_ms = m->state.is_revoked = m->state.failures = 0;
    if (state_write(s->list->dirfd, m->name, &m->state) < 0)
        return strerror(errno);
    plan(s);
    return "";
}

/* NULL: it is begun, and answered when it is done. */
static const char *
run_job(struct service *s, struct ipc_peer *peer, uint32_t id, struct managed *m,
        struct slice detail)
{
    uint64_t reason = 0;

    if (s->clerk != NULL)
        return "another certificate is being worked on; try again in a moment";
    if (m != NULL && parse_u64(detail, REASON_MAX, &reason) < 0)
        return "the reason is a number from 0 to 10 (RFC 5280 section 5.3.1)";
    if (m != NULL && m->state.serial[0] == '\0')
        return "there is no certificate yet";
    if (!start_job(s, m == NULL ? CLERK_ROLL_OVER : CLERK_REVOKE, m, (unsigned)reason))
        return "it cannot be started now";
    s->peer_id = ipc_peer_id(peer);
    s->request_id = id;
    return NULL;
}

static void
run_request(struct service *s, struct ipc_peer *peer, uint32_t id, const struct acmed_request *r)
{
    struct managed *m = managed_find(s->list, r->name);
    const char *trouble;

    if (slice_eq(r->verb, SLICE("status"))) {
        run_status(s, peer, id);
        return;
    }
    if (conf_str(s->options->account.conf, ACME_DIRECTORY_URL)[0] == '\0')
        trouble = "no authority is configured: posthorn config set acme.directory URL";
    else if (slice_eq(r->verb, SLICE("rollover")))
        trouble = run_job(s, peer, id, NULL, SLICE(""));
    else if (m == NULL)
        trouble = "it is not in acme.certificates";
    else if (slice_eq(r->verb, SLICE("renew")))
        trouble = run_renew(s, m);
    else
        trouble = slice_eq(r->verb, SLICE("revoke")) ? run_job(s, peer, id, m, r->detail)
                                                     : "unknown verb";
    if (trouble != NULL)
        answer(s, ipc_peer_id(peer), id, trouble, SLICE(""));
}

static int
peer_frame(struct ipc_peer *peer, const struct frame_header *header, struct slice payload, int fd)
{
    struct service *s = ipc_peer_data(peer);
    struct acmed_request request;

    close_keep_errno(fd); /* none is expected */
    if (header->type != ACMED_REQUEST || acmed_request_decode(payload, &request) < 0)
        return -1;
    run_request(s, peer, header->request_id, &request);
    return 0;
}

static const struct ipc_handlers handlers = {.payload_max = 4096, .frame = peer_frame};

/* Root is always allowed, and the owner of a suite without root. */
static bool
is_owner(uid_t uid, void *data)
{
    const struct service *s = data;

    return !s->options->daemon->is_root && uid == geteuid();
}

/* ---- the service ---- */

/* A clerk's word came through its pipe. Without the responder master starts all of it anew. */
static void
reap(void *arg, int signo)
{
    struct service *s = arg;
    pid_t pid;

    (void)signo;
    while ((pid = waitpid(-1, NULL, WNOHANG)) > 0) {
        stats_process_end(s->options->daemon->stats, pid);
        if (pid != s->responder)
            continue;
        log_event(LOG_ERROR, "acme_responder_ended", KV_I64("child_pid", pid));
        loop_stop(s->options->daemon->loop);
    }
}

struct service *
service_start(const struct clerk_options *options, struct managed_list *list, int64_t taken_ms,
              pid_t responder)
{
    struct daemon *d = options->daemon;
    struct service *s = xcalloc(1, sizeof(*s));
    int fd = daemon_listener(d, "control", 0);

    if (fd < 0)
        errx(EX_USAGE, "no socket from master: " ACMED_SOCKET);
    s->options = options;
    s->list = list;
    s->taken_ms = taken_ms;
    s->responder = responder;
    s->issued = stats_counter(d->stats, "acme_issued");
    s->failed = stats_counter(d->stats, "acme_failed");
    s->timer = loop_timer_new(d->loop, wake, s);
    s->take = loop_timer_new(d->loop, go_on, s);
    s->server = ipc_server_new(d->loop, fd, &handlers, is_owner, PEERS_MAX, s);
    loop_on_signal(d->loop, SIGCHLD, reap, s);
    loop_timer_set(s->take, 0);
    return s;
}

void
service_stop(struct service **servicep)
{
    struct service *s = *servicep;

    if (s == NULL)
        return;
    ipc_server_free(&s->server);
    clerk_stop(&s->clerk);
    loop_timer_free(&s->timer);
    loop_timer_free(&s->take);
    xfree(servicep);
}
