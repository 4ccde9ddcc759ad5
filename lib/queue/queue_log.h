/*
 * lib/queue/queue_log.h - what happened to the recipients of a message so far: the file ID.log.
 *
 * Append-only records, each with its length and CRC-32C; a torn tail is cut at the next append. The
 * file is made when the first round of attempts leaves something undone, so most messages never
 * have one. Recipients are named by their final address: after a restart the envelope is expanded
 * again, and what the log says is done is left out. doc/queue.md has every byte.
 */
#ifndef POSTHORN_LIB_QUEUE_QUEUE_LOG_H
#define POSTHORN_LIB_QUEUE_QUEUE_LOG_H

#include <stdint.h>

#include "lib/base/strbuf.h"

#define QUEUE_LOG_MAX (64u << 20)
#define QUEUE_EDITS_MAX 10000 /* of one message; more are refused */

enum queue_log_kind {
    QUEUE_LOG_DONE = 'D',    /* a recipient is finished: delivered, or its failure is reported */
    QUEUE_LOG_WAIT = 'W',    /* a recipient failed for now */
    QUEUE_LOG_ROUND = 'R',   /* a round of attempts ended: its number, when the next one is due */
    QUEUE_LOG_NOTICE = 'N',  /* the sender was told of the delay */
    QUEUE_LOG_HOLD = 'H',    /* held for a reason: until a time, or until it is released */
    QUEUE_LOG_GO = 'G',      /* released: due at once, whoever had held it */
    QUEUE_LOG_EDIT = 'E',    /* the administrator changed the recipients */
    QUEUE_LOG_ASK = 'A',     /* approvers were asked: the message waits for their decisions */
    QUEUE_LOG_VERDICT = 'V', /* one of them decided, or the time was over */
    QUEUE_LOG_REPLY = 'Y',   /* an automatic reply of a mailbox is about to be queued */
};

struct queue_log_entry {
    uint8_t kind; /* enum queue_log_kind */
    int64_t time_ms;
    struct slice address;           /* DONE, WAIT, REPLY; EDIT: who goes, or empty */
    uint8_t outcome;                /* DONE: enum queue_outcome */
    struct slice dsn, text, remote; /* DONE, WAIT; HOLD: text is the reason */
    uint32_t round;                 /* ROUND: from 1 */
    int64_t next_ms;                /* ROUND; HOLD: until then, 0: until it is released */
    struct slice added, original;   /* EDIT: who comes, or empty, and the ORCPT */
    uint8_t notify;                 /* EDIT: of who comes */
    /* ASK: address is the rule's name, added the approvers (queue_approval below), next_ms the
     * deadline. VERDICT: address is who decided, or empty; text his words. */
    uint8_t kinds; /* ASK, VERDICT: mask, what is decided separately */
    bool refused;  /* VERDICT */
};

/* Where a message is that needs approval. Words and names are for people: what counts is in the
 * masks. */
struct queue_approval {
    uint8_t kinds, approved;                   /* masks: asked for; granted; 0: nobody was asked */
    bool refused;                              /* by anybody, for good */
    int64_t asked_ms, deadline_ms, decided_ms; /* since 1970; 0: not yet */
    struct slice rule;
    struct slice approvers; /* "KINDS ADDRESS KINDS ADDRESS ...", KINDS a digit: the mask */
    struct slice decided_by, words;
};

/* Appends one record to `out` (overflow is remembered by the buffer). */
void queue_log_encode(struct strbuf *out, const struct queue_log_entry *entry);
/* Takes the next record off *data: true, or false at the end or at a torn or damaged record. */
bool queue_log_next(struct slice *data, struct queue_log_entry *entry);

/* A log read whole. */
struct queue_log {
    struct strbuf bytes; /* the good part */
    /* The last DONE or WAIT of each address, sorted by address. */
    struct queue_log_entry *rcpts;
    uint32_t rcpt_count;
    uint32_t round;
    int64_t last_ms, next_ms; /* of the last round; 0: none */
    int64_t notice_ms;
    bool held, released;           /* the last word: HOLD or GO */
    int64_t hold_until_ms;         /* if held; 0: until it is released */
    struct slice hold_reason;      /* if held */
    struct queue_log_entry *edits; /* in order */
    uint32_t edit_count;
    struct queue_log_entry *replies; /* sorted by address */
    uint32_t reply_count;
    struct queue_approval approval;
};
/* ID.log below `dirfd`. 0, also when there is none (then log->bytes is empty); -1 with errno. */
int queue_log_load(int dirfd, const char *id, struct queue_log *log);
/* Not before this time (ms since 1970): of the administrator's last word, or of the sender's wish
 * `sender_ms` (FUTURERELEASE). 0: at once. */
int64_t queue_log_not_before(const struct queue_log *log, int64_t sender_ms);
/* Approvers were asked, and what they have to decide is not decided. */
bool queue_log_waits_for_approval(const struct queue_log *log);
/* Takes the next approver off *list (queue_approval.approvers). False at the end. */
bool queue_log_next_approver(struct slice *list, uint8_t *kinds, struct slice *address);
/* The entry of an address, or NULL. */
const struct queue_log_entry *queue_log_find(const struct queue_log *log, struct slice address);
/* Has the mailbox's automatic reply been put on record? */
bool queue_log_has_reply(const struct queue_log *log, struct slice address);
void queue_log_free(struct queue_log *log);

/* Writes `records` at `*length`, the length of the good part, making the file if *length is 0, and
 * moves *length on. `durable`: on disk before return, name included. 0, or -1 with errno; *length
 * is then as before and what was written is cut at the next append. */
int queue_log_append(int dirfd, const char *id, uint64_t *length, struct slice records,
                     bool durable);

#endif
