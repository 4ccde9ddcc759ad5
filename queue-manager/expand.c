/*
 * queue-manager/expand.c - from envelope recipients to targets, by asking accountd in batches.
 *
 * accountd resolves aliases, groups, forwarding and their loops; here duplicates are taken out over
 * the whole message and mail that comes round from outside is stopped (trace.c). While accountd is
 * away messages wait in memory. A question that fails is asked again for each message alone, so
 * that one message which accountd cannot answer for is deferred by itself and holds up no other.
 */
#include "queue-manager/expand.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/ipc/accountd.h"
#include "lib/log/log.h"
#include "queue-manager/approval.h"
#include "queue-manager/approval_mail.h"
#include "queue-manager/copies.h"
#include "queue-manager/message.h"
#include "queue-manager/round.h"
#include "queue-manager/schedule.h"
#include "queue-manager/trace.h"

#define TIMEOUT_MS 30000
#define AGAIN_MS 2000
#define FAILURES_MAX 60 /* some two minutes */
#define QUESTIONS_MAX 8 /* under way at once */
#define TRACE_ROOM 8192 /* bytes: what smtpd may put on top of a message */

struct expansion {
    struct queue *queue;
    struct ipc_async *accountd;
    struct message_list waiting;
    struct message_list again; /* until the timer */
    struct loop_timer *timer;
    bool timer_set;
    unsigned questions;
    struct strbuf frame;
};

/* One question: entry i of the request is recipient `source` of `message`. */
struct question {
    struct expansion *expansion;
    uint32_t count;
    struct asked {
        struct message *message;
        uint32_t source;
    } asked[];
};

static void
list_add(struct message_list *list, struct message *m)
{
    m->expand_link = NULL;
    *list->last = m;
    list->last = &m->expand_link;
}

static struct message *
list_take(struct message_list *list)
{
    struct message *m = list->first;

    if (m == NULL)
        return NULL;
    list->first = m->expand_link;
    if (list->first == NULL)
        list->last = &list->first;
    m->expand_link = NULL;
    return m;
}

static void
ask_again(void *arg)
{
    struct expansion *x = arg;
    struct message *m;

    x->timer_set = false;
    while ((m = list_take(&x->again)) != NULL)
        list_add(&x->waiting, m);
    queue_wake(x->queue);
}

struct expansion *
expansion_new(struct queue *q, int run_dirfd)
{
    struct expansion *x = xcalloc(1, sizeof(*x));

    x->queue = q;
    x->accountd =
        ipc_async_new(q->loop, run_dirfd, ACCOUNTD_SOCKET, ACCOUNTD_PAYLOAD_MAX, 2 * QUESTIONS_MAX);
    message_list_init(&x->waiting);
    message_list_init(&x->again);
    x->timer = loop_timer_new(q->loop, ask_again, x);
    x->frame = strbuf_new(ACCOUNTD_PAYLOAD_MAX);
    return x;
}

void
expansion_free(struct expansion **xp)
{
    struct expansion *x = *xp;

    if (x == NULL)
        return;
    ipc_async_free(&x->accountd);
    loop_timer_free(&x->timer);
    strbuf_free(&x->frame);
    xfree(xp);
}

/* Domains compare without case, and a remote local part's case is its owner's business. */
static struct slice
lower_domain(struct message *m, struct slice address)
{
    struct slice copy = arena_copy(&m->arena, address);
    char *text = (char *)copy.ptr;

    for (size_t i = slice_rindex(copy, '@'); i < copy.len; i++)
        if (text[i] >= 'A' && text[i] <= 'Z')
            text[i] = (char)(text[i] - 'A' + 'a');
    return copy;
}

/* `model` has what accountd said, or we. */
static void
add_failure_target(struct message *m, struct target model)
{
    model.kind = TARGET_FAILURE;
    model.state = model.dsn.len > 0 && model.dsn.ptr[0] == '5' ? TARGET_BOUNCED : TARGET_DEFERRED;
    if (model.address.len == 0)
        model.address = message_source(m, model.source)->address;
    if (message_add_target(m, &model) == NULL)
        m->expand_failed = true; /* asked again later; in the end the whole message is deferred */
}

static void
add_failure(struct message *m, uint32_t source, struct slice dsn, struct slice text)
{
    add_failure_target(m, (struct target){.source = source, .dsn = dsn, .text = text});
}

/* No room in the answer, beside other messages: perhaps it was they who took it. Asked alone it
 * gets what it needs, or this failure again. */
static bool
is_crowded_out(const struct question *question, const struct message *m,
               const struct accountd_target *answer)
{
    return slice_eq(answer->dsn, SLICE("4.5.3")) && m->expand_failures == 0 &&
           (question->asked[0].message != m || question->asked[question->count - 1].message != m);
}

/* SMTP-11: where mail for an address of ours leaves, smtpd could not know it. What smtpd itself has
 * put on top is not the sender's fault; copies are none of the sender's business. */
static bool
is_too_large(const struct queue *q, const struct asked *asked, const struct accountd_target *answer)
{
    const struct queue_envelope *e = asked->message->envelope;
    uint64_t limit = q->settings.max_outgoing_size;

    return asked->source < e->rcpt_count && answer->kind == ACCOUNTD_TO_REMOTE &&
           answer->via.len > 0 && limit > 0 && e->content_size > limit + TRACE_ROOM;
}

/* Of copies we know it ourselves; what their addresses are is nobody else's business. */
static struct slice
notice_for(const struct message *m, uint32_t source, struct slice answered)
{
    uint32_t rcpts = m->envelope->rcpt_count;

    return source < rcpts ? answered : m->copies[source - rcpts].notice;
}

/* Another server's bounce of a copy must not come to who sent the mail; and one of a bounce's copy
 * to nobody, or they would follow each other. */
static struct slice
sender_for(const struct message *m, uint32_t source, struct slice answered)
{
    uint32_t rcpts = m->envelope->rcpt_count;

    if (source < rcpts)
        return answered;
    return m->envelope->sender.len > 0 ? m->copies[source - rcpts].notice : SLICE("");
}

static int
take_target(void *arg, const struct accountd_target *answer)
{
    static const uint8_t kinds[] = {[ACCOUNTD_TO_MAILBOX] = TARGET_MAILBOX,
                                    [ACCOUNTD_TO_REMOTE] = TARGET_REMOTE,
                                    [ACCOUNTD_TO_FAILURE] = TARGET_FAILURE,
                                    [ACCOUNTD_TO_NOBODY] = TARGET_NOBODY};
    const struct question *question = arg;
    const struct asked *asked;
    struct slice notice;
    struct target model;

    if (answer->source >= question->count)
        return -1;
    asked = &question->asked[answer->source];
    if (answer->kind == ACCOUNTD_TO_FAILURE && is_crowded_out(question, asked->message, answer)) {
        asked->message->expand_failed = true;
        return 0;
    }
    if (answer->kind == ACCOUNTD_SHOWN) {
        if (asked->source < asked->message->envelope->rcpt_count)
            message_show_group(asked->message, answer->address, answer->text);
        return 0;
    }
    notice = notice_for(asked->message, asked->source, answer->notice);
    if (answer->kind == ACCOUNTD_TO_FAILURE) {
        add_failure_target(asked->message, (struct target){.source = asked->source,
                                                           .address = answer->address,
                                                           .via = answer->via,
                                                           .dsn = answer->dsn,
                                                           .text = answer->text,
                                                           .notice = notice});
        return 0;
    }
    if (answer->address.len == 0)
        return -1;
    if (is_too_large(question->expansion->queue, asked, answer)) {
        add_failure_target(asked->message,
                           (struct target){.source = asked->source,
                                           .address = answer->address,
                                           .via = answer->via,
                                           .dsn = SLICE("5.3.4"),
                                           .text = SLICE("message too big to leave this server")});
        return 0;
    }
    model = (struct target){
        .source = asked->source,
        .kind = kinds[answer->kind],
        .state = TARGET_WAITING,
        .address = answer->kind == ACCOUNTD_TO_REMOTE
                       ? lower_domain(asked->message, answer->address)
                       : answer->address,
        .notice = notice,
        .via = answer->via,
        .path = answer->path,
        .sender = sender_for(asked->message, asked->source, answer->sender),
        .quota_bytes = answer->quota_bytes,
        .quota_messages = answer->quota_messages,
        .warning_limit = answer->warning_limit,
        .auto_reply = answer->auto_reply && asked->source < asked->message->envelope->rcpt_count &&
                      !queue_log_has_reply(&asked->message->log, answer->address),
    };
    if (message_add_target(asked->message, &model) == NULL)
        add_failure(asked->message, asked->source, SLICE("5.5.3"),
                    SLICE("too many recipients after expansion"));
    return 0;
}

/* accountd is not asked about it: it is no mailbox. */
static bool
is_decision(const struct queue *q, const struct message *m, uint32_t i)
{
    return i < m->envelope->rcpt_count && approval_mail_is_for_us(q, m->envelope->rcpts[i].address);
}

/* No target at all for a recipient would lose the message for it without a word. */
static void
check_every_source(const struct queue *q, struct message *m)
{
    uint32_t count = message_sources(m);
    bool *seen = xcalloc(count, sizeof(*seen));

    for (uint32_t i = 0; i < m->target_count; i++)
        seen[m->targets[i].source] = true;
    for (uint32_t i = 0; i < count; i++)
        if (!seen[i] && !is_decision(q, m, i))
            add_failure(m, i, SLICE("4.3.0"), SLICE("address expansion gave no answer"));
    xfree(&seen);
}

static void
skip_decisions(const struct queue *q, struct message *m)
{
    while (m->expand_next < m->envelope->rcpt_count && is_decision(q, m, m->expand_next))
        m->expand_next++;
}

/* Those without an outcome, each address once. */
static void
take_decisions(struct queue *q, struct message *m)
{
    uint32_t others = m->target_count;

    for (uint32_t i = 0; i < m->envelope->rcpt_count; i++) {
        struct slice address = m->envelope->rcpts[i].address;
        const struct queue_log_entry *logged = queue_log_find(&m->log, address);
        bool known = logged != NULL && logged->kind == QUEUE_LOG_DONE;

        for (uint32_t k = 0; is_decision(q, m, i) && !known && k < m->target_count; k++)
            known =
                k < others ? m->targets[k].source == i : slice_eq(m->targets[k].address, address);
        if (!known)
            approval_mail_take(q, m, i);
    }
}

static void
write_refusal(const struct queue_approval *a, struct strbuf *text)
{
    if (a->decided_by.len > 0)
        (void)strbuf_printf(text, "refused by %.*s", (int)a->decided_by.len, a->decided_by.ptr);
    else
        (void)strbuf_str(text, "nobody approved it in time");
}

/* Which recipients have got it all: mail that was under way when the rule came may have been
 * delivered in part. The caller frees it. */
static bool *
find_served(const struct message *m)
{
    uint32_t count = m->envelope->rcpt_count;
    bool *served = xcalloc(count, sizeof(*served)), *waits = xcalloc(count, sizeof(*waits));

    for (uint32_t i = 0; i < m->target_count; i++) {
        const struct target *t = &m->targets[i];

        if (message_is_copy(m, t) || t->kind == TARGET_NOBODY)
            continue;
        if (message_is_done(m, t))
            served[t->source] = true;
        else
            waits[t->source] = true;
    }
    for (uint32_t i = 0; i < count; i++)
        served[i] = served[i] && !waits[i];
    xfree(&waits);
    return served;
}

/* It goes nowhere; the others hear of it. */
static void
refuse(struct message *m)
{
    bool *served = find_served(m);
    struct strbuf text = strbuf_new(QUEUE_TEXT_MAX);

    message_forget_targets(m);
    m->expand_next = m->envelope->rcpt_count;
    write_refusal(&m->log.approval, &text);
    for (uint32_t i = 0; i < m->envelope->rcpt_count; i++)
        if (!served[i])
            add_failure(m, i, SLICE("5.7.1"), strbuf_slice(&text));
    strbuf_free(&text);
    xfree(&served);
}

static void
all_known(struct queue *q, struct message *m)
{
    uint32_t expanded;

    copies_add_archive(m);
    expanded = m->target_count;
    message_drop_duplicates(m);
    m->expanded = true;
    expanded -= m->target_count;
    take_decisions(q, m);
    m->counted = m->target_count;
    q->target_count += m->counted;
    m->open_count = 0;
    trace_stop_loops(q, m);
    for (uint32_t i = 0; i < m->target_count; i++)
        if (m->targets[i].state == TARGET_WAITING)
            m->open_count++;
    log_event(LOG_INFO, "expanded", KV_STR("queue_id", m->id), KV_U64("targets", m->target_count),
              KV_U64("left_out", expanded));
    if (m->open_count > 0)
        schedule_message(q->schedule, m);
    if (m->open_count == 0)
        rounds_end(q->rounds, m);
}

static void
give_up(struct queue *q, struct message *m)
{
    message_forget_targets(m);
    for (uint32_t i = 0; i < m->envelope->rcpt_count; i++)
        add_failure(m, i, SLICE("4.3.0"), SLICE("address expansion failed"));
    m->expand_failures = 0;
    all_known(q, m);
}

static void
settle(struct expansion *x, struct message *m)
{
    bool is_complete = !m->expand_failed && m->expand_next == message_sources(m);

    if (m->expand_pending > 0 || m->expanded)
        return;
    if (m->fate != MESSAGE_GO_ON || (is_complete && approval_judge(x->queue, m))) {
        message_forget_targets(m); /* accountd is asked again, and who reads along decided, when it
                                      is approved */
        m->expanded = true;
        rounds_end(x->queue->rounds, m);
    } else if (m->expand_failed && ++m->expand_failures >= FAILURES_MAX) {
        give_up(x->queue, m);
    } else if (m->expand_failed) {
        message_forget_targets(m);
        skip_decisions(x->queue, m);
        list_add(&x->again, m);
        if (!x->timer_set)
            loop_timer_set(x->timer, AGAIN_MS);
        x->timer_set = true;
    } else if (is_complete && m->log.approval.refused) {
        refuse(m);
        all_known(x->queue, m);
    } else if (is_complete && !copies_find(x->queue, m)) {
        check_every_source(x->queue, m);
        all_known(x->queue, m);
    } else {
        list_add(&x->waiting, m);
    }
}

static void
answered(void *arg, const struct frame_header *header, struct slice payload, int fd)
{
    struct question *question = arg;
    struct expansion *x = question->expansion;
    bool failed = header == NULL || header->type != ACCOUNTD_EXPAND_REPLY ||
                  accountd_expand_reply_decode(payload, take_target, question) < 0;

    close_keep_errno(fd); /* accountd sends none */
    x->questions--;
    if (failed)
        log_event(LOG_WARN, "expand_failed", KV_U64("addresses", question->count),
                  KV_STR("reason", header == NULL ? "no answer" : "bad answer"));
    for (uint32_t i = 0; i < question->count; i++) {
        struct message *m = question->asked[i].message;
        bool last = i + 1 == question->count || question->asked[i + 1].message != m;

        m->expand_failed |= failed;
        if (!last)
            continue;
        m->expand_pending--;
        settle(x, m);
    }
    xfree(&question);
    queue_wake(x->queue);
}

/* Adds as many of the message's recipients as there is room for. True: all of them are in. */
static bool
fill(struct question *question, struct accountd_recipient *recipients, struct message *m)
{
    uint32_t sources = message_sources(m);

    while (m->expand_next < sources && question->count < ACCOUNTD_BATCH_MAX) {
        bool is_copy = m->expand_next >= m->envelope->rcpt_count; /* has a sender of its own */

        recipients[question->count] = (struct accountd_recipient){
            message_source(m, m->expand_next)->address, m->envelope->auth_user,
            is_copy ? SLICE("") : m->envelope->sender, .by_rule = is_copy};
        question->asked[question->count++] = (struct asked){m, m->expand_next++};
        skip_decisions(question->expansion->queue, m);
    }
    return m->expand_next == sources;
}

static void
ask(struct expansion *x)
{
    struct question *question =
        xmalloc(sizeof(*question) + ACCOUNTD_BATCH_MAX * sizeof(question->asked[0]));
    struct accountd_recipient recipients[ACCOUNTD_BATCH_MAX];
    bool alone = false;

    *question = (struct question){.expansion = x};
    while (x->waiting.first != NULL && question->count < ACCOUNTD_BATCH_MAX && !alone) {
        struct message *m = x->waiting.first;

        alone = m->expand_failures > 0;
        if (alone && question->count > 0)
            break;
        m->expand_pending = 1;
        (void)list_take(&x->waiting);
        if (!fill(question, recipients, m))
            break; /* the rest is asked when this much is answered */
    }
    question = xrealloc(question, sizeof(*question) + question->count * sizeof(question->asked[0]));
    x->questions++;
    (void)accountd_expand_encode(&x->frame, recipients, question->count); /* 3000 KiB at most */
    ipc_async_call(x->accountd, &x->frame, TIMEOUT_MS, answered, question);
}

void
expansion_add(struct expansion *x, struct message *m)
{
    if (m->log.approval.refused && m->log.rcpt_count == 0) { /* nobody can have got it */
        refuse(m);
        all_known(x->queue, m);
        return;
    }
    skip_decisions(x->queue, m);
    if (m->expand_next == m->envelope->rcpt_count)
        all_known(x->queue, m); /* nothing to ask */
    else
        list_add(&x->waiting, m);
    queue_wake(x->queue);
}

void
expansion_turn(struct expansion *x)
{
    /* Those that are expanded make room in time, whatever becomes of them. */
    while (x->waiting.first != NULL && x->questions < QUESTIONS_MAX &&
           x->queue->target_count < QUEUE_TARGETS_ALL)
        ask(x);
}
