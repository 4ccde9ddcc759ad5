/*
 * lib/smtp/smtp_terms.h - what the sender asked of the message's way and the next server is told:
 * by when (DELIVERBY, RFC 2852) and how urgently (MT-PRIORITY, RFC 6710).
 */
#ifndef POSTHORN_LIB_SMTP_SMTP_TERMS_H
#define POSTHORN_LIB_SMTP_SMTP_TERMS_H

#include "lib/queue/envelope.h"
#include "lib/smtp/smtp_client.h"

struct smtp_terms {
    uint8_t by_mode; /* enum queue_by_mode */
    bool by_trace;
    int64_t deliver_by_ms; /* since 1970; with a mode only */
    int8_t priority;
};

struct smtp_terms_refusal {
    unsigned code;
    const char *dsn, *text;
};

/* min-by-time of the DELIVERBY keyword's parameter, in seconds; 0: none. */
int64_t smtp_terms_min_by(struct slice parameter);
/* Why the message may not go to this server at all, or NULL. `now_ms` is since 1970, here and
 * below. */
const struct smtp_terms_refusal *smtp_terms_refuse(const struct smtp_client *client,
                                                   const struct smtp_terms *terms, int64_t now_ms);
/* Appends the parameters of MAIL, each with a space before it, to the client's stream. */
void smtp_terms_write(struct smtp_client *client, const struct smtp_terms *terms, int64_t now_ms);
/* When the server has taken it, the sender gets a "relayed" notice from us (RFC 2852 section
 * 4.1.4), unless the recipient says NEVER. */
bool smtp_terms_are_relayed(const struct smtp_client *client, const struct smtp_terms *terms,
                            int64_t now_ms);
/* What NOTIFY says to this server, of what the sender said (QUEUE_NOTIFY_*). */
uint8_t smtp_terms_notify(const struct smtp_client *client, const struct smtp_terms *terms,
                          int64_t now_ms, uint8_t notify);

#endif
