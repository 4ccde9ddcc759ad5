/*
 * filterd/session.c - runs each stage of a session through the filters.
 *
 * Input: frames of smtpd, whose worker may have been taken over by its client: one question at a
 * time, each decoded and bounded, else the connection is closed. Policy services come before the
 * milters; the first refusal ends the stage.
 */
#include "filterd/session.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "filterd/client_name.h"
#include "filterd/deeds.h"
#include "filterd/milter.h"
#include "filterd/policy.h"
#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/log/log.h"

struct session {
    struct filters *filters;
    struct facts facts;
    struct milter *milters[FILTER_SPECS_MAX];
    struct policy *policies[FILTER_SPECS_MAX];
    const struct endpoint *policy_endpoints[FILTER_SPECS_MAX];
    size_t milter_count, policy_count;
    struct client_name *name_lookup;
    bool is_connected; /* CONNECT has come */
    bool busy;         /* with `stage` */
    enum stage stage;
    size_t next_policy, next_milter;
    struct message *message;
    /* of the transaction */
    bool discard;
    struct deeds deeds;
    /* of the stage */
    struct outcome if_permit; /* DEFER_IF_PERMIT: unless somebody refuses for good */
    struct outcome if_reject; /* DEFER_IF_REJECT: in place of a final refusal */
    uint32_t request_id;
    void (*answer)(void *arg, struct strbuf *frame, int fd);
    void *arg;
};

static void run_stage(struct session *s);

/* ---- verdicts ---- */

static void
end_transaction(struct session *s)
{
    for (size_t i = 0; i < s->milter_count; i++)
        milter_reset(s->milters[i]);
    facts_end_transaction(&s->facts);
    message_free(&s->message);
    deeds_clear(&s->deeds);
    s->discard = false;
}

static struct filterd_verdict
verdict_of(const struct outcome *outcome)
{
    return (struct filterd_verdict){
        .action = (uint8_t)outcome->action,
        .code = (uint16_t)outcome->code,
        .dsn = slice_of(outcome->dsn),
        .text = slice_of(outcome->text),
    };
}

static void
log_refusal(const struct session *s, const struct outcome *outcome)
{
    static const char *const names[] = {"CONNECT", "HELO", "UNKNOWN", "MAIL",
                                        "RCPT",    "DATA", "CONTENT"};

    stats_add(s->filters->count.refused, 1);
    if (s->stage == STAGE_CONTENT)
        stats_add(s->filters->count.judged[outcome->code < 500 ? JUDGED_DEFERRED : JUDGED_REFUSED],
                  1);
    log_event(LOG_INFO, "refused", KV_STR("stage", names[s->stage]),
              KV_SLICE("session", s->facts.connect.session_id),
              KV_SLICE("client", s->facts.connect.client_ip),
              KV_SLICE("queue_id", s->facts.content.queue_id), KV_U64("code", outcome->code),
              KV_STR("dsn", outcome->dsn), KV_STR("reason", outcome->text));
}

static bool
is_refusal(const struct outcome *outcome)
{
    return outcome->action == FILTERD_REFUSE || outcome->action == FILTERD_SHUT_OUT;
}

/* Of a message that goes on. */
static enum judged
judged_as(const struct filterd_verdict *verdict)
{
    if (verdict->hold.len > 0)
        return JUDGED_HELD;
    return verdict->content_changed || verdict->sender_changed || verdict->change_count > 0
               ? JUDGED_CHANGED
               : JUDGED_ACCEPTED;
}

/* The content's verdict: what became of the message. */
static void
complete(struct session *s, struct filterd_verdict *verdict, int *fd)
{
    struct outcome outcome = outcome_later;

    if (s->discard) {
        verdict->action = FILTERD_DISCARD;
        stats_add(s->filters->count.discarded, 1);
        stats_add(s->filters->count.judged[JUDGED_DISCARDED], 1);
        return;
    }
    for (size_t i = 0; i < s->milter_count; i++)
        if (milter_hold_reason(s->milters[i]) != NULL)
            message_hold(s->message, slice_of(milter_hold_reason(s->milters[i])));
    if (message_verdict(s->message, verdict, fd) < 0) {
        log_event(LOG_ERROR, "filter_result_failed",
                  KV_SLICE("queue_id", s->facts.content.queue_id), KV_ERRNO());
        *verdict = verdict_of(&outcome);
        return;
    }
    stats_add(s->filters->count.messages, 1);
    if (verdict->hold.len > 0)
        stats_add(s->filters->count.held, 1);
    stats_add(s->filters->count.judged[judged_as(verdict)], 1);
}

/* Refusals of MAIL, DATA and the content end the transaction; so does the content's end. */
static bool
ends_transaction(const struct session *s, const struct outcome *outcome)
{
    return s->stage == STAGE_CONTENT ||
           (is_refusal(outcome) && (s->stage == STAGE_MAIL || s->stage == STAGE_DATA));
}

static void
encode(const struct session *s, const struct filterd_verdict *verdict, struct strbuf *frame)
{
    struct filterd_verdict later = verdict_of(&outcome_later);

    if (filterd_verdict_encode(frame, s->request_id, verdict) == 0)
        return;
    log_event(LOG_ERROR, "filter_result_too_long", KV_SLICE("queue_id", s->facts.content.queue_id));
    (void)filterd_verdict_encode(frame, s->request_id, &later); /* two short texts fit */
}

/* The session may be gone when this returns. */
static void
give(struct session *s, const struct outcome *outcome)
{
    struct strbuf frame = strbuf_new(FILTERD_PAYLOAD_MAX + FRAME_HEADER);
    struct filterd_verdict verdict = verdict_of(outcome);
    bool over = ends_transaction(s, outcome);
    int fd = -1;

    s->busy = false;
    if (is_refusal(outcome))
        log_refusal(s, outcome);
    else if (s->stage == STAGE_CONTENT)
        complete(s, &verdict, &fd);
    if (s->stage == STAGE_CONNECT)
        for (size_t i = 0; i < s->milter_count; i++)
            verdict.wants_rejected = verdict.wants_rejected || milter_wants_rejected(s->milters[i]);
    if (s->stage == STAGE_RCPT && s->facts.rcpt.code == 0 && !is_refusal(outcome))
        facts_accept_rcpt(&s->facts);
    encode(s, &verdict, &frame);
    if (over)
        end_transaction(s);
    s->answer(s->arg, &frame, fd);
    close_keep_errno(fd);
    strbuf_free(&frame);
}

/* ---- answers of the filters ---- */

static bool
is_final(const struct outcome *outcome)
{
    return outcome->action == FILTERD_REFUSE && outcome->code >= 500;
}

/* False: the stage is over. */
static bool
take(struct session *s, const struct outcome *outcome)
{
    if (outcome->action == FILTERD_DISCARD) {
        s->discard = true;
        give(s, &outcome_go_on);
        return false;
    }
    if (!is_refusal(outcome))
        return true;
    give(s, is_final(outcome) && is_refusal(&s->if_reject) ? &s->if_reject : outcome);
    return false;
}

static void
milter_answered(void *arg, const struct outcome *outcome)
{
    struct session *s = arg;

    if (take(s, outcome))
        run_stage(s);
}

/* Which of them wants the message changed: told when it is there. */
static struct outcome
note_deed(struct session *s, const struct policy_answer *answer)
{
    if (deeds_add(&s->deeds, answer->action, answer->text))
        return outcome_go_on;
    log_event(LOG_WARN, "policy_wants_too_much", KV_SLICE("session", s->facts.connect.session_id));
    return outcome_later;
}

static void
log_policy(const struct session *s, enum log_level level, const char *event,
           const struct policy_answer *answer)
{
    log_event(level, event, KV_STR("filter", s->policy_endpoints[s->next_policy - 1]->name),
              KV_SLICE("session", s->facts.connect.session_id),
              KV_SLICE("from", s->facts.mail.sender), KV_SLICE("to", s->facts.rcpt.address),
              KV_SLICE("answer", answer->text));
}

static struct outcome
take_policy(struct session *s, const struct policy_answer *answer)
{
    switch (answer->action) {
    case POLICY_DUNNO:
        break;
    case POLICY_OK:
        s->next_policy = s->policy_count;
        break;
    case POLICY_REFUSE:
        return answer->outcome;
    case POLICY_DEFER_IF_PERMIT:
        s->if_permit = answer->outcome;
        break;
    case POLICY_DEFER_IF_REJECT:
        s->if_reject = answer->outcome;
        break;
    case POLICY_DISCARD:
        return outcome_discard;
    case POLICY_HOLD:
    case POLICY_PREPEND:
    case POLICY_REDIRECT:
    case POLICY_BCC:
        return note_deed(s, answer);
    case POLICY_WARN:
        log_policy(s, LOG_WARN, "policy_warns", answer);
        break;
    case POLICY_UNKNOWN:
        log_policy(s, LOG_WARN, "policy_action_not_supported", answer);
        break;
    }
    return outcome_go_on;
}

static void
policy_answered(void *arg, const struct policy_answer *answer)
{
    struct session *s = arg;
    struct outcome outcome = take_policy(s, answer);

    if (take(s, &outcome))
        run_stage(s);
}

/* ---- stages ---- */

/* Asks the next policy service for which it is time. False: there is none. */
static bool
ask_policy(struct session *s)
{
    unsigned now = s->stage == STAGE_RCPT      ? FILTER_AT_RCPT
                   : s->stage == STAGE_CONTENT ? FILTER_AT_DATA
                                               : 0;

    while (s->next_policy < s->policy_count) {
        size_t i = s->next_policy++;

        if ((s->policy_endpoints[i]->at & now) == 0 || s->facts.rcpt.code != 0)
            continue;
        policy_ask(s->policies[i], s->stage == STAGE_CONTENT, policy_answered, s);
        return true;
    }
    return false;
}

static bool
skips(const struct session *s, const struct milter *m)
{
    return s->facts.rcpt.code != 0 && !milter_wants_rejected(m);
}

/* Ends in a verdict or in waiting. */
static void
run_stage(struct session *s)
{
    struct outcome outcome;

    if (ask_policy(s))
        return;
    if (s->stage == STAGE_CONTENT && s->next_milter == 0)
        deeds_apply(&s->deeds, s->message);
    while (s->next_milter < s->milter_count) {
        struct milter *m = s->milters[s->next_milter++];

        if (skips(s, m))
            continue;
        if (!milter_ask(m, s->stage, s->message, milter_answered, s, &outcome))
            return;
        if (!take(s, &outcome))
            return;
    }
    give(s, is_refusal(&s->if_permit) ? &s->if_permit : &outcome_go_on);
}

static int
begin_stage(struct session *s, enum stage stage)
{
    s->stage = stage;
    s->busy = true;
    s->next_policy = s->next_milter = 0;
    s->if_permit = s->if_reject = outcome_go_on;
    if (s->discard && stage >= STAGE_RCPT)
        give(s, &outcome_go_on);
    else
        run_stage(s);
    return 0;
}

static void
make_filters(struct session *s, unsigned whom)
{
    struct filters *f = s->filters;

    for (size_t i = 0; i < f->milter_count; i++)
        if ((f->milters[i].whom & whom) != 0)
            s->milters[s->milter_count++] =
                milter_new(f->loop, &f->milters[i], &s->facts, &f->memory);
    for (size_t i = 0; i < f->policy_count; i++) {
        if ((f->policies[i].whom & whom) == 0)
            continue;
        s->policy_endpoints[s->policy_count] = &f->policies[i];
        s->policies[s->policy_count++] = policy_new(f->loop, &f->policies[i], &s->facts);
    }
}

static void
drop_filters(struct session *s)
{
    client_name_cancel(&s->name_lookup);
    for (size_t i = 0; i < s->milter_count; i++)
        milter_free(&s->milters[i]);
    for (size_t i = 0; i < s->policy_count; i++)
        policy_free(&s->policies[i]);
    s->milter_count = s->policy_count = 0;
}

static void
name_found(void *arg, struct slice name, struct slice reverse)
{
    struct session *s = arg;

    s->name_lookup = NULL;
    if (name.len > 0)
        s->facts.client_name = arena_copy(&s->facts.session, name);
    if (reverse.len > 0)
        s->facts.reverse_name = arena_copy(&s->facts.session, reverse);
    (void)begin_stage(s, STAGE_CONNECT);
}

/* A second CONNECT begins anew: the client is another one (XCLIENT). */
static int
run_connect(struct session *s, struct slice payload)
{
    struct filterd_connect connect;

    if (filterd_connect_decode(payload, &connect) < 0)
        return -1;
    end_transaction(s);
    drop_filters(s);
    facts_free(&s->facts);
    s->facts = (struct facts){.hostname = s->filters->hostname};
    facts_set_connect(&s->facts, &connect);
    make_filters(s, connect.is_submission ? FILTER_FOR_SUBMISSION : FILTER_FOR_INCOMING);
    s->is_connected = s->busy = true;
    s->name_lookup = client_name_find(s->filters->dns, s->facts.connect.client_ip, name_found, s);
    return 0;
}

static int
run_helo(struct session *s, struct slice payload)
{
    struct filterd_helo helo;

    if (filterd_helo_decode(payload, &helo) < 0)
        return -1;
    end_transaction(s);
    facts_set_helo(&s->facts, &helo);
    return begin_stage(s, STAGE_HELO);
}

static int
run_mail(struct session *s, struct slice payload)
{
    struct filterd_mail mail;

    if (filterd_mail_decode(payload, &mail) < 0)
        return -1;
    end_transaction(s);
    facts_set_mail(&s->facts, &mail);
    return begin_stage(s, STAGE_MAIL);
}

static int
run_rcpt(struct session *s, struct slice payload)
{
    struct filterd_rcpt rcpt;

    if (filterd_rcpt_decode(payload, &rcpt) < 0)
        return -1;
    facts_set_rcpt(&s->facts, &rcpt);
    return begin_stage(s, STAGE_RCPT);
}

static int
run_data(struct session *s, struct slice payload)
{
    struct filterd_content content;

    if (filterd_content_decode(payload, &content) < 0)
        return -1;
    s->facts.rcpt = (struct filterd_rcpt){0};
    facts_set_content(&s->facts, &content);
    return begin_stage(s, STAGE_DATA);
}

/* Only a regular file can be read without waiting, and only so far. */
static bool
holds_content(int fd, const struct filterd_content *content)
{
    struct stat st;

    return fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
           (uint64_t)st.st_size >= content->start &&
           (uint64_t)st.st_size - content->start >= content->size;
}

static int
run_content(struct session *s, struct slice payload, int fd)
{
    struct filterd_content content;

    if (filterd_content_decode(payload, &content) < 0 || !holds_content(fd, &content)) {
        close_keep_errno(fd);
        return -1;
    }
    s->facts.rcpt = (struct filterd_rcpt){0};
    facts_set_content(&s->facts, &content);
    message_free(&s->message);
    s->message = message_open(fd, &s->facts.content, s->filters->header_max, &s->filters->memory);
    if (s->message == NULL) {
        bool too_long = errno == EFBIG;

        log_event(LOG_ERROR, "filter_message_unreadable", KV_SLICE("queue_id", content.queue_id),
                  KV_ERRNO());
        stats_add(s->filters->count.failed, 1);
        s->stage = STAGE_CONTENT;
        give(s, too_long ? &outcome_rejected : &outcome_later);
        return 0;
    }
    return begin_stage(s, STAGE_CONTENT);
}

static int
run_unknown(struct session *s, struct slice payload)
{
    struct slice line;

    if (filterd_unknown_decode(payload, &line) < 0)
        return -1;
    facts_set_unknown(&s->facts, line);
    return begin_stage(s, STAGE_UNKNOWN);
}

int
session_ask(struct session *s, const struct frame_header *header, struct slice payload, int fd)
{
    bool knows_client = s->is_connected || header->type == FILTERD_CONNECT;

    if (s->busy || !knows_client || (fd >= 0 && header->type != FILTERD_CONTENT)) {
        close_keep_errno(fd);
        return -1;
    }
    s->request_id = header->request_id;
    switch (header->type) {
    case FILTERD_CONNECT:
        return run_connect(s, payload);
    case FILTERD_HELO:
        return run_helo(s, payload);
    case FILTERD_MAIL:
        return run_mail(s, payload);
    case FILTERD_RCPT:
        return run_rcpt(s, payload);
    case FILTERD_DATA:
        return run_data(s, payload);
    case FILTERD_CONTENT:
        return run_content(s, payload, fd);
    case FILTERD_UNKNOWN:
        return run_unknown(s, payload);
    case FILTERD_RESET:
        end_transaction(s);
        return payload.len == 0 ? 0 : -1;
    default:
        return -1;
    }
}

struct session *
session_new(struct filters *filters, void (*answer)(void *arg, struct strbuf *frame, int fd),
            void *arg)
{
    struct session *s = xcalloc(1, sizeof(*s));

    s->filters = filters;
    s->answer = answer;
    s->arg = arg;
    return s;
}

void
session_free(struct session **sp)
{
    struct session *s = *sp;

    if (s == NULL)
        return;
    end_transaction(s);
    drop_filters(s);
    facts_free(&s->facts);
    xfree(sp);
}
