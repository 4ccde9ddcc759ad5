/*
 * queue-manager/etrn.c - tries what waits for a domain because somebody asked by ETRN.
 *
 * The request comes through the FIFO, from smtpd or whoever else may write there: it costs an
 * attempt earlier than planned, no more often than every ETRN_PAUSE_MS.
 */
#include "queue-manager/etrn.h"

#include "lib/base/mem.h"
#include "lib/log/log.h"
#include "queue-manager/deferral.h"
#include "queue-manager/schedule.h"

/* Its turn has come, which is noted. */
static bool
is_due(struct etrn *etrn, uint64_t domain, int64_t now_ms)
{
    size_t place = ETRN_DOMAINS_MAX;

    for (size_t i = 0; i < ETRN_DOMAINS_MAX; i++) {
        bool over = etrn->recent[i].until_ms <= now_ms;

        if (!over && etrn->recent[i].domain == domain)
            return false;
        if (over)
            place = i;
    }
    if (place == ETRN_DOMAINS_MAX)
        return false;
    etrn->recent[place].domain = domain;
    etrn->recent[place].until_ms = now_ms + ETRN_PAUSE_MS;
    return true;
}

void
etrn_run(struct queue *q, struct etrn *etrn, struct slice domain, int64_t now_ms)
{
    uint32_t count;

    if (!is_due(etrn, due_domain(domain), now_ms))
        return;
    schedule_flush(q->schedule, domain);
    count = deferrals_flush(q->deferrals, due_domain(domain));
    log_event(LOG_INFO, "etrn", KV_SLICE("domain", domain), KV_U64("messages", count));
}
