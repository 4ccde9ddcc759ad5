/*
 * smtpd/mail.c - MAIL and RCPT: who may send what to whom (RFC 5321 sections 4.1.1.2, 4.1.1.3).
 *
 * Never an open relay: a recipient that accountd calls foreign is taken from an authenticated user
 * or a trusted host alone (SMTP-14, SMTP-15). Whether a recipient of ours exists is accountd's
 * answer; without an answer we say 451 and the client tries again.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>

#include "lib/base/mem.h"
#include "lib/queue/approval_token.h"
#include "lib/queue/queue_pressure.h"
#include "smtpd/accounts.h"
#include "smtpd/command.h"
#include "smtpd/message_log.h"
#include "smtpd/sender.h"
#include "smtpd/terms.h"

enum {
    REFUSALS_MAX = 1000, /* that count as no error, between two messages */
};

/* Rejected recipients of users and trusted hosts do not count as errors: they mail to lists. Nor do
 * those of LMTP, whose client brings the mail of many; nor a "later", as for the recipients above
 * smtp.max_recipients. But there is an end to all of them. */
static enum session_state
refuse(struct session *s, const struct refusal *why)
{
    if (why->code >= 500 && s->auth_user == NULL && !s->is_trusted && !s->is_lmtp) {
        session_error(s, why->code, why->dsn, "%s", why->text);
        return s->state;
    }
    session_refuse(s, why);
    if (++s->refusals >= REFUSALS_MAX)
        session_shut(s, "4.7.0", "too many refusals without a message");
    return s->state;
}

/* ---- MAIL ---- */

static bool
has_room(const struct session *s, uint64_t size)
{
    uint64_t reserve = s->settings->min_free_space, room;
    struct statvfs fs;

    if (reserve == 0 || fstatvfs(s->server->new_dirfd, &fs) < 0)
        return true; /* if the disk is full after all, the write says so */
    room = (uint64_t)fs.f_bavail * fs.f_frsize;
    return room >= reserve && room - reserve >= size;
}

/* What queue-manager says of the disks and of the queue. Users keep their session: their programs
 * would take a lost one for a fault. Other servers have a queue, and perhaps another server of ours
 * to go to. */
static const struct refusal *
check_pressure(const struct session *s)
{
    unsigned pressure = queue_pressure_get(s->server->trigger_fd);
    bool stays = s->auth_user != NULL || s->is_trusted;

    if ((pressure & QUEUE_PRESSURE_DISK) != 0)
        return smtp_refusal(stays ? REFUSED_DISK : REFUSED_DISK_SHUT);
    if ((pressure & QUEUE_PRESSURE_LENGTH) != 0)
        return smtp_refusal(stays ? REFUSED_QUEUE_LENGTH : REFUSED_QUEUE_LENGTH_SHUT);
    return NULL;
}

static const struct refusal *
check_size(const struct session *s, uint64_t size)
{
    uint64_t limit = session_size_limit(s);

    if (limit > 0 && size > limit)
        return session_size_refusal(s);
    return has_room(s, size) ? NULL : smtp_refusal(REFUSED_ROOM);
}

static void
reply_sender(struct session *s, const struct mail_args *mail)
{
    int8_t priority = s->transaction.envelope.priority;

    if (priority == mail->priority)
        session_reply(s, 250, "2.1.0", "sender ok");
    else /* RFC 6710 section 4.1 */
        session_reply(s, 250, "2.3.6", "%d is the priority that you may give", priority);
}

static struct param_rules
rules_of(const struct session *s)
{
    return (struct param_rules){.extended = s->is_extended, .offered = extensions_offered(s)};
}

enum session_state
mail_run(struct session *s, struct slice args)
{
    const struct param_rules rules = rules_of(s);
    const struct refusal *why;
    struct mail_args mail;
    struct refusal syntax;
    struct answer a;

    if (s->is_stale) { /* a new session has a new connection */
        session_shut(s, "4.3.2", "account database restarted, please connect again");
        return s->state;
    }
    if (mail_args_parse(args, &rules, &mail, &syntax) < 0) {
        message_log_syntax(s, "MAIL", args, &syntax);
        session_error(s, syntax.code, syntax.dsn, "%s", syntax.text);
        return s->state;
    }
    transaction_begin(&s->transaction, &mail);
    why = check_pressure(s);
    if (why == NULL)
        why = check_size(s, mail.size);
    if (why == NULL)
        why = terms_accept(s, &mail, &s->transaction.envelope, &s->transaction.arena);
    if (why == NULL)
        why = sender_check(s, mail.sender.text, &a);
    if (why == NULL)
        why = filter_mail(s, &mail);
    if (why != NULL) {
        message_log_refused(s, "MAIL", mail.sender.text, SLICE(""), why);
        transaction_clear(&s->transaction);
        return refuse(s, why);
    }
    reply_sender(s, &mail);
    return ST_SENDER;
}

/* ---- RCPT ---- */

static bool
has_too_many(const struct session *s)
{
    return s->transaction.envelope.rcpt_count + s->recipients.count >=
           s->settings->rules.max_recipients;
}

/* The relay rule. */
static const struct refusal *
check_foreign(const struct session *s, const struct rcpt_args *rcpt)
{
    struct reception_client client = session_client(s);

    return reception_relay(&s->settings->rules, &client, rcpt->recipient.domain).allowed
               ? NULL
               : reception_relay_refusal(&client);
}

/* smtp.max_outgoing_size, as far as the client has declared a size. */
static const struct refusal *
check_outgoing(const struct session *s)
{
    uint64_t limit = s->settings->rules.max_outgoing_size;

    return limit > 0 && s->transaction.declared_size > limit ? smtp_refusal(REFUSED_OUTGOING_SIZE)
                                                             : NULL;
}

/* An address that decides about mail waiting for approval: queue-manager knows whether it is
 * genuine and takes it, whatever accountd thinks of it. */
static bool
is_decision(const struct session *s, const struct rcpt_args *rcpt)
{
    struct slice token;

    return approval_token_in_address(rcpt->recipient.text, s->settings->system_hostname, &token);
}

static const struct refusal *
check_recipient(const struct session *s, const struct rcpt_args *rcpt, const struct answer *a)
{
    const struct refusal *why;

    switch (a->verdict) {
    case ACCOUNTD_LOCAL:
        return NULL;
    case ACCOUNTD_FOREIGN:
        why = check_foreign(s, rcpt);
        return why != NULL ? why : check_outgoing(s);
    case ACCOUNTD_REFUSED:
    case ACCOUNTD_DEFERRED:
        break;
    }
    return &a->refusal;
}

/* One recipient more than the user may have (DIR-30, DIR-31), or a message larger than one with it
 * may be, as far as the client has said how large it is. The text goes into `a`. */
static const struct refusal *
check_allowances(const struct session *s, struct answer *a)
{
    const struct transaction *t = &s->transaction;
    uint64_t class_count = a->verdict == ACCOUNTD_LOCAL ? t->local_count : t->remote_count;
    const struct allowance *over = NULL;

    if (!a->counted)
        return NULL;
    a->refusal = (struct refusal){452, "4.5.3", a->text}; /* RFC 5321 section 4.5.3.1.10 */
    if (t->local_count + t->remote_count >= a->rcpts.max)
        over = &a->rcpts;
    else if (class_count >= a->class_rcpts.max)
        over = &a->class_rcpts;
    if (over != NULL) {
        (void)snprintf(a->text, sizeof(a->text), "more recipients than your mailbox may have (%s)",
                       over->limit);
        return &a->refusal;
    }
    if (t->declared_size <= a->bytes.max && a->bytes.max > 0)
        return NULL;
    return accounts_too_large(&a->bytes, a);
}

/* It is taken. */
static void
count_recipient(struct transaction *t, const struct answer *a)
{
    bool is_local = a->verdict == ACCOUNTD_LOCAL;

    t->local_count += is_local;
    t->remote_count += !is_local;
    t->leaves |= !is_local;
    t->counted |= a->counted;
    if (a->counted && a->bytes.max < t->bytes.max)
        t->bytes = a->bytes;
}

static void
refuse_recipient(struct session *s, struct slice recipient, const struct refusal *why)
{
    stats_add(s->server->counters.rejected_recipients, 1);
    message_log_refused(s, "RCPT", s->transaction.envelope.sender, recipient, why);
    (void)refuse(s, why);
}

void
rcpt_settle(struct session *s)
{
    uint32_t count = s->recipients.count;
    struct answer *answers;

    if (count == 0)
        return;
    answers = xcalloc(count, sizeof(*answers));
    accounts_ask_recipients(s, answers);
    s->recipients.count = 0; /* the replies that follow are theirs */
    for (uint32_t i = 0; i < count && !s->closing; i++) {
        const struct rcpt_args *rcpt = &s->recipients.list[i];
        const struct refusal *why;

        if (is_decision(s, rcpt))
            answers[i] = (struct answer){.verdict = ACCOUNTD_LOCAL};
        why = check_recipient(s, rcpt, &answers[i]);
        if (why == NULL)
            why = check_allowances(s, &answers[i]);
        if (why != NULL)
            filter_rejected(s, rcpt->recipient.text, why);
        else
            why = filter_rcpt(s, rcpt, answers[i].verdict == ACCOUNTD_LOCAL);
        if (why != NULL) {
            refuse_recipient(s, rcpt->recipient.text, why);
            continue;
        }
        transaction_add(&s->transaction, rcpt);
        count_recipient(&s->transaction, &answers[i]);
        session_reply(s, 250, "2.1.5", "recipient ok");
        s->state = ST_RECIPIENT;
    }
    recipients_clear(&s->recipients);
    xfree(&answers);
}

enum session_state
rcpt_run(struct session *s, struct slice args)
{
    const struct param_rules rules = rules_of(s);
    struct rcpt_args rcpt;
    struct refusal syntax;

    if (rcpt_args_parse(args, &rules, s->transaction.smtputf8, &rcpt, &syntax) < 0) {
        message_log_syntax(s, "RCPT", args, &syntax);
        session_error(s, syntax.code, syntax.dsn, "%s", syntax.text);
        return s->state;
    }
    if (recipients_are_full(&s->recipients) || has_too_many(s))
        rcpt_settle(s); /* some of them may be refused */
    if (has_too_many(s))
        refuse_recipient(s, rcpt.recipient.text, smtp_refusal(REFUSED_RECIPIENTS));
    else
        recipients_add(&s->recipients, &rcpt);
    return s->state;
}
