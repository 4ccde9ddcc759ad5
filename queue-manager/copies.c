/*
 * queue-manager/copies.c - who reads along: monitoring copies (MON-01 to 04), the archive
 * (MON-08, MON-09).
 *
 * Reads no file: rules, envelope and targets are there. However many rules there are, each address
 * costs two look-ups.
 */
#include "queue-manager/copies.h"

#include "lib/base/mem.h"
#include "lib/log/log.h"
#include "queue-manager/message.h"
#include "queue-manager/notice.h"

struct deciding {
    const struct monitor_rules *rules;
    const struct queue_envelope *envelope;
    struct copies_decision *out;
    bool *listed; /* by position among all addresses that get copies; NULL: none is */
    struct slice monitored;
    unsigned mail; /* enum monitor_mail: what kind this is, one or both */
    bool outgoing;
};

/* ---- the decision ---- */

static void
take_rule(void *arg, const struct monitor_rule *rule)
{
    struct deciding *d = arg;
    const struct monitor_list *list = d->outgoing ? &rule->outgoing : &rule->incoming;

    if ((rule->mail & d->mail) == 0)
        return;
    if (d->listed == NULL)
        d->listed = xcalloc(monitor_rules_copies(d->rules), sizeof(*d->listed));
    for (size_t i = 0; i < list->count; i++) {
        uint32_t at = list->items[i];

        if (d->listed[at])
            continue;
        d->listed[at] = true;
        d->out->copies = xreallocarray(d->out->copies, d->out->count + 1, sizeof(*d->out->copies));
        d->out->copies[d->out->count++] =
            (struct copy){monitor_rules_copy(d->rules, at), d->monitored, rule};
    }
}

static void
look_up(struct deciding *d, struct slice address)
{
    d->monitored = address;
    monitor_rules_find(d->rules, address, take_rule, d);
}

/* An alias or group of ours may lead outside; a mailbox that forwards got it all the same. */
static bool
leads_outside(const struct target *t)
{
    return t->kind == TARGET_REMOTE && !slice_eq(t->via, SLICE("forward"));
}

static unsigned
kinds_of(const struct target *targets, uint32_t count)
{
    unsigned mail = 0;

    for (uint32_t i = 0; i < count; i++)
        if (targets[i].kind != TARGET_FAILURE)
            mail |= leads_outside(&targets[i]) ? MONITOR_EXTERNAL : MONITOR_INTERNAL;
    return mail;
}

/* The recipient that the sender named counts too, where it is one of ours. */
static void
look_up_target(struct deciding *d, const struct target *t)
{
    if (t->kind == TARGET_MAILBOX || t->kind == TARGET_NOBODY)
        look_up(d, t->address);
    if (t->kind != TARGET_FAILURE && (t->kind != TARGET_REMOTE || t->via.len > 0))
        look_up(d, d->envelope->rcpts[t->source].address);
}

/* MON-08 */
static unsigned
class_of(bool is_local, unsigned mail)
{
    unsigned classes = 0;

    if ((mail & MONITOR_INTERNAL) != 0)
        classes |= is_local ? ARCHIVE_LOCAL : ARCHIVE_INCOMING;
    if ((mail & MONITOR_EXTERNAL) != 0)
        classes |= is_local ? ARCHIVE_OUTGOING : ARCHIVE_RELAYED;
    return classes;
}

static void
add_mailbox(struct copies_decision *out, const char *address)
{
    for (uint32_t i = 0; i < out->count; i++)
        if (slice_eq_nocase(out->copies[i].address, slice_of(address)))
            return;
    out->copies = xreallocarray(out->copies, out->count + 1, sizeof(*out->copies));
    out->copies[out->count++] = (struct copy){.address = slice_of(address)};
}

static void
decide_monitors(struct deciding *d, bool is_local, const struct target *targets, uint32_t count)
{
    d->outgoing = true;
    if (is_local) { /* else anybody could have written the address there */
        look_up(d, d->envelope->auth_user);
        look_up(d, d->envelope->sender);
    }
    d->outgoing = false;
    d->mail = is_local ? MONITOR_INTERNAL : MONITOR_EXTERNAL;
    for (uint32_t i = 0; i < count; i++)
        look_up_target(d, &targets[i]);
    xfree(&d->listed);
}

void
copies_decide(const struct copies_policy *policy, const struct queue_envelope *envelope,
              bool is_local, const struct target *targets, uint32_t count,
              struct copies_decision *out)
{
    unsigned mail = kinds_of(targets, count);
    struct deciding d = {.rules = policy->rules, .envelope = envelope, .out = out, .mail = mail};

    *out = (struct copies_decision){.classes = class_of(is_local, mail) & policy->archive->classes};
    if (policy->rules != NULL)
        decide_monitors(&d, is_local, targets, count);
    if (policy->archive->to_files)
        return;
    if ((out->classes & ARCHIVE_LOCAL) != 0)
        add_mailbox(out, policy->archive->local_mailbox);
    if ((out->classes & ~(unsigned)ARCHIVE_LOCAL) != 0)
        add_mailbox(out, policy->archive->remote_mailbox);
}

void
copies_decision_clear(struct copies_decision *decision)
{
    xfree(&decision->copies);
    decision->count = 0;
}

/* ---- its message ---- */

static void
tell(const struct message *m, const struct copy *c)
{
    if (m->round == 0)
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
keep(const struct queue *q, struct message *m, const struct copies_decision *decision)
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
    const struct copies_policy policy = {s->monitor_rules, &s->archive};
    struct copies_decision decision;
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
    copies_decision_clear(&decision);
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
