/*
 * queue-manager/approval_mail.h - mail to an address that is a signed decision
 * (lib/queue/approval_token.h).
 *
 * Whoever holds the address may decide; who sends the mail does not count. Automatic mail decides
 * nothing. What is decided, and what comes too late, is used up here and goes to no mailbox.
 */
#ifndef POSTHORN_QUEUE_MANAGER_APPROVAL_MAIL_H
#define POSTHORN_QUEUE_MANAGER_APPROVAL_MAIL_H

#include "queue-manager/queue.h"

/* Is it such an address? */
bool approval_mail_is_for_us(const struct queue *q, struct slice address);
/* Takes the recipient's decision and adds its target, with the outcome. */
void approval_mail_take(struct queue *q, struct message *m, uint32_t source);

#endif
