/*
 * smtpd/message_log.c - what the log says of a message.
 *
 * Input: header sections and addresses from clients; the log quotes what it is given.
 */
#include "smtpd/message_log.h"

#include "lib/log/log.h"
#include "lib/mail/address.h"
#include "lib/mail/header.h"
#include "lib/mail/message_id.h"
#include "smtpd/message.h"

enum {
    LOGGED_RCPTS_MAX = 900, /* bytes of recipients in a log line */
    LOGGED_ARGS_MAX = 512   /* of a command that was not understood */
};

char *
message_log_id(struct slice section)
{
    struct strbuf id = strbuf_new(MESSAGE_ID_MAX);
    struct header_field field;

    if (header_find(section, "Message-ID", &field) && message_id_next(&field.body, &id))
        return strbuf_steal(&id);
    strbuf_free(&id);
    return NULL;
}

/* As many recipients from `*at` on as a line has room for, with commas. */
static void
next_recipients(const struct queue_envelope *e, uint32_t *at, struct strbuf *to)
{
    strbuf_clear(to);
    for (; *at < e->rcpt_count && to->len + ADDRESS_MAX + 1 < to->max; (*at)++) {
        if (to->len > 0)
            (void)strbuf_char(to, ','); /* fits, see above */
        (void)strbuf_append(to, e->rcpts[*at].address);
    }
}

/* The client, where that is not who stands on every line: XCLIENT has named another one. */
static const char *
named_client(const struct session *s)
{
    return s->speaks_for != NULL ? s->pool->client_ip : "";
}

/* What did not fit: lines that can be read without the first one. */
static void
log_rest(const struct session *s, const struct message_log_facts *facts, uint32_t at)
{
    const struct queue_envelope *e = &s->transaction.envelope;
    struct strbuf to = strbuf_new(LOGGED_RCPTS_MAX);

    while (at < e->rcpt_count) {
        uint32_t before = at;

        next_recipients(e, &at, &to);
        log_event(LOG_INFO, "recipients", KV_STR("queue_id", facts->queue_id),
                  KV_SLICE("from", e->sender), KV_SLICE("to", strbuf_slice(&to)),
                  KV_U64("before", before), KV_U64("size", facts->size),
                  KV_STR("service", s->pool->label), KV_STR("auth_user", s->auth_user),
                  KV_STR("ip", named_client(s)));
    }
    strbuf_free(&to);
}

void
message_log_received(const struct session *s, const struct message_log_facts *facts)
{
    const struct queue_envelope *e = &s->transaction.envelope;
    const struct tls *tls = stream_tls(s->stream);
    struct strbuf to = strbuf_new(LOGGED_RCPTS_MAX);
    uint32_t told = 0;

    next_recipients(e, &told, &to);
    log_event(LOG_INFO, "received", KV_STR("queue_id", facts->queue_id), KV_STR("helo", s->helo),
              KV_SLICE("from", e->sender), KV_SLICE("to", strbuf_slice(&to)),
              KV_U64("nrcpt", e->rcpt_count), KV_U64("size", facts->size),
              KV_STR("proto", facts->protocol), KV_STR("tls", tls == NULL ? "" : tls_version(tls)),
              KV_STR("service", s->pool->label), KV_STR("auth_user", s->auth_user),
              KV_STR("ip", named_client(s)), KV_I64("priority", e->priority),
              KV_STR("message_id", facts->message_id));
    log_rest(s, facts, told);
    strbuf_free(&to);
}

void
message_log_rejected(const struct session *s, const struct message_log_facts *facts,
                     const struct refusal *why)
{
    const struct queue_envelope *e = &s->transaction.envelope;
    struct strbuf to = strbuf_new(LOGGED_RCPTS_MAX);
    uint32_t told = 0;

    next_recipients(e, &told, &to);
    log_event(LOG_INFO, "rejected", KV_STR("queue_id", facts->queue_id),
              KV_SLICE("from", e->sender), KV_SLICE("to", strbuf_slice(&to)),
              KV_U64("size", facts->size), KV_STR("service", s->pool->label),
              KV_STR("auth_user", s->auth_user), KV_STR("ip", named_client(s)),
              KV_U64("code", why->code), KV_STR("dsn", why->dsn), KV_STR("reason", why->text),
              KV_STR("setting", conf_decider(smtp_refusal_setting(why))),
              KV_STR("message_id", facts->message_id));
    log_rest(s, facts, told);
    strbuf_free(&to);
}

void
message_log_abandoned(const struct session *s, const char *how)
{
    const struct transaction *t = &s->transaction;
    const struct queue_envelope *e = &t->envelope;
    const struct message_log_facts facts = {
        .queue_id = "", .size = t->message == NULL ? 0 : message_size(t->message)};
    struct strbuf to = strbuf_new(LOGGED_RCPTS_MAX);
    uint32_t told = 0;

    if (t->untold) {
        next_recipients(e, &told, &to);
        log_event(LOG_INFO, "abandoned", KV_STR("helo", s->helo), KV_SLICE("from", e->sender),
                  KV_SLICE("to", strbuf_slice(&to)), KV_U64("nrcpt", e->rcpt_count),
                  KV_U64("size", facts.size), KV_STR("service", s->pool->label),
                  KV_STR("auth_user", s->auth_user), KV_STR("ip", named_client(s)),
                  KV_STR("by", how), KV_U64("last_code", s->last_code));
        log_rest(s, &facts, told);
    }
    strbuf_free(&to);
}

void
message_log_syntax(const struct session *s, const char *stage, struct slice args,
                   const struct refusal *why)
{
    log_event(LOG_INFO, "rejected", KV_STR("helo", s->helo), KV_STR("stage", stage),
              KV_SLICE("argument", slice_sub(args, 0, LOGGED_ARGS_MAX)),
              KV_STR("service", s->pool->label), KV_STR("auth_user", s->auth_user),
              KV_STR("ip", named_client(s)), KV_U64("code", why->code), KV_STR("dsn", why->dsn),
              KV_STR("reason", why->text));
}

void
message_log_refused(const struct session *s, const char *stage, struct slice from, struct slice to,
                    const struct refusal *why)
{
    const struct transaction *t = &s->transaction;

    log_event(LOG_INFO, "rejected", KV_STR("helo", s->helo), KV_STR("stage", stage),
              KV_SLICE("from", from), KV_SLICE("to", to), KV_U64("before", t->envelope.rcpt_count),
              KV_U64("size", t->declared_size), KV_STR("service", s->pool->label),
              KV_STR("auth_user", s->auth_user), KV_STR("ip", named_client(s)),
              KV_U64("code", why->code), KV_STR("dsn", why->dsn), KV_STR("reason", why->text),
              KV_STR("setting", conf_decider(smtp_refusal_setting(why))));
}
