/*
 * queue-manager/reply.c - automatic replies of users, from local-deliver into the queue.
 *
 * The agent writes the words; where they go we know ourselves: to the sender of the message that
 * the agent has in a job. A reply goes at most once: that it is about to is on record before it is
 * in the queue, so a job that is done again after a crash asks for none.
 */
#include "queue-manager/reply.h"

#include <errno.h>
#include <stdio.h>

#include "lib/base/clock.h"
#include "lib/base/crc32c.h"
#include "lib/base/parse.h"
#include "lib/log/log.h"
#include "lib/sys/stats.h"
#include "queue-manager/intake.h"
#include "queue-manager/notice.h"
#include "queue-manager/own_mail.h"

#define REPLY_RECORD_MAX 4096

static struct target *
find_target(const struct job *job, uint32_t index)
{
    for (uint32_t i = 0; i < job->count; i++)
        if (job->indices[i] == index)
            return &job->message->targets[index];
    return NULL;
}

/* On disk before return. */
static int
put_on_record(struct queue *q, struct message *m, struct target *t)
{
    struct strbuf record = strbuf_new(REPLY_RECORD_MAX);
    int rc = -1;

    queue_log_encode(&record, &(struct queue_log_entry){.kind = QUEUE_LOG_REPLY,
                                                        .time_ms = clock_real_ms(),
                                                        .address = t->address});
    errno = EFBIG;
    if (!record.overflow)
        rc = queue_log_append(q->spool.fds[SPOOL_ACTIVE], m->id, &m->log_length,
                              strbuf_slice(&record), true);
    strbuf_free(&record);
    if (rc < 0)
        return -1;
    m->beside |= SPOOL_LOG;
    t->auto_reply = false; /* whoever does the job again is not asked */
    return 0;
}

static int
commit(struct queue *q, const char *id, struct slice to, struct slice message)
{
    struct own_mail mail = {.id = id,
                            .client = NOTICE_AUTO_REPLY,
                            .to = to,
                            .now_ms = clock_real_ms(),
                            .smtputf8 = !parse_is_ascii(to) || !parse_is_ascii(message),
                            .body_8bit = !parse_is_ascii(message),
                            .head = message,
                            .original_fd = -1};

    return own_mail_commit(q, &mail);
}

int
reply_take(struct queue *q, struct agent *a, const struct queue_reply *reply)
{
    const struct job *job = agent_job(a, reply->job_id);
    struct target *t = job == NULL ? NULL : find_target(job, reply->index);
    struct message *m = job == NULL ? NULL : job->message;
    char id[QUEUE_ID_SIZE];

    if (t == NULL || t->kind != TARGET_MAILBOX || t->state != TARGET_IN_JOB || !t->auto_reply ||
        m->envelope->sender.len == 0 || reply->message.len == 0)
        return -1;
    (void)snprintf(id, sizeof(id), "%.20sR%08x", m->id, crc32c(0, t->address));
    if (put_on_record(q, m, t) < 0 || commit(q, id, m->envelope->sender, reply->message) < 0) {
        log_event(LOG_WARN, "auto_reply_lost", KV_STR("queue_id", m->id),
                  KV_SLICE("rcpt", t->address), KV_ERRNO());
        return 0;
    }
    stats_add(q->counters.notices, 1);
    intake_look(q->intake);
    log_event(LOG_INFO, "notice", KV_STR("queue_id", m->id), KV_STR("kind", "auto_reply"),
              KV_STR("notice_id", id), KV_SLICE("to", m->envelope->sender), KV_U64("rcpts", 1));
    return 0;
}
