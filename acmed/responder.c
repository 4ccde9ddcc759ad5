/*
 * acmed/responder.c - accepts the authority's connections, and shows what it looks for.
 *
 * Input: requests and handshakes of strangers, each with a limit in size and time; at most
 * CONNECTIONS_MAX at once, a few from one network. Words of our own on the socket.
 */
#include "acmed/responder.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

#include "lib/auth/digest.h"
#include "lib/base/cidr.h"
#include "lib/base/clock.h"
#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/http/request.h"
#include "lib/http/response.h"
#include "lib/ipc/frame.h"
#include "lib/log/log.h"
#include "lib/tls/alpn_challenge.h"

#define PLACE "/.well-known/acme-challenge/"

enum {
    CONNECTIONS_MAX = 64,
    PER_NETWORK_MAX = 8,
    DEADLINE_MS = 10000, /* for the whole of a connection */
    LISTENERS_MAX = 16,
    ACCEPTS_MAX = 16, /* in one turn */
    READ_MAX = 4096,
    RESPONSE_MAX = 4096,
    WORD = 1,
    WORD_MAX = 4096,
    AUTHORIZATION_MAX = 512
};

struct proof {
    char *token, *authorization;
};

struct responder {
    struct daemon *daemon;
    struct loop *loop;
    int fd; /* words come from here */
    struct proof proofs[ACME_NAMES_MAX];
    size_t proof_count;
    struct alpn_server *alpn;
    TAILQ_HEAD(connection_list, connection) connections;
    unsigned count;
    _Atomic uint64_t *shown, *refused;
};

struct listener {
    struct responder *responder;
    int fd;
    bool is_tls;
};

struct connection {
    TAILQ_ENTRY(connection) link;
    struct responder *responder;
    int fd;
    struct ip network;
    struct loop_fd *watch;
    struct loop_timer *timer;
    struct http_request *request; /* of http-01 */
    struct strbuf out;
    struct alpn_connection *tls; /* of tls-alpn-01 */
};

/* ---- words ---- */

int
responder_tell(int fd, const struct responder_word *word)
{
    struct strbuf frame = strbuf_new(WORD_MAX);
    struct writer w = frame_begin(&frame, WORD, 0);
    int rc;

    writer_u8(&w, (uint8_t)word->op);
    writer_bytes(&w, word->host);
    writer_bytes(&w, word->token);
    writer_bytes(&w, word->authorization);
    rc = frame_end(&w);
    if (rc == 0 && (fd < 0 || write(fd, frame.ptr, frame.len) != (ssize_t)frame.len))
        rc = -1;
    strbuf_free(&frame);
    return rc;
}

static void
forget_proofs(struct responder *r)
{
    while (r->proof_count > 0) {
        free(r->proofs[--r->proof_count].token);
        free(r->proofs[r->proof_count].authorization);
    }
    alpn_server_clear(r->alpn);
}

static void
add_proof(struct responder *r, struct slice host, struct slice token, struct slice authorization)
{
    unsigned char digest[DIGEST_MAX];

    if (r->proof_count == ACME_NAMES_MAX)
        return; /* no order has more */
    r->proofs[r->proof_count++] = (struct proof){xslicedup(token), xslicedup(authorization)};
    digest_of(DIGEST_SHA256, authorization, SLICE(""), digest);
    if (alpn_server_set(r->alpn, host, digest) < 0)
        log_event(LOG_WARN, "acme_certificate", KV_SLICE("host", host));
}

static void
take_word(struct responder *r, struct slice frame)
{
    struct reader reader = reader_begin(slice_sub(frame, FRAME_HEADER, frame.len));
    uint8_t op = reader_u8(&reader);
    struct slice host = reader_bytes(&reader, WORD_MAX), token = reader_bytes(&reader, WORD_MAX);
    struct slice authorization = reader_bytes(&reader, AUTHORIZATION_MAX);

    if (reader_end(&reader) < 0)
        return;
    if (op == RESPONDER_SHOW)
        add_proof(r, host, token, authorization);
    else
        forget_proofs(r);
}

static void
hear(void *arg, unsigned ready)
{
    struct responder *r = arg;
    char bytes[WORD_MAX];
    ssize_t n = read(r->fd, bytes, sizeof(bytes));

    (void)ready;
    if (n > FRAME_HEADER)
        take_word(r, slice_make(bytes, (size_t)n));
    else if (n == 0 || (errno != EAGAIN && errno != EINTR))
        loop_stop(r->loop); /* the others are gone */
}

/* ---- connections ---- */

static void
hang_up(struct connection *c)
{
    TAILQ_REMOVE(&c->responder->connections, c, link);
    c->responder->count--;
    loop_fd_free(&c->watch);
    loop_timer_free(&c->timer);
    http_request_free(&c->request);
    alpn_connection_free(&c->tls);
    strbuf_free(&c->out);
    (void)close(c->fd);
    free(c);
}

static void
too_late(void *arg)
{
    hang_up(arg);
}

/* What http-01 shows: NULL, or the proof that the path asks for (RFC 8555 section 8.3). */
static const char *
find_proof(const struct responder *r, struct slice path)
{
    struct slice token = slice_sub(path, sizeof(PLACE) - 1, path.len);

    if (!slice_starts(path, SLICE(PLACE)))
        return NULL;
    for (size_t i = 0; i < r->proof_count; i++)
        if (slice_eq(token, slice_of(r->proofs[i].token)))
            return r->proofs[i].authorization;
    return NULL;
}

static void
answer_request(struct connection *c)
{
    const struct http_request *request = c->request;
    struct slice method = http_request_method(request);
    bool is_get = slice_eq(method, SLICE("GET")), is_head = slice_eq(method, SLICE("HEAD"));
    const char *proof = find_proof(c->responder, http_request_path(request));
    struct http_response response = {.status = 200, .type = "application/octet-stream"};

    if (!is_get && !is_head)
        response = (struct http_response){.status = 405, .extra = "Allow: GET, HEAD\r\n"};
    else if (proof == NULL)
        response = (struct http_response){.status = 404};
    else
        response.content = slice_of(proof);
    if (response.type == NULL) {
        response.type = "text/plain";
        response.content = SLICE("Nothing is served here.\n");
    }
    response.head_only = is_head;
    stats_add(response.status == 200 ? c->responder->shown : c->responder->refused, 1);
    http_response_write(&c->out, &response, clock_real_ms() / 1000);
}

static void
refuse_request(struct connection *c)
{
    stats_add(c->responder->refused, 1);
    http_response_write(&c->out,
                        &(const struct http_response){.status = http_request_status(c->request),
                                                      .type = "text/plain",
                                                      .content = SLICE("This is no request.\n")},
                        clock_real_ms() / 1000);
}

/* False: it is over. */
static bool
write_out(struct connection *c)
{
    ssize_t n = write(c->fd, c->out.ptr, c->out.len);

    if (n < 0)
        return errno == EAGAIN || errno == EINTR;
    strbuf_consume(&c->out, (size_t)n);
    if (c->out.len > 0)
        return true;
    (void)shutdown(c->fd, SHUT_WR); /* then the client's end, or the deadline */
    loop_fd_want(c->watch, LOOP_READ);
    http_request_free(&c->request);
    return true;
}

/* False: it is over. */
static bool
read_in(struct connection *c)
{
    char bytes[READ_MAX];
    ssize_t n = read(c->fd, bytes, sizeof(bytes));
    struct slice input = slice_make(bytes, n > 0 ? (size_t)n : 0);
    enum http_progress progress;

    if (n <= 0)
        return n < 0 && (errno == EAGAIN || errno == EINTR);
    if (c->request == NULL)
        return true; /* it was answered: what comes behind is thrown away */
    progress = http_request_feed(c->request, &input);
    if (progress == HTTP_MORE || progress == HTTP_CONTINUE)
        return true; /* there is no content to ask for */
    if (progress == HTTP_WHOLE)
        answer_request(c);
    else
        refuse_request(c);
    loop_fd_want(c->watch, LOOP_WRITE);
    return true;
}

static void
http_ready(void *arg, unsigned ready)
{
    struct connection *c = arg;

    if (c->out.len > 0 ? !write_out(c) : (ready & LOOP_READ) != 0 && !read_in(c))
        hang_up(c);
}

static void
tls_ready(void *arg, unsigned ready)
{
    struct connection *c = arg;

    (void)ready;
    switch (alpn_connection_step(c->tls)) {
    case ALPN_READ:
        loop_fd_want(c->watch, LOOP_READ);
        return;
    case ALPN_WRITE:
        loop_fd_want(c->watch, LOOP_WRITE);
        return;
    case ALPN_SHOWN:
        stats_add(c->responder->shown, 1);
        break;
    case ALPN_FAILED:
        stats_add(c->responder->refused, 1);
        break;
    }
    hang_up(c);
}

/* Of one customer: an address of IPv4, or the /64 of IPv6. */
static struct ip
network_of(const struct sockaddr_storage *from)
{
    struct ip ip = {0};

    (void)ip_of_sockaddr(from, &ip); /* the listeners have no other families */
    return ip_is_v4(&ip) ? ip : ip_masked(&ip, 64);
}

static bool
has_room(const struct responder *r, const struct ip *network)
{
    const struct connection *c;
    unsigned same = 0;

    TAILQ_FOREACH(c, &r->connections, link)
    same += memcmp(&c->network, network, sizeof(*network)) == 0;
    return same < PER_NETWORK_MAX;
}

/* Who holds a place and says nothing goes first: the authority says what it wants at once. */
static void
make_room(struct responder *r)
{
    if (r->count < CONNECTIONS_MAX)
        return;
    stats_add(r->refused, 1);
    hang_up(TAILQ_FIRST(&r->connections));
}

static void
serve(const struct listener *l, int fd, const struct ip *network)
{
    static const struct http_limits limits = {
        .line_max = 1024, .head_max = 8192, .fields_max = 50, .body_max = 0};
    struct responder *r = l->responder;
    struct connection *c = xcalloc(1, sizeof(*c));

    make_room(r);
    *c = (struct connection){
        .responder = r, .fd = fd, .network = *network, .out = strbuf_new(RESPONSE_MAX)};
    TAILQ_INSERT_TAIL(&r->connections, c, link);
    r->count++;
    c->timer = loop_timer_new(r->loop, too_late, c);
    loop_timer_set(c->timer, DEADLINE_MS);
    if (!l->is_tls) {
        c->request = http_request_new(&limits);
        c->watch = loop_fd_new(r->loop, fd, LOOP_READ, http_ready, c);
        return;
    }
    c->tls = alpn_connection_new(r->alpn, fd);
    if (c->tls == NULL)
        hang_up(c);
    else
        c->watch = loop_fd_new(r->loop, fd, LOOP_READ, tls_ready, c);
}

static void
accept_some(void *arg, unsigned ready)
{
    const struct listener *l = arg;

    (void)ready;
    for (int i = 0; i < ACCEPTS_MAX; i++) {
        struct sockaddr_storage from = {0};
        socklen_t len = sizeof(from);
        int fd = accept4(l->fd, (struct sockaddr *)&from, &len, SOCK_CLOEXEC | SOCK_NONBLOCK);
        struct ip network;

        if (fd < 0)
            return;
        network = network_of(&from);
        if (has_room(l->responder, &network)) {
            serve(l, fd, &network);
        } else {
            stats_add(l->responder->refused, 1);
            (void)close(fd);
        }
    }
}

/* ---- the process ---- */

static size_t
find_listeners(const struct daemon *d, struct responder *r, struct listener *found)
{
    static const char *const labels[] = {"acme-http", "acme-tls"};
    size_t count = 0;

    for (size_t l = 0; l < ARRAY_LEN(labels); l++)
        for (size_t i = 0; count < LISTENERS_MAX; i++) {
            int fd = daemon_listener(d, labels[l], i);

            if (fd < 0)
                break;
            found[count++] = (struct listener){r, fd, l == 1};
        }
    return count;
}

/* Ends with the parent too, whose end of the socket closes then. */
static void
enter_sandbox(struct daemon *d)
{
    struct sandbox box = daemon_sandbox_base(d, USERS_ACME);

    box.calls = SANDBOX_ACCEPT;
    box.chroot_fd = d->is_root ? daemon_empty_dir(d) : -1;
    if (d->is_root && box.chroot_fd < 0)
        err(EX_CANTCREAT, "the empty directory");
    daemon_sandbox(d, &box);
}

static _Noreturn void
run(struct daemon *d, struct responder *r, struct listener *listeners, size_t count)
{
    log_forked();
    stats_process_begin(d->stats, "responder");
    r->shown = stats_counter(d->stats, "challenges_shown");
    r->refused = stats_counter(d->stats, "challenges_refused");
    r->loop = loop_new();
    r->alpn = alpn_server_new();
    TAILQ_INIT(&r->connections);
    if (r->alpn == NULL)
        _exit(EX_SOFTWARE);
    (void)close(d->control_fd); /* the parent's alone */
    enter_sandbox(d);
    stats_process_state(d->stats, "running");
    for (size_t i = 0; i < count; i++)
        (void)loop_fd_new(r->loop, listeners[i].fd, LOOP_READ, accept_some, &listeners[i]);
    (void)loop_fd_new(r->loop, r->fd, LOOP_READ, hear, r);
    loop_run(r->loop);
    stats_process_end(d->stats, getpid());
    log_flush();
    _exit(EXIT_SUCCESS);
}

int
responder_start(struct daemon *d, pid_t *pid)
{
    static struct responder r;
    static struct listener listeners[LISTENERS_MAX];
    size_t count = find_listeners(d, &r, listeners);
    int ends[2];

    *pid = 0;
    if (count == 0)
        return -1;
    for (size_t i = 0; i < count; i++)
        if (fcntl(listeners[i].fd, F_SETFL, O_NONBLOCK) < 0)
            err(EX_OSERR, "a listener");
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
        err(EX_OSERR, "the responder's socket");
    log_flush();
    *pid = fork();
    if (*pid < 0)
        err(EX_OSERR, "the responder");
    if (*pid == 0) {
        (void)close(ends[0]);
        r.fd = ends[1];
        r.daemon = d;
        run(d, &r, listeners, count);
    }
    (void)close(ends[1]);
    return ends[0];
}
