/*
 * authd/block_feed.c - tells of blocked addresses those who refuse them early.
 */
#include "authd/block_feed.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/conf/networks.h"
#include "lib/ipc/authd.h"
#include "lib/ipc/blockd.h"
#include "lib/ipc/socket.h"
#include "lib/log/log.h"

enum {
    FOLLOWERS_MAX = 64, /* as many as there can be parents */
    RETRY_MS = 500,     /* blockd is away */
    ANEW_DELAY_MS = 200 /* names of the white list come one by one */
};
static const enum conf_id proxies[] = {SMTP_PROXIES, ADMIN_PROXIES, POP3_PROXIES, LDAP_PROXIES,
                                       IMAP_PROXIES};

struct block_feed {
    struct server *server;
    const struct block_source *source;
    uint64_t followers[FOLLOWERS_MAX]; /* parents */
    size_t follower_count;
    /* Their clients' addresses the firewall does not see, only theirs: never blocked there. */
    struct networks balancers[ARRAY_LEN(proxies)];
    struct ipc_peer *blockd; /* NULL: not connected */
    bool away_logged, cut_logged;
    struct loop_timer *retry, *anew;
    bool draining;
};

/* ---- one who listens ---- */

/* Parents by their id; 0: blockd. */
struct listener {
    struct block_feed *feed;
    uint64_t parent_id;
    bool is_gone;
    struct blocked_part part; /* is gathered */
    uint32_t told;
    struct blocked_item items[BLOCKED_ITEMS_MAX];
};

static void
send_part(struct listener *to)
{
    struct block_feed *feed = to->feed;
    struct strbuf frame = strbuf_new(BLOCKED_PAYLOAD_MAX + FRAME_HEADER);
    int rc = blocked_encode(&frame, to->parent_id == 0 ? BLOCKD_BLOCKED : AUTHD_BLOCKS, &to->part);

    assert_always(rc == 0);
    if (to->parent_id != 0)
        to->is_gone = !attach_send(feed->server->attach, to->parent_id, &frame);
    else if (feed->blockd != NULL)
        ipc_peer_send(feed->blockd, &frame, -1);
    strbuf_free(&frame);
    to->told += to->part.count;
    to->part.count = 0;
    to->part.anew = false;
}

static struct listener *
listener_new(struct block_feed *feed, uint64_t parent_id)
{
    struct listener *to = xcalloc(1, sizeof(*to));

    to->feed = feed;
    to->parent_id = parent_id;
    to->part.items = to->items;
    return to;
}

/* ---- what they are told ---- */

static bool
is_balancer(const struct block_feed *feed, const struct cidr *address)
{
    for (size_t i = 0; i < ARRAY_LEN(feed->balancers); i++)
        for (size_t j = 0; j < feed->balancers[i].count; j++)
            if (cidr_overlap(&feed->balancers[i].items[j], address))
                return true;
    return false;
}

static int64_t
end_of(const struct block_feed *feed, enum block_kind kind, struct slice name, bool by_hand)
{
    const struct block *block = block_list_find(feed->source->blocks, kind, name, clock_real_ms());

    return block == NULL || (by_hand && block->cause != BLOCK_BY_HAND) ? 0 : block->end_ms;
}

/* As guard.c judges: what is blocked by hand is so for administrators, too. False: that is no
 * address that can be told of. */
static bool
describe(const struct listener *to, struct slice name, struct blocked_item *item)
{
    const struct block_feed *feed = to->feed;
    struct cidr address;
    int64_t by_hand;

    if (cidr_parse(name, &address) < 0 || !blocked_address_is_valid(&address.net))
        return false;
    *item = (struct blocked_item){.ip = address.net};
    if (white_list_touches(feed->source->white_list, &address) ||
        (to->parent_id == 0 && is_balancer(feed, &address)))
        return true;
    item->logins_until_ms = end_of(feed, BLOCK_ADDRESS, name, false);
    item->admins_until_ms = end_of(feed, BLOCK_ADMIN_ADDRESS, name, false);
    by_hand = end_of(feed, BLOCK_ADDRESS, name, true);
    if (by_hand > item->admins_until_ms)
        item->admins_until_ms = by_hand;
    return true;
}

static bool
is_address(const struct block *block)
{
    return block->kind == BLOCK_ADDRESS || block->kind == BLOCK_ADMIN_ADDRESS;
}

static void
tell_address(struct listener *to, struct slice name)
{
    if (!describe(to, name, &to->items[to->part.count]))
        return;
    to->part.count++;
    if (to->part.count == BLOCKED_ITEMS_MAX)
        send_part(to);
}

/* Once: a list that is full is so for everybody, and for as long as the blocks last. */
static void
note_cut(struct block_feed *feed)
{
    if (!feed->cut_logged)
        log_event(LOG_WARN, "blocked_list_cut", KV_U64("addresses_max", BLOCKED_MAX),
                  KV_STR("effect", "logins from the addresses that were blocked first are refused "
                                   "later"));
    feed->cut_logged = true;
}

/* The newest first: those come back. */
static void
tell_whole(struct listener *to)
{
    const struct block_list *blocks = to->feed->source->blocks;
    const struct listed_block *entry = block_list_before(blocks, NULL);
    int64_t now_ms = clock_real_ms();

    to->part.anew = true;
    for (; entry != NULL; entry = block_list_before(blocks, entry)) {
        if (!is_address(&entry->block) || entry->block.end_ms <= now_ms)
            continue;
        if (to->told + to->part.count >= BLOCKED_MAX)
            break;
        tell_address(to, entry->block.name);
    }
    if (entry != NULL)
        note_cut(to->feed);
    to->part.whole = true;
    send_part(to);
}

/* `name` empty: the whole list. False: it is gone. */
static bool
tell(struct block_feed *feed, uint64_t parent_id, struct slice name)
{
    struct listener *to = listener_new(feed, parent_id);
    bool is_there;

    if (name.len == 0)
        tell_whole(to);
    else
        tell_address(to, name);
    if (to->part.count > 0)
        send_part(to);
    is_there = !to->is_gone;
    free(to);
    return is_there;
}

static void
tell_all(struct block_feed *feed, struct slice name)
{
    size_t kept = 0;

    if (feed->source->blocks == NULL || feed->draining)
        return;
    for (size_t i = 0; i < feed->follower_count; i++)
        if (tell(feed, feed->followers[i], name))
            feed->followers[kept++] = feed->followers[i];
    feed->follower_count = kept;
    if (feed->blockd != NULL)
        (void)tell(feed, 0, name); /* a lost connection is made again, and begins anew */
}

/* Of those that have gone, and of that one. */
static void
forget_gone(struct block_feed *feed, uint64_t parent_id)
{
    size_t kept = 0;

    for (size_t i = 0; i < feed->follower_count; i++)
        if (feed->followers[i] != parent_id &&
            attach_is_there(feed->server->attach, feed->followers[i]))
            feed->followers[kept++] = feed->followers[i];
    feed->follower_count = kept;
}

void
block_feed_follow(struct block_feed *feed, uint64_t parent_id)
{
    if (feed->draining)
        return; /* it asks the newer authd */
    forget_gone(feed, parent_id);
    if (feed->follower_count == FOLLOWERS_MAX) {
        log_event(LOG_WARN, "blocked_follower_refused", KV_U64("followers_max", FOLLOWERS_MAX),
                  KV_STR("effect", "a service refuses blocked addresses at the login only"));
        return;
    }
    if (feed->source->blocks == NULL || tell(feed, parent_id, SLICE("")))
        feed->followers[feed->follower_count++] = parent_id;
}

void
block_feed_changed(struct block_feed *feed, struct slice name)
{
    if (name.len > 0)
        tell_all(feed, name);
}

void
block_feed_anew(struct block_feed *feed)
{
    tell_all(feed, SLICE(""));
}

static void
tell_anew(void *arg)
{
    block_feed_anew(arg);
}

void
block_feed_anew_soon(struct block_feed *feed)
{
    if (!feed->draining)
        loop_timer_set(feed->anew, ANEW_DELAY_MS);
}

/* ---- blockd ---- */

/* It says nothing by itself. */
static int
frame_came(struct ipc_peer *peer, const struct frame_header *header, struct slice payload, int fd)
{
    (void)peer;
    (void)header;
    (void)payload;
    close_keep_errno(fd);
    return -1;
}

static void
connection_closed(struct ipc_peer *peer)
{
    struct block_feed *feed = ipc_peer_data(peer);

    feed->blockd = NULL;
    if (!feed->draining)
        loop_timer_set(feed->retry, RETRY_MS);
}

static const struct ipc_handlers handlers = {
    .payload_max = BLOCKD_PAYLOAD_MAX, .frame = frame_came, .closed = connection_closed};

static void
connect_blockd(void *arg)
{
    struct block_feed *feed = arg;
    int fd = ipc_socket_connect(feed->server->run_dirfd, BLOCKD_SOCKET);

    if (fd < 0) {
        if (!feed->away_logged)
            log_event(LOG_WARN, "blockd_away", KV_ERRNO(),
                      KV_STR("effect", "the firewall does not hear of blocks"));
        feed->away_logged = true;
        loop_timer_set(feed->retry, RETRY_MS);
        return;
    }
    feed->away_logged = false;
    feed->blockd = ipc_peer_new(feed->server->loop, fd, &handlers, feed);
    if (feed->source->blocks != NULL)
        (void)tell(feed, 0, SLICE("")); /* as above */
}

struct block_feed *
block_feed_new(struct server *server, const struct conf *conf, const struct block_source *source)
{
    struct block_feed *feed = xcalloc(1, sizeof(*feed));

    feed->server = server;
    feed->source = source;
    feed->retry = loop_timer_new(server->loop, connect_blockd, feed);
    feed->anew = loop_timer_new(server->loop, tell_anew, feed);
    for (size_t i = 0; i < ARRAY_LEN(proxies); i++)
        feed->balancers[i] = networks_of(conf, proxies[i]);
    if (conf_bool(conf, GUESS_FIREWALL))
        loop_timer_set(feed->retry, 0);
    return feed;
}

void
block_feed_drain(struct block_feed *feed)
{
    feed->draining = true;
    feed->follower_count = 0;
    loop_timer_cancel(feed->retry);
    loop_timer_cancel(feed->anew);
    if (feed->blockd != NULL)
        ipc_peer_close(feed->blockd);
}

void
block_feed_free(struct block_feed **feedp)
{
    struct block_feed *feed = *feedp;

    if (feed == NULL)
        return;
    block_feed_drain(feed);
    loop_timer_free(&feed->retry);
    loop_timer_free(&feed->anew);
    for (size_t i = 0; i < ARRAY_LEN(proxies); i++)
        networks_free(&feed->balancers[i]);
    xfree(feedp);
}
