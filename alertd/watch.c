/*
 * alertd/watch.c - looks after the disks and the certificates, asks master and queue-manager.
 *
 * Input: answers of our own servers, checked like everybody's. Certificates are those of the start:
 * the services, too, take new ones at a reload, which starts alertd anew.
 */
#include "alertd/watch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "alertd/block_watch.h"
#include "alertd/service_watch.h"
#include "lib/base/clock.h"
#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "lib/ipc/master.h"
#include "lib/ipc/peer.h"
#include "lib/ipc/queue_manager.h"
#include "lib/log/log.h"
#include "lib/sys/disk_level.h"
#include "lib/tls/cert_use.h"

enum { PLACES_MAX = 6, ASK_MS = 10000, CALLS_MAX = 4 };

struct place {
    const char *path;
    int fd; /* O_PATH */
};

struct watch {
    struct daemon *daemon;
    struct alerts *alerts;
    struct place places[PLACES_MAX];
    size_t place_count;
    struct disk_limits limits;
    struct cert_uses certificates;
    struct ipc_async *queue, *master; /* NULL: that kind is not looked after */
    struct service_watch *services;
    struct block_watch *blocks;
    struct loop_timer *timer;
    int64_t check_ms;
    uint64_t length_max;
    int64_t age_max_ms;
    void (*looked)(void *arg);
    void *arg;
};

static bool
wants(const struct watch *w, enum alert_kind kind)
{
    const struct conf *conf = w->daemon->conf;

    for (size_t i = 0; i < conf_list_count(conf, ALERT_KINDS); i++)
        if (strcmp(conf_list_item(conf, ALERT_KINDS, i), alert_kind_name(kind)) == 0)
            return true;
    return false;
}

/* ---- disks ---- */

/* Each file system once. */
static void
open_place(struct watch *w, const char *path)
{
    struct disk_room room, other;
    int fd = daemon_open_optional_dir(path);

    if (fd < 0 || disk_room_of(fd, &room) < 0) {
        log_event(LOG_WARN, "place_unreadable", KV_STR("path", path), KV_ERRNO());
        close_keep_errno(fd);
        return;
    }
    for (size_t i = 0; i < w->place_count; i++)
        if (disk_room_of(w->places[i].fd, &other) == 0 && other.id == room.id) {
            close_keep_errno(fd);
            return;
        }
    w->places[w->place_count++] = (struct place){path, fd};
}

static void
judge_disk(struct watch *w, const struct place *place, const struct disk_room *room, int64_t now)
{
    char *name = xasprintf("disk:%s", place->path), files[32] = "", *text;
    enum disk_level before = (enum disk_level)alerts_level(w->alerts, name);
    enum disk_level level = disk_level_of(&w->limits, room, before);

    if (room->files != UINT64_MAX)
        (void)snprintf(files, sizeof(files), " and %llu files", (unsigned long long)room->files);
    text =
        xasprintf("%llu MiB%s are left: %s", (unsigned long long)(room->bytes >> 20), files,
                  level == DISK_FULL  ? "below disk.hard_limit or disk.hard_files, no mail is taken"
                  : level == DISK_LOW ? "below disk.soft_limit or disk.soft_files"
                                      : "enough");
    alerts_set(w->alerts, ALERT_DISK, name, level, text, now);
    free(name);
    free(text);
}

static void
look_at_disks(struct watch *w, int64_t now)
{
    struct disk_room room;

    for (size_t i = 0; i < w->place_count; i++)
        if (disk_room_of(w->places[i].fd, &room) == 0)
            judge_disk(w, &w->places[i], &room, now);
}

/* ---- certificates ---- */

static void
look_at_certificates(struct watch *w, int64_t now)
{
    alerts_begin(w->alerts, ALERT_CERTIFICATE);
    for (size_t i = 0; i < w->certificates.count; i++) {
        const struct cert_use *use = &w->certificates.items[i];
        struct strbuf text = strbuf_new(8192);
        char *name = xasprintf("certificate:%s", use->path);

        if (cert_use_warning(use, w->daemon->conf, now, &text))
            alerts_set(w->alerts, ALERT_CERTIFICATE, name, use->not_after_ms < now ? 2 : 1,
                       strbuf_cstr(&text), now);
        free(name);
        strbuf_free(&text);
    }
    alerts_end(w->alerts, ALERT_CERTIFICATE, now);
}

/* ---- the queue ---- */

/* Above the limit, or not yet below three quarters of it. */
static bool
is_over(const struct watch *w, const char *name, uint64_t value, uint64_t limit)
{
    return limit > 0 &&
           (value > limit || (alerts_level(w->alerts, name) > 0 && value * 4 >= limit * 3));
}

static uint64_t
figure(struct slice data, const char *wanted)
{
    struct object_field fields[OBJECT_FIELDS_MAX];
    uint64_t value = 0;
    int count;

    while ((count = object_next(&data, fields)) > 0)
        if (slice_eq(object_get(fields, (uint32_t)count, "name"), slice_of(wanted)))
            (void)parse_u64(object_get(fields, (uint32_t)count, "value"), INT64_MAX, &value);
    return value;
}

static bool
take_figures(const struct frame_header *header, struct slice payload, int fd,
             struct queue_control_reply *reply)
{
    close_keep_errno(fd); /* none is expected */
    return header != NULL && header->type == QUEUE_CONTROL_REPLY &&
           queue_control_reply_decode(payload, reply) == 0 && reply->result == 0;
}

static void
length_came(void *arg, const struct frame_header *header, struct slice payload, int fd)
{
    static const char name[] = "queue:length";
    struct watch *w = arg;
    struct queue_control_reply reply;
    uint64_t length;
    char text[100];

    if (!take_figures(header, payload, fd, &reply))
        return;
    length = figure(reply.data, "active") + figure(reply.data, "deferred");
    (void)snprintf(text, sizeof(text), "%llu messages wait for delivery (alert.queue_length %llu)",
                   (unsigned long long)length, (unsigned long long)w->length_max);
    alerts_set(w->alerts, ALERT_QUEUE, name, is_over(w, name, length, w->length_max), text,
               clock_real_ms());
    w->looked(w->arg);
}

static void
age_came(void *arg, const struct frame_header *header, struct slice payload, int fd)
{
    static const char name[] = "queue:age";
    struct watch *w = arg;
    int64_t now = clock_real_ms(), oldest, age = 0;
    struct queue_control_reply reply;
    char text[100];

    if (!take_figures(header, payload, fd, &reply))
        return;
    oldest = (int64_t)figure(reply.data, "oldest");
    if (oldest > 0 && oldest < now)
        age = now - oldest;
    (void)snprintf(text, sizeof(text), "the oldest message has waited for %lld h %lld min",
                   (long long)(age / 3600000), (long long)(age / 60000 % 60));
    alerts_set(w->alerts, ALERT_QUEUE, name,
               is_over(w, name, (uint64_t)age, (uint64_t)w->age_max_ms), text, now);
    w->looked(w->arg);
}

static void
ask_queue(struct watch *w, const char *verb,
          void (*came)(void *arg, const struct frame_header *header, struct slice payload, int fd))
{
    const struct queue_control control = {.verb = slice_of(verb)};
    struct strbuf request = strbuf_new(1024);

    assert_always(queue_control_encode(&request, &control) == 0);
    ipc_async_call(w->queue, &request, ASK_MS, came, w);
    strbuf_free(&request);
}

/* ---- services ---- */

static void
services_came(void *arg, const struct frame_header *header, struct slice payload, int fd)
{
    struct watch *w = arg;
    struct master_reply reply;

    close_keep_errno(fd); /* none is expected */
    if (header == NULL || header->type != MASTER_REPLY ||
        master_reply_decode(payload, &reply) < 0 || reply.result != 0)
        return; /* at the next look */
    service_watch_take(w->services, reply.data);
    w->looked(w->arg);
}

static void
ask_master(struct watch *w)
{
    const struct master_request status = {.verb = SLICE("status")};
    struct strbuf request = strbuf_new(1024);

    assert_always(master_request_encode(&request, &status) == 0);
    ipc_async_call(w->master, &request, ASK_MS, services_came, w);
    strbuf_free(&request);
}

/* ---- the whole ---- */

static void
look(void *arg)
{
    struct watch *w = arg;
    int64_t now = clock_real_ms();

    look_at_disks(w, now);
    look_at_certificates(w, now);
    if (w->queue != NULL && w->length_max > 0)
        ask_queue(w, "stats", length_came);
    if (w->queue != NULL && w->age_max_ms > 0)
        ask_queue(w, "age", age_came);
    if (w->master != NULL)
        ask_master(w);
    if (w->blocks != NULL)
        block_watch_look(w->blocks, now);
    alerts_remind(w->alerts, (int64_t)conf_u64(w->daemon->conf, ALERT_REMIND), now);
    w->looked(w->arg);
    loop_timer_set(w->timer, w->check_ms);
}

struct watch *
watch_new(struct daemon *d, struct alerts *alerts)
{
    const char *const paths[] = {d->inst.queue, d->inst.store,   d->inst.stores,
                                 d->inst.db,    d->inst.archive, d->inst.log};
    struct watch *w = xcalloc(1, sizeof(*w));

    w->daemon = d;
    w->alerts = alerts;
    w->check_ms = (int64_t)conf_u64(d->conf, ALERT_CHECK);
    w->length_max = conf_u64(d->conf, ALERT_QUEUE_LENGTH);
    w->age_max_ms = (int64_t)conf_u64(d->conf, ALERT_QUEUE_AGE);
    disk_limits_load(&w->limits, d->conf);
    for (size_t i = 0; i < ARRAY_LEN(paths) && wants(w, ALERT_DISK); i++)
        open_place(w, paths[i]);
    if (wants(w, ALERT_CERTIFICATE))
        cert_uses_read(&w->certificates, d->conf, &d->inst);
    return w;
}

void
watch_start(struct watch *w, void (*looked)(void *arg), void *arg)
{
    struct loop *loop = w->daemon->loop;
    int64_t now = clock_real_ms();

    w->looked = looked;
    w->arg = arg;
    for (int kind = 0; kind < ALERT_KIND_COUNT; kind++) /* what is not looked after is not wrong */
        if (!wants(w, (enum alert_kind)kind)) {
            alerts_begin(w->alerts, (enum alert_kind)kind);
            alerts_end(w->alerts, (enum alert_kind)kind, now);
        }
    if (wants(w, ALERT_QUEUE))
        w->queue = ipc_async_new(loop, AT_FDCWD, QUEUE_SOCKET, QUEUE_PAYLOAD_MAX, CALLS_MAX);
    if (wants(w, ALERT_SERVICE)) {
        w->services =
            service_watch_new(w->alerts, (int64_t)conf_u64(w->daemon->conf, ALERT_SETTLE));
        w->master = ipc_async_new(loop, AT_FDCWD, MASTER_SOCKET, MASTER_PAYLOAD_MAX, CALLS_MAX);
    }
    if (wants(w, ALERT_BLOCK))
        w->blocks = block_watch_new(loop, w->alerts, looked, arg);
    w->timer = loop_timer_new(loop, look, w);
    look(w);
}

void
watch_free(struct watch **watchp)
{
    struct watch *w = *watchp;

    if (w == NULL)
        return;
    loop_timer_free(&w->timer);
    ipc_async_free(&w->queue);
    ipc_async_free(&w->master);
    block_watch_free(&w->blocks);
    service_watch_free(&w->services);
    cert_uses_free(&w->certificates);
    for (size_t i = 0; i < w->place_count; i++)
        close_keep_errno(w->places[i].fd);
    xfree(watchp);
}
