/*
 * smtpd/accounts.c - asks accountd about senders and recipients.
 *
 * What it answers is checked before it goes into a reply; without an answer in time the verdict is
 * "later", and the session, whose connection is lost, asks the client to connect again.
 */
#include "smtpd/accounts.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/ipc/accountd_doings.h"
#include "lib/ipc/client.h"
#include "lib/log/log.h"
#include "lib/mail/header.h"

enum { ACCOUNTD_TIMEOUT_MS = 10000, SENT_TIMEOUT_MS = 1000 };

static const struct refusal accounts_away = {451, "4.3.0", "account database away, try again"};

/* Printable ASCII only: replies hold nothing else (RFC 6531 section 3.7.4.2). */
static void
copy_text(char *out, size_t room, struct slice text)
{
    size_t len = text.len < room - 1 ? text.len : room - 1;

    for (size_t i = 0; i < len; i++)
        out[i] = text.ptr[i] >= 0x20 && text.ptr[i] < 0x7f ? text.ptr[i] : '?';
    out[len] = '\0';
}

static struct allowance
take_allowance(const struct accountd_allowance *from)
{
    struct allowance to = {.max = from->max, .for_now = from->for_now};

    copy_text(to.limit, sizeof(to.limit), from->limit);
    return to;
}

static void
take_reply(const struct accountd_rcpt_reply *reply, struct answer *a)
{
    unsigned first = reply->verdict == ACCOUNTD_REFUSED ? 5 : 4;

    a->verdict = (enum accountd_verdict)reply->verdict;
    copy_text(a->dsn, sizeof(a->dsn), reply->dsn);
    copy_text(a->text, sizeof(a->text), reply->text);
    a->counted = reply->counted;
    if (reply->counted) {
        a->rcpts = take_allowance(&reply->rcpts);
        a->class_rcpts = take_allowance(&reply->class_rcpts);
        a->bytes = take_allowance(&reply->bytes);
    }
    a->refusal = (struct refusal){reply->code, a->dsn, a->text};
    if (reply->code / 100 != first || a->dsn[0] != (char)('0' + first))
        a->refusal = first == 5 ? (struct refusal){550, "5.1.1", a->text}
                                : (struct refusal){450, "4.2.0", a->text};
}

static void
take_message(const struct ipc_reply *reply, struct answer *a)
{
    struct accountd_rcpt_reply decoded;

    if ((reply->type == ACCOUNTD_RCPT_REPLY || reply->type == ACCOUNTD_SENDER_REPLY) &&
        accountd_rcpt_reply_decode(reply->payload, &decoded) == 0)
        take_reply(&decoded, a);
    close_keep_errno(reply->fd); /* accountd sends none */
}

static void
take_numbered(void *answers, uint32_t index, const struct ipc_reply *reply)
{
    take_message(reply, &((struct answer *)answers)[index]);
}

/* Sends the `count` questions and waits. What has no answer in time is DEFERRED with 451. */
static void
ask(struct session *s, struct strbuf *questions, uint32_t count, struct answer *answers)
{
    for (uint32_t i = 0; i < count; i++)
        answers[i] = (struct answer){.verdict = ACCOUNTD_DEFERRED, .refusal = accounts_away};
    if (s->pool->backend == NULL || questions->overflow ||
        ipc_client_call_many(s->pool->backend, questions, count, ACCOUNTD_TIMEOUT_MS, take_numbered,
                             answers) < 0) {
        log_event(LOG_WARN, "accountd_away", KV_ERRNO());
        s->is_stale = true;
    }
    strbuf_free(questions);
}

void
accounts_ask_recipients(struct session *s, struct answer *answers)
{
    struct strbuf questions = strbuf_new(ACCOUNTD_PAYLOAD_MAX);

    for (uint32_t i = 0; i < s->recipients.count; i++) {
        struct accountd_rcpt question = {
            .address = s->recipients.list[i].recipient.text,
            .sender = s->transaction.envelope.sender,
            .auth_user = slice_of(s->auth_user),
            .size = s->transaction.declared_size,
            .trusted = s->is_trusted,
        };

        (void)accountd_rcpt_encode(&questions, &question); /* overflow is remembered */
    }
    ask(s, &questions, s->recipients.count, answers);
}

void
accounts_ask_sender(struct session *s, struct slice auth_user, struct slice sender,
                    struct answer *a)
{
    struct strbuf request = strbuf_new(ACCOUNTD_PAYLOAD_MAX);
    struct accountd_sender question = {.auth_user = auth_user, .sender = sender};

    (void)accountd_sender_encode(&request, &question); /* overflow is remembered */
    ask(s, &request, 1, a);
}

static struct accountd_spend
spend_of(const struct session *s, uint64_t bytes, struct slice subject)
{
    return (struct accountd_spend){.auth_user = slice_of(s->auth_user),
                                   .local_rcpts = s->transaction.local_count,
                                   .remote_rcpts = s->transaction.remote_count,
                                   .bytes = bytes,
                                   .subject = subject};
}

const struct refusal *
accounts_spend(struct session *s, uint64_t bytes, struct slice subject, struct answer *a)
{
    struct transaction *t = &s->transaction;
    struct accountd_spend spend;
    struct strbuf request;

    if (!t->counted)
        return NULL;
    request = strbuf_new(ACCOUNTD_PAYLOAD_MAX);
    spend = spend_of(s, bytes, subject);
    (void)accountd_spend_encode(&request, &spend); /* likewise */
    ask(s, &request, 1, a);
    if (a->verdict != ACCOUNTD_LOCAL)
        return &a->refusal;
    if (a->text[0] != '\0' && t->envelope.hold_reason.len == 0)
        t->envelope.hold_reason = arena_copy(&t->arena, slice_of(a->text));
    return NULL;
}

void
accounts_unspend(const struct session *s, uint64_t bytes, struct slice subject,
                 const struct answer *a)
{
    struct strbuf report = strbuf_new(ACCOUNTD_PAYLOAD_MAX);
    const struct accountd_spend spend = spend_of(s, bytes, subject);

    if (s->transaction.counted && s->pool->backend != NULL &&
        accountd_unspend_encode(&report, &spend, a->text[0] != '\0') == 0 &&
        ipc_client_send(s->pool->backend, &report, -1, SENT_TIMEOUT_MS) < 0)
        log_event(LOG_WARN, "not_reported", KV_ERRNO());
    strbuf_free(&report);
}

/* As many as fit, with commas. */
static void
list_recipients(const struct queue_envelope *e, struct strbuf *out)
{
    for (uint32_t i = 0; i < e->rcpt_count; i++) {
        if (out->len + e->rcpts[i].address.len + 1 > out->max)
            return;
        (void)strbuf_str(out, i > 0 ? "," : "");
        (void)strbuf_append(out, e->rcpts[i].address);
    }
}

void
accounts_tell_sent(struct session *s, uint64_t bytes, const struct refusal *why)
{
    const struct transaction *t = &s->transaction;
    struct strbuf recipients = strbuf_new(ACCOUNTD_SENT_RCPTS_MAX),
                  result = strbuf_new(ACCOUNTD_RESULT_MAX), frame = strbuf_new(4096);
    struct accountd_sent sent = {.auth_user = slice_of(s->auth_user),
                                 .client_ip = slice_of(s->pool->client_ip),
                                 .local_rcpts = (uint32_t)t->local_count,
                                 .remote_rcpts = (uint32_t)t->remote_count,
                                 .bytes = bytes,
                                 .accepted = why == NULL,
                                 .time_ms = clock_real_ms()};

    if (s->auth_user == NULL || s->pool->backend == NULL)
        return;
    if (why != NULL)
        (void)strbuf_printf(&result, "%u %s %.80s", why->code, why->dsn, why->text);
    else
        (void)strbuf_str(&result, t->envelope.hold_reason.len > 0 ? "held" : "accepted");
    list_recipients(&t->envelope, &recipients);
    sent.recipients = strbuf_slice(&recipients);
    sent.result = strbuf_slice(&result);
    if (accountd_sent_encode(&frame, &sent) == 0 &&
        ipc_client_send(s->pool->backend, &frame, -1, SENT_TIMEOUT_MS) < 0)
        log_event(LOG_DEBUG, "not_reported", KV_ERRNO());
    strbuf_free(&recipients);
    strbuf_free(&result);
    strbuf_free(&frame);
}

char *
accounts_subject(struct slice section)
{
    struct header_field field;

    if (!header_find(section, "Subject", &field))
        return NULL;
    return xslicedup(slice_sub(slice_trim(field.body), 0, ACCOUNTD_SUBJECT_MAX));
}

const struct refusal *
accounts_too_large(const struct allowance *bytes, struct answer *a)
{
    (void)snprintf(a->text, sizeof(a->text), "larger than your mailbox may send%s (%s)",
                   bytes->for_now ? " now" : "", bytes->limit);
    a->refusal = bytes->for_now ? (struct refusal){452, "4.2.3", a->text}
                                : (struct refusal){552, "5.2.3", a->text}; /* RFC 3463 3.3 */
    return &a->refusal;
}
