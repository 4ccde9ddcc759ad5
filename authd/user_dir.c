/*
 * authd/user_dir.c - the one capability that a mailbox session gets: its user's `mail` directory.
 *
 * Paths come from accountd and are checked again. This process may only search the store (O_PATH):
 * it can neither list nor read what it hands out.
 */
#include "authd/user_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/ipc/local_deliver.h"
#include "lib/log/log.h"

enum { MAKE_TIMEOUT_MS = 10000 };

struct making {
    struct store_dirs dirs;
    char *path;
    void (*done)(void *arg, int dir_fd);
    void *arg;
};

int
user_dir_open(const struct store_dirs *dirs, const char *path)
{
    if (store_path_valid(slice_of(path)))
        return store_dirs_open_mail(dirs, slice_of(path), O_PATH);
    errno = EINVAL;
    return -1;
}

static void
dir_created(void *arg, const struct frame_header *header, struct slice payload, int fd)
{
    struct making *making = arg;
    struct store_ctl_reply reply;
    int dir_fd = -1;

    close_keep_errno(fd);
    if (header == NULL || header->type != STORE_CTL_REPLY ||
        store_ctl_reply_decode(payload, &reply) < 0)
        log_event(LOG_WARN, "mailbox_not_made", KV_STR("path", making->path),
                  KV_STR("reason", "local-deliver does not answer"));
    else if (reply.error != 0)
        log_event(LOG_ERROR, "mailbox_not_made", KV_STR("path", making->path),
                  KV_STR("error", store_ctl_error(reply.error)));
    else if ((dir_fd = user_dir_open(&making->dirs, making->path)) < 0)
        log_event(LOG_ERROR, "mailbox_not_opened", KV_STR("path", making->path), KV_ERRNO());
    making->done(making->arg, dir_fd);
    free(making->path);
    free(making);
}

void
user_dir_make(struct server *server, const char *path, const char *place,
              void (*done)(void *arg, int dir_fd), void *arg)
{
    struct strbuf request = strbuf_new(STORE_CTL_PAYLOAD_MAX);
    struct store_ctl ctl = {.path = slice_of(path), .place = slice_of(place), .is_urgent = true};
    struct making *making = xcalloc(1, sizeof(*making));

    making->dirs = server->dirs;
    making->path = xstrdup(path);
    making->done = done;
    making->arg = arg;
    assert_always(store_ctl_encode(&request, STORE_CREATE, &ctl) == 0);
    ipc_async_call(server->stores, &request, MAKE_TIMEOUT_MS, dir_created, making);
    strbuf_free(&request);
}

/* ---- one folder of it ---- */

struct opening {
    void (*done)(void *arg, int dir_fd);
    void *arg;
};

static void
folder_opened(void *arg, const struct frame_header *header, struct slice payload, int fd)
{
    struct opening *opening = arg;
    struct store_ctl_reply reply;

    if (header == NULL || header->type != STORE_CTL_REPLY ||
        store_ctl_reply_decode(payload, &reply) < 0 || reply.error != 0) {
        close_keep_errno(fd);
        fd = -1;
    }
    opening->done(opening->arg, fd);
    free(opening);
}

void
user_dir_open_folder(struct server *server, struct slice path, struct slice dir,
                     void (*done)(void *arg, int dir_fd), void *arg)
{
    struct strbuf request = strbuf_new(STORE_CTL_PAYLOAD_MAX);
    const struct store_ctl ctl = {.path = path, .dir = dir};
    struct opening *opening = xcalloc(1, sizeof(*opening));

    opening->done = done;
    opening->arg = arg;
    assert_always(store_ctl_encode(&request, STORE_OPEN, &ctl) == 0);
    ipc_async_call(server->stores, &request, MAKE_TIMEOUT_MS, folder_opened, opening);
    strbuf_free(&request);
}
