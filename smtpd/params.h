/*
 * smtpd/params.h - arguments of MAIL and RCPT: path and ESMTP parameters. Pure parsers.
 */
#ifndef POSTHORN_SMTPD_PARAMS_H
#define POSTHORN_SMTPD_PARAMS_H

#include "lib/mail/address.h"
#include "lib/smtp/smtp_refusal.h"
#include "smtpd/extensions.h"

#define ENVID_MAX 100 /* characters of ENVID (RFC 3461 section 4.4) */
#define ORCPT_MAX 500 /* characters of ORCPT (RFC 3461 section 4.2) */

enum body_type { BODY_7BIT, BODY_8BITMIME, BODY_BINARYMIME };

struct mail_args { /* all slices borrow from the command line */
    struct address sender;
    uint64_t size; /* SIZE=, 0: not given */
    enum body_type body;
    bool smtputf8;
    uint8_t ret;         /* 0 none, 1 FULL, 2 HDRS */
    struct slice envid;  /* xtext as received */
    struct slice params; /* all of them, as received */
    bool requiretls;
    int64_t hold_for_s;    /* HOLDFOR=, 0: not given */
    bool has_hold_until;   /* HOLDUNTIL= */
    int64_t hold_until_ms; /* since 1970 */
    struct slice hold;     /* the value of either, as received */
    uint8_t by_mode;       /* enum queue_by_mode; BY=, in: */
    int64_t by_s;          /* from now; negative: ago */
    bool by_trace;
    int8_t priority; /* MT-PRIORITY=, 0: not given */
};

struct rcpt_args {
    struct address recipient;
    struct slice orcpt;  /* "type;xtext" as received */
    uint8_t notify;      /* QUEUE_NOTIFY_*; 0: not given */
    struct slice params; /* all of them, as received */
};

/* What the session may use. */
struct param_rules {
    bool extended;    /* it began with EHLO: there may be parameters */
    unsigned offered; /* enum extension; parameters of others are not recognized */
};

/* What follows the verb, e.g. "FROM:<a@b> SIZE=10". 0, or -1 with *why filled in. */
int mail_args_parse(struct slice text, const struct param_rules *rules, struct mail_args *args,
                    struct refusal *why);
/* `utf8`: the transaction has SMTPUTF8. */
int rcpt_args_parse(struct slice text, const struct param_rules *rules, bool utf8,
                    struct rcpt_args *args, struct refusal *why);

#endif
