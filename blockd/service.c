/*
 * blockd/service.c - authd tells the list, and the firewall follows it.
 *
 * Input: frames from authd, taken as an attacker's: addresses with their ends, bounded by
 *        lib/auth/blocked_set.h, and nothing else. What can be done with them is to keep addresses
 *        away from our own ports.
 * Until the list is whole, whatever an earlier blockd has left in the firewall stays in force. The
 * table is looked after every RENEW_MS: elements are told again before they end (firewall.h), and
 * what somebody took away (nft flush ruleset) is made anew.
 */
#include "blockd/service.h"

#include <err.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/ipc/blockd.h"
#include "lib/ipc/peer.h"
#include "lib/log/log.h"

enum { PEERS_MAX = 16, RENEW_MS = FIREWALL_KEEP_MS / 3, FRAME_MAX = 512 };

struct service {
    struct loop *loop;
    struct ipc_server *server;
    struct firewall *firewall; /* NULL: off */
    struct blocked_set *list;
    struct loop_timer *renew;
    uid_t auth_uid;
    uint64_t authd; /* the peer whose list it is; 0: none yet */
    enum blockd_condition condition;
    int error; /* FAILED: errno */
    bool has_built;
    uint64_t lost;
    struct {
        _Atomic uint64_t *addresses, *failures, *changes;
    } count;
};

/* ---- the firewall ---- */

static const char *
reason(int error)
{
    switch (error) {
    case EPERM:
        return "no right to change it: it is given when the suite starts (posthorn stop, posthorn "
               "start), and a container needs CAP_NET_ADMIN";
    case EAFNOSUPPORT:
    case EPROTONOSUPPORT:
    case EOPNOTSUPP:
    case ENOENT:
        return "this kernel has no nf_tables, or lacks a part of it";
    default:
        return strerrordesc_np(error);
    }
}

static uint32_t
addresses_in_force(const struct service *s, int64_t now_ms)
{
    const struct blocked_item *item;
    uint32_t count = 0;
    size_t at = 0;

    while ((item = blocked_set_next(s->list, &at)) != NULL)
        count += item->logins_until_ms > now_ms || item->admins_until_ms > now_ms;
    return count;
}

/* Told when it changes: a firewall that is not to be had is not to be had every five minutes. */
static void
note_result(struct service *s, int rc)
{
    int error = rc < 0 ? errno : 0;

    if (rc < 0) {
        stats_add(s->count.failures, 1);
        if (s->condition != BLOCKD_FAILED || s->error != error)
            log_event(LOG_ERROR, "firewall_failed", KV_STR("reason", reason(error)),
                      KV_STR("error", strerrordesc_np(error)),
                      KV_STR("effect", "blocked addresses are refused by the services alone"));
    } else if (s->condition != BLOCKD_ON) {
        log_event(LOG_INFO, "firewall_on", KV_STR("table", "inet " FIREWALL_TABLE),
                  KV_U64("addresses", addresses_in_force(s, clock_real_ms())));
    }
    s->condition = rc < 0 ? BLOCKD_FAILED : BLOCKD_ON;
    s->error = error;
    s->has_built = s->has_built || rc == 0;
}

static void
note_room(struct service *s)
{
    uint64_t lost = blocked_set_lost(s->list);

    if (lost > 0 && s->lost == 0)
        log_event(LOG_WARN, "firewall_full", KV_U64("addresses_max", BLOCKED_MAX),
                  KV_STR("effect", "the services alone refuse further blocked addresses"));
    s->lost = lost;
    atomic_store(s->count.addresses, addresses_in_force(s, clock_real_ms()));
}

static void
build(struct service *s)
{
    note_result(s, firewall_build(s->firewall, s->list, clock_real_ms()));
    note_room(s);
}

/* What found no room in the list finds none in the firewall. An end needs none. */
static void
leave_out_lost(const struct service *s, struct blocked_part *part, int64_t now_ms)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < part->count; i++) {
        const struct blocked_item *item = &part->items[i];

        if ((item->logins_until_ms <= now_ms && item->admins_until_ms <= now_ms) ||
            blocked_set_find(s->list, &item->ip) != NULL)
            part->items[kept++] = *item;
    }
    part->count = kept;
}

static void
change(struct service *s, struct blocked_part *part)
{
    int64_t now_ms = clock_real_ms();

    leave_out_lost(s, part, now_ms);
    if (s->condition != BLOCKD_ON || firewall_change(s->firewall, part, now_ms) < 0)
        build(s); /* what was there is not as we left it */
    stats_add(s->count.changes, part->count);
    note_room(s);
}

/* The counters of the rules go on where the table is as we left it. */
static void
refill(struct service *s)
{
    if (s->condition != BLOCKD_ON || firewall_refill(s->firewall, s->list, clock_real_ms()) < 0)
        build(s);
    note_room(s);
}

static void
renew(void *arg)
{
    struct service *s = arg;

    loop_timer_set(s->renew, RENEW_MS);
    if (blocked_set_is_whole(s->list))
        refill(s);
}

/* ---- who speaks ---- */

static bool
uid_allowed(uid_t uid, void *data)
{
    const struct service *s = data;

    return uid == s->auth_uid;
}

static int
take_part(struct service *s, struct ipc_peer *peer, struct slice payload)
{
    struct blocked_item *items;
    struct blocked_part part;
    int rc = -1;

    if (s->firewall == NULL || ipc_peer_uid(peer) != s->auth_uid)
        return -1;
    items = xcalloc(BLOCKED_ITEMS_MAX, sizeof(*items));
    if (blocked_decode(payload, &part, items) == 0 &&
        (part.anew || s->authd == ipc_peer_id(peer))) {
        s->authd = ipc_peer_id(peer);
        rc = 0;
        switch (blocked_set_take(s->list, &part, clock_real_ms())) {
        case BLOCKED_REFUSED:
            rc = -1;
            break;
        case BLOCKED_PENDING:
            break;
        case BLOCKED_ANEW:
            refill(s);
            break;
        case BLOCKED_CHANGED:
            change(s, &part);
            break;
        }
    }
    free(items);
    return rc;
}

static int
answer_status(struct service *s, struct ipc_peer *peer, const struct frame_header *header)
{
    struct strbuf out = strbuf_new(FRAME_MAX);
    const struct blockd_state state = {
        .condition = (uint8_t)s->condition,
        .addresses = addresses_in_force(s, clock_real_ms()),
        .lost = blocked_set_lost(s->list),
        .why = slice_of(s->condition == BLOCKD_FAILED ? reason(s->error) : "")};
    int rc = blockd_state_encode(&out, header->request_id, &state);

    if (rc == 0)
        ipc_peer_send(peer, &out, -1);
    strbuf_free(&out);
    return rc;
}

static int
peer_frame(struct ipc_peer *peer, const struct frame_header *header, struct slice payload, int fd)
{
    struct service *s = ipc_peer_data(peer);

    if (fd >= 0) {
        (void)close(fd);
        return -1;
    }
    if (header->type == BLOCKD_BLOCKED)
        return take_part(s, peer, payload);
    if (header->type == BLOCKD_STATUS && blockd_status_decode(payload) == 0)
        return answer_status(s, peer, header);
    return -1;
}

static const struct ipc_handlers handlers = {
    .payload_max = BLOCKD_PAYLOAD_MAX,
    .frame = peer_frame,
};

struct service *
service_listen(struct daemon *d, struct firewall *firewall)
{
    struct service *s = xcalloc(1, sizeof(*s));
    int fd = daemon_listener(d, "control", 0);

    if (fd < 0)
        errx(EX_USAGE, "no socket from master: " BLOCKD_SOCKET);
    *s = (struct service){.loop = d->loop,
                          .firewall = firewall,
                          .list = blocked_set_new(),
                          .auth_uid = daemon_role_uid(d, USERS_AUTH),
                          .condition = firewall == NULL ? BLOCKD_OFF : BLOCKD_WAITING};
    s->count.addresses = stats_counter(d->stats, "firewall_addresses");
    s->count.failures = stats_counter(d->stats, "firewall_failures");
    s->count.changes = stats_counter(d->stats, "firewall_changes");
    s->server = ipc_server_new(d->loop, fd, &handlers, uid_allowed, PEERS_MAX, s);
    if (firewall != NULL) {
        s->renew = loop_timer_new(d->loop, renew, s);
        loop_timer_set(s->renew, RENEW_MS);
    }
    return s;
}

bool
service_has_built(const struct service *service)
{
    return service->has_built;
}

void
service_close(struct service **servicep)
{
    struct service *s = *servicep;

    if (s == NULL)
        return;
    ipc_server_free(&s->server);
    if (s->renew != NULL)
        loop_timer_free(&s->renew);
    blocked_set_free(&s->list);
    xfree(servicep);
}
