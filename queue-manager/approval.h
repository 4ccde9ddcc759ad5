/*
 * queue-manager/approval.h - mail that waits until an approver has let it through (MON-05 to
 * MON-07).
 *
 * A message is judged once, when its targets are known. One that needs approval goes to hold/ with
 * a record of who was asked (QUEUE_LOG_ASK), after the requests have been committed. As a whole: if
 * it has recipients of both kinds, it waits for a decision on each, and one refusal refuses it. A
 * decision is a record too (QUEUE_LOG_VERDICT), on disk before anything follows from it; then the
 * message goes to deferred/, due at once, and is delivered, or bounced with the template of
 * refusals.
 */
#ifndef POSTHORN_QUEUE_MANAGER_APPROVAL_H
#define POSTHORN_QUEUE_MANAGER_APPROVAL_H

#include "lib/conf/instance.h"
#include "queue-manager/queue.h"

/* Reads the rules and the key, which is made if it is not there. Exits with EX_CONFIG or EX_OSERR
 * when that fails. Before the sandbox: opens files by their path. */
void approval_load(struct queue_settings *settings, const struct conf *conf,
                   const struct instance *inst, int queue_dirfd);

/* What would be decided of the message, whose targets are known. Changes nothing. */
void approval_look(const struct queue *q, const struct message *m,
                   struct approval_decision *decision);
/* True: the message is to wait; m->asking, the fate and its reason are set. Only the first time. */
bool approval_judge(struct queue *q, struct message *m);
/* Its records, for the log of a message with m->asking. */
void approval_encode(struct strbuf *records, const struct message *m, int64_t now_ms);

enum approval_outcome {
    APPROVAL_DONE,    /* on disk */
    APPROVAL_NOTHING, /* it does not wait for this decision */
    APPROVAL_TROUBLE, /* errno: try later */
};
struct approval_verdict {
    bool approve;
    uint8_t kinds;   /* mask of what is decided */
    struct slice by; /* address, or empty: the time was over */
    struct slice words;
    const char *way; /* for the log: "mail", "command line", "deadline" */
};
enum approval_outcome approval_decide_on(struct queue *q, const char *id,
                                         const struct approval_verdict *verdict);
/* The message in hold/ is decided: it goes on. 0, or -1 with errno. */
int approval_go_on(struct queue *q, const char *id);

/* Deadlines, and what a crash has left between a decision and its effect. */
struct approvals *approvals_new(struct queue *q); /* NULL with errno */
void approvals_free(struct approvals **ap);
/* A message waits until then (ms since 1970). */
void approvals_note(struct approvals *a, int64_t deadline_ms);

#endif
