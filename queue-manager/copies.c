/*
 * queue-manager/copies.c - who reads along: monitoring copies (MON-01 to 04), the archive
 * (MON-08, MON-09).
 *
 * lib/conf/copy_rules decides; here are the message's own targets for what it said.
 */
#include "queue-manager/copies.h"

#include "lib/base/mem.h"
#include "lib/log/log.h"
#include "queue-manager/message.h"
#include "queue-manager/notice.h"

/* ---- the decision ---- */

static struct copy_target
copy_target(const struct queue_envelope *envelope, const struct target *t)
{
    struct copy_target out = {COPY_TO_OTHER, t->address, t->via,
                              envelope->rcpts[t->source].address};

    if (t->kind == TARGET_MAILBOX)
        out.kind = COPY_TO_MAILBOX;
    else if (t->kind == TARGET_NOBODY)
        out.kind = COPY_TO_NOBODY;
    else if (t->kind == TARGET_REMOTE)
        out.kind = COPY_TO_REMOTE;
    else if (t->kind == TARGET_FAILURE)
        out.kind = COPY_TO_FAILURE;
    return out;
}

void
copies_decide(const struct copy_rules *policy, const struct queue_envelope *envelope, bool is_local,
              const struct target *targets, uint32_t count, struct copy_decision *out)
{
    const struct copy_mail mail = {envelope->auth_user, envelope->sender, is_local};
    struct copy_target *resolved = xcalloc(count + 1, sizeof(*resolved));

    for (uint32_t i = 0; i < count; i++)
        resolved[i] = copy_target(envelope, &targets[i]);
    copy_rules_decide(policy, &mail, resolved, count, out);
    xfree(&resolved);
}

/* ---- its message ---- */

/* In the first round that tries it; one that waited for approval has had a round before. */
static void
tell(const struct message *m, const struct copy *c)
{
    if (m->log.rcpt_count == 0)
        log_event(LOG_INFO, "copy", KV_STR("queue_id", m->id), KV_SLICE("to", c->address),
                  KV_SLICE("monitored", c->monitored),
                  KV_STR("rule", c->rule == NULL ? "archive.classes" : c->rule->name),
                  KV_STR("setting", c->rule == NULL ? conf_decider(ARCHIVE_CLASSES_SETTING)
                                                    : MONITOR_RULES_FILE),
                  KV_U64("line", c->rule == NULL ? 0 : c->rule->first));
}

static struct message_copy
make(struct slice address, struct slice notice)
{
    return (struct message_copy){.rcpt = {.address = address, .notify = QUEUE_NOTIFY_NEVER},
                                 .notice = notice};
}

/* The archive's place is behind the last copy, whether it is needed or not. */
static void
keep(const struct queue *q, struct message *m, const struct copy_decision *decision)
{
    char address[NOTICE_ADDRESS_SIZE];
    struct slice postmaster = arena_copy(&m->arena, notice_postmaster(q, address));

    m->copies = arena_alloc(&m->arena, (decision->count + 1) * sizeof(*m->copies));
    m->copy_count = decision->count;
    for (uint32_t i = 0; i < decision->count; i++) {
        const struct copy *c = &decision->copies[i];
        bool to_monitored = q->settings.monitored_told && c->rule != NULL;

        m->copies[i] =
            make(c->address, to_monitored ? arena_copy(&m->arena, c->monitored) : postmaster);
        tell(m, c);
    }
    m->copies[m->copy_count] = make(SLICE(COPIES_ARCHIVE), postmaster);
    m->archive_classes = q->settings.archive.to_files ? decision->classes : 0;
}

bool
copies_find(const struct queue *q, struct message *m)
{
    const struct queue_settings *s = &q->settings;
    const struct copy_rules policy = {s->monitor_rules, &s->archive};
    struct copy_decision decision;
    bool any =
        (policy.rules != NULL && monitor_rules_count(policy.rules) > 0) || s->archive.classes != 0;

    if (m->copies_known)
        return false;
    m->copies_known = true;
    if (!any || notice_is_own(m->envelope) || m->envelope->origin == QUEUE_ORIGIN_SYSTEM)
        return false;
    copies_decide(&policy, m->envelope, message_is_ours(q, m->envelope), m->targets,
                  m->target_count, &decision);
    if (decision.count > 0 || decision.classes != 0)
        keep(q, m, &decision);
    copy_rules_clear(&decision);
    return m->copy_count > 0;
}

void
copies_add_archive(struct message *m)
{
    const struct target t = {.source = message_sources(m),
                             .kind = TARGET_ARCHIVE,
                             .state = TARGET_WAITING,
                             .address = SLICE(COPIES_ARCHIVE)};

    if (m->archive_classes != 0)
        (void)message_add_target(m, &t); /* there is room for this one */
}
