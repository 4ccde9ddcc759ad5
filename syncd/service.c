/*
 * syncd/service.c - when which domain is synchronised.
 *
 *   a wish (a command, or the interval is over) -> how, from accountd -> the directory is read, by
 * a child -> the difference is made, by another child -> the report, to who waits for it
 *
 * One wish after the other. This process talks to accountd and its children; of what they say it
 * takes apart the properties of domains alone.
 */
#include "syncd/service.h"

#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sysexits.h>
#include <unistd.h>

#include "lib/account/canonical.h"
#include "lib/base/clock.h"
#include "lib/base/io.h"
#include "lib/base/map.h"
#include "lib/base/mem.h"
#include "lib/ipc/accountd.h"
#include "lib/ipc/peer.h"
#include "lib/log/log.h"
#include "syncd/reports.h"
#include "syncd/run.h"

enum {
    PEERS_MAX = 32,
    WISHES_MAX = 256, /* more are looked for again at the next tick */
    DOMAIN_MAX = 2,   /* of those that nobody waits for: one under way, one behind it */
    CALLS_MAX = 16,
    TICK_MS = 20000,
    ACCOUNTS_MS = 60000,
    REQUEST_MAX = 4096,
    SCHEDULE_MAX = 100000
};

struct wish {
    TAILQ_ENTRY(wish) link;
    uint64_t run;     /* its number */
    uint64_t peer_id; /* who waits; 0: nobody */
    uint32_t request_id;
    char *domain;
    struct sync_request request; /* its domain is the one above */
};
TAILQ_HEAD(wish_list, wish);

struct service {
    struct daemon *daemon;
    const struct service_options *options;
    struct ipc_server *server;
    struct ipc_async *accounts;
    struct loop_timer *tick;
    struct wish_list wishes;
    unsigned wish_count;
    uint64_t last_run; /* begins with the time: a process after this one goes on above it */
    struct reports *reports;
    struct map *last; /* domain -> int64_t, mono ms: when its last synchronisation began */
    struct strbuf cursor;
    bool is_listing;
    /* the wish under way: the first of the list */
    bool is_busy;
    int64_t began_ms; /* real time */
    struct domain domain;
    struct fetch fetch;
    struct run run;
    struct one_shot *child;
    char *fetched;
    _Atomic uint64_t *done, *failed;
};

static void start_next(struct service *s);

/* ---- the end of a wish ---- */

static void
wish_free(struct service *s, struct wish *w)
{
    TAILQ_REMOVE(&s->wishes, w, link);
    s->wish_count--;
    free(w->domain);
    free(w);
}

/* `frame` has the answer, whatever its id. */
static void
end_wish(struct service *s, struct strbuf *frame, const struct sync_reply *reply)
{
    struct wish *w = TAILQ_FIRST(&s->wishes);
    struct ipc_peer *peer = w->peer_id == 0 ? NULL : ipc_server_peer(s->server, w->peer_id);

    reports_add(s->reports, w->domain,
                &(struct sync_report){.has_ended = true,
                                      .run = w->run,
                                      .began_ms = s->began_ms,
                                      .ended_ms = clock_real_ms(),
                                      .dry_run = w->request.dry_run,
                                      .result = reply->result,
                                      .text = reply->text,
                                      .data = reply->data});
    strbuf_clear(frame);
    if (peer != NULL && sync_reply_encode(frame, w->request_id, reply) == 0)
        ipc_peer_send(peer, frame, -1);
    stats_add(reply->result == SYNC_NOTHING ? s->failed : s->done, 1);
    domain_free(&s->domain);
    xfree(&s->fetched);
    wish_free(s, w);
    s->is_busy = false;
    start_next(s);
}

static void
fail(struct service *s, const char *what, struct slice why)
{
    struct strbuf frame = strbuf_new(REQUEST_MAX), text = strbuf_new(SYNC_TEXT_MAX);
    struct wish *w = TAILQ_FIRST(&s->wishes);

    (void)strbuf_printf(&text, "nothing was changed: %s%.*s", what,
                        (int)(why.len > 1000 ? 1000 : why.len), why.ptr);
    log_event(LOG_WARN, "sync_failed", KV_STR("domain", w->domain),
              KV_SLICE("reason", strbuf_slice(&text)));
    end_wish(s, &frame, &(struct sync_reply){.result = SYNC_NOTHING, .text = strbuf_slice(&text)});
    strbuf_free(&text);
    strbuf_free(&frame);
}

/* ---- in the children ---- */

static void
fetch_errand(void *arg, struct strbuf *reply)
{
    const struct service *s = arg;

    fetch_do(&s->fetch, reply);
}

static void
run_errand(void *arg, struct strbuf *reply)
{
    struct service *s = arg;

    run_do(&s->run, reply);
}

/* ---- the steps ---- */

static void
changed(void *arg, struct slice said)
{
    struct service *s = arg;
    struct frame_header header;
    struct strbuf frame = strbuf_new(SYNC_REPLY_MAX + SYNC_TEXT_MAX + REQUEST_MAX);
    struct sync_reply reply;

    s->child = NULL;
    if (said.len < FRAME_HEADER || frame_header_decode(said.ptr, SYNC_REPLY_MAX * 2, &header) < 0 ||
        sync_reply_decode(slice_sub(said, FRAME_HEADER, said.len), &reply) < 0)
        fail(s, "the process that was to do it has ended, or part of it was done", SLICE(""));
    else
        end_wish(s, &frame, &reply);
    strbuf_free(&frame);
}

static void
fetched(void *arg, struct slice said)
{
    struct service *s = arg;
    struct wish *w = TAILQ_FIRST(&s->wishes);

    s->child = NULL;
    if (said.len == 0) {
        fail(s, "the process that was to read the directory has ended", SLICE(""));
        return;
    }
    if (said.ptr[0] != FETCH_ALL) {
        fail(s, "", slice_sub(said, 1, said.len));
        return;
    }
    s->fetched = xslicedup(slice_sub(said, 1, said.len));
    s->run = (struct run){
        .domain = &s->domain, .wish = w->request, .fetched = slice_make(s->fetched, said.len - 1)};
    s->child = one_shot_start(&s->options->changer, run_errand, changed, s);
    if (s->child == NULL)
        fail(s, "no process could be started", SLICE(""));
}

static void
domain_came(void *arg, const struct frame_header *header, struct slice payload, int fd)
{
    struct service *s = arg;
    struct object_field *fields = xcalloc(OBJECT_FIELDS_MAX, sizeof(*fields));
    struct accountd_admin_reply reply = {.text = SLICE("accountd does not answer")};
    const char *wrong;
    int count = -1;

    close_keep_errno(fd);
    if (header != NULL && header->type == ACCOUNTD_ADMIN_REPLY &&
        accountd_admin_reply_decode(payload, &reply) == 0 && reply.result == 0)
        count = object_next(&reply.data, fields);
    if (count <= 0) {
        fail(s, "", reply.text);
    } else if ((wrong = domain_read(&s->domain, fields, (uint32_t)count)) != NULL) {
        fail(s, wrong, SLICE(""));
    } else {
        s->fetch = (struct fetch){&s->options->fetch, &s->domain};
        s->child = one_shot_start(&s->options->fetcher, fetch_errand, fetched, s);
        if (s->child == NULL)
            fail(s, "no process could be started", SLICE(""));
    }
    free(fields);
}

static void
ask_accounts(struct service *s, const struct accountd_admin *admin,
             void (*came)(void *arg, const struct frame_header *header, struct slice payload,
                          int fd))
{
    struct strbuf request = strbuf_new(REQUEST_MAX);

    assert_always(accountd_admin_encode_as(&request, ACCOUNTD_SYNC, admin) == 0);
    ipc_async_call(s->accounts, &request, ACCOUNTS_MS, came, s);
    strbuf_free(&request);
}

static void
note_start(struct service *s, const char *domain)
{
    void **at = map_at(s->last, slice_of(domain));

    if (at == NULL)
        return;
    if (*at == NULL)
        *at = xmalloc(sizeof(int64_t));
    *(int64_t *)*at = clock_mono_ms();
}

static void
start_next(struct service *s)
{
    const struct wish *w = TAILQ_FIRST(&s->wishes);

    if (w == NULL || s->is_busy)
        return;
    s->is_busy = true;
    s->began_ms = clock_real_ms();
    note_start(s, w->domain);
    ask_accounts(s,
                 &(struct accountd_admin){
                     .verb = SLICE("show"), .kind = SLICE("domain"), .name = slice_of(w->domain)},
                 domain_came);
}

/* Its number; 0: there is no room. */
static uint64_t
add_wish(struct service *s, const struct sync_request *request, uint64_t peer_id, uint32_t id)
{
    struct wish *w;

    if (s->wish_count == WISHES_MAX)
        return 0;
    w = xcalloc(1, sizeof(*w));
    w->run = ++s->last_run;
    w->peer_id = peer_id;
    w->request_id = id;
    w->domain = xslicedup(request->domain);
    w->request = *request;
    w->request.domain = slice_of(w->domain);
    TAILQ_INSERT_TAIL(&s->wishes, w, link);
    s->wish_count++;
    start_next(s);
    return s->last_run;
}

/* ---- intervals ---- */

static bool
is_due(const struct service *s, const struct domain *domain)
{
    const struct wish *w;
    const int64_t *last = map_get(s->last, slice_of(domain->name));

    if (domain->interval_ms == 0 || (last != NULL && clock_mono_ms() - *last < domain->interval_ms))
        return false;
    TAILQ_FOREACH(w, &s->wishes, link)
    if (strcmp(w->domain, domain->name) == 0)
        return false;
    return true;
}

static void
look_at_domain(struct service *s, const struct object_field *fields, uint32_t count)
{
    struct domain domain;

    if (object_get(fields, count, "sync_from").len == 0)
        return;
    if (domain_read(&domain, fields, count) == NULL && is_due(s, &domain))
        (void)add_wish(s, &(struct sync_request){.domain = slice_of(domain.name)}, 0, 0);
    domain_free(&domain);
}

static void list_domains(struct service *s);

static void
domains_came(void *arg, const struct frame_header *header, struct slice payload, int fd)
{
    struct service *s = arg;
    struct object_field *fields = xcalloc(OBJECT_FIELDS_MAX, sizeof(*fields));
    struct accountd_admin_reply reply;
    int count;

    close_keep_errno(fd);
    s->is_listing = false;
    strbuf_clear(&s->cursor);
    if (header != NULL && header->type == ACCOUNTD_ADMIN_REPLY &&
        accountd_admin_reply_decode(payload, &reply) == 0 && reply.result == 0) {
        while ((count = object_next(&reply.data, fields)) > 0)
            look_at_domain(s, fields, (uint32_t)count);
        if (reply.cursor.len > 0 && strbuf_append(&s->cursor, reply.cursor))
            list_domains(s);
    }
    free(fields);
}

static void
list_domains(struct service *s)
{
    s->is_listing = true;
    ask_accounts(s,
                 &(struct accountd_admin){.verb = SLICE("list"),
                                          .kind = SLICE("domain"),
                                          .cursor = strbuf_slice(&s->cursor)},
                 domains_came);
}

static void
tick(void *arg)
{
    struct service *s = arg;

    if (!s->is_listing)
        list_domains(s);
    loop_timer_set(s->tick, TICK_MS);
}

/* ---- commands ---- */

struct errand {
    struct ipc_peer *peer;
    uint32_t request_id;
};

static void
answer(const struct errand *e, const struct sync_reply *reply)
{
    struct strbuf frame = strbuf_new(REQUEST_MAX);

    if (sync_reply_encode(&frame, e->request_id, reply) == 0)
        ipc_peer_send(e->peer, &frame, -1);
    strbuf_free(&frame);
}

static void
refuse(const struct errand *e, struct slice text)
{
    answer(e, &(struct sync_reply){.result = SYNC_NOTHING, .text = text});
}

static bool
is_under_way(const struct service *s, struct slice domain)
{
    const struct wish *w;

    TAILQ_FOREACH(w, &s->wishes, link)
    if (slice_eq(domain, slice_of(w->domain)))
        return true;
    return false;
}

static void
answer_report(struct service *s, const struct errand *e, struct slice domain)
{
    struct strbuf frame = strbuf_new(REPORT_DATA_MAX + SYNC_TEXT_MAX + REQUEST_MAX);
    const struct sync_report *last = reports_find(s->reports, domain);
    struct sync_report report = {.has_ended = false};

    if (last != NULL)
        report = *last;
    report.is_under_way = is_under_way(s, domain);
    if (sync_report_encode(&frame, e->request_id, &report) == 0)
        ipc_peer_send(e->peer, &frame, -1);
    strbuf_free(&frame);
}

/* It would do the same, and has yet to look at the directory. */
static bool
is_waiting_for(const struct service *s, const struct wish *w, const struct sync_request *request)
{
    return w != TAILQ_FIRST(&s->wishes) && slice_eq(w->request.domain, request->domain) &&
           w->request.dry_run == request->dry_run && w->request.adopt == request->adopt &&
           w->request.force == request->force;
}

/* START waits for nobody: who wants to know asks for the report. Asking again and again does not
 * fill the queue for others: what waits already will do. */
static void
take_start(struct service *s, const struct errand *e, const struct sync_request *request)
{
    const struct wish *w = NULL;
    unsigned count = 0;
    uint64_t run = 0;

    TAILQ_FOREACH(w, &s->wishes, link)
    {
        if (slice_eq(slice_of(w->domain), request->domain))
            count++;
        if (is_waiting_for(s, w, request))
            run = w->run;
    }
    if (run == 0 && count >= DOMAIN_MAX) {
        refuse(e, SLICE("two of that domain are under way or wait: try again when one has ended"));
        return;
    }
    if (run == 0)
        run = add_wish(s, request, 0, e->request_id);
    if (run == 0)
        refuse(e, SLICE("too much is under way"));
    else
        answer(e, &(struct sync_reply){.result = SYNC_WHOLE, .run = run});
}

static void
take_run(struct service *s, const struct errand *e, const struct sync_request *request)
{
    if (add_wish(s, request, ipc_peer_id(e->peer), e->request_id) == 0)
        refuse(e, SLICE("too much is under way"));
}

static int
peer_frame(struct ipc_peer *peer, const struct frame_header *header, struct slice payload, int fd)
{
    struct service *s = ipc_peer_data(peer);
    const struct errand e = {peer, header->request_id};
    struct strbuf domain = strbuf_new(CANONICAL_DOMAIN_MAX);
    struct sync_request request;
    int rc = 0;

    if (fd >= 0)
        (void)close(fd); /* nobody has a reason to send us one */
    if (fd >= 0 || sync_request_decode(payload, &request) < 0 ||
        (s->daemon->is_root && ipc_peer_uid(peer) != 0) ||
        canonical_domain(request.domain, &domain) < 0) {
        rc = -1;
    } else {
        request.domain = strbuf_slice(&domain);
        if (header->type == SYNC_RUN)
            take_run(s, &e, &request);
        else if (header->type == SYNC_START)
            take_start(s, &e, &request);
        else if (header->type == SYNC_REPORT)
            answer_report(s, &e, request.domain);
        else
            rc = -1;
    }
    strbuf_free(&domain);
    return rc;
}

static const struct ipc_handlers handlers = {
    .payload_max = SYNC_REQUEST_MAX,
    .frame = peer_frame,
};

static bool
uid_allowed(uid_t uid, void *data)
{
    const struct service *s = data;

    return !s->daemon->is_root && uid == getuid(); /* root always is */
}

/* ---- the service ---- */

struct service *
service_start(struct daemon *d, const struct service_options *options)
{
    struct service *s = xcalloc(1, sizeof(*s));
    int fd = daemon_listener(d, "control", 0);

    if (fd < 0)
        errx(EX_USAGE, "no socket from master: " SYNC_SOCKET);
    s->daemon = d;
    s->options = options;
    TAILQ_INIT(&s->wishes);
    s->last_run = (uint64_t)clock_real_ms();
    s->last = map_new(SCHEDULE_MAX);
    s->reports = reports_new();
    s->cursor = strbuf_new(ACCOUNTD_CURSOR_MAX);
    s->done = stats_counter(d->stats, "synchronisations");
    s->failed = stats_counter(d->stats, "synchronisations_failed");
    s->accounts =
        ipc_async_new(d->loop, AT_FDCWD, ACCOUNTD_SOCKET, ACCOUNTD_PAYLOAD_MAX, CALLS_MAX);
    s->server = ipc_server_new(d->loop, fd, &handlers, uid_allowed, PEERS_MAX, s);
    s->tick = loop_timer_new(d->loop, tick, s);
    one_shot_reap_all(d->loop);
    loop_timer_set(s->tick, 0);
    return s;
}

void
service_stop(struct service **servicep)
{
    struct service *s = *servicep;
    struct wish *w, *next;

    if (s == NULL)
        return;
    one_shot_stop(&s->child);
    ipc_server_free(&s->server);
    s->is_busy = true; /* nothing begins any more */
    for (w = TAILQ_FIRST(&s->wishes); w != NULL; w = next) {
        next = TAILQ_NEXT(w, link);
        wish_free(s, w);
    }
    domain_free(&s->domain);
    xfree(&s->fetched);
    loop_timer_free(&s->tick);
    map_free(&s->last, free);
    reports_free(&s->reports);
    strbuf_free(&s->cursor);
    xfree(servicep);
}
