/*
 * master/control.c - the socket through which the command line asks and orders.
 *
 * Input: frames of root or of the user who started the suite, and of alertd, which may ask for the
 * status and for nothing else; others are refused by their uid. A request that takes time is
 * answered when its services have come to rest.
 */
#include "master/control.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/ipc/master.h"
#include "lib/ipc/peer.h"
#include "lib/ipc/socket.h"
#include "lib/log/log.h"

#define PEERS_MAX 32
#define WAITERS_MAX 64

struct waiter {
    uint64_t peer_id;
    uint32_t request_id;
    struct service *service; /* NULL: waits for all of them */
};

struct control {
    struct loop *loop;
    int run_dirfd, listen_fd;
    struct ipc_server *server;
    struct suite *suite;
    struct waiter waiters[WAITERS_MAX];
    size_t waiter_count;
};

struct control *
control_new(struct loop *loop, int run_dirfd)
{
    struct control *control = xcalloc(1, sizeof(*control));
    struct sockaddr_un address;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    unlink_keep_errno(run_dirfd, MASTER_SOCKET); /* a dead one: we hold the lock */
    if (fd < 0 || ipc_socket_address(run_dirfd, MASTER_SOCKET, &address) < 0 ||
        bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
        fchmodat(run_dirfd, MASTER_SOCKET, 0666, 0) < 0 || listen(fd, PEERS_MAX) < 0) {
        close_keep_errno(fd);
        free(control);
        return NULL;
    }
    control->loop = loop;
    control->run_dirfd = run_dirfd;
    control->listen_fd = fd;
    return control;
}

void
control_free(struct control **controlp)
{
    struct control *control = *controlp;

    if (control == NULL)
        return;
    ipc_server_free(&control->server);
    close_keep_errno(control->listen_fd);
    unlink_keep_errno(control->run_dirfd, MASTER_SOCKET);
    xfree(controlp);
}

static void
answer(struct ipc_peer *peer, uint32_t request_id, uint32_t result, struct slice text,
       struct slice data)
{
    struct strbuf out = strbuf_new(MASTER_PAYLOAD_MAX);
    const struct master_reply reply = {.result = result, .text = text, .data = data};

    if (master_reply_encode(&out, request_id, &reply) == 0)
        ipc_peer_send(peer, &out, -1);
    else
        ipc_peer_close(peer);
    strbuf_free(&out);
}

static void
answer_waiter(struct control *control, const struct waiter *w)
{
    struct ipc_peer *peer = ipc_server_peer(control->server, w->peer_id);
    struct strbuf text = strbuf_new(MASTER_TEXT_MAX), data = strbuf_new(MASTER_DATA_MAX);
    enum master_result result = MASTER_DONE;

    if (w->service == NULL)
        suite_complaints(control->suite, &text);
    else if (service_is_failed(w->service))
        (void)strbuf_printf(&text, "%s: %s\n", service_name(w->service), service_error(w->service));
    if (text.len > 0 && w->service == NULL) {
        result = MASTER_PARTLY;
        suite_describe(control->suite, &data);
    } else if (text.len > 0) {
        result = MASTER_REFUSED;
    }
    if (peer != NULL)
        answer(peer, w->request_id, result, strbuf_slice(&text), strbuf_slice(&data));
    strbuf_free(&text);
    strbuf_free(&data);
}

void
control_changed(struct control *control)
{
    size_t kept = 0;

    for (size_t i = 0; i < control->waiter_count; i++) {
        struct waiter w = control->waiters[i];

        if (w.service == NULL ? suite_is_settled(control->suite) : service_is_settled(w.service))
            answer_waiter(control, &w);
        else
            control->waiters[kept++] = w;
    }
    control->waiter_count = kept;
}

static void
wait_settled(struct control *control, struct ipc_peer *peer, uint32_t request_id,
             struct service *service)
{
    if (control->waiter_count == WAITERS_MAX) {
        answer(peer, request_id, 1, SLICE("too many requests are waiting\n"), SLICE(""));
        return;
    }
    control->waiters[control->waiter_count++] =
        (struct waiter){.peer_id = ipc_peer_id(peer), .request_id = request_id, .service = service};
    control_changed(control);
}

static void
run_status(struct control *control, struct ipc_peer *peer, uint32_t id, struct slice name)
{
    struct strbuf data = strbuf_new(MASTER_DATA_MAX);

    (void)name;
    suite_describe(control->suite, &data);
    answer(peer, id, 0, SLICE(""), strbuf_slice(&data));
    strbuf_free(&data);
}

static void
run_settle(struct control *control, struct ipc_peer *peer, uint32_t id, struct slice name)
{
    (void)name;
    wait_settled(control, peer, id, NULL);
}

static void
run_reload(struct control *control, struct ipc_peer *peer, uint32_t id, struct slice name)
{
    struct strbuf errors = strbuf_new(MASTER_TEXT_MAX);

    (void)name;
    if (suite_reload(control->suite, &errors) < 0)
        answer(peer, id, 1, strbuf_slice(&errors), SLICE(""));
    else
        wait_settled(control, peer, id, NULL);
    strbuf_free(&errors);
}

static void
run_stop(struct control *control, struct ipc_peer *peer, uint32_t id, struct slice name)
{
    (void)name;
    answer(peer, id, 0, SLICE(""), SLICE(""));
    suite_stop(control->suite);
}

static void
run_on_service(struct control *control, struct ipc_peer *peer, uint32_t id, struct slice name,
               void (*run)(struct service *s))
{
    struct service *s = suite_find(control->suite, name);

    if (s == NULL) {
        answer(peer, id, 1, SLICE("there is no such service in services.conf\n"), SLICE(""));
        return;
    }
    run(s);
    wait_settled(control, peer, id, s);
}

static void
run_service_start(struct control *control, struct ipc_peer *peer, uint32_t id, struct slice name)
{
    run_on_service(control, peer, id, name, service_start);
}

static void
run_service_stop(struct control *control, struct ipc_peer *peer, uint32_t id, struct slice name)
{
    struct service *s = suite_find(control->suite, name);

    if (s != NULL && service_row(s)->always)
        answer(peer, id, 1, SLICE("it runs as long as the suite ('startup = always')\n"),
               SLICE(""));
    else
        run_on_service(control, peer, id, name, service_stop);
}

static void
run_service_restart(struct control *control, struct ipc_peer *peer, uint32_t id, struct slice name)
{
    run_on_service(control, peer, id, name, service_restart);
}

static const struct {
    struct slice verb;
    void (*run)(struct control *control, struct ipc_peer *peer, uint32_t id, struct slice name);
} verbs[] = {
    {{"status", 6}, run_status},
    {{"settle", 6}, run_settle},
    {{"reload", 6}, run_reload},
    {{"stop", 4}, run_stop},
    {{"service-start", 13}, run_service_start},
    {{"service-stop", 12}, run_service_stop},
    {{"service-restart", 15}, run_service_restart},
};

static bool
is_owner(uid_t uid)
{
    return uid == 0 || uid == geteuid();
}

static int
handle_frame(struct ipc_peer *peer, const struct frame_header *header, struct slice payload, int fd)
{
    struct control *control = ipc_peer_data(peer);
    struct master_request request;

    close_keep_errno(fd); /* none is expected */
    if (header->type != MASTER_REQUEST || master_request_decode(payload, &request) < 0 ||
        !(is_owner(ipc_peer_uid(peer)) || slice_eq(request.verb, SLICE("status"))))
        return -1;
    if (suite_phase(control->suite) != SUITE_RUNNING && !slice_eq(request.verb, SLICE("status"))) {
        answer(peer, header->request_id, 1, SLICE("the suite is being stopped\n"), SLICE(""));
        return 0;
    }
    for (size_t i = 0; i < ARRAY_LEN(verbs); i++) {
        if (!slice_eq(verbs[i].verb, request.verb))
            continue;
        if (!slice_eq(request.verb, SLICE("status")) && !slice_eq(request.verb, SLICE("settle")))
            log_event(LOG_INFO, "request", KV_SLICE("verb", request.verb),
                      KV_SLICE("name", request.name), KV_U64("by_uid", ipc_peer_uid(peer)));
        verbs[i].run(control, peer, header->request_id, request.name);
        return 0;
    }
    return -1;
}

static bool
may_connect(uid_t uid, void *data)
{
    const struct control *control = data;

    return is_owner(uid) || uid == suite_watcher(control->suite);
}

void
control_serve(struct control *control, struct suite *suite)
{
    static const struct ipc_handlers handlers = {.payload_max = 4096, .frame = handle_frame};

    control->suite = suite;
    control->server = ipc_server_new(control->loop, control->listen_fd, &handlers, may_connect,
                                     PEERS_MAX, control);
}
