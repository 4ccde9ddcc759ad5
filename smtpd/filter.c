/*
 * smtpd/filter.c - the questions to filterd, and what its answers mean for the reply.
 *
 * filterd's answers are checked as if an attacker had sent them: texts go into replies as printable
 * ASCII, codes have to be 4yz or 5yz. Without an answer in time filter.default_action holds.
 */
#include "smtpd/filter.h"

#include <errno.h>
#include <string.h>

#include "lib/base/io.h"
#include "lib/conf/filter_spec.h"
#include "lib/ipc/client.h"
#include "lib/log/log.h"
#include "smtpd/session.h"

enum {
    GRACE_MS = 15000, /* beyond what the filters may take: filterd's DNS, its own work */
    STEPS = 5,        /* answers of a milter that one command may need (filterd/milter.c) */
    PATIENCE = 4,     /* the same for a whole message, in times content_ms */
};

/* ---- settings ---- */

static int
patience(const struct filter_spec *specs, size_t count, bool content)
{
    uint64_t ms = GRACE_MS;

    for (size_t i = 0; i < count; i++)
        ms += specs[i].connect_ms + STEPS * specs[i].command_ms +
              (content ? PATIENCE * specs[i].content_ms : 0);
    return ms > INT32_MAX ? INT32_MAX : (int)ms;
}

static void
load_port(const struct conf *conf, unsigned whom, bool *on, int *command_ms, int *content_ms)
{
    struct filter_spec specs[2 * FILTER_SPECS_MAX];
    size_t count = filter_specs_load(conf, false, whom, specs);

    count += filter_specs_load(conf, true, whom, specs + count);
    *on = count > 0;
    *command_ms = patience(specs, count, false);
    *content_ms = patience(specs, count, true);
}

void
filter_settings_load(struct filter_settings *settings, const struct conf *conf)
{
    load_port(conf, FILTER_FOR_INCOMING, &settings->incoming.on, &settings->incoming.command_ms,
              &settings->incoming.content_ms);
    load_port(conf, FILTER_FOR_SUBMISSION, &settings->submission.on,
              &settings->submission.command_ms, &settings->submission.content_ms);
    settings->exempt = networks_of(conf, SMTP_HOSTS_NO_FILTER);
    settings->away = (int)filter_default_parse(slice_of(conf_str(conf, FILTER_DEFAULT_ACTION)));
}

bool
filter_settings_any(const struct filter_settings *settings)
{
    return settings->incoming.on || settings->submission.on;
}

/* ---- questions and answers ---- */

/* Printable ASCII only, as replies are. */
static void
copy_text(char *out, size_t room, struct slice text)
{
    size_t len = text.len < room - 1 ? text.len : room - 1;

    for (size_t i = 0; i < len; i++)
        out[i] = (char)(text.ptr[i] >= 0x20 && text.ptr[i] < 0x7f ? text.ptr[i] : '?');
    out[len] = '\0';
}

static const struct refusal *
refusal_of(struct session *s, const struct filterd_verdict *verdict)
{
    struct filter *f = &s->filter;

    copy_text(f->dsn, sizeof(f->dsn), verdict->dsn);
    copy_text(f->text, sizeof(f->text), verdict->text);
    f->refusal = (struct refusal){verdict->code, f->dsn, f->text};
    if (verdict->action == FILTERD_SHUT_OUT)
        f->refusal.code = 421; /* RFC 5321 section 3.8 */
    if (f->dsn[0] != (char)('0' + f->refusal.code / 100))
        f->refusal.dsn = f->refusal.code < 500 ? "4.7.1" : "5.7.1";
    return &f->refusal;
}

/* What holds without filterd. */
static const struct refusal *
without(struct session *s)
{
    struct filter *f = &s->filter;

    if (!f->away)
        log_event(LOG_WARN, "filterd_away", KV_ERRNO());
    f->away = true;
    switch ((enum filter_default)s->settings->filters.away) {
    case FILTER_TEMPFAIL:
        return smtp_refusal(REFUSED_FILTERS_AWAY_LATER);
    case FILTER_REJECT:
        return smtp_refusal(REFUSED_FILTERS_AWAY);
    case FILTER_ACCEPT:
    case FILTER_QUARANTINE:
        break;
    }
    return NULL;
}

/* Sends the question and waits. 0, or -1 with errno: no answer. Takes what `reply` brings. */
static int
ask(struct session *s, struct strbuf *question, int fd, int timeout_ms,
    struct filterd_verdict *verdict)
{
    struct ipc_reply reply = {.fd = -1};
    int rc = -1;

    if (s->filter.away || s->pool->filter == NULL || question->overflow) {
        errno = ENOTCONN;
    } else if (ipc_client_call(s->pool->filter, question, fd, timeout_ms, &reply) == 0) {
        rc = reply.type == FILTERD_VERDICT ? filterd_verdict_decode(reply.payload, verdict) : -1;
        errno = EPROTO;
    }
    if (rc < 0)
        close_keep_errno(reply.fd);
    else
        s->filter.verdict_fd = reply.fd;
    strbuf_free(question);
    return rc;
}

/* A question of a stage before the content. */
static const struct refusal *
ask_stage(struct session *s, struct strbuf *question)
{
    struct filterd_verdict verdict;
    const struct refusal *why = NULL;

    if (ask(s, question, -1, s->filter.command_ms, &verdict) < 0)
        return without(s);
    if (verdict.action == FILTERD_REFUSE || verdict.action == FILTERD_SHUT_OUT)
        why = refusal_of(s, &verdict);
    if (verdict.wants_rejected)
        s->filter.wants_rejected = true;
    filterd_verdict_clear(&verdict);
    close_keep_errno(s->filter.verdict_fd); /* only the content has one */
    s->filter.verdict_fd = -1;
    return why;
}

static struct strbuf
question_new(void)
{
    return strbuf_new(FILTERD_PAYLOAD_MAX + FRAME_HEADER);
}

/* ---- stages ---- */

const struct refusal *
filter_connect(struct session *s)
{
    const struct filter_settings *settings = &s->settings->filters;
    struct strbuf question = question_new();
    const struct filterd_connect connect = {
        .session_id = slice_of(s->pool->session_id),
        .client_ip = slice_of(s->pool->client_ip),
        .local_ip = slice_of(s->pool->local_ip),
        .client_port = s->pool->client_port,
        .local_port = s->pool->local_port,
        .is_submission = s->is_submission,
    };
    const struct refusal *why;

    s->filter = (struct filter){
        .on = s->is_submission ? settings->submission.on : settings->incoming.on,
        .command_ms =
            s->is_submission ? settings->submission.command_ms : settings->incoming.command_ms,
        .content_ms =
            s->is_submission ? settings->submission.content_ms : settings->incoming.content_ms,
        .verdict_fd = -1,
    };
    if (!s->filter.on || networks_have_text(&settings->exempt, slice_of(s->pool->client_ip))) {
        s->filter.on = false;
        return NULL;
    }
    (void)filterd_connect_encode(&question, &connect); /* overflow is remembered */
    why = ask_stage(s, &question);
    if (s->filter.away)
        return NULL; /* MAIL says so */
    s->filter.shut = why != NULL;
    return why;
}

const struct refusal *
filter_helo(struct session *s)
{
    const struct tls *tls = stream_tls(s->stream);
    const struct filterd_helo helo = {
        .name = slice_of(s->helo),
        .is_extended = s->is_extended,
        .tls_version = slice_of(tls == NULL ? NULL : tls_version(tls)),
        .tls_cipher = slice_of(tls == NULL ? NULL : tls_cipher(tls)),
        .tls_bits = tls == NULL ? 0 : tls_cipher_bits(tls),
    };
    struct strbuf question = question_new();
    const struct refusal *why;

    if (!s->filter.on)
        return NULL;
    s->filter.in_transaction = false; /* filterd ends it at HELO, too */
    (void)filterd_helo_encode(&question, &helo);
    why = ask_stage(s, &question);
    return s->filter.away ? NULL : why;
}

const struct refusal *
filter_mail(struct session *s, const struct mail_args *mail)
{
    struct strbuf question = question_new();
    const struct filterd_mail about = {
        .sender = mail->sender.text,
        .params = mail->params,
        .auth_user = slice_of(s->auth_user),
        .auth_method = slice_of(s->auth_method),
        .size = mail->size,
    };
    const struct refusal *why;

    if (!s->filter.on)
        return NULL;
    (void)filterd_mail_encode(&question, &about);
    why = ask_stage(s, &question);
    s->filter.in_transaction = why == NULL;
    return why;
}

const struct refusal *
filter_rcpt(struct session *s, const struct rcpt_args *rcpt, bool is_local)
{
    struct strbuf question = question_new();
    const struct filterd_rcpt about = {
        .address = rcpt->recipient.text, .params = rcpt->params, .is_local = is_local};

    if (!s->filter.on)
        return NULL;
    (void)filterd_rcpt_encode(&question, &about);
    return ask_stage(s, &question);
}

void
filter_rejected(struct session *s, struct slice recipient, const struct refusal *why)
{
    struct strbuf question = question_new();
    const struct filterd_rcpt about = {.address = recipient,
                                       .code = (uint16_t)why->code,
                                       .dsn = slice_of(why->dsn),
                                       .text = slice_of(why->text)};

    if (!s->filter.on || !s->filter.wants_rejected || s->filter.away)
        return;
    (void)filterd_rcpt_encode(&question, &about);
    (void)ask_stage(s, &question); /* refused it is */
}

const struct refusal *
filter_data(struct session *s, const char *queue_id)
{
    struct strbuf question = question_new();
    const struct filterd_content about = {.queue_id = slice_of(queue_id)};
    const struct refusal *why;

    if (!s->filter.on)
        return NULL;
    (void)filterd_content_encode(&question, FILTERD_DATA, &about);
    why = ask_stage(s, &question);
    if (why != NULL)
        s->filter.in_transaction = false;
    return why;
}

const struct refusal *
filter_unknown(struct session *s, struct slice line)
{
    struct strbuf question = question_new();
    const struct refusal *why;

    if (!s->filter.on)
        return NULL;
    (void)filterd_unknown_encode(&question, line);
    why = ask_stage(s, &question);
    return s->filter.away ? NULL : why;
}

void
filter_reset(struct session *s)
{
    struct strbuf frame;

    if (!s->filter.on || !s->filter.in_transaction)
        return;
    s->filter.in_transaction = false;
    if (s->filter.away || s->pool->filter == NULL)
        return;
    frame = question_new();
    (void)filterd_reset_encode(&frame);
    if (ipc_client_send(s->pool->filter, &frame, -1, s->filter.command_ms) < 0)
        s->filter.away = true;
    strbuf_free(&frame);
}

const struct refusal *
filter_content(struct session *s, int fd, const char *queue_id, uint64_t start, uint64_t size)
{
    struct filter *f = &s->filter;
    struct strbuf question = question_new();
    const struct filterd_content about = {
        .queue_id = slice_of(queue_id), .start = start, .size = size};
    const struct refusal *why = NULL;

    f->in_transaction = false;
    (void)filterd_content_encode(&question, FILTERD_CONTENT, &about);
    if (ask(s, &question, fd, f->content_ms, &f->verdict) < 0) {
        why = without(s);
        f->verdict = (struct filterd_verdict){.action = FILTERD_GO_ON};
        if (s->settings->filters.away == FILTER_QUARANTINE)
            f->verdict.hold = SLICE("filters are away");
    } else if (f->verdict.action == FILTERD_REFUSE || f->verdict.action == FILTERD_SHUT_OUT) {
        why = refusal_of(s, &f->verdict);
    }
    if (why != NULL)
        filter_content_end(s);
    return why;
}

void
filter_content_end(struct session *s)
{
    filterd_verdict_clear(&s->filter.verdict);
    close_keep_errno(s->filter.verdict_fd);
    s->filter.verdict_fd = -1;
}
