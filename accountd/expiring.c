/*
 * accountd/expiring.c - whose password has to be changed before long, some at a time: alertd warns
 * them.
 */
#include "accountd/expiring.h"

#include <errno.h>
#include <stdlib.h>

#include "lib/base/mem.h"
#include "lib/ipc/accountd_expiring.h"
#include "lib/log/log.h"

#define REPLY_MAX ((size_t)ACCOUNTD_EXPIRING_MAX * 4096)

struct gathered {
    struct accountd_expiring_reply reply;
    char *texts[ACCOUNTD_EXPIRING_MAX * 3];
    size_t text_count;
};

static struct slice
keep(struct gathered *g, struct slice text)
{
    char *copy = xslicedup(slice_sub(text, 0, ACCOUNTD_TEXT_MAX));

    g->texts[g->text_count++] = copy;
    return slice_of(copy);
}

static void
add(void *arg, const struct expiring_user *user)
{
    struct gathered *g = arg;
    struct expiring_user *kept = &g->reply.users[g->reply.count++];

    *kept = *user;
    kept->address = keep(g, user->address);
    kept->full_name = keep(g, user->full_name);
    kept->sender = keep(g, user->sender);
}

enum outcome
expiring_request(struct request *rq)
{
    struct gathered g = {.text_count = 0};
    struct strbuf next = strbuf_new(ACCOUNT_KEY_MAX), out = strbuf_new(REPLY_MAX);
    struct accountd_expiring query;
    enum outcome outcome = REQUEST_BAD;

    if (accountd_expiring_decode(rq->payload, &query) == 0) {
        outcome = REQUEST_DONE;
        g.reply.failed =
            expiring_some(&rq->server->base, &query.stages, query.since_ms, query.until_ms,
                          query.cursor, ACCOUNTD_EXPIRING_MAX, add, &g, &next) < 0;
        if (g.reply.failed)
            log_event(LOG_ERROR, "database", KV_STR("during", "expiring"), KV_ERRNO());
        g.reply.cursor = strbuf_slice(&next);
        (void)accountd_expiring_reply_encode(&out, rq->header.request_id, &g.reply); /* it fits */
        ipc_peer_send(rq->peer, &out, -1);
    }
    for (size_t i = 0; i < g.text_count; i++)
        free(g.texts[i]);
    strbuf_free(&next);
    strbuf_free(&out);
    return outcome;
}
