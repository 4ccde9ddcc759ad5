/*
 * smtpd/transaction.h - MAIL to end of DATA: the envelope that grows command by command.
 */
#ifndef POSTHORN_SMTPD_TRANSACTION_H
#define POSTHORN_SMTPD_TRANSACTION_H

#include "lib/base/arena.h"
#include "lib/queue/queue_file.h"
#include "smtpd/params.h"

struct message;

enum { ALLOWANCE_NAME_MAX = 40 };

/* What the user may send at most, and the name of the limit that says so. */
struct allowance {
    uint64_t max;
    char limit[ALLOWANCE_NAME_MAX];
    bool for_now; /* later it is more */
};

struct transaction {
    struct arena arena; /* holds every text of the envelope */
    struct queue_envelope envelope;
    size_t rcpt_room;       /* elements allocated in envelope.rcpts */
    uint64_t declared_size; /* SIZE=, 0: none */
    enum body_type body;    /* BODY= */
    bool smtputf8;          /* SMTPUTF8 was given */
    bool leaves;            /* a recipient is not in a domain of ours */
    bool counted;           /* the user has limits: what is sent is counted at the end */
    uint64_t local_count, remote_count; /* recipients that were taken */
    struct allowance bytes;             /* of the message, with `counted` */
    bool untold;                        /* begun, and the log has not what became of it */
    struct message *message;            /* BDAT between two chunks, or broken off, else NULL */
    int64_t content_until_ms;           /* all chunks together */
};

void transaction_begin(struct transaction *t, const struct mail_args *args);
void transaction_add(struct transaction *t, const struct rcpt_args *args);
/* Takes a recipient out, however often it is there; empty: all of them. */
void transaction_remove(struct transaction *t, struct slice address);
/* Any address in the envelope with a byte above 0x7f? */
bool transaction_is_utf8(const struct transaction *t);
/* Aborts an unfinished message too. */
void transaction_clear(struct transaction *t);

#endif
