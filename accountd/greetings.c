/*
 * accountd/greetings.c - new mailboxes that are to be greeted (QUE-14). Each is a row from the
 * transaction that makes the mailbox until alertd says that it has been done, so it makes no
 * difference who made it, and what dies meanwhile.
 *
 * An import of everything greets nobody: those mailboxes were there before.
 */
#include "accountd/greetings.h"

#include <errno.h>
#include <stdlib.h>

#include "lib/base/mem.h"
#include "lib/ipc/accountd_greet.h"
#include "lib/log/log.h"

#define REPLY_MAX ((size_t)ACCOUNTD_GREET_MAX * (ACCOUNT_ADDRESS_MAX + ACCOUNTD_TEXT_MAX + 16) + 64)

enum { FORGET_MAX = 1000 };

static bool
is_wanted(const struct server *server)
{
    return conf_str(server->daemon->conf, ACCOUNT_WELCOME)[0] != '\0';
}

int
greetings_add(struct server *server, struct slice name)
{
    if (!is_wanted(server) ||
        account_find_exact(&server->base, name, &server->hit) != ACCOUNT_FOUND)
        return 0;
    return account_db_put(server->base.db, ACCOUNT_TABLE_GREETINGS, strbuf_slice(&server->hit.key),
                          SLICE(""));
}

/* ---- rows ---- */

struct keys {
    struct strbuf *keys;
    size_t count;
};

static void
keys_free(struct keys *keys)
{
    for (size_t i = 0; i < keys->count; i++)
        strbuf_free(&keys->keys[i]);
    free(keys->keys);
}

/* The first `max` of them. 0, or -1 with errno. */
static int
gather(struct server *server, size_t max, struct keys *keys)
{
    struct account_rows *rows =
        account_db_rows(server->base.db, ACCOUNT_TABLE_GREETINGS, SLICE(""), SLICE(""));
    struct slice key, value;
    int rc = rows == NULL ? -1 : 1;

    *keys = (struct keys){.keys = xcalloc(max, sizeof(*keys->keys))};
    while (rc == 1 && keys->count < max && (rc = account_rows_next(rows, &key, &value)) == 1) {
        keys->keys[keys->count] = strbuf_new(ACCOUNT_KEY_MAX);
        (void)strbuf_append(&keys->keys[keys->count++], key); /* a key fits */
    }
    if (rows != NULL)
        account_rows_close(&rows);
    return rc < 0 ? -1 : 0;
}

static int
forget(struct server *server, struct slice key)
{
    return account_db_del(server->base.db, ACCOUNT_TABLE_GREETINGS, key) < 0 && errno != ENOENT ? -1
                                                                                                : 0;
}

/* All of them in one transaction. 0, or -1 with errno. */
static int
forget_all(struct server *server, const struct keys *keys)
{
    int rc = keys->count == 0 ? 0 : account_db_begin(server->base.db);

    if (rc < 0 || keys->count == 0)
        return rc;
    for (size_t i = 0; i < keys->count && rc == 0; i++)
        rc = forget(server, strbuf_slice(&keys->keys[i]));
    if (rc == 0)
        return account_db_commit_figures(server->base.db);
    account_db_abort(server->base.db);
    return -1;
}

void
greetings_start(struct server *server)
{
    bool more = !is_wanted(server);
    struct keys keys;

    while (more) {
        more = gather(server, FORGET_MAX, &keys) == 0 && keys.count > 0 &&
               forget_all(server, &keys) == 0;
        keys_free(&keys);
    }
}

/* ---- alertd asks ---- */

static int
note_done(struct server *server, const struct accountd_greet *query)
{
    struct keys keys = {.keys = xcalloc(ACCOUNTD_GREET_MAX, sizeof(*keys.keys))};
    int rc;

    for (; keys.count < query->done_count; keys.count++) {
        keys.keys[keys.count] = strbuf_new(ACCOUNT_KEY_MAX);
        account_entry_key(query->done[keys.count], &keys.keys[keys.count]);
    }
    rc = forget_all(server, &keys);
    keys_free(&keys);
    return rc;
}

struct page {
    struct accountd_greet_reply reply;
    char *texts[2 * ACCOUNTD_GREET_MAX];
    size_t text_count;
};

static struct slice
keep(struct page *page, struct slice text)
{
    char *copy = xslicedup(slice_sub(text, 0, ACCOUNTD_TEXT_MAX));

    page->texts[page->text_count++] = copy;
    return slice_of(copy);
}

/* False: it is not a mailbox any more. */
static bool
add_user(struct server *server, struct slice key, struct page *page)
{
    struct accountd_greeted *user = &page->reply.users[page->reply.count];
    struct strbuf address = strbuf_new(ACCOUNT_ADDRESS_MAX);
    bool is_there;

    account_entry_address(key, &address);
    is_there =
        account_find_exact(&server->base, strbuf_slice(&address), &server->hit) == ACCOUNT_FOUND &&
        server->hit.entry.kind == ACCOUNT_USER;
    if (is_there) {
        user->address = keep(page, strbuf_slice(&address));
        user->full_name = keep(page, record_get(&server->hit.entry, USER_FULL_NAME));
        page->reply.count++;
    }
    strbuf_free(&address);
    return is_there;
}

static int
fill_page(struct server *server, struct page *page)
{
    struct keys keys, gone = {.keys = xcalloc(ACCOUNTD_GREET_MAX, sizeof(*gone.keys))};
    int rc = gather(server, ACCOUNTD_GREET_MAX, &keys);

    for (size_t i = 0; i < keys.count && rc == 0; i++)
        if (!add_user(server, strbuf_slice(&keys.keys[i]), page)) {
            gone.keys[gone.count] = strbuf_new(ACCOUNT_KEY_MAX);
            (void)strbuf_append(&gone.keys[gone.count++], strbuf_slice(&keys.keys[i]));
        }
    if (rc == 0)
        rc = forget_all(server, &gone);
    keys_free(&keys);
    keys_free(&gone);
    return rc;
}

enum outcome
greetings_request(struct request *rq)
{
    struct strbuf out = strbuf_new(REPLY_MAX);
    struct page page = {.text_count = 0};
    struct accountd_greet query;
    enum outcome outcome = REQUEST_BAD;

    if (accountd_greet_decode(rq->payload, &query) == 0) {
        outcome = REQUEST_DONE;
        page.reply.failed = note_done(rq->server, &query) < 0 || fill_page(rq->server, &page) < 0;
        if (page.reply.failed) {
            log_event(LOG_ERROR, "database", KV_STR("during", "greet"), KV_ERRNO());
            page.reply.count = 0;
        }
        (void)accountd_greet_reply_encode(&out, rq->header.request_id, &page.reply); /* it fits */
        ipc_peer_send(rq->peer, &out, -1);
    }
    for (size_t i = 0; i < page.text_count; i++)
        free(page.texts[i]);
    strbuf_free(&out);
    return outcome;
}
