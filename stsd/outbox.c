/*
 * stsd/outbox.c - puts a report's mail into the queue.
 */
#include "stsd/outbox.h"

#include "lib/ipc/queue_manager.h"

#define MAIL_MAX (24u << 20)

/* No server's TLS may hold a report up (RFC 8460 section 3), and nobody hears of one that does not
 * arrive. */
int
outbox_report(const struct outbox *outbox, const struct report *report, struct slice gzipped,
              struct slice to)
{
    struct queue_rcpt rcpt = {.address = to, .notify = QUEUE_NOTIFY_NEVER};
    struct queue_envelope envelope = {.received_ms = report->now_ms,
                                      .sender = slice_of(report->author->contact),
                                      .tls_optional = true,
                                      .client = SLICE("tls-report"),
                                      .origin = QUEUE_ORIGIN_SYSTEM,
                                      .rcpt_count = 1,
                                      .rcpts = &rcpt};
    struct strbuf mail = strbuf_new(MAIL_MAX);
    char id[QUEUE_ID_SIZE];
    int rc;

    queue_id_make(id);
    report_mail(report, gzipped, to, id, &mail);
    rc = outbox_put(outbox, id, &mail, &envelope);
    strbuf_free(&mail);
    return rc;
}
