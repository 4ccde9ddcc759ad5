/*
 * accountd/blocks.c - who may not log in or not send, until when.
 *
 * The list is in memory; every change is a row of the account base before anybody is told. authds
 * follow it (lib/ipc/accountd_block.h): numbers begin with the clock, so that what an accountd
 * before this one gave out is older than what we know, and means: begin anew.
 *
 * Input: blocks from authd, whose names are clients' addresses and users of ours.
 */
#include "accountd/blocks.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "accountd/watchers.h"
#include "lib/base/clock.h"
#include "lib/base/map.h"
#include "lib/base/mem.h"
#include "lib/ipc/accountd_block.h"
#include "lib/log/log.h"

enum { EXPIRE_MS = 60000, ROW_MAX = 512, OK_MAX = 64 };
#define REPLY_MAX ((size_t)ACCOUNTD_BLOCKS_MAX * (BLOCK_NAME_MAX + BLOCK_REASON_MAX + 64))
#define NAMES_MAX ((size_t)BLOCKS_MAX * (BLOCK_NAME_MAX + 2))

struct blocks {
    struct server *server;
    struct block_list *list;
    struct loop_timer *timer;
    int64_t default_ms;    /* guess.block_time */
    struct map *unwritten; /* the keys of users' blocks that had no row before the last rename */
    struct watcher followers[ACCOUNTD_WATCHERS_MAX];
};

/* ---- rows ---- */

static void
row_key(const struct block *block, struct strbuf *out)
{
    strbuf_clear(out);
    (void)strbuf_char(out, (char)block->kind);
    (void)strbuf_append(out, block->name);
}

/* One row, in a transaction of its own; `event`: an administrator's change, or NULL. */
static int
write_row(struct server *server, const struct block *block, const struct audit_event *event)
{
    struct account_db *db = server->base.db;
    struct strbuf key = strbuf_new(BLOCK_NAME_MAX + 1), row = strbuf_new(ROW_MAX);
    int rc = account_db_begin(db);

    if (rc == 0) {
        row_key(block, &key);
        (void)block_print(block, &row); /* it fits */
        if (block->end_ms != 0)
            rc = account_db_put(db, ACCOUNT_TABLE_BLOCKS, strbuf_slice(&key), strbuf_slice(&row));
        else if (account_db_del(db, ACCOUNT_TABLE_BLOCKS, strbuf_slice(&key)) < 0)
            rc = errno == ENOENT ? 0 : -1;
        if (rc == 0 && event != NULL)
            rc = audit_after(server->audit, event);
        if (rc < 0)
            account_db_abort(db);
        else
            rc = account_db_commit_figures(db);
    }
    strbuf_free(&key);
    strbuf_free(&row);
    return rc;
}

static int
read_rows(struct blocks *blocks)
{
    struct account_rows *rows =
        account_db_rows(blocks->server->base.db, ACCOUNT_TABLE_BLOCKS, SLICE(""), SLICE(""));
    struct slice key, value;
    int rc = rows == NULL ? -1 : 1;

    while (rc == 1 && (rc = account_rows_next(rows, &key, &value)) == 1) {
        struct block block;

        if (key.len < 2 || block_parse(value, &block) < 0)
            continue;
        block.kind = (uint8_t)key.ptr[0];
        block.name = slice_sub(key, 1, key.len);
        if (block_list_find(blocks->list, (enum block_kind)block.kind, block.name,
                            block.start_ms) == NULL)
            (void)block_list_set(blocks->list, &block); /* there were no more of them */
    }
    account_rows_close(&rows);
    return rc;
}

/* ---- those who follow ---- */

static void
answer(struct blocks *blocks, const struct watcher *follower)
{
    struct ipc_peer *peer = ipc_server_peer(blocks->server->ipc, follower->peer_id);
    bool can_follow = block_list_can_follow(blocks->list, follower->known);
    uint64_t from = can_follow ? follower->known : 0;
    const struct listed_block *entry = block_list_after(blocks->list, from);
    struct block *items = xcalloc(ACCOUNTD_BLOCKS_MAX, sizeof(*items));
    struct accountd_blocks reply = {
        .number = block_list_last(blocks->list), .anew = !can_follow, .items = items};
    struct strbuf out = strbuf_new(REPLY_MAX);

    for (; entry != NULL && reply.count < ACCOUNTD_BLOCKS_MAX; entry = TAILQ_NEXT(entry, link)) {
        items[reply.count++] = entry->block;
        from = entry->number;
    }
    reply.more = entry != NULL;
    if (reply.more)
        reply.number = from;
    if (peer != NULL && accountd_blocks_reply_encode(&out, follower->request_id, &reply) == 0)
        ipc_peer_send(peer, &out, -1);
    strbuf_free(&out);
    free(items);
}

static void
tell(struct blocks *blocks)
{
    for (size_t i = 0; i < ACCOUNTD_WATCHERS_MAX && blocks->server->ipc != NULL; i++) {
        struct watcher follower = blocks->followers[i];

        blocks->followers[i].peer_id = 0;
        if (follower.peer_id != 0)
            answer(blocks, &follower);
    }
}

/* With all places taken one gives way: its peer asks again. */
enum outcome
blocks_request_follow(struct request *rq)
{
    struct blocks *blocks = rq->server->blocks;
    struct watcher follower = {ipc_peer_id(rq->peer), rq->header.request_id, 0};
    size_t at;

    if (rq->server->ipc == NULL || accountd_blocks_decode(rq->payload, &follower.known) < 0)
        return REQUEST_BAD;
    if (follower.known != block_list_last(blocks->list)) {
        answer(blocks, &follower);
        return REQUEST_DONE;
    }
    at =
        watchers_place(blocks->followers, ACCOUNTD_WATCHERS_MAX, rq->server->ipc, follower.peer_id);
    if (at == ACCOUNTD_WATCHERS_MAX) {
        at = 0;
        answer(blocks, &blocks->followers[at]);
    }
    blocks->followers[at] = follower;
    return REQUEST_DONE;
}

/* ---- changes ---- */

static void
log_change(const char *event, const struct block *block)
{
    struct strbuf until = strbuf_new(40);

    if (block->end_ms == BLOCK_FOREVER)
        (void)strbuf_str(&until, "never");
    else if (block->end_ms != 0)
        (void)clock_rfc3339(block->end_ms, &until);
    log_event(LOG_WARN, event, KV_SLICE("name", block->name),
              KV_STR("scope", block->kind == BLOCK_SENDING         ? "sending"
                              : block->kind == BLOCK_ADMIN_ADDRESS ? "administration"
                                                                   : "all"),
              KV_STR("cause", block_cause_text(block->cause)), KV_SLICE("reason", block->reason),
              KV_SLICE("until", strbuf_slice(&until)));
    strbuf_free(&until);
}

int
blocks_change(struct blocks *blocks, const struct block *block, const struct audit_event *event)
{
    log_change(block->end_ms == 0 ? "block_lifted" : "blocked", block);
    if (!block_list_set(blocks->list, block)) {
        errno = ENOSPC;
        return -1;
    }
    tell(blocks); /* also what cannot be written holds for as long as we run */
    if (write_row(blocks->server, block, event) < 0) {
        log_event(LOG_ERROR, "block_not_written", KV_SLICE("name", block->name), KV_ERRNO());
        return -1;
    }
    return 0;
}

int
blocks_add(struct blocks *blocks, const struct block *block)
{
    const struct block *old =
        block_list_find(blocks->list, (enum block_kind)block->kind, block->name, clock_real_ms());

    if (old != NULL && old->end_ms >= block->end_ms)
        return 0;
    return blocks_change(blocks, block, NULL);
}

const struct block_list *
blocks_listed(const struct blocks *blocks)
{
    return blocks->list;
}

int64_t
blocks_time_ms(const struct blocks *blocks)
{
    return blocks->default_ms;
}

const struct block *
blocks_of_sender(const struct blocks *blocks, struct slice user)
{
    int64_t now_ms = clock_real_ms();
    const struct block *block = block_list_find(blocks->list, BLOCK_SENDING, user, now_ms);

    if (block == NULL)
        block = block_list_find(blocks->list, BLOCK_USER, user, now_ms);
    /* What strangers guess closes logins, not the sessions of who has logged in. */
    return block != NULL && block->cause == BLOCK_GUESSING ? NULL : block;
}

enum outcome
blocks_request_add(struct request *rq)
{
    struct strbuf out = strbuf_new(OK_MAX);
    struct block block;
    struct writer w;

    if (accountd_block_decode(rq->payload, &block) < 0 || block.end_ms == 0)
        return REQUEST_BAD;
    (void)blocks_add(rq->server->blocks, &block); /* the failure is logged */
    w = frame_begin(&out, ACCOUNTD_OK, rq->header.request_id);
    (void)frame_end(&w); /* an empty frame fits */
    ipc_peer_send(rq->peer, &out, -1);
    strbuf_free(&out);
    return REQUEST_DONE;
}

/* ---- what has ended ---- */

struct expiry_run {
    struct account_db *db;
    struct strbuf key;
    bool has_begun, failed;
};

static void
remove_row(void *arg, const struct block *block)
{
    struct expiry_run *run = arg;

    if (block->end_ms == 0 || run->failed) /* its row went when it was lifted */
        return;
    if (!run->has_begun)
        run->failed = account_db_begin(run->db) < 0;
    run->has_begun = !run->failed;
    row_key(block, &run->key);
    if (!run->failed && account_db_del(run->db, ACCOUNT_TABLE_BLOCKS, strbuf_slice(&run->key)) < 0)
        run->failed = errno != ENOENT;
}

/* All of them in one transaction. A row that stays is ended when it is read again. */
static void
expire(void *arg)
{
    struct blocks *blocks = arg;
    struct expiry_run run = {.db = blocks->server->base.db, .key = strbuf_new(BLOCK_NAME_MAX + 1)};

    block_list_expire(blocks->list, clock_real_ms(), remove_row, &run);
    if (run.has_begun && run.failed)
        account_db_abort(run.db);
    else if (run.has_begun)
        run.failed = account_db_commit_figures(run.db) < 0;
    if (run.failed)
        log_event(LOG_ERROR, "blocks_not_removed", KV_ERRNO());
    strbuf_free(&run.key);
    loop_timer_set(blocks->timer, EXPIRE_MS);
}

/* ---- renames ---- */

/* The users' blocks in force that have no row under their name: each name with its kind in front, a
 * line each. */
static void
find_rowless(struct blocks *blocks, struct strbuf *names)
{
    struct strbuf key = strbuf_new(BLOCK_NAME_MAX + 1);
    const struct listed_block *entry = block_list_after(blocks->list, 0);
    struct slice row;

    for (; entry != NULL; entry = TAILQ_NEXT(entry, link)) {
        if (entry->block.kind == BLOCK_ADDRESS || entry->block.kind == BLOCK_ADMIN_ADDRESS ||
            entry->block.end_ms == 0)
            continue;
        row_key(&entry->block, &key);
        if (account_db_get(blocks->server->base.db, ACCOUNT_TABLE_BLOCKS, strbuf_slice(&key),
                           &row) == 0 ||
            errno != ENOENT)
            continue;
        (void)strbuf_append(names, strbuf_slice(&key));
        (void)strbuf_char(names, '\n');
    }
    strbuf_free(&key);
}

static void
remember(struct map *keys, struct slice key)
{
    void **at = map_at(keys, key);

    if (at != NULL) /* the list has no more than fit */
        *at = keys;
}

void
blocks_settle(struct blocks *blocks)
{
    struct strbuf names = strbuf_new(NAMES_MAX);
    struct slice rest;
    bool failed = false;

    map_free(&blocks->unwritten, NULL);
    blocks->unwritten = map_new(BLOCKS_MAX);
    find_rowless(blocks, &names);
    for (rest = strbuf_slice(&names); rest.len > 0;) {
        struct slice key = slice_split(&rest, '\n');
        const struct block *block = block_list_find(blocks->list, (enum block_kind)key.ptr[0],
                                                    slice_sub(key, 1, key.len), clock_real_ms());

        if (block == NULL)
            continue; /* it has ended */
        failed = failed || write_row(blocks->server, block, NULL) < 0;
        if (failed)
            remember(blocks->unwritten, key);
    }
    strbuf_free(&names);
}

void
blocks_reload(struct blocks *blocks)
{
    struct strbuf names = strbuf_new(NAMES_MAX);
    struct slice rest;
    bool moved = false;

    find_rowless(blocks, &names);
    for (rest = strbuf_slice(&names); rest.len > 0;) {
        struct slice key = slice_split(&rest, '\n');
        const struct block lifted = {.kind = (uint8_t)key.ptr[0],
                                     .name = slice_sub(key, 1, key.len),
                                     .start_ms = clock_real_ms()};

        if (map_get(blocks->unwritten, key) != NULL)
            continue;
        moved = true;
        (void)block_list_set(blocks->list, &lifted); /* in the place of the one that was there */
    }
    strbuf_free(&names);
    if (!moved)
        return;
    if (read_rows(blocks) < 0)
        log_event(LOG_ERROR, "blocks_not_read", KV_ERRNO());
    tell(blocks);
}

struct blocks *
blocks_new(struct server *server)
{
    struct blocks *blocks = xcalloc(1, sizeof(*blocks));

    blocks->server = server;
    blocks->default_ms = (int64_t)conf_u64(server->daemon->conf, GUESS_BLOCK_TIME);
    blocks->list = block_list_new(BLOCKS_MAX, (uint64_t)clock_real_us());
    blocks->unwritten = map_new(BLOCKS_MAX);
    blocks->timer = loop_timer_new(server->daemon->loop, expire, blocks);
    if (read_rows(blocks) < 0)
        log_event(LOG_ERROR, "blocks_not_read", KV_ERRNO());
    loop_timer_set(blocks->timer, EXPIRE_MS);
    return blocks;
}

void
blocks_free(struct blocks **blocksp)
{
    if (*blocksp == NULL)
        return;
    loop_timer_free(&(*blocksp)->timer);
    block_list_free(&(*blocksp)->list);
    map_free(&(*blocksp)->unwritten, NULL);
    xfree(blocksp);
}
