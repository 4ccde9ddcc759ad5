/*
 * lib/smtp/smtp_terms.c - passes DELIVERBY and MT-PRIORITY on.
 *
 * LMTP hands a message to its mailbox: that is its delivery, and no relaying (RFC 2852 section 1).
 */
#include "lib/smtp/smtp_terms.h"

#include "lib/base/parse.h"
#include "lib/ipc/queue_manager.h"
#include "lib/tls/stream.h"

enum { BY_DIGITS = 9, BY_MAX_S = 999999999 }; /* by-time (RFC 2852 section 4) */

int64_t
smtp_terms_min_by(struct slice parameter)
{
    struct slice number = slice_split(&parameter, ',');
    uint64_t seconds;

    if (number.len > BY_DIGITS || parse_u64(number, BY_MAX_S, &seconds) < 0)
        return 0;
    return (int64_t)seconds;
}

/* Whole seconds that are left; below zero: so many ago. */
static int64_t
seconds_left(const struct smtp_terms *terms, int64_t now_ms)
{
    int64_t left_ms = terms->deliver_by_ms - now_ms;
    int64_t left = left_ms / 1000 - (left_ms % 1000 < 0);

    return left < -BY_MAX_S ? -BY_MAX_S : left > BY_MAX_S ? BY_MAX_S : left;
}

/* Mode R is kept by those who know it, or the message goes back (RFC 2852 section 4.1.4.1). */
const struct smtp_terms_refusal *
smtp_terms_refuse(const struct smtp_client *client, const struct smtp_terms *terms, int64_t now_ms)
{
    static const struct smtp_terms_refusal
        late = {550, "5.4.7", "delivery time expired (DELIVERBY)"},
        unable = {550, "5.3.3", "the server does not know DELIVERBY, which the sender asked for"},
        slow = {550, "5.3.3", "the server takes longer than the sender's DELIVERBY allows"};
    int64_t left;

    if (terms->by_mode != QUEUE_BY_RETURN)
        return NULL;
    left = seconds_left(terms, now_ms);
    if (left < 1)
        return &late;
    if (smtp_client_can(client, SMTP_CAN_DELIVERBY))
        return smtp_client_min_by(client) > left ? &slow : NULL;
    return smtp_client_peer(client)->is_lmtp ? NULL : &unable;
}

void
smtp_terms_write(struct smtp_client *client, const struct smtp_terms *terms, int64_t now_ms)
{
    struct stream *s = smtp_client_stream(client);

    /* a failed write sticks in the stream and shows at the next reply */
    if (terms->by_mode != QUEUE_BY_NONE && smtp_client_can(client, SMTP_CAN_DELIVERBY))
        (void)stream_printf(s, " BY=%lld;%c%s", (long long)seconds_left(terms, now_ms),
                            terms->by_mode == QUEUE_BY_RETURN ? 'R' : 'N',
                            terms->by_trace ? "T" : "");
    if (smtp_client_can(client, SMTP_CAN_MT_PRIORITY)) /* also 0 (RFC 6710 section 4.2) */
        (void)stream_printf(s, " MT-PRIORITY=%d", terms->priority);
}

/* Whoever comes next will not tell the sender that it is late (RFC 2852 section 4.1.4.2). */
static bool
is_last_to_know(const struct smtp_client *client, const struct smtp_terms *terms, int64_t now_ms)
{
    return terms->by_mode == QUEUE_BY_NOTIFY && !smtp_client_can(client, SMTP_CAN_DELIVERBY) &&
           !smtp_client_peer(client)->is_lmtp && now_ms < terms->deliver_by_ms;
}

bool
smtp_terms_are_relayed(const struct smtp_client *client, const struct smtp_terms *terms,
                       int64_t now_ms)
{
    return (terms->by_mode != QUEUE_BY_NONE && terms->by_trace &&
            !smtp_client_peer(client)->is_lmtp) ||
           is_last_to_know(client, terms, now_ms);
}

uint8_t
smtp_terms_notify(const struct smtp_client *client, const struct smtp_terms *terms, int64_t now_ms,
                  uint8_t notify)
{
    if (!is_last_to_know(client, terms, now_ms) || (notify & QUEUE_NOTIFY_NEVER))
        return notify;
    return notify == 0 ? QUEUE_NOTIFY_FAILURE | QUEUE_NOTIFY_DELAY
                       : (uint8_t)(notify | QUEUE_NOTIFY_DELAY);
}
