/*
 * lib/account/flow.h - how much a mailbox may send: recipients and bytes of a message, of an hour
 * and of a day (DIR-30, DIR-31).
 *
 * Hours and days are those of the clock, UTC. Recipients count as the client named them (a group is
 * one); a message's bytes count once for its recipients on this server and once for those
 * elsewhere. Decisions and sums alone: no I/O.
 */
#ifndef POSTHORN_LIB_ACCOUNT_FLOW_H
#define POSTHORN_LIB_ACCOUNT_FLOW_H

#include "lib/account/record.h"

#define FLOW_NO_LIMIT UINT64_MAX

/* FLOW_NO_LIMIT: none. */
struct flow_limits {
    uint64_t message_rcpts, message_bytes, hour_rcpts;
    uint64_t local_rcpts, local_bytes, remote_rcpts, remote_bytes; /* of a day */
};

/* What was sent in the hour and on the day that are numbered (since 1970). */
struct flow_use {
    uint64_t hour, day;
    uint64_t hour_rcpts, local_rcpts, local_bytes, remote_rcpts, remote_bytes;
};

struct flow_message {
    uint64_t local_rcpts, remote_rcpts, bytes;
};

/* One more recipient: how many the message may have, and how large it may be. */
struct flow_allowance {
    uint64_t max;
    const char *limit; /* name of the property that says so; "" without a limit */
    bool for_now;      /* in another hour, or tomorrow, it is more */
};
struct flow_allowances {
    struct flow_allowance rcpts;       /* all recipients of the message */
    struct flow_allowance class_rcpts; /* those on this server, or those elsewhere */
    struct flow_allowance bytes;
};

extern const struct flow_allowances flow_any; /* as much as one likes */

/* `hour_rcpts`: account.recipients_per_hour, for who has no limit of his own; 0: none. */
void flow_limits_of(const struct record *user, uint64_t hour_rcpts, struct flow_limits *limits);
bool flow_is_limited(const struct flow_limits *limits);
/* Begins another hour or day if that is what the clock says. */
void flow_use_until(struct flow_use *use, int64_t now_ms);
void flow_allow(const struct flow_limits *limits, const struct flow_use *use, bool remote,
                struct flow_allowances *out);
/* The name of the limit that this message is too much for, or NULL. */
const char *flow_exceeded(const struct flow_limits *limits, const struct flow_use *use,
                          const struct flow_message *message);
void flow_count(struct flow_use *use, const struct flow_message *message);
/* It was counted and then not sent: in the same hour, or the sums are those of another by now. */
void flow_uncount(struct flow_use *use, const struct flow_message *message);

/* As one row: decimal numbers with spaces between. -1: damaged. */
void flow_use_print(const struct flow_use *use, struct strbuf *out);
int flow_use_parse(struct slice text, struct flow_use *use);

#endif
