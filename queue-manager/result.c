/*
 * queue-manager/result.c - an agent's result, checked against its job and applied to the message.
 */
#include "queue-manager/result.h"

#include "queue-manager/message.h"

static bool
job_has(const struct job *job, uint32_t position, uint32_t index)
{
    if (position < job->count && job->indices[position] == index)
        return true; /* in the order of the job, as agents do it */
    for (uint32_t i = 0; i < job->count; i++)
        if (job->indices[i] == index)
            return true;
    return false;
}

static void
apply_one(struct message *m, const struct queue_result_rcpt *r)
{
    static const enum target_state states[] = {[QUEUE_DELIVERED] = TARGET_DELIVERED,
                                               [QUEUE_DEFERRED] = TARGET_DEFERRED,
                                               [QUEUE_BOUNCED] = TARGET_BOUNCED};
    struct target *t = &m->targets[r->index];

    message_set_outcome(m, t, states[r->outcome], r->dsn, r->text, r->remote);
    t->relayed = r->dsn_relayed;
    t->tell_relayed = r->tell_relayed;
    m->linked |= t->kind == TARGET_MAILBOX && r->outcome == QUEUE_DELIVERED;
}

int
result_apply(const struct job *job, const struct queue_result *result)
{
    struct message *m = job->message;

    for (uint32_t i = 0; i < result->rcpt_count; i++) {
        uint32_t index = result->rcpts[i].index;

        if (!job_has(job, i, index) || m->targets[index].state != TARGET_IN_JOB)
            return -1;
        apply_one(m, &result->rcpts[i]);
    }
    for (uint32_t i = 0; i < job->count; i++)
        if (m->targets[job->indices[i]].state == TARGET_IN_JOB)
            message_set_outcome(m, &m->targets[job->indices[i]], TARGET_DEFERRED, SLICE("4.3.0"),
                                SLICE("the delivery agent gave no result"), SLICE(""));
    return 0;
}
