/*
 * posthorn/explain_delivery.c - where a message that smtpd takes would go: accountd's answer to the
 * queue manager's question, and who would get copies (lib/conf/copy_rules).
 */
#include <stdlib.h>

#include "lib/base/arena.h"
#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/conf/copy_rules.h"
#include "posthorn/explain.h"

enum { EXPAND_MS = 30000, ADDRESSES_MAX = 100 };

struct deliveries {
    struct explain *x;
    struct arena texts;
    struct copy_target *targets;
    struct slice *senders; /* that accountd gives them, or empty */
    uint32_t count;
};

static void
say_target(struct explain *x, const struct accountd_target *t)
{
    static const char *const verdicts[] = {[ACCOUNTD_TO_MAILBOX] = "mailbox",
                                           [ACCOUNTD_TO_REMOTE] = "remote",
                                           [ACCOUNTD_TO_FAILURE] = "fails",
                                           [ACCOUNTD_TO_NOBODY] = "nobody"};

    if (t->kind == ACCOUNTD_TO_FAILURE)
        explain_say(x, "delivery", verdicts[t->kind], CONF_NO_SETTING, 0, "%.*s %.*s",
                    (int)t->dsn.len, t->dsn.ptr, (int)t->text.len, t->text.ptr);
    else
        explain_say(x, "delivery", verdicts[t->kind], CONF_NO_SETTING, 0, "%.*s%s%.*s",
                    (int)t->address.len, t->address.ptr, t->via.len > 0 ? ", by " : "",
                    (int)t->via.len, t->via.ptr);
}

/* The answer is read to its end before anything else is asked. */
static int
take_target(void *arg, const struct accountd_target *t)
{
    static const int kinds[] = {[ACCOUNTD_TO_MAILBOX] = COPY_TO_MAILBOX,
                                [ACCOUNTD_TO_REMOTE] = COPY_TO_REMOTE,
                                [ACCOUNTD_TO_FAILURE] = COPY_TO_FAILURE,
                                [ACCOUNTD_TO_NOBODY] = COPY_TO_NOBODY};
    struct deliveries *d = arg;

    if (t->kind == ACCOUNTD_SHOWN) {
        explain_say(d->x, "header", "shown", CONF_NO_SETTING, 0, "%.*s by its members",
                    (int)t->address.len, t->address.ptr);
        return 0;
    }
    say_target(d->x, t);
    d->targets = xreallocarray(d->targets, d->count + 1, sizeof(*d->targets));
    d->senders = xreallocarray(d->senders, d->count + 1, sizeof(*d->senders));
    d->senders[d->count] = arena_copy(&d->texts, t->sender);
    d->targets[d->count] = (struct copy_target){.address = arena_copy(&d->texts, t->address),
                                                .via = arena_copy(&d->texts, t->via),
                                                .named = d->x->mail->to};
    d->targets[d->count++].kind = kinds[t->kind];
    return 0;
}

static int
expand(struct explain *x, struct deliveries *d)
{
    struct strbuf question = strbuf_new(ACCOUNTD_REQUEST_MAX);
    struct ipc_reply reply = {.fd = -1};
    const struct accountd_recipient recipient = {
        .address = x->mail->to, .auth_user = x->mail->user, .sender = x->mail->from};
    int rc = accountd_expand_encode(&question, &recipient, 1);

    if (rc == 0)
        rc = ipc_client_call(x->servers->accountd, &question, -1, EXPAND_MS, &reply);
    if (rc == 0 && (reply.type != ACCOUNTD_EXPAND_REPLY ||
                    accountd_expand_reply_decode(reply.payload, take_target, d) < 0))
        rc = -1;
    close_keep_errno(reply.fd);
    strbuf_free(&question);
    return rc;
}

/* ---- copies ---- */

static void
say_copies(struct explain *x, const struct archive_conf *archive,
           const struct copy_decision *decision)
{
    for (uint32_t i = 0; i < decision->count; i++) {
        const struct copy *c = &decision->copies[i];

        if (c->rule != NULL)
            explain_say_rule(x, "copy", "monitored", MONITOR_RULES_FILE, c->rule->first,
                             c->address);
        else
            explain_say(x, "copy", "archived", ARCHIVE_CLASSES_SETTING, 0, "%.*s",
                        (int)c->address.len, c->address.ptr);
    }
    for (unsigned one = 1; archive->to_files && one < 1u << ARCHIVE_CLASSES; one <<= 1)
        if ((decision->classes & one) != 0)
            explain_say(x, "copy", "archived", ARCHIVE_CLASSES_SETTING, 0, "as %s mail",
                        archive_class_name((enum archive_class)one));
}

static void
copies(struct explain *x, const struct deliveries *d)
{
    const struct copy_mail mail = {x->mail->user, x->mail->from, x->began_here};
    const struct archive_conf *archive = &x->rules->archive;
    struct copy_decision decision;

    copy_rules_decide(&(struct copy_rules){x->rules->monitoring, archive}, &mail, d->targets,
                      d->count, &decision);
    say_copies(x, archive, &decision);
    copy_rules_clear(&decision);
}

/* ---- approval ---- */

static void
approval(struct explain *x, const struct deliveries *d)
{
    struct approval_mail mail = {
        .began_here = x->began_here, .user = x->mail->user, .sender = x->mail->from};
    struct approval_decision decision;

    for (uint32_t i = 0; i < d->count; i++) { /* as in the queue manager */
        mail.to_local |= d->targets[i].kind == COPY_TO_MAILBOX;
        mail.to_external |= d->targets[i].kind == COPY_TO_REMOTE;
    }
    approval_decide(x->rules->approval, &mail, &decision);
    if (decision.kinds != 0)
        explain_say(x, "approval", "waits", QUEUE_APPROVAL_RULES,
                    decision.rule == NULL ? 0 : decision.rule->line, "%s", decision.why);
    else if (decision.rule != NULL)
        explain_say(x, "approval", "accepted", QUEUE_APPROVAL_RULES, decision.rule->line, "%s",
                    decision.why);
}

/* ---- all of it ---- */

static void
say_left_out(struct explain *x)
{
    if (conf_list_count(x->rules->conf, FILTER_MILTERS) > 0)
        explain_say(x, "milters", "not asked", FILTER_MILTERS, 0, "they would see a session");
    if (conf_list_count(x->rules->conf, FILTER_POLICY_SERVICES) > 0)
        explain_say(x, "policy", "not asked", FILTER_POLICY_SERVICES, 0,
                    "they may count or greylist");
}

static void
ways(struct explain *x, const struct deliveries *d)
{
    size_t told = 0;

    for (uint32_t i = 0; i < d->count; i++)
        if (d->targets[i].kind == COPY_TO_REMOTE && told++ < ADDRESSES_MAX)
            explain_way(x, d->targets[i].address, d->senders[i]);
    if (told > ADDRESSES_MAX)
        cli_warn(x->cli, "%zu more remote addresses are not gone into", told - ADDRESSES_MAX);
}

int
explain_delivery(struct explain *x)
{
    struct deliveries d = {.x = x};
    int rc;

    say_left_out(x);
    rc = expand(x, &d);
    if (rc == 0) {
        approval(x, &d); /* what follows is for the time behind it */
        copies(x, &d);
        ways(x, &d);
    } else {
        rc = cli_fail(x->cli, "accountd does not answer; is the suite running?");
    }
    arena_free(&d.texts);
    free(d.targets);
    free(d.senders);
    return rc;
}
