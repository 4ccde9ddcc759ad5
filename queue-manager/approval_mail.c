/*
 * queue-manager/approval_mail.c - mail to an address that is a signed decision.
 *
 * Content is parsed only behind a right signature, and only its first bytes: for the sign of
 * automatic mail (RFC 3834 section 5) and for the approver's words.
 */
#include "queue-manager/approval_mail.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "lib/base/clock.h"
#include "lib/base/io.h"
#include "lib/log/log.h"
#include "lib/mail/preview.h"
#include "lib/mail/system_mail.h"
#include "queue-manager/approval.h"
#include "queue-manager/intake.h"
#include "queue-manager/message.h"
#include "queue-manager/notice.h"
#include "queue-manager/own_mail.h"

#define READ_MAX 65536u
#define ANSWER_MAX (512u << 10)

bool
approval_mail_is_for_us(const struct queue *q, struct slice address)
{
    struct slice text;

    return approval_token_in_address(address, q->settings.hostname, &text);
}

static void
finish(struct message *m, uint32_t source, enum target_state state, const char *dsn,
       const char *text)
{
    struct target model = {.source = source,
                           .kind = state == TARGET_DELIVERED ? TARGET_MAILBOX : TARGET_FAILURE,
                           .state = (uint8_t)state,
                           .address = m->envelope->rcpts[source].address,
                           .dsn = slice_of(dsn),
                           .text = slice_of(text)};

    if (message_add_target(m, &model) == NULL)
        m->expand_failed = true; /* too many recipients: the others of its kind have said so */
}

/* Its beginning. 0, or -1 with errno. */
static int
read_content(const struct queue *q, const struct message *m, struct strbuf *out)
{
    uint64_t size = m->envelope->content_size;
    size_t want = size < READ_MAX ? (size_t)size : READ_MAX;
    int fd = openat(q->spool.fds[SPOOL_ACTIVE], m->id, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    char *room = strbuf_room(out, want);
    int rc = -1;

    if (fd >= 0 && room != NULL)
        rc = pread_exact(fd, room, want, 0);
    if (rc == 0)
        strbuf_grew(out, want);
    close_keep_errno(fd);
    return rc;
}

/* An absence note and the like (RFC 3834 section 5.1): it decides nothing. */
static bool
is_automatic(const struct message *m, struct slice content)
{
    struct header_field field;

    if (m->envelope->sender.len == 0)
        return true;
    return header_find(content, "Auto-Submitted", &field) &&
           !slice_eq_nocase(slice_trim(field.body), SLICE("no"));
}

/* Whose token it is, by the message's record; NULL kinds: it has none. */
static void
find_approver(const struct queue_log *log, unsigned number, struct approval_verdict *v)
{
    struct slice list = log->approval.approvers, address;
    uint8_t kinds;

    for (unsigned i = 0; queue_log_next_approver(&list, &kinds, &address); i++)
        if (i == number) {
            v->by = address;
            v->kinds = kinds;
        }
}

/* Requests go out before anything is on record (a full disk or a crash may come in between). */
static bool
is_on_its_way_to_hold(const struct queue_log *log, int state)
{
    return log->approval.kinds == 0 || (state != SPOOL_HOLD && queue_log_waits_for_approval(log));
}

/* By this approver, and so? */
static bool
was_decided(const struct queue_log *log, const struct approval_verdict *v)
{
    struct slice rest = strbuf_slice(&log->bytes);
    struct queue_log_entry e;
    bool found = false;

    while (!found && queue_log_next(&rest, &e))
        found = e.kind == QUEUE_LOG_VERDICT && slice_eq(e.address, v->by) &&
                e.refused == !v->approve && v->by.len > 0;
    return found;
}

/* A crash may have come between a decision and the end of the mail that brought it (`m`, in doubt
 * then): to be told that it is too late would be wrong. */
static enum approval_outcome
decide(struct queue *q, const struct message *m, const struct approval_token *token,
       struct slice words)
{
    struct approval_verdict v = {.approve = token->approve, .words = words, .way = "mail"};
    enum approval_outcome outcome = APPROVAL_NOTHING;
    int state = spool_find(&q->spool, token->id);
    struct queue_log log;

    if (state < 0 || state == SPOOL_CORRUPT) /* perhaps it is gone because of the decision */
        return m->in_doubt ? APPROVAL_DONE : APPROVAL_NOTHING;
    if (queue_log_load(q->spool.fds[state], token->id, &log) < 0)
        return APPROVAL_TROUBLE;
    find_approver(&log, token->approver, &v);
    if (token->expires_s * 1000 < clock_real_ms())
        outcome = APPROVAL_NOTHING;
    else if (is_on_its_way_to_hold(&log, state))
        outcome = APPROVAL_TROUBLE;
    else if (v.kinds != 0)
        outcome = approval_decide_on(q, token->id, &v);
    if (outcome == APPROVAL_NOTHING && m->in_doubt && was_decided(&log, &v))
        outcome = APPROVAL_DONE;
    queue_log_free(&log);
    return outcome;
}

/* The polite answer to who came too late. */
static int
answer(struct queue *q, const struct message *m, const char *about)
{
    struct strbuf text = strbuf_new(ANSWER_MAX);
    char id[QUEUE_ID_SIZE], postmaster[NOTICE_ADDRESS_SIZE];
    struct slice from = notice_sender(q, m->envelope->sender, postmaster);
    const struct template_value values[] = {{"queue_id", slice_of(about)},
                                            {"hostname", slice_of(q->settings.hostname)},
                                            {"postmaster", from}};
    struct own_mail mail = {.id = id,
                            .client = OWN_MAIL_CLIENT,
                            .to = m->envelope->sender,
                            .now_ms = clock_real_ms(),
                            .smtputf8 = m->envelope->smtputf8,
                            .body_8bit = true,
                            .original_fd = -1};
    int rc = -1;

    queue_id_make(id);
    system_mail_write(
        &(struct system_mail){.from_name = "Mail Approval",
                              .from = from,
                              .to = mail.to,
                              .queue_id = id,
                              .hostname = q->settings.hostname,
                              .now_ms = mail.now_ms,
                              .wording = &q->settings.wording.kinds[WORDING_APPROVAL_LATE],
                              .values = values,
                              .value_count = ARRAY_LEN(values)},
        &text);
    mail.head = strbuf_slice(&text);
    /* it writes a Return-Path of its own */
    if (slice_starts(mail.head, SLICE("Return-Path: <>\r\n")))
        mail.head = slice_sub(mail.head, sizeof("Return-Path: <>\r\n") - 1, mail.head.len);
    errno = EFBIG;
    if (!text.overflow)
        rc = own_mail_commit(q, &mail);
    if (rc == 0)
        intake_look(q->intake);
    strbuf_free(&text);
    return rc;
}

/* The signature is right. */
static void
take_genuine(struct queue *q, struct message *m, uint32_t source,
             const struct approval_token *token)
{
    struct strbuf content = strbuf_new(READ_MAX), words = strbuf_new(PREVIEW_BYTES_MAX);
    enum approval_outcome outcome = APPROVAL_TROUBLE;
    bool automatic = false;
    struct mime mime;

    if (read_content(q, m, &content) == 0) {
        automatic = is_automatic(m, strbuf_slice(&content));
        if (!token->approve) {
            mime_parse(strbuf_slice(&content), &mime);
            preview_make(&mime, &words);
            mime_free(&mime);
        }
        outcome = automatic ? APPROVAL_DONE : decide(q, m, token, strbuf_slice(&words));
    }
    if (outcome == APPROVAL_NOTHING && answer(q, m, token->id) < 0)
        outcome = APPROVAL_TROUBLE;
    if (outcome == APPROVAL_TROUBLE)
        finish(m, source, TARGET_DEFERRED, "4.3.0", "the decision cannot be taken now");
    else
        finish(m, source, TARGET_DELIVERED, "2.0.0", "taken as a decision about approval");
    log_event(LOG_INFO, "decision_mail", KV_STR("queue_id", m->id), KV_STR("about", token->id),
              KV_STR("result", automatic                     ? "automatic mail decides nothing"
                               : outcome == APPROVAL_DONE    ? "decided"
                               : outcome == APPROVAL_NOTHING ? "too late"
                                                             : "later"));
    strbuf_free(&content);
    strbuf_free(&words);
}

void
approval_mail_take(struct queue *q, struct message *m, uint32_t source)
{
    struct approval_token token;
    struct slice text;

    if (!approval_token_in_address(m->envelope->rcpts[source].address, q->settings.hostname, &text))
        return;
    (void)approval_token_parse(text, &token); /* it has the form */
    if (approval_token_is_genuine(text, q->settings.approval_key)) {
        take_genuine(q, m, source, &token);
        return;
    }
    log_event(LOG_WARN, "decision_mail", KV_STR("queue_id", m->id), KV_STR("about", token.id),
              KV_STR("result", "forged"));
    /* A stranger's is not bounced: the bounce would go to whomever he likes. */
    if (message_is_ours(q, m->envelope))
        finish(m, source, TARGET_BOUNCED, "5.1.1", "no such address");
    else
        finish(m, source, TARGET_DELIVERED, "2.0.0", "not a decision of ours: dropped");
}
