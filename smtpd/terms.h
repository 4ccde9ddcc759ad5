/*
 * smtpd/terms.h - on which terms the sender wants a message delivered: not before (FUTURERELEASE),
 * not after (DELIVERBY), how urgently (MT-PRIORITY), how safely (REQUIRETLS).
 */
#ifndef POSTHORN_SMTPD_TERMS_H
#define POSTHORN_SMTPD_TERMS_H

#include "smtpd/session.h"

/* Can they be had? Fills in the envelope's fields, with texts in `arena`. NULL, or why not. A
 * priority that the client may not give is lowered: `envelope->priority` then differs from
 * `mail->priority`. */
const struct refusal *terms_accept(const struct session *s, const struct mail_args *mail,
                                   struct queue_envelope *envelope, struct arena *arena);

#endif
