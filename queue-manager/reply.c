/*
 * queue-manager/reply.c - automatic replies of users, from local-deliver into the queue.
 *
 * The agent writes the words; where they go we know ourselves: to the sender of the message that
 * the agent has in a job. The queue id of a reply comes from what it answers and for whom, so that
 * a job which is done again after a crash does not put a second one beside the first.
 */
#include "queue-manager/reply.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/crc32c.h"
#include "lib/base/parse.h"
#include "lib/log/log.h"
#include "lib/sys/stats.h"
#include "queue-manager/intake.h"
#include "queue-manager/notice.h"

#define TRACE_MAX 4096

static const struct target *
find_target(const struct job *job, uint32_t index)
{
    for (uint32_t i = 0; i < job->count; i++)
        if (job->indices[i] == index)
            return &job->message->targets[index];
    return NULL;
}

static bool
is_in_queue(const struct queue *q, const char *id)
{
    static const int states[] = {SPOOL_NEW, SPOOL_ACTIVE, SPOOL_DEFERRED, SPOOL_HOLD};

    for (size_t i = 0; i < ARRAY_LEN(states); i++)
        if (faccessat(q->spool.fds[states[i]], id, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
            return true;
    return false;
}

static int
commit(struct queue *q, const char *id, struct slice to, struct slice message)
{
    struct queue_rcpt rcpt = {.address = to, .notify = QUEUE_NOTIFY_NEVER};
    struct queue_envelope envelope = {.received_ms = clock_real_ms(),
                                      .smtputf8 = !parse_is_ascii(to) || !parse_is_ascii(message),
                                      .body_8bit = !parse_is_ascii(message),
                                      .client = SLICE(NOTICE_AUTO_REPLY),
                                      .origin = QUEUE_ORIGIN_SYSTEM,
                                      .rcpt_count = 1,
                                      .rcpts = &rcpt};
    struct queue_writer *w =
        queue_writer_open(q->spool.fds[SPOOL_TMP], q->spool.fds[SPOOL_NEW], id);
    struct strbuf trace = strbuf_new(TRACE_MAX);
    int rc = -1;

    notice_put_trace(&trace, q, id, envelope.received_ms);
    if (w != NULL && queue_writer_write(w, strbuf_slice(&trace)) == 0 &&
        queue_writer_write(w, message) == 0)
        rc = queue_writer_commit(&w, &envelope);
    else if (w != NULL)
        queue_writer_abort(&w);
    strbuf_free(&trace);
    return rc;
}

int
reply_take(struct queue *q, struct agent *a, const struct queue_reply *reply)
{
    const struct job *job = agent_job(a, reply->job_id);
    const struct target *t = job == NULL ? NULL : find_target(job, reply->index);
    const struct message *m = job == NULL ? NULL : job->message;
    char id[QUEUE_ID_SIZE];

    if (t == NULL || t->kind != TARGET_MAILBOX || t->state != TARGET_IN_JOB || !t->auto_reply ||
        m->envelope->sender.len == 0 || reply->message.len == 0)
        return -1;
    (void)snprintf(id, sizeof(id), "%.20sR%08x", m->id, crc32c(0, t->address));
    if (is_in_queue(q, id))
        return 0;
    if (commit(q, id, m->envelope->sender, reply->message) < 0) {
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
