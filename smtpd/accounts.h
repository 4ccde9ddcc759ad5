/*
 * smtpd/accounts.h - questions to accountd, and their answers as replies.
 */
#ifndef POSTHORN_SMTPD_ACCOUNTS_H
#define POSTHORN_SMTPD_ACCOUNTS_H

#include "lib/ipc/accountd.h"
#include "smtpd/session.h"

enum { ANSWER_TEXT_MAX = 400 };

/* In memory of its own, because replies borrow from the client's buffer. Not to be moved: the
 * refusal points into it. */
struct answer {
    enum accountd_verdict verdict;
    struct refusal refusal; /* REFUSED, DEFERRED */
    char dsn[16], text[ANSWER_TEXT_MAX];
    bool counted; /* LOCAL, FOREIGN: the user has limits; and these hold: */
    struct allowance rcpts, class_rcpts, bytes;
};

/* About all of s->recipients; `answers` has room for as many. */
void accounts_ask_recipients(struct session *s, struct answer *answers);
/* May `auth_user` send as `sender`? Without a user: is it an address of ours? REFUSED: one of our
 * domains, but not his, or nobody's. */
void accounts_ask_sender(struct session *s, struct slice auth_user, struct slice sender,
                         struct answer *a);

/* The message is whole, with `bytes`: counts it for a user with limits. What forbids it, or NULL;
 * then it may have become one to put on hold. Asks only if a recipient's answer said `counted`. */
const struct refusal *accounts_spend(struct session *s, uint64_t bytes, struct slice subject,
                                     struct answer *a);
/* It did not get into the queue: takes back what accounts_spend, whose answer is `a`, has counted.
 */
void accounts_unspend(const struct session *s, uint64_t bytes, struct slice subject,
                      const struct answer *a);

/* The message of the session that has just ended, by an authenticated user: for the lists of what
 * users send (lib/ipc/accountd_doings.h). `why`: it was refused; NULL: taken. */
void accounts_tell_sent(struct session *s, uint64_t bytes, const struct refusal *why);
/* The Subject of a header section, as much as accountd takes, the caller's to free; or NULL. */
char *accounts_subject(struct slice section);

/* The refusal, in `a`, of a message larger than `bytes` allow. */
const struct refusal *accounts_too_large(const struct allowance *bytes, struct answer *a);

#endif
