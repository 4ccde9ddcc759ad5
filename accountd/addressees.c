/*
 * accountd/addressees.c - who gets a message to everybody, some at a time.
 */
#include "accountd/addressees.h"

#include <errno.h>

#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/ipc/accountd_addressees.h"
#include "lib/log/log.h"

#define REPLY_MAX ((size_t)ACCOUNTD_ADDRESSEES_MAX * (ACCOUNT_ADDRESS_MAX + 8) + 4096)
#define ADDRESSES_MAX ((size_t)ACCOUNTD_ADDRESSEES_MAX * ACCOUNT_ADDRESS_MAX)

enum { LOOK_MAX = 5000 }; /* entries in one request */

struct page {
    struct strbuf prefix; /* of the keys */
    struct strbuf addresses, next;
    size_t ends[ACCOUNTD_ADDRESSEES_MAX]; /* of each in `addresses` */
    uint32_t count;
};

/* ACCOUNT_FOUND, also where all domains are meant. */
static enum account_found
find_prefix(struct request *rq, struct slice domain, struct strbuf *prefix)
{
    struct record record = record_new(ACCOUNT_DOMAIN);
    enum account_found found = ACCOUNT_FOUND;

    if (domain.len > 0) {
        found = account_find_domain(&rq->server->base, domain, &record, prefix);
        (void)strbuf_char(prefix, '\0'); /* a key is longer */
    }
    record_free(&record);
    return found;
}

static void
add(struct page *page, struct slice key)
{
    struct strbuf address = strbuf_new(ACCOUNT_ADDRESS_MAX);

    account_entry_address(key, &address);
    (void)strbuf_append(&page->addresses, strbuf_slice(&address)); /* they fit */
    page->ends[page->count++] = page->addresses.len;
    strbuf_free(&address);
}

/* 0, or -1 with errno. */
static int
gather(struct request *rq, struct slice cursor, struct page *page)
{
    struct account_rows *rows = account_db_rows(rq->server->base.db, ACCOUNT_TABLE_ENTRIES,
                                                strbuf_slice(&page->prefix), cursor);
    struct record entry = record_new(ACCOUNT_USER);
    int64_t now = clock_real_ms();
    struct slice key, value;
    int rc = rows == NULL ? -1 : 1;
    unsigned looked = 0;

    while (rc == 1 && (rc = account_rows_next(rows, &key, &value)) == 1) {
        if (looked++ == LOOK_MAX || page->count == ACCOUNTD_ADDRESSEES_MAX) {
            (void)strbuf_append(&page->next, key); /* a key fits */
            rc = 0;
        } else if (record_load(&entry, value) < 0) {
            rc = -1;
        } else if (entry.kind == ACCOUNT_USER &&
                   account_user_state(&entry, now) != ACCOUNT_DISABLED) {
            add(page, key);
        }
    }
    if (rows != NULL)
        account_rows_close(&rows);
    record_free(&entry);
    return rc;
}

static void
answer(struct request *rq, uint8_t result, const struct page *page)
{
    struct slice items[ACCOUNTD_ADDRESSEES_MAX];
    struct accountd_addressees_reply reply = {.result = result, .items = items};
    struct strbuf out = strbuf_new(REPLY_MAX);
    size_t at = 0;

    if (result == ACCOUNTD_ADDRESSEES_DONE) {
        reply.cursor = strbuf_slice(&page->next);
        for (; reply.count < page->count; reply.count++) {
            items[reply.count] =
                slice_sub(strbuf_slice(&page->addresses), at, page->ends[reply.count]);
            at = page->ends[reply.count];
        }
    }
    (void)accountd_addressees_reply_encode(&out, rq->header.request_id, &reply); /* it fits */
    ipc_peer_send(rq->peer, &out, -1);
    strbuf_free(&out);
}

enum outcome
addressees_request(struct request *rq)
{
    struct accountd_addressees query;
    struct page page = {.prefix = strbuf_new(ACCOUNT_KEY_MAX),
                        .addresses = strbuf_new(ADDRESSES_MAX),
                        .next = strbuf_new(ACCOUNT_KEY_MAX)};
    enum outcome outcome = REQUEST_DONE;
    enum account_found found = ACCOUNT_TROUBLE;
    bool good = accountd_addressees_decode(rq->payload, &query) == 0;

    if (good)
        found = find_prefix(rq, query.domain, &page.prefix);
    if (!good) {
        outcome = REQUEST_BAD;
    } else if (found != ACCOUNT_FOUND && found != ACCOUNT_TROUBLE) {
        answer(rq, ACCOUNTD_ADDRESSEES_NO_DOMAIN, NULL);
    } else if (found == ACCOUNT_TROUBLE || gather(rq, query.cursor, &page) < 0) {
        log_event(LOG_ERROR, "database", KV_STR("during", "addressees"), KV_ERRNO());
        answer(rq, ACCOUNTD_ADDRESSEES_LATER, NULL);
    } else {
        answer(rq, ACCOUNTD_ADDRESSEES_DONE, &page);
    }
    strbuf_free(&page.prefix);
    strbuf_free(&page.addresses);
    strbuf_free(&page.next);
    return outcome;
}
