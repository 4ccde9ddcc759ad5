/*
 * smtpd/filtered.c - recipients added and deleted, a new sender.
 *
 * Input: filterd's verdict, decoded. Its addresses are checked like those of clients; whether a
 * recipient exists is found out by queue-manager.
 */
#include "smtpd/filtered.h"

#include "lib/log/log.h"

static bool
parse(const char *queue_id, struct slice text, unsigned flags, struct address *out)
{
    if ((text.len == 0 && (flags & ADDRESS_NULL) != 0) ||
        address_parse(text, flags | ADDRESS_UTF8, out) == ADDRESS_OK)
        return true;
    log_event(LOG_WARN, "filter_bad_address", KV_STR("queue_id", queue_id),
              KV_SLICE("address", text));
    return false;
}

static void
change_rcpt(struct session *s, const char *queue_id, const struct filterd_change *change)
{
    struct transaction *t = &s->transaction;
    struct rcpt_args rcpt = {.notify = 0};

    if (!change->added) {
        transaction_remove(t, change->address);
    } else if (t->envelope.rcpt_count < QUEUE_RCPTS_MAX &&
               parse(queue_id, change->address, 0, &rcpt.recipient)) {
        transaction_remove(t, change->address); /* nobody gets it twice */
        transaction_add(t, &rcpt);
        t->smtputf8 = t->smtputf8 || rcpt.recipient.is_utf8;
    }
}

bool
filtered_envelope(struct session *s, const char *queue_id)
{
    const struct filterd_verdict *v = &s->filter.verdict;
    struct transaction *t = &s->transaction;
    struct address sender = {.is_utf8 = false};

    if (v->sender_changed && parse(queue_id, v->sender, ADDRESS_NULL, &sender)) {
        t->envelope.sender = arena_copy(&t->arena, v->sender);
        t->smtputf8 = t->smtputf8 || sender.is_utf8;
    }
    for (uint32_t i = 0; i < v->change_count; i++)
        change_rcpt(s, queue_id, &v->changes[i]);
    t->envelope.hold_reason = arena_copy(&t->arena, v->hold);
    if (v->sender_changed || v->change_count > 0 || v->hold.len > 0)
        log_event(LOG_INFO, "filtered", KV_STR("queue_id", queue_id),
                  KV_SLICE("from", t->envelope.sender), KV_U64("nrcpt", t->envelope.rcpt_count),
                  KV_SLICE("hold", v->hold));
    return t->envelope.rcpt_count > 0;
}
