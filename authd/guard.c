/*
 * authd/guard.c - passwords are not guessed here.
 *
 * What a flood can do: counts are in tables of fixed size (lib/auth/guess.h), blocks in a list that
 * is bounded. Names of users that do not exist are not counted, for they cannot be guessed.
 * Administrators are counted, and their addresses blocked, apart from users (AUT-10): neither keeps
 * the other out.
 */
#include "authd/guard.h"

#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

#include "authd/block_feed.h"
#include "authd/block_report.h"
#include "authd/white_list.h"
#include "lib/auth/block_list.h"
#include "lib/auth/guess.h"
#include "lib/base/clock.h"
#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/conf/location_table.h"
#include "lib/ipc/accountd_block.h"
#include "lib/log/log.h"

enum { FOLLOW_TIMEOUT_MS = 3600 * 1000, RETRY_MS = 1000, REQUEST_MAX = 4096, ERRORS_MAX = 65536 };

/* Wrong passwords of one kind of login. */
struct detection {
    unsigned per_address, per_user; /* 0: no number blocks */
    int64_t block_ms;
    enum block_kind address_kind;
    struct guess_table *addresses, *users;
};

struct guard {
    struct server *server;
    struct detection of_users, of_admins;
    unsigned smtp_per_user; /* 0: no number blocks */
    struct guess_table *senders;
    struct white_list *white_list;
    struct location_table *locations;
    const struct conf *conf;       /* guess.allowed_locations */
    struct block_list *blocks;     /* a copy of accountd's */
    uint64_t known;                /* up to this change of accountd's */
    struct block_reports *reports; /* what accountd has not taken yet */
    struct block_source source;    /* what others are told */
    struct block_feed *feed;
    struct loop_timer *retry;
    _Atomic uint64_t *blocked_addresses, *blocked_users, *refused;
};

/* ---- the copy ---- */

static void follow(void *arg);

/* Whose block is lifted starts anew. */
static void
forget(struct detection *of, const struct block *block)
{
    if (block->kind == (uint8_t)of->address_kind)
        guess_forget(of->addresses, block->name);
    else if (block->kind == BLOCK_USER)
        guess_forget(of->users, block->name);
}

static void
tell_others(const struct guard *guard, const struct block *block)
{
    if (block->kind == BLOCK_ADDRESS || block->kind == BLOCK_ADMIN_ADDRESS)
        block_feed_changed(guard->feed, block->name);
}

static void
white_list_changed(void *arg)
{
    const struct guard *guard = arg;

    block_feed_anew_soon(guard->feed);
}

static void
apply(struct guard *guard, const struct block *block)
{
    (void)block_list_set(guard->blocks, block);
    tell_others(guard, block);
    if (block->end_ms != 0)
        return;
    forget(&guard->of_users, block);
    forget(&guard->of_admins, block);
    guess_forget(guard->senders, block->name);
}

static int
apply_reply(struct guard *guard, const struct frame_header *header, struct slice payload)
{
    struct block *items = xcalloc(ACCOUNTD_BLOCKS_MAX, sizeof(*items));
    struct accountd_blocks reply;
    int rc = -1;

    if (header != NULL && header->type == ACCOUNTD_BLOCKS_REPLY &&
        accountd_blocks_reply_decode(payload, &reply, items) == 0) {
        if (reply.anew) {
            guard->source.blocks = NULL; /* until we have all of it */
            block_list_free(&guard->blocks);
            guard->blocks = block_list_new(BLOCKS_MAX, 0);
            block_reports_apply(guard->reports, guard->blocks); /* it does not know these yet */
        }
        for (uint32_t i = 0; i < reply.count; i++)
            apply(guard, &items[i]);
        guard->known = reply.number;
        if (guard->source.blocks == NULL && !reply.more) {
            guard->source.blocks = guard->blocks;
            block_feed_anew(guard->feed);
        }
        rc = 0;
    }
    free(items);
    return rc;
}

static void
told(void *arg, const struct frame_header *header, struct slice payload, int fd)
{
    struct guard *guard = arg;

    close_keep_errno(fd);
    block_list_expire(guard->blocks, clock_real_ms(), NULL, NULL);
    if (apply_reply(guard, header, payload) == 0)
        follow(guard);
    else
        loop_timer_set(guard->retry, RETRY_MS);
}

static void
follow(void *arg)
{
    struct guard *guard = arg;
    struct strbuf request = strbuf_new(REQUEST_MAX);

    assert_always(accountd_blocks_encode(&request, guard->known) == 0);
    ipc_async_call(guard->server->accounts, &request, FOLLOW_TIMEOUT_MS, told, guard);
    strbuf_free(&request);
}

/* ---- a new block ---- */

/* In force here at once; accountd keeps it and tells the others. */
static void
block(const struct session *s, enum block_kind kind, enum block_cause cause, struct slice name,
      unsigned count, int64_t block_ms)
{
    struct guard *guard = s->server->guard;
    char reason[BLOCK_REASON_MAX];
    struct block block = {.kind = (uint8_t)kind,
                          .cause = (uint8_t)cause,
                          .name = name,
                          .reason = slice_make(reason, 0),
                          .start_ms = clock_real_ms()};

    if (block_list_find(guard->blocks, kind, name, block.start_ms) != NULL)
        return; /* this login had begun before */
    (void)snprintf(reason, sizeof(reason), "%u %s%s%s", count,
                   cause == BLOCK_GUESSING ? "failed logins" : "logins to send mail",
                   kind == BLOCK_ADDRESS ? "" : ", the last from ",
                   kind == BLOCK_ADDRESS ? "" : s->client_ip);
    block.reason = slice_of(reason);
    block.end_ms = block.start_ms + block_ms;
    log_event(LOG_WARN, kind == BLOCK_USER ? "user_blocked" : "address_blocked",
              KV_SLICE("name", name), KV_STR("cause", block_cause_text(block.cause)),
              KV_U64("count", count));
    stats_add(kind == BLOCK_USER ? guard->blocked_users : guard->blocked_addresses, 1);
    (void)block_list_set(guard->blocks, &block);
    tell_others(guard, &block);
    block_reports_add(guard->reports, &block);
}

/* ---- one login ---- */

static struct ip
ip_of(const struct session *s)
{
    struct cidr one; /* an address is a network of all its bits */

    assert_always(cidr_parse(slice_of(s->client_ip), &one) == 0); /* attach has looked at it */
    return one.net;
}

const char *
guard_location(const struct session *s)
{
    struct ip ip = ip_of(s);

    return location_table_find(s->server->guard->locations, &ip);
}

static bool
location_is_allowed(const struct session *s)
{
    const struct conf *conf = s->server->guard->conf;
    size_t count = conf_list_count(conf, GUESS_ALLOWED_LOCATIONS);
    const char *location = count == 0 ? "" : guard_location(s);

    for (size_t i = 0; i < count; i++)
        if (location_is_within(location,
                               slice_of(conf_list_item(conf, GUESS_ALLOWED_LOCATIONS, i))))
            return true;
    return count == 0 || s->address.loopback;
}

static struct detection *
detection_of(const struct session *s)
{
    struct guard *guard = s->server->guard;

    return s->service == SERVICE_ADMIN && s->user_check == NULL ? &guard->of_admins
                                                                : &guard->of_users;
}

/* For guessing there, or by hand for everything. An administrator's own logins are kept apart from
 * users'; what he asks of a user's password (authd/user_check.h) is one of these. */
static bool
is_blocked(const struct session *s, const struct ip *ip)
{
    const struct block_list *blocks = s->server->guard->blocks;
    char name[BLOCK_ADDRESS_NAME_MAX];
    const struct block *block;

    block_address_name(ip, name);
    block = block_list_find(blocks, BLOCK_ADDRESS, slice_of(name), clock_real_ms());
    if (s->service != SERVICE_ADMIN || (s->user_check != NULL && block != NULL))
        return block != NULL;
    return (block != NULL && block->cause == BLOCK_BY_HAND) ||
           block_list_find(blocks, BLOCK_ADMIN_ADDRESS, slice_of(name), clock_real_ms()) != NULL;
}

const char *
guard_refuses(const struct session *s, enum authd_failure *failure)
{
    const struct guard *guard = s->server->guard;
    struct ip ip = ip_of(s);
    bool blocked = is_blocked(s, &ip);

    if ((!blocked && location_is_allowed(s)) || white_list_has(guard->white_list, &ip))
        return NULL;
    stats_add(guard->refused, 1);
    *failure = blocked ? AUTHD_BLOCKED : AUTHD_DISABLED;
    return blocked ? "address is blocked" : "location is not allowed";
}

void
guard_judge_user(struct session *s)
{
    static const char *const why[] = {[BLOCK_BY_HAND] = "user is blocked by hand",
                                      [BLOCK_GUESSING] = "user is blocked for guessing",
                                      [BLOCK_MASS_MAIL] = "user is blocked for mass mail",
                                      [BLOCK_SAME_SUBJECT] = "user is blocked for same subject"};
    const struct guard *guard = s->server->guard;
    struct ip ip = ip_of(s);
    const struct block *block;

    if (!s->account.known)
        return;
    block = block_list_find(guard->blocks, BLOCK_USER, slice_of(s->account.user), clock_real_ms());
    if (block == NULL || (block->cause == BLOCK_GUESSING && white_list_has(guard->white_list, &ip)))
        return;
    s->account.known = false;
    s->closed = why[block->cause];
    s->closed_by_mail = block->cause == BLOCK_MASS_MAIL;
    stats_add(guard->refused, 1);
}

/* Of a user who is blocked for mail the password is not looked at: a client that goes on trying
 * guesses nothing, and its neighbours are not to be hit. */
void
guard_failed(struct session *s)
{
    struct guard *guard = s->server->guard;
    struct detection *of = detection_of(s);
    int64_t now_ms = clock_mono_ms();
    struct ip ip = ip_of(s);
    char name[BLOCK_ADDRESS_NAME_MAX];
    unsigned failures;

    if (s->closed_by_mail || white_list_has(guard->white_list, &ip))
        return;
    if (of->per_address > 0 && !s->address.loopback) {
        block_address_name(&ip, name);
        failures = guess_count(of->addresses, slice_of(name), now_ms);
        if (failures >= of->per_address)
            block(s, of->address_kind, BLOCK_GUESSING, slice_of(name), failures, of->block_ms);
    }
    if (of->per_user > 0 && s->account.known) {
        failures = guess_count(of->users, slice_of(s->account.user), now_ms);
        if (failures >= of->per_user)
            block(s, BLOCK_USER, BLOCK_GUESSING, slice_of(s->account.user), failures, of->block_ms);
    }
}

/* Whoever has the password and sends a message with each login. */
void
guard_succeeded(struct session *s)
{
    struct guard *guard = s->server->guard;
    struct slice user = slice_of(s->account.user);
    struct ip ip = ip_of(s);
    unsigned logins;

    if (s->service != SERVICE_SMTP || guard->smtp_per_user == 0 ||
        white_list_has(guard->white_list, &ip))
        return;
    logins = guess_count(guard->senders, user, clock_mono_ms());
    if (logins >= guard->smtp_per_user)
        block(s, BLOCK_USER, BLOCK_MASS_MAIL, user, logins, guard->of_users.block_ms);
}

void
guard_follow(struct guard *guard, uint64_t parent_id)
{
    block_feed_follow(guard->feed, parent_id);
}

void
guard_drain(struct guard *guard)
{
    block_feed_drain(guard->feed);
}

/* Exits with the errors on stderr. */
static struct location_table *
load_locations(const struct daemon *d)
{
    struct strbuf errors = strbuf_new(ERRORS_MAX);
    struct location_table *table = location_table_load(d->conf, &d->inst, &errors);

    if (table == NULL) {
        (void)fprintf(stderr, "authd: %s", strbuf_cstr(&errors));
        exit(EX_CONFIG);
    }
    strbuf_free(&errors);
    return table;
}

static struct detection
detection_of_users(const struct conf *conf)
{
    int64_t interval_ms = (int64_t)conf_u64(conf, GUESS_INTERVAL);
    bool detects = conf_bool(conf, GUESS_DETECTION);

    return (struct detection){
        .per_address = detects ? (unsigned)conf_u64(conf, GUESS_FAILURES_PER_ADDRESS) : 0,
        .per_user = detects ? (unsigned)conf_u64(conf, GUESS_FAILURES_PER_USER) : 0,
        .block_ms = (int64_t)conf_u64(conf, GUESS_BLOCK_TIME),
        .address_kind = BLOCK_ADDRESS,
        .addresses = guess_table_new(interval_ms),
        .users = guess_table_new(interval_ms)};
}

static struct detection
detection_of_admins(const struct conf *conf)
{
    int64_t interval_ms = (int64_t)conf_u64(conf, ADMIN_GUESS_INTERVAL);
    unsigned failures = (unsigned)conf_u64(conf, ADMIN_GUESS_FAILURES);

    return (struct detection){.per_address = failures,
                              .per_user = failures,
                              .block_ms = (int64_t)conf_u64(conf, ADMIN_GUESS_BLOCK_TIME),
                              .address_kind = BLOCK_ADMIN_ADDRESS,
                              .addresses = guess_table_new(interval_ms),
                              .users = guess_table_new(interval_ms)};
}

static void
detection_free(struct detection *of)
{
    guess_table_free(&of->addresses);
    guess_table_free(&of->users);
}

struct guard *
guard_new(struct server *server, const struct daemon *d)
{
    struct guard *guard = xcalloc(1, sizeof(*guard));
    const struct conf *conf = d->conf;

    guard->server = server;
    guard->of_users = detection_of_users(conf);
    guard->of_admins = detection_of_admins(conf);
    guard->smtp_per_user = (unsigned)conf_u64(conf, GUESS_LOGINS_PER_USER);
    guard->senders = guess_table_new((int64_t)conf_u64(conf, GUESS_INTERVAL));
    guard->white_list = white_list_new(server->loop, d->run_dirfd, conf, white_list_changed, guard);
    guard->locations = load_locations(d);
    guard->conf = conf;
    guard->blocks = block_list_new(BLOCKS_MAX, 0);
    guard->reports = block_reports_new(server->loop, server->accounts);
    guard->source.white_list = guard->white_list;
    guard->feed = block_feed_new(server, conf, &guard->source);
    guard->retry = loop_timer_new(server->loop, follow, guard);
    guard->blocked_addresses = stats_counter(d->stats, "addresses_blocked");
    guard->blocked_users = stats_counter(d->stats, "users_blocked");
    guard->refused = stats_counter(d->stats, "logins_of_blocked");
    follow(guard);
    return guard;
}

void
guard_free(struct guard **guardp)
{
    struct guard *guard = *guardp;

    if (guard == NULL)
        return;
    loop_timer_free(&guard->retry);
    block_feed_free(&guard->feed);
    white_list_free(&guard->white_list);
    location_table_free(&guard->locations);
    block_reports_free(&guard->reports);
    block_list_free(&guard->blocks);
    detection_free(&guard->of_users);
    detection_free(&guard->of_admins);
    guess_table_free(&guard->senders);
    xfree(guardp);
}
