/*
 * smtpd/sender.h - who may be the sender: SMTP-16 to SMTP-19.
 */
#ifndef POSTHORN_SMTPD_SENDER_H
#define POSTHORN_SMTPD_SENDER_H

#include "smtpd/accounts.h"

/* The reverse path. NULL: it may send; else why not, perhaps in *a. */
const struct refusal *sender_check(struct session *s, struct slice sender, struct answer *a);
/* The same for the addresses of From and Sender in a header section. */
const struct refusal *sender_check_header(struct session *s, struct slice section,
                                          struct answer *a);
/* Has the header section's first From the user's own address? */
bool sender_is_author(const struct session *s, struct slice section);

#endif
