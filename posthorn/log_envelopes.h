/*
 * posthorn/log_envelopes.h - the envelopes that the logs tell of: each of a sender and one
 * recipient, with all that the decisions about it went by.
 *
 * They are in smtpd's events "received", "recipients" and "rejected" (smtpd/message_log.h). What is
 * the same comes once, with a count; the memory is bounded by LOG_ENVELOPES_MAX of about 400 bytes.
 */
#ifndef POSTHORN_POSTHORN_LOG_ENVELOPES_H
#define POSTHORN_POSTHORN_LOG_ENVELOPES_H

#include "lib/base/arena.h"
#include "posthorn/explained.h"

#define LOG_ENVELOPES_MAX 100000

struct log_envelope {
    struct explained mail; /* of the first; a refused MAIL has no `to` */
    uint64_t count;
};

/* Sizes and counts of recipients matter only by the limits below or above which they are: a message
 * of 5 KB is the same as one of 6 KB, unless a limit lies between them. */
struct log_envelope_limits {
    uint64_t sizes[8], recipients[2]; /* 0: none */
};

struct log_envelopes {
    struct log_envelope *items; /* in the order of the logs */
    size_t count, allocated;
    uint64_t total;      /* with those that are the same */
    uint64_t left_out;   /* beyond LOG_ENVELOPES_MAX */
    uint64_t unreadable; /* no envelope of ours */
    int error;           /* errno of a file that could not be read, or 0 */
    struct arena texts;
};

/* Out of the log files of `dir`, those that were set aside included. `since`: the beginning of a
 * log's time. */
void log_envelopes_read(const char *dir, struct slice since,
                        const struct log_envelope_limits *limits, struct log_envelopes *out);
void log_envelopes_clear(struct log_envelopes *envelopes);

#endif
