/*
 * queue-manager/notice.c - tells senders what became of their mail (RFC 3461, RFC 3464).
 *
 * A notification is an ordinary queue file from the null sender, committed like any other before
 * the original's log says that the failure is told: a crash in between tells it twice, never not at
 * all. The null sender is never told anything; what it cannot get rid of goes to the postmaster
 * (QUE-07) once, and not about mail that is itself such a double bounce: that ends in the log. The
 * postmaster gets copies of what senders are told where queue.postmaster_copies says so, with the
 * original's header section alone. A domain's administrator
 * hears of mail for unknown mailboxes where the domain says so (DIR-09), though not of our own
 * notices. Of copies (copies.h) the sender hears nothing at all.
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
#include "queue-manager/deadline.h"
#include "queue-manager/intake.h"
#include "queue-manager/message.h"
#include "queue-manager/own_mail.h"
#include "queue-manager/system_sender.h"

#define HEADER_MAX 65536u      /* of the original's header section */
#define REPORT_MAX (64u << 20) /* text and status parts: bounded by the recipients */
#define ADDRESSES_MAX 64       /* others than the sender told of one message */

#define DOUBLE_BOUNCE "double-bounce" /* another OWN_MAIL_CLIENT */

enum topic {
    TOPIC_FAILURES,
    TOPIC_UNTOLD,
    TOPIC_UNKNOWN,
    TOPIC_COPIES,
    TOPIC_SUCCESSES,
    TOPIC_RELAYED,
    TOPIC_DELAYS,
    TOPIC_FAILURES_COPY, /* for the postmaster, as queue.postmaster_copies has it */
    TOPIC_DELAYS_COPY,
};

static const struct {
    const char *name, *client;
    enum wording_kind wording;
} topics[] = {
    [TOPIC_FAILURES] = {"bounce", OWN_MAIL_CLIENT, WORDING_BOUNCE},
    [TOPIC_UNTOLD] = {"double_bounce", DOUBLE_BOUNCE, WORDING_NOTICE},
    [TOPIC_UNKNOWN] = {"unknown_mailbox", OWN_MAIL_CLIENT, WORDING_NOTICE},
    [TOPIC_COPIES] = {"copy", OWN_MAIL_CLIENT, WORDING_NOTICE},
    [TOPIC_SUCCESSES] = {"success", OWN_MAIL_CLIENT, WORDING_SUCCESS},
    [TOPIC_RELAYED] = {"relayed", OWN_MAIL_CLIENT, WORDING_SUCCESS},
    [TOPIC_DELAYS] = {"delay", OWN_MAIL_CLIENT, WORDING_DELAY},
    [TOPIC_FAILURES_COPY] = {"bounce_copy", DOUBLE_BOUNCE, WORDING_NOTICE},
    [TOPIC_DELAYS_COPY] = {"delay_copy", DOUBLE_BOUNCE, WORDING_DELAY_NOTICE},
};

/* One notification: about what, to whom, and how many have gone before it in this round. */
struct telling {
    enum topic topic;
    struct slice to;
    uint32_t step;
};

static bool
in_group(const struct target *t)
{
    return slice_starts(t->via, SLICE("group"));
}

/* Without NOTIFY: failures and delays, which the RFC leaves to us (RFC 3461 section 4.1). */
static bool
wanted(const struct message *m, const struct target *t, unsigned notify)
{
    unsigned asked = message_source(m, t->source)->notify;

    return ((asked == 0 ? QUEUE_NOTIFY_FAILURE | QUEUE_NOTIFY_DELAY : asked) & notify) != 0;
}

static bool
belongs(const struct message *m, const struct target *t, const struct telling *telling)
{
    switch (telling->topic) {
    case TOPIC_FAILURES:
        return t->state == TARGET_BOUNCED && wanted(m, t, QUEUE_NOTIFY_FAILURE);
    case TOPIC_UNTOLD:
    case TOPIC_FAILURES_COPY:
        return t->state == TARGET_BOUNCED && !message_is_copy(m, t);
    case TOPIC_UNKNOWN:
    case TOPIC_COPIES:
        return t->state == TARGET_BOUNCED && slice_eq(t->notice, telling->to) &&
               message_is_copy(m, t) == (telling->topic == TOPIC_COPIES);
    case TOPIC_DELAYS:
        return t->state == TARGET_DEFERRED && wanted(m, t, QUEUE_NOTIFY_DELAY);
    case TOPIC_DELAYS_COPY:
        return t->state == TARGET_DEFERRED && !message_is_copy(m, t);
    case TOPIC_SUCCESSES:
        if (in_group(t)) /* told once, when the group is expanded */
            return queue_log_find(&m->log, t->address) == NULL &&
                   wanted(m, t, QUEUE_NOTIFY_SUCCESS);
        return t->state == TARGET_DELIVERED && !t->relayed && !t->tell_relayed &&
               wanted(m, t, QUEUE_NOTIFY_SUCCESS);
    case TOPIC_RELAYED: /* asked for by DELIVERBY, whatever NOTIFY says but NEVER (RFC 2852 4.1.4)
                         */
        return t->state == TARGET_DELIVERED && t->tell_relayed &&
               !(message_source(m, t->source)->notify & QUEUE_NOTIFY_NEVER);
    }
    return false;
}

static bool
is_of_delays(enum topic topic)
{
    return topic == TOPIC_DELAYS || topic == TOPIC_DELAYS_COPY;
}

static enum dsn_action
action_of(const struct target *t, enum topic topic)
{
    if (is_of_delays(topic))
        return DSN_DELAYED;
    if (topic == TOPIC_RELAYED)
        return DSN_RELAYED;
    if (topic != TOPIC_SUCCESSES)
        return DSN_FAILED;
    if (in_group(t))
        return DSN_EXPANDED; /* RFC 3461 section 5.2.7.3 (c) */
    return t->kind == TARGET_REMOTE ? DSN_RELAYED : DSN_DELIVERED;
}

static struct dsn_rcpt
describe(const struct message *m, const struct target *t, enum topic topic)
{
    const struct queue_rcpt *source = message_source(m, t->source);
    struct dsn_rcpt rcpt = {.action = action_of(t, topic),
                            .address = source->address,
                            .original = source->original,
                            .status = SLICE("2.0.0")};

    if (rcpt.action == DSN_EXPANDED)
        return rcpt; /* it is about the group, not about what became of this member */
    if (in_group(t))
        rcpt.member = t->address;
    if (t->expired || (is_of_delays(topic) && deadline_to_be_told(m, clock_real_ms())))
        rcpt.status = SLICE("4.4.7"); /* RFC 3463 section 3.5, RFC 2852 section 4.1.3 */
    else if (t->dsn.len > 0)
        rcpt.status = t->dsn;
    else if (topic != TOPIC_SUCCESSES && topic != TOPIC_RELAYED)
        rcpt.status = is_of_delays(topic) ? SLICE("4.0.0") : SLICE("5.0.0");
    rcpt.diagnostic = t->text;
    rcpt.remote = t->remote;
    return rcpt;
}

/* Allocates the list of those that this is about; 0: nobody. */
static uint32_t
collect(const struct message *m, const struct telling *telling, struct dsn_rcpt **list)
{
    uint32_t count = 0, expanded = UINT32_MAX; /* the group that was listed last */

    *list = NULL;
    for (uint32_t i = 0; i < m->target_count; i++)
        count += belongs(m, &m->targets[i], telling);
    if (count == 0)
        return 0;
    *list = xcalloc(count, sizeof(**list));
    count = 0;
    for (uint32_t i = 0; i < m->target_count; i++) {
        const struct target *t = &m->targets[i];
        bool as_group = telling->topic == TOPIC_SUCCESSES && in_group(t);

        if (!belongs(m, t, telling) || (as_group && t->source == expanded))
            continue; /* one of a group's members speaks for all in a success report */
        if (as_group)
            expanded = t->source;
        (*list)[count++] = describe(m, t, telling->topic);
    }
    return count;
}

/* ---- writing the message ---- */

struct original {
    int fd;
    uint64_t size; /* of what is returned */
    bool has_8bit;
    bool requiretls; /* it, and so what tells of it (RFC 8689 section 5) */
    int8_t priority; /* likewise (RFC 6710 section 4.6) */
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
 * (RFC 3461 section 4.3), nor one with REQUIRETLS (RFC 8689 section 5). Everything else returns the
 * header section. */
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
    dsn->full = topic == TOPIC_FAILURES && e->ret == 1 && !e->body_binary && !e->requiretls &&
                e->content_size <= q->settings.bounce_size_max;
    section = header_section_len(strbuf_slice(&head), 0);
    o->size = dsn->full ? e->content_size : (section > 0 ? section : want);
    o->has_8bit = dsn->full ? e->body_8bit || e->smtputf8
                            : has_8bit(slice_sub(strbuf_slice(&head), 0, (size_t)o->size));
    dsn->returned_8bit = o->has_8bit;
    o->requiretls = e->requiretls;
    o->priority = e->priority;
    rc = 0;
out:
    strbuf_free(&head);
    return rc;
}

void
notice_put_trace(struct strbuf *out, const struct queue *q, const char *id, int64_t now_ms)
{
    (void)strbuf_printf(out, "Return-Path: <>\r\nReceived: by %s (Posthorn) id %s;\r\n\t",
                        q->settings.hostname, id);
    (void)clock_rfc5322(now_ms, out);
    (void)strbuf_str(out, "\r\n");
}

static int
commit(struct queue *q, const struct dsn *dsn, const struct original *o, const char *client,
       const char *id)
{
    struct strbuf head = strbuf_new(REPORT_MAX), tail = strbuf_new(DSN_BOUNDARY_SIZE + 16);
    char boundary[DSN_BOUNDARY_SIZE];
    struct own_mail mail = {.id = id,
                            .client = client,
                            .to = dsn->to,
                            .now_ms = dsn->now_ms,
                            .smtputf8 = dsn_needs_utf8(dsn),
                            .body_8bit = dsn_needs_8bit(dsn),
                            .requiretls = o->requiretls,
                            .priority = o->priority,
                            .original_fd = o->fd,
                            .original_size = o->size};
    int rc = -1;

    dsn_begin(&head, dsn, boundary);
    dsn_end(&tail, boundary);
    mail.head = strbuf_slice(&head);
    mail.tail = strbuf_slice(&tail);
    errno = EFBIG;
    if (!head.overflow)
        rc = own_mail_commit(q, &mail);
    strbuf_free(&head);
    strbuf_free(&tail);
    return rc;
}

/* A bare name is a mailbox of the primary domain, which accountd alone knows: it takes postmaster
 * at our host for it, whatever the name, and this address can be answered from anywhere. */
struct slice
notice_postmaster(const struct queue *q, char out[NOTICE_ADDRESS_SIZE])
{
    const struct queue_settings *s = &q->settings;

    if (strchr(s->postmaster, '@') != NULL)
        (void)snprintf(out, NOTICE_ADDRESS_SIZE, "%s", s->postmaster);
    else
        (void)snprintf(out, NOTICE_ADDRESS_SIZE, "postmaster@%s", s->hostname);
    return slice_of(out);
}

struct slice
notice_sender(const struct queue *q, struct slice to, char out[NOTICE_ADDRESS_SIZE])
{
    struct slice own = system_senders_find(q->system_senders, to);

    if (own.len == 0)
        return notice_postmaster(q, out);
    (void)snprintf(out, NOTICE_ADDRESS_SIZE, "%.*s", (int)own.len, own.ptr);
    return slice_of(out);
}

static int
send_one(struct queue *q, const struct message *m, const struct telling *telling,
         const struct dsn_rcpt *rcpts, uint32_t count)
{
    const struct queue_settings *s = &q->settings;
    enum topic topic = telling->topic;
    char id[QUEUE_ID_SIZE], message_id[NOTICE_ADDRESS_SIZE], from[NOTICE_ADDRESS_SIZE];
    struct original original = {.fd = -1};
    bool refused = topic == TOPIC_FAILURES && m->log.approval.refused;
    enum wording_kind wording = refused ? WORDING_REFUSAL : topics[topic].wording;
    struct dsn dsn = {.wording = &s->wording.kinds[wording],
                      .hostname = s->hostname,
                      .from = from,
                      .message_id = message_id,
                      .queue_id = m->id,
                      .to = telling->to,
                      .sender = m->envelope->sender,
                      .envid = m->envelope->envid,
                      .words = refused ? m->log.approval.words : SLICE(""),
                      .now_ms = clock_real_ms(),
                      .arrival_ms = m->envelope->received_ms,
                      .deliver_by_ms = m->envelope->deliver_by_ms,
                      .hold_request = m->envelope->hold_request,
                      .smtputf8 = m->envelope->smtputf8,
                      .rcpts = rcpts,
                      .rcpt_count = count};
    int rc = -1;

    queue_id_make(id);
    (void)snprintf(message_id, sizeof(message_id), "%s@%s", id, s->hostname);
    (void)notice_sender(q, telling->to, from);
    if (is_of_delays(topic))
        dsn.retry_until_ms = m->envelope->received_ms + s->lifetime_ms;
    if (open_original(q, m, &dsn, topic, &original) == 0)
        rc = commit(q, &dsn, &original, topics[topic].client, id);
    close_keep_errno(original.fd);
    if (rc < 0)
        return -1;
    stats_add(q->counters.notices, 1);
    intake_look(q->intake);
    log_event(LOG_INFO, "notice", KV_STR("queue_id", m->id), KV_STR("kind", topics[topic].name),
              KV_STR("notice_id", id), KV_SLICE("to", telling->to), KV_U64("rcpts", count));
    return 0;
}

/* All of a topic, DSN_RCPTS_MAX recipients in each notification. What an earlier try of this
 * round's end has committed is passed over. */
static int
tell(struct queue *q, struct message *m, struct telling *telling)
{
    struct dsn_rcpt *rcpts;
    uint32_t count = collect(m, telling, &rcpts);
    int rc = 0;

    for (uint32_t at = 0; at < count && rc == 0; at += DSN_RCPTS_MAX, telling->step++) {
        if (telling->step < m->told)
            continue;
        rc = send_one(q, m, telling, rcpts + at,
                      count - at < DSN_RCPTS_MAX ? count - at : DSN_RCPTS_MAX);
        if (rc == 0)
            m->told = telling->step + 1;
    }
    xfree(&rcpts);
    return rc;
}

static int
tell_topic(struct queue *q, struct message *m, enum topic topic, struct slice to, uint32_t *step)
{
    struct telling telling = {.topic = topic, .to = to, .step = *step};
    int rc = tell(q, m, &telling);

    *step = telling.step;
    return rc;
}

static bool
is_listed(const struct slice *list, uint32_t count, struct slice address)
{
    for (uint32_t i = 0; i < count; i++)
        if (slice_eq(list[i], address))
            return true;
    return false;
}

/* Whoever hears of targets besides the sender, each once: domains' administrators of unknown
 * mailboxes, and those who answer for copies. */
static int
tell_others(struct queue *q, struct message *m, enum topic topic, uint32_t *step)
{
    struct slice told[ADDRESSES_MAX];
    uint32_t count = 0;
    int rc = 0;

    for (uint32_t i = 0; i < m->target_count && count < ADDRESSES_MAX && rc == 0; i++) {
        const struct target *t = &m->targets[i];

        if (t->state != TARGET_BOUNCED || t->notice.len == 0 ||
            message_is_copy(m, t) != (topic == TOPIC_COPIES) || is_listed(told, count, t->notice))
            continue;
        told[count++] = t->notice;
        rc = tell_topic(q, m, topic, t->notice, step);
    }
    return rc;
}

bool
notice_is_own(const struct queue_envelope *e)
{
    return slice_eq(e->client, SLICE(OWN_MAIL_CLIENT)) ||
           slice_eq(e->client, SLICE(DOUBLE_BOUNCE)) ||
           slice_eq(e->client, SLICE(NOTICE_AUTO_REPLY));
}

/* What is said of mail that the null sender sent, and to whom: never to the sender. */
static int
tell_of_null_sender(struct queue *q, struct message *m, uint32_t *step)
{
    const struct telling untold = {.topic = TOPIC_UNTOLD};
    bool again = slice_eq(m->envelope->client, SLICE(DOUBLE_BOUNCE)),
         is_reply = slice_eq(m->envelope->client, SLICE(NOTICE_AUTO_REPLY));
    char address[NOTICE_ADDRESS_SIZE];
    uint32_t failures = 0;

    if (q->settings.double_bounce && !again && !is_reply)
        return tell_topic(q, m, TOPIC_UNTOLD, notice_postmaster(q, address), step);
    for (uint32_t i = 0; i < m->target_count; i++)
        failures += belongs(m, &m->targets[i], &untold);
    if (failures > 0 && m->told == 0) /* no one hears of it any more, but for the log's readers */
        log_event(LOG_WARN, "bounce_dropped", KV_STR("queue_id", m->id), KV_U64("rcpts", failures),
                  KV_STR("reason", again      ? "a double bounce failed"
                                   : is_reply ? "an automatic reply failed"
                                              : "the sender is the null one"));
    return 0;
}

static int
tell_failures(struct queue *q, struct message *m, uint32_t *step)
{
    const struct queue_envelope *e = m->envelope;
    char address[NOTICE_ADDRESS_SIZE];
    int rc;

    if (e->sender.len == 0)
        rc = tell_of_null_sender(q, m, step);
    else
        rc = tell_topic(q, m, TOPIC_FAILURES, e->sender, step);
    if (rc == 0 && e->sender.len > 0 && q->settings.copy_bounces)
        rc = tell_topic(q, m, TOPIC_FAILURES_COPY, notice_postmaster(q, address), step);
    if (rc == 0 && !notice_is_own(e))
        rc = tell_others(q, m, TOPIC_UNKNOWN, step);
    if (rc == 0)
        rc = tell_others(q, m, TOPIC_COPIES, step);
    return rc;
}

/* Delays of mail for the postmaster himself would follow each other. */
static int
tell_delays(struct queue *q, struct message *m, uint32_t *step)
{
    struct slice sender = m->envelope->sender;
    char address[NOTICE_ADDRESS_SIZE];
    int rc = 0;

    if (sender.len > 0)
        rc = tell_topic(q, m, TOPIC_DELAYS, sender, step);
    if (rc == 0 && q->settings.copy_delays && !notice_is_own(m->envelope))
        rc = tell_topic(q, m, TOPIC_DELAYS_COPY, notice_postmaster(q, address), step);
    return rc;
}

static bool
delay_due(const struct queue *q, const struct message *m, int64_t now_ms)
{
    if (deadline_to_be_told(m, now_ms))
        return true; /* RFC 2852 section 4.1.3 */
    return q->settings.delay_notice_ms > 0 && m->log.notice_ms == 0 &&
           now_ms - deadline_born_ms(m) >= q->settings.delay_notice_ms;
}

int
notices_send(struct queue *q, struct message *m)
{
    struct slice sender = m->envelope->sender;
    int64_t now_ms = clock_real_ms();
    uint32_t step = 0;

    if (tell_failures(q, m, &step) < 0)
        return -1;
    if (sender.len > 0 && (tell_topic(q, m, TOPIC_SUCCESSES, sender, &step) < 0 ||
                           tell_topic(q, m, TOPIC_RELAYED, sender, &step) < 0))
        return -1;
    if (!delay_due(q, m, now_ms))
        return 0;
    if (tell_delays(q, m, &step) < 0)
        return -1;
    stats_add(q->counters.delayed, 1);
    m->log.notice_ms = now_ms;
    m->notice_logged = false;
    return 0;
}
