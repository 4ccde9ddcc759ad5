/*
 * lib/conf/copy_rules.c - who reads along: monitoring copies (MON-01 to 04), the archive (MON-08,
 * MON-09).
 *
 * Reads no file: rules and addresses are there. However many rules there are, each address costs
 * two look-ups, and each rule is gone through once for what is sent and once for what is received.
 */
#include "lib/conf/copy_rules.h"

#include "lib/base/mem.h"

struct deciding {
    const struct monitor_rules *rules;
    const struct copy_mail *mail_of;
    struct copy_decision *out;
    bool *listed; /* by position among all addresses that get copies; NULL: none is */
    struct monitor_met *met;
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
    monitor_rules_find(d->rules, address, d->met, take_rule, d);
}

/* An alias or group of ours may lead outside; a mailbox that forwards got it all the same. */
static bool
leads_outside(const struct copy_target *t)
{
    return t->kind == COPY_TO_REMOTE && !slice_eq(t->via, SLICE("forward"));
}

static unsigned
kinds_of(const struct copy_target *targets, uint32_t count)
{
    unsigned mail = 0;

    for (uint32_t i = 0; i < count; i++)
        if (targets[i].kind != COPY_TO_FAILURE)
            mail |= leads_outside(&targets[i]) ? MONITOR_EXTERNAL : MONITOR_INTERNAL;
    return mail;
}

/* The recipient that the sender named counts too, where it is one of ours. */
static void
look_up_target(struct deciding *d, const struct copy_target *t)
{
    if (t->kind == COPY_TO_MAILBOX || t->kind == COPY_TO_NOBODY)
        look_up(d, t->address);
    if (t->kind != COPY_TO_FAILURE && (t->kind != COPY_TO_REMOTE || t->via.len > 0))
        look_up(d, t->named);
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
add_mailbox(struct copy_decision *out, const char *address)
{
    for (uint32_t i = 0; i < out->count; i++)
        if (slice_eq_nocase(out->copies[i].address, slice_of(address)))
            return;
    out->copies = xreallocarray(out->copies, out->count + 1, sizeof(*out->copies));
    out->copies[out->count++] = (struct copy){.address = slice_of(address)};
}

static void
decide_monitors(struct deciding *d, bool is_local, const struct copy_target *targets,
                uint32_t count)
{
    d->outgoing = true;
    d->met = monitor_met_new(d->rules);
    if (is_local) { /* else anybody could have written the address there */
        look_up(d, d->mail_of->user);
        look_up(d, d->mail_of->sender);
    }
    monitor_met_free(&d->met);
    d->met = monitor_met_new(d->rules);
    d->outgoing = false;
    d->mail = is_local ? MONITOR_INTERNAL : MONITOR_EXTERNAL;
    for (uint32_t i = 0; i < count; i++)
        look_up_target(d, &targets[i]);
    monitor_met_free(&d->met);
    xfree(&d->listed);
}

void
copy_rules_decide(const struct copy_rules *policy, const struct copy_mail *mail_of,
                  const struct copy_target *targets, uint32_t count, struct copy_decision *out)
{
    unsigned mail = kinds_of(targets, count);
    struct deciding d = {.rules = policy->rules, .mail_of = mail_of, .out = out, .mail = mail};

    *out = (struct copy_decision){.classes =
                                      class_of(mail_of->is_local, mail) & policy->archive->classes};
    if (policy->rules != NULL)
        decide_monitors(&d, mail_of->is_local, targets, count);
    if (policy->archive->to_files)
        return;
    if ((out->classes & ARCHIVE_LOCAL) != 0)
        add_mailbox(out, policy->archive->local_mailbox);
    if ((out->classes & ~(unsigned)ARCHIVE_LOCAL) != 0)
        add_mailbox(out, policy->archive->remote_mailbox);
}

void
copy_rules_clear(struct copy_decision *decision)
{
    xfree(&decision->copies);
    decision->count = 0;
}
