/*
 * queue-manager/notice.c - tells senders what became of their mail (RFC 3461, RFC 3464).
 *
 * A notification is an ordinary queue file from the null sender, committed like any other before
 * the original's log says that the failure is told: a crash in between tells it twice, never not at
 * all. The null sender is never told anything; what it cannot get rid of goes to the postmaster
 * (QUE-07) once, and not about mail that is itself such a double bounce.
 */
#include "queue-manager/notice.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/log/log.h"
#include "lib/mail/dsn.h"
#include "lib/mail/header.h"
#include "lib/sys/stats.h"
#include "queue-manager/intake.h"

#define HEADER_MAX 65536u      /* of the original's header section */
#define REPORT_MAX (64u << 20) /* text and status parts: bounded by the recipients */
#define COPY_STEP 65536u
#define DOUBLE_BOUNCE "double-bounce" /* `client` of an envelope that must not bounce again */

enum topic { TOPIC_FAILURES, TOPIC_DELAYS, TOPIC_SUCCESSES };

static bool
in_group(const struct target *t)
{
    return slice_starts(t->via, SLICE("group"));
}

/* What is to be told about a recipient. Without NOTIFY: failures and delays, which the RFC leaves
 * to us (RFC 3461 section 4.1). The postmaster hears of each failure that no sender can be told of.
 */
static bool
wanted(const struct message *m, const struct target *t, unsigned notify)
{
    unsigned asked = m->envelope->rcpts[t->source].notify;

    if (m->envelope->sender.len == 0)
        return notify == QUEUE_NOTIFY_FAILURE;
    return ((asked == 0 ? QUEUE_NOTIFY_FAILURE | QUEUE_NOTIFY_DELAY : asked) & notify) != 0;
}

static bool
belongs(const struct message *m, const struct target *t, enum topic topic)
{
    switch (topic) {
    case TOPIC_FAILURES:
        return t->state == TARGET_BOUNCED && wanted(m, t, QUEUE_NOTIFY_FAILURE);
    case TOPIC_DELAYS:
        return t->state == TARGET_DEFERRED && wanted(m, t, QUEUE_NOTIFY_DELAY);
    case TOPIC_SUCCESSES:
        if (in_group(t)) /* told once, when the group is expanded */
            return m->round == 0 && wanted(m, t, QUEUE_NOTIFY_SUCCESS);
        return t->state == TARGET_DELIVERED && !t->relayed && wanted(m, t, QUEUE_NOTIFY_SUCCESS);
    }
    return false;
}

static enum dsn_action
action_of(const struct target *t, enum topic topic)
{
    if (topic == TOPIC_FAILURES)
        return DSN_FAILED;
    if (topic == TOPIC_DELAYS)
        return DSN_DELAYED;
    if (in_group(t))
        return DSN_EXPANDED; /* RFC 3461 section 5.2.7.3 (c) */
    return t->kind == TARGET_REMOTE ? DSN_RELAYED : DSN_DELIVERED;
}

/* One of a group's members speaks for all in a success report. */
static bool
is_repeated(const struct message *m, const struct dsn_rcpt *list, uint32_t count,
            const struct target *t)
{
    return count > 0 && list[count - 1].action == DSN_EXPANDED && in_group(t) &&
           slice_eq(list[count - 1].address, m->envelope->rcpts[t->source].address);
}

/* Allocates the list of those that this notification is about; 0: nobody. */
static uint32_t
collect(const struct message *m, enum topic topic, struct dsn_rcpt **list)
{
    uint32_t count = 0;

    *list = NULL;
    for (uint32_t i = 0; i < m->target_count; i++)
        count += belongs(m, &m->targets[i], topic);
    if (count == 0)
        return 0;
    *list = xcalloc(count, sizeof(**list));
    count = 0;
    for (uint32_t i = 0; i < m->target_count; i++) {
        const struct target *t = &m->targets[i];
        const struct queue_rcpt *source = &m->envelope->rcpts[t->source];

        if (!belongs(m, t, topic) || (topic == TOPIC_SUCCESSES && is_repeated(m, *list, count, t)))
            continue;
        (*list)[count++] = (struct dsn_rcpt){
            .action = action_of(t, topic),
            .address = source->address,
            .original = source->original,
            .member = in_group(t) && topic != TOPIC_SUCCESSES ? t->address : SLICE(""),
            .status = t->expired ? SLICE("4.4.7") : t->dsn, /* RFC 3463 section 3.5 */
            .diagnostic = t->text,
            .remote = t->remote,
        };
    }
    return count;
}

/* ---- writing the message ---- */

struct original {
    int fd;
    uint64_t size; /* of what is returned */
    bool has_8bit;
};

static bool
has_8bit(struct slice s)
{
    for (size_t i = 0; i < s.len; i++)
        if ((unsigned char)s.ptr[i] > 0x7f)
            return true;
    return false;
}

/* Only failures return the whole message, on request, up to the limit; a binary one never
 * (RFC 3461 section 4.3). Everything else returns the header section. */
static int
open_original(struct queue *q, const struct message *m, struct dsn *dsn, enum topic topic,
              struct original *o)
{
    const struct queue_envelope *e = m->envelope;
    size_t want = e->content_size < HEADER_MAX ? (size_t)e->content_size : HEADER_MAX;
    struct strbuf head = strbuf_new(HEADER_MAX);
    char *room = strbuf_room(&head, want);
    size_t section;
    int rc = -1;

    o->fd = openat(q->spool.fds[SPOOL_ACTIVE], m->id, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (o->fd < 0 || room == NULL || pread_exact(o->fd, room, want, 0) < 0)
        goto out;
    strbuf_grew(&head, want);
    dsn->full = topic == TOPIC_FAILURES && e->ret == 1 && !e->body_binary &&
                e->content_size <= q->settings.bounce_size_max;
    section = header_section_len(strbuf_slice(&head), 0);
    o->size = dsn->full ? e->content_size : (section > 0 ? section : want);
    o->has_8bit = dsn->full ? e->body_8bit || e->smtputf8
                            : has_8bit(slice_sub(strbuf_slice(&head), 0, (size_t)o->size));
    dsn->returned_8bit = o->has_8bit;
    rc = 0;
out:
    strbuf_free(&head);
    return rc;
}

static int
copy_original(struct queue_writer *w, const struct original *o)
{
    char *buf = xmalloc(COPY_STEP);
    uint64_t at = 0;
    int rc = 0;

    while (at < o->size && rc == 0) {
        size_t step = o->size - at < COPY_STEP ? (size_t)(o->size - at) : COPY_STEP;

        rc = pread_exact(o->fd, buf, step, (off_t)at);
        if (rc == 0)
            rc = queue_writer_write(w, slice_make(buf, step));
        at += step;
    }
    xfree(&buf);
    return rc;
}

/* Return-Path and Received on top, as every queue file has them (RFC 5321 section 4.4). */
static void
put_trace(struct strbuf *out, const struct queue *q, const char *id, int64_t now_ms)
{
    (void)strbuf_printf(out, "Return-Path: <>\r\nReceived: by %s (Posthorn) id %s;\r\n\t",
                        q->settings.hostname, id);
    (void)clock_rfc5322(now_ms, out);
    (void)strbuf_str(out, "\r\n");
}

static int
write_message(const struct queue *q, struct queue_writer *w, const char *id, const struct dsn *dsn,
              const struct original *o)
{
    struct strbuf out = strbuf_new(REPORT_MAX);
    char boundary[DSN_BOUNDARY_SIZE];
    int rc = -1;

    put_trace(&out, q, id, dsn->now_ms);
    dsn_begin(&out, dsn, boundary);
    errno = EFBIG;
    if (!out.overflow && queue_writer_write(w, strbuf_slice(&out)) == 0 &&
        copy_original(w, o) == 0) {
        strbuf_clear(&out);
        dsn_end(&out, boundary);
        rc = queue_writer_write(w, strbuf_slice(&out));
    }
    strbuf_free(&out);
    return rc;
}

static int
commit(struct queue *q, const struct dsn *dsn, const struct original *o, struct slice to,
       const char *client, char id[QUEUE_ID_SIZE])
{
    struct queue_rcpt rcpt = {.address = to, .notify = QUEUE_NOTIFY_NEVER};
    struct queue_envelope envelope = {.received_ms = dsn->now_ms,
                                      .smtputf8 = dsn_needs_utf8(dsn),
                                      .body_8bit = o->has_8bit || dsn_needs_utf8(dsn),
                                      .client = slice_of(client),
                                      .rcpt_count = 1,
                                      .rcpts = &rcpt};
    struct queue_writer *w =
        queue_writer_open(q->spool.fds[SPOOL_TMP], q->spool.fds[SPOOL_NEW], id);

    if (w == NULL)
        return -1;
    if (write_message(q, w, id, dsn, o) == 0)
        return queue_writer_commit(&w, &envelope);
    queue_writer_abort(&w);
    return -1;
}

static int
send_to(struct queue *q, const struct message *m, enum topic topic, struct slice to,
        const char *client, const struct dsn_rcpt *rcpts, uint32_t count)
{
    static const char *const names[] = {"bounce", "delay", "success"};
    const struct queue_settings *s = &q->settings;
    char id[QUEUE_ID_SIZE], message_id[512], from[512];
    struct original original = {.fd = -1};
    struct dsn dsn = {.hostname = s->hostname,
                      .from = from,
                      .message_id = message_id,
                      .queue_id = m->id,
                      .to = to,
                      .envid = m->envelope->envid,
                      .now_ms = clock_real_ms(),
                      .arrival_ms = m->envelope->received_ms,
                      .smtputf8 = m->envelope->smtputf8,
                      .rcpts = rcpts,
                      .rcpt_count = count};
    int rc = -1;

    queue_id_make(id);
    (void)snprintf(message_id, sizeof(message_id), "%s@%s", id, s->hostname);
    (void)snprintf(from, sizeof(from), "%s%s%s", s->postmaster,
                   strchr(s->postmaster, '@') == NULL ? "@" : "",
                   strchr(s->postmaster, '@') == NULL ? s->hostname : "");
    if (topic == TOPIC_DELAYS)
        dsn.retry_until_ms = m->envelope->received_ms + s->lifetime_ms;
    if (open_original(q, m, &dsn, topic, &original) == 0)
        rc = commit(q, &dsn, &original, to, client, id);
    close_keep_errno(original.fd);
    if (rc < 0)
        return -1;
    stats_add(q->counters.notices, 1);
    intake_look(q->intake);
    log_event(LOG_INFO, "notice", KV_STR("queue_id", m->id), KV_STR("kind", names[topic]),
              KV_STR("notice_id", id), KV_SLICE("to", to), KV_U64("rcpts", count));
    return 0;
}

static int
send_topic(struct queue *q, struct message *m, enum topic topic)
{
    const struct queue_envelope *e = m->envelope;
    struct dsn_rcpt *rcpts;
    uint32_t count = collect(m, topic, &rcpts);
    int rc = 0;

    if (count > 0 && e->sender.len > 0)
        rc = send_to(q, m, topic, e->sender, "notice", rcpts, count);
    else if (count > 0 && topic == TOPIC_FAILURES && q->settings.double_bounce &&
             !slice_eq(e->client, SLICE(DOUBLE_BOUNCE)))
        rc = send_to(q, m, topic, slice_of(q->settings.postmaster), DOUBLE_BOUNCE, rcpts, count);
    xfree(&rcpts);
    return rc;
}

bool
notice_delay_due(const struct queue *q, const struct message *m, int64_t now_ms)
{
    return q->settings.delay_notice_ms > 0 && m->log.notice_ms == 0 &&
           now_ms - m->envelope->received_ms >= q->settings.delay_notice_ms;
}

int
notices_send(struct queue *q, struct message *m)
{
    if (!m->failures_told && send_topic(q, m, TOPIC_FAILURES) < 0)
        return -1;
    m->failures_told = true;
    if (!m->successes_told && send_topic(q, m, TOPIC_SUCCESSES) < 0)
        return -1;
    m->successes_told = true;
    if (m->log.notice_ms == 0 && notice_delay_due(q, m, clock_real_ms())) {
        if (send_topic(q, m, TOPIC_DELAYS) < 0)
            return -1;
        stats_add(q->counters.delayed, 1);
        m->log.notice_ms = clock_real_ms();
    }
    return 0;
}
