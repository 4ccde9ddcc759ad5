/*
 * local-deliver/keeper.c - the store's control socket (lib/ipc/local_deliver.h).
 *
 * Input: requests from accountd and authd, paths checked as if they came from outside. Every
 * request may come twice (the sender remembers until it has the answer) and then changes nothing.
 */
#include "local-deliver/keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/ipc/local_deliver.h"
#include "lib/ipc/peer.h"
#include "lib/log/log.h"
#include "lib/store/move.h"
#include "lib/store/store.h"
#include "local-deliver/errand.h"
#include "local-deliver/maker.h"
#include "local-deliver/removal.h"
#include "local-deliver/user_dir.h"

enum { PEERS_MAX = 64, MOVES_MS = 2000 };

struct keeper {
    struct daemon *daemon;
    struct store_dirs dirs;
    struct keeper_peers peers;
    struct ipc_server *server;
    struct removal *removal;
    struct maker *maker;
    struct loop_timer *moves;       /* looks for those that did not come to their end */
    struct errands *errands, *urls; /* apart: slow readers keep nobody's charge waiting */
    struct strbuf out;
};

static bool
allowed(uid_t uid, void *data)
{
    const struct keeper *k = data;

    return uid == k->peers.account || uid == k->peers.auth;
}

static int
measure(struct keeper *k, const struct store_ctl *req, struct store_ctl_reply *reply)
{
    const struct store_options options = {.read_only = true};
    int fd = user_dir_open(&k->dirs, req->path);
    struct store *store;
    int error = 0;

    if (fd < 0)
        return errno == ENOENT ? 0 : errno; /* no directory yet: nothing is in it */
    store = store_open(fd, &options);
    if (store == NULL || store_usage(store, &reply->bytes, &reply->messages) < 0)
        error = errno;
    store_close(&store);
    (void)close(fd);
    return error;
}

static void
put_moves_right(void *arg)
{
    struct keeper *k = arg;

    if (store_move_recover(&k->dirs) < 0 && errno != EBUSY)
        log_event(LOG_ERROR, "move_left", KV_ERRNO());
    loop_timer_set(k->moves, MOVES_MS);
}

/* Without making anything: who shares a folder has it. */
static int
open_folder(struct keeper *k, const struct store_ctl *req, int *folder_fd)
{
    int fd = user_dir_open(&k->dirs, req->path), error = 0;
    char *dir;

    if (fd < 0)
        return errno;
    dir = xslicedup(req->dir);
    *folder_fd = openat(fd, dir, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (*folder_fd < 0)
        error = errno;
    free(dir);
    (void)close(fd);
    return error;
}

static const char *
name_of(uint16_t type)
{
    switch (type) {
    case STORE_CREATE:
        return "create";
    case STORE_REMOVE:
        return "remove";
    case STORE_RENAME:
        return "rename";
    case STORE_RECOUNT:
        return "recount";
    case STORE_CHARGE:
        return "charge";
    case STORE_OPEN:
        return "open";
    case STORE_FOLDER_CREATE:
        return "folder_create";
    case STORE_FOLDER_REMOVE:
        return "folder_remove";
    case STORE_FOLDER_RENAME:
        return "folder_rename";
    case STORE_COUNTS:
        return "counts";
    default:
        return "usage";
    }
}

static bool
is_request(uint16_t type)
{
    return (type >= STORE_CREATE && type <= STORE_USAGE) || type == STORE_OPEN ||
           errand_takes(type);
}

static void
log_request(uint16_t type, const struct store_ctl *req, uint32_t error)
{
    if (error != 0 || (type != STORE_USAGE && type != STORE_OPEN))
        log_event(error != 0 ? LOG_ERROR : LOG_INFO, "store", KV_STR("do", name_of(type)),
                  KV_SLICE("path", req->path), KV_SLICE("new_path", req->new_path),
                  KV_SLICE("place", req->place),
                  KV_STR("error", error == 0 ? "" : store_ctl_error(error)));
}

/* The answer to a request of a peer that may be gone by now. */
static void
errand_done(void *arg, const struct errand_asker *asker, const struct store_ctl_reply *reply,
            int text_fd)
{
    struct keeper *k = arg;
    struct ipc_peer *peer = ipc_server_peer(k->server, asker->peer_id);

    if (peer != NULL && store_ctl_reply_encode(&k->out, asker->request_id, reply) == 0)
        ipc_peer_send(peer, &k->out, text_fd);
}

static void
made(void *arg, const struct maker_request *req, uint32_t error)
{
    struct keeper *k = arg;

    if (req->type == STORE_REMOVE)
        removal_look(k->removal);
    log_request(req->type, &req->ctl, error);
    errand_done(k, &req->asker, &(struct store_ctl_reply){.error = error}, -1);
}

/* Who reads the mail of whom is logged by authd, which knows both. */
static int
url_came(struct ipc_peer *peer, const struct frame_header *header, struct slice payload)
{
    struct keeper *k = ipc_peer_data(peer);
    const struct errand_asker asker = {ipc_peer_id(peer), header->request_id};
    struct store_url req;

    if (store_url_decode(payload, &req) < 0)
        return -1;
    if (errand_begin_url(k->urls, &req, &asker) < 0)
        errand_done(k, &asker, &(struct store_ctl_reply){.error = (uint32_t)errno}, -1);
    return 0;
}

static bool
is_for_maker(uint16_t type)
{
    return type == STORE_CREATE || type == STORE_REMOVE || type == STORE_RENAME;
}

static int
begin(struct keeper *k, const struct ipc_peer *peer, const struct frame_header *header,
      const struct store_ctl *req)
{
    const struct errand_asker asker = {ipc_peer_id(peer), header->request_id};
    const struct maker_request order = {
        .type = header->type, .asker = asker, .is_urgent = req->is_urgent, .ctl = *req};

    return is_for_maker(header->type) ? maker_add(k->maker, &order)
                                      : errand_begin(k->errands, header->type, req, &asker);
}

static int
frame_came(struct ipc_peer *peer, const struct frame_header *header, struct slice payload, int fd)
{
    struct keeper *k = ipc_peer_data(peer);
    struct store_ctl_reply reply = {0};
    struct store_ctl req;
    int folder_fd = -1;

    if (fd >= 0)
        (void)close(fd); /* no request has one */
    if (header->type == STORE_URL)
        return url_came(peer, header, payload);
    if (!is_request(header->type) || store_ctl_decode(payload, &req) < 0 ||
        !store_path_valid(req.path) ||
        (header->type == STORE_RENAME && !store_path_valid(req.new_path)) ||
        (req.place.len > 0 && !store_dir_id_valid(req.place)) ||
        (header->type == STORE_OPEN && !store_dir_valid(req.dir)))
        return -1;
    if (errand_takes(header->type) || is_for_maker(header->type)) {
        if (begin(k, peer, header, &req) == 0)
            return 0; /* answered when it is done */
        reply.error = (uint32_t)errno;
    } else if (header->type == STORE_OPEN) {
        reply.error = (uint32_t)open_folder(k, &req, &folder_fd);
    } else {
        reply.error = (uint32_t)measure(k, &req, &reply);
    }
    log_request(header->type, &req, reply.error);
    if (store_ctl_reply_encode(&k->out, header->request_id, &reply) == 0)
        ipc_peer_send(peer, &k->out, folder_fd);
    close_keep_errno(folder_fd);
    return 0;
}

struct keeper_peers
keeper_find_peers(const struct daemon *d)
{
    return (struct keeper_peers){.account = daemon_role_uid(d, USERS_ACCOUNT),
                                 .auth = daemon_role_uid(d, USERS_AUTH)};
}

struct keeper *
keeper_new(struct daemon *d, const struct store_dirs *dirs, const struct keeper_peers *peers)
{
    static const struct ipc_handlers handlers = {.payload_max = STORE_CTL_PAYLOAD_MAX,
                                                 .frame = frame_came};
    struct keeper *k = xcalloc(1, sizeof(*k));
    int fd = daemon_listener(d, "control", 0);

    k->daemon = d;
    k->dirs = *dirs;
    k->peers = *peers;
    if (store_dirs_is_unmarked_store(dirs->main_fd) &&
        store_dirs_mark(dirs->main_fd, STORE_DIR_MAIN) == 0)
        log_event(LOG_INFO, "store_marked", KV_STR("directory", STORE_DIR_MAIN));
    k->out = strbuf_new(STORE_CTL_PAYLOAD_MAX);
    k->removal = removal_new(d, dirs);
    k->maker = maker_new(d, dirs, made, k);
    k->moves = loop_timer_new(d->loop, put_moves_right, k);
    loop_timer_set(k->moves, 1);
    k->errands = errands_new(d, dirs, errand_done, k);
    k->urls = errands_new(d, dirs, errand_done, k);
    if (fd >= 0)
        k->server = ipc_server_new(d->loop, fd, &handlers, allowed, PEERS_MAX, k);
    return k;
}

void
keeper_free(struct keeper **keeperp)
{
    struct keeper *k = *keeperp;

    errands_free(&k->errands);
    errands_free(&k->urls);
    ipc_server_free(&k->server);
    loop_timer_free(&k->moves);
    maker_free(&k->maker);
    removal_free(&k->removal);
    strbuf_free(&k->out);
    xfree(keeperp);
}
