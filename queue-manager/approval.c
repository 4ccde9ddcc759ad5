/*
 * queue-manager/approval.c - who has to approve a message, and what becomes of a decision.
 *
 * Words and addresses of decisions come from mail and from the command line: they are made one line
 * of UTF-8 before they go on record.
 */
#include "queue-manager/approval.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "lib/auth/digest.h"
#include "lib/base/clock.h"
#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "lib/base/random.h"
#include "lib/conf/lists.h"
#include "lib/log/log.h"
#include "queue-manager/deferral.h"
#include "queue-manager/intake.h"
#include "queue-manager/message.h"
#include "queue-manager/notice.h"

#define KEY_NAME "approval.key" /* below queue/, for this program alone */
#define WORDS_MAX 1000          /* bytes */

/* ---- the start ---- */

static int
load_key(int queue_dirfd, char key[APPROVAL_KEY_SIZE])
{
    struct strbuf bytes = strbuf_new(APPROVAL_KEY_SIZE + 1);
    int rc = read_file(queue_dirfd, KEY_NAME, &bytes);

    if (rc == 0 && bytes.len == APPROVAL_KEY_SIZE) {
        memcpy(key, bytes.ptr, APPROVAL_KEY_SIZE);
    } else if (rc == 0) {
        errno = EBADMSG;
        rc = -1;
    } else if (errno == ENOENT) {
        random_bytes(key, APPROVAL_KEY_SIZE);
        rc = replace_file(queue_dirfd, KEY_NAME, slice_make(key, APPROVAL_KEY_SIZE), 0600);
    }
    strbuf_free(&bytes);
    return rc;
}

void
approval_load(struct queue_settings *settings, const struct conf *conf, const struct instance *inst,
              int queue_dirfd)
{
    digest_init();
    settings->approval_rules =
        approval_rules_new(lists_load_or_exit("queue-manager", conf, inst, QUEUE_APPROVAL_RULES));
    if (load_key(queue_dirfd, settings->approval_key) == 0)
        return;
    log_event(LOG_ERROR, "start_failed", KV_STR("what", "queue/" KEY_NAME), KV_ERRNO());
    log_flush();
    exit(EX_OSERR);
}

/* ---- the judgement ---- */

void
approval_look(const struct queue *q, const struct message *m, struct approval_decision *decision)
{
    const struct queue_envelope *e = m->envelope;
    struct approval_mail mail = {.by_system = e->origin == QUEUE_ORIGIN_SYSTEM || notice_is_own(e),
                                 .began_here = message_is_ours(q, e),
                                 .user = e->auth_user,
                                 .sender = e->sender};
    bool unknown = false; /* an address that cannot be resolved now: of either kind, later */

    for (uint32_t i = 0; i < m->target_count; i++) {
        if (message_is_copy(m, &m->targets[i]))
            continue;
        mail.to_local |= m->targets[i].kind == TARGET_MAILBOX;
        mail.to_external |= m->targets[i].kind == TARGET_REMOTE;
        unknown |= m->targets[i].kind == TARGET_FAILURE && m->targets[i].state == TARGET_DEFERRED;
    }
    approval_decide(q->settings.approval_rules, &mail, decision);
    if (decision->kinds == 0 || !unknown)
        return;
    mail.to_local = mail.to_external = true; /* it is asked once */
    approval_decide(q->settings.approval_rules, &mail, decision);
}

/* Not more than the record holds: an entry of the list file is shorter. */
static void
list_approvers(const struct approval_rule *rule, struct strbuf *out)
{
    for (size_t i = 0; i < rule->approver_count; i++)
        (void)strbuf_printf(out, "%s%u %.*s", i == 0 ? "" : " ", rule->approvers[i].kinds,
                            (int)rule->approvers[i].address.len, rule->approvers[i].address.ptr);
}

/* The sender may want the message back earlier (RFC 2852 section 4.1.2). */
static int64_t
deadline_of_approval(const struct queue *q, const struct queue_envelope *e)
{
    int64_t until_ms = clock_real_ms() + q->settings.approval_lifetime_ms;
    bool has_time = e->by_mode == QUEUE_BY_RETURN && e->deliver_by_ms != 0;

    return has_time && e->deliver_by_ms < until_ms ? e->deliver_by_ms : until_ms;
}

bool
approval_judge(struct queue *q, struct message *m)
{
    struct approval_decision decision;

    if (q->settings.approval_rules == NULL || m->log.approval.kinds != 0)
        return false;
    approval_look(q, m, &decision);
    if (decision.kinds == 0)
        return false;
    m->asking = decision.rule;
    m->asking_kinds = decision.kinds;
    m->asking_until_ms = deadline_of_approval(q, m->envelope);
    m->fate = MESSAGE_HOLD;
    xfree(&m->reason);
    m->reason = xasprintf("waiting for approval by rule %.*s", (int)decision.rule->name.len,
                          decision.rule->name.ptr);
    return true;
}

void
approval_encode(struct strbuf *records, const struct message *m, int64_t now_ms)
{
    struct strbuf approvers = strbuf_new((size_t)LIST_ENTRY_MAX * 2);

    list_approvers(m->asking, &approvers);
    queue_log_encode(records, &(struct queue_log_entry){.kind = QUEUE_LOG_ASK,
                                                        .time_ms = now_ms,
                                                        .kinds = m->asking_kinds,
                                                        .next_ms = m->asking_until_ms,
                                                        .address = m->asking->name,
                                                        .added = strbuf_slice(&approvers)});
    strbuf_free(&approvers);
}

/* ---- decisions ---- */

/* The decision's record, and behind the last one the release. */
static int
record(struct queue *q, const char *id, const struct queue_log *log,
       const struct approval_verdict *v, bool last)
{
    struct strbuf records = strbuf_new(QUEUE_LOG_MAX), words = strbuf_new(WORDS_MAX);
    uint64_t length = log->bytes.len;
    int64_t now_ms = clock_real_ms();
    int rc;

    for (size_t i = 0; i < v->words.len && i < WORDS_MAX && parse_is_utf8(v->words); i++)
        (void)strbuf_char(&words, (unsigned char)v->words.ptr[i] < 0x20 ? ' ' : v->words.ptr[i]);
    queue_log_encode(&records, &(struct queue_log_entry){.kind = QUEUE_LOG_VERDICT,
                                                         .time_ms = now_ms,
                                                         .kinds = v->kinds,
                                                         .refused = !v->approve,
                                                         .address = v->by,
                                                         .text = strbuf_slice(&words)});
    if (last)
        queue_log_encode(&records,
                         &(struct queue_log_entry){.kind = QUEUE_LOG_GO, .time_ms = now_ms});
    rc = queue_log_append(q->spool.fds[SPOOL_HOLD], id, &length, strbuf_slice(&records), true);
    strbuf_free(&records);
    strbuf_free(&words);
    return rc;
}

int
approval_go_on(struct queue *q, const char *id)
{
    if (spool_move(&q->spool, id, SPOOL_HOLD, SPOOL_DEFERRED, SPOOL_ENV | SPOOL_LOG) < 0)
        return -1;
    deferrals_add(q->deferrals, id, 0, DUE_DOMAIN_ALL);
    intake_look(q->intake);
    return 0;
}

static void
tell(const char *id, const struct approval_verdict *v, const struct queue_approval *a, bool last)
{
    log_event(LOG_INFO, v->approve ? "approved" : "refused", KV_STR("queue_id", id),
              KV_SLICE("by", v->by), KV_STR("way", v->way), KV_SLICE("rule", a->rule),
              KV_STR("for", v->kinds == APPROVAL_KINDS_ALL  ? "all"
                            : v->kinds == APPROVAL_EXTERNAL ? "external"
                                                            : "local"),
              KV_SLICE("words", slice_sub(v->words, 0, WORDS_MAX)),
              KV_STR("goes_on", last ? "yes" : "no"));
}

enum approval_outcome
approval_decide_on(struct queue *q, const char *id, const struct approval_verdict *verdict)
{
    struct approval_verdict v = *verdict;
    enum approval_outcome outcome = APPROVAL_NOTHING;
    const struct queue_approval *a;
    struct queue_log log;
    bool last;

    if (spool_find(&q->spool, id) != SPOOL_HOLD)
        return APPROVAL_NOTHING;
    if (queue_log_load(q->spool.fds[SPOOL_HOLD], id, &log) < 0)
        return APPROVAL_TROUBLE;
    a = &log.approval;
    v.kinds = (uint8_t)(v.kinds & a->kinds & ~a->approved);
    last = !v.approve || (a->approved | v.kinds) == a->kinds;
    if (queue_log_waits_for_approval(&log) && v.kinds != 0) {
        outcome = record(q, id, &log, &v, last) == 0 ? APPROVAL_DONE : APPROVAL_TROUBLE;
        if (outcome == APPROVAL_DONE)
            tell(id, &v, a, last);
    }
    if (outcome == APPROVAL_DONE && last && approval_go_on(q, id) < 0) {
        log_event(LOG_WARN, "approval_waits", KV_STR("queue_id", id), KV_ERRNO());
        approvals_note(q->approvals, 0); /* decided it is; the move is tried again */
    }
    queue_log_free(&log);
    return outcome;
}
