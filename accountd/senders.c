/*
 * accountd/senders.c - the sender addresses of system messages, by domains.
 *
 * queue-manager has all of them and asks now and then: the domains are read only when the account
 * base has changed since.
 */
#include "accountd/senders.h"

#include "lib/base/mem.h"
#include "lib/base/random.h"
#include "lib/ipc/accountd_senders.h"

#define PAIRS_MAX (ACCOUNTD_PAYLOAD_MAX / 2)

struct gathered {
    struct server *server;
    struct record domain, target;
    struct strbuf pairs;
    uint32_t count;
};

/* An alias has what its domain has. */
static void
add(struct gathered *g, struct slice name)
{
    const struct record *domain = &g->domain;
    struct strbuf real = strbuf_new(ACCOUNTD_ADDRESS_MAX);
    struct slice address;

    if (g->domain.kind == ACCOUNT_DOMAIN_ALIAS) {
        domain = &g->target;
        if (account_find_domain(&g->server->base, name, &g->target, &real) != ACCOUNT_FOUND)
            domain = NULL;
    }
    strbuf_free(&real);
    if (domain == NULL || g->count == ACCOUNTD_SENDERS_MAX)
        return;
    address = record_get(domain, DOMAIN_SYSTEM_SENDER);
    if (address.len == 0)
        return;
    accountd_senders_add(&g->pairs, name, address);
    g->count++;
}

/* 0, or -1: the base failed. */
static int
gather(struct gathered *g)
{
    struct account_rows *rows =
        account_db_rows(g->server->base.db, ACCOUNT_TABLE_DOMAINS, SLICE(""), SLICE(""));
    struct slice key, value;
    int rc = -1;

    while (rows != NULL && (rc = account_rows_next(rows, &key, &value)) == 1)
        if (record_load(&g->domain, value) == 0)
            add(g, key);
    if (rows != NULL)
        account_rows_close(&rows);
    return rc;
}

/* Another accountd, which counts anew, has another beginning. */
static uint64_t
version_of(const struct server *server)
{
    static uint64_t beginning;

    if (beginning == 0)
        beginning = random_u64() | 1;
    return beginning + account_db_generation(server->base.db);
}

enum outcome
senders_request(struct request *rq)
{
    struct gathered g = {.server = rq->server,
                         .domain = record_new(ACCOUNT_DOMAIN),
                         .target = record_new(ACCOUNT_DOMAIN),
                         .pairs = strbuf_new(PAIRS_MAX)};
    struct strbuf out = strbuf_new(ACCOUNTD_PAYLOAD_MAX);
    struct accountd_senders head = {.version = version_of(rq->server)};
    enum outcome outcome = REQUEST_BAD;
    uint64_t version;

    if (accountd_senders_decode(rq->payload, &version) == 0) {
        outcome = REQUEST_DONE;
        head.unchanged = version == head.version;
        if (!head.unchanged && gather(&g) < 0) /* what is known counts on, until it can be read */
            head = (struct accountd_senders){.version = version, .unchanged = true};
        else
            head.count = g.count;
        (void)accountd_senders_reply_encode(&out, rq->header.request_id, &head,
                                            strbuf_slice(&g.pairs)); /* it fits */
        ipc_peer_send(rq->peer, &out, -1);
    }
    record_free(&g.domain);
    record_free(&g.target);
    strbuf_free(&g.pairs);
    strbuf_free(&out);
    return outcome;
}
