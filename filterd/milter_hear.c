/*
 * filterd/milter_hear.c - what a milter's answer means at the step where it comes.
 *
 * The milter may be faulty or taken over: an answer that has no meaning there, or an action that
 * was not negotiated, is nonsense and ends the conversation.
 */
#include <stdio.h>

#include "filterd/milter_private.h"
#include "lib/base/mem.h"
#include "lib/log/log.h"

int
milter_hear_options(struct milter *m, const struct packet *packet)
{
    struct packet_options options;

    if (packet->command != PACKET_OPTIONS || packet_options_parse(packet->data, &options) < 0)
        return -1;
    m->steps = options.steps;
    m->actions = options.actions;
    for (size_t i = 0; i < MACRO_STAGES; i++) {
        xfree(&m->macros[i]);
        if (options.macros[i].ptr != NULL)
            m->macros[i] = xslicedup(options.macros[i]);
    }
    return 0;
}

static enum hearing
take_change(struct milter *m, const struct answer *answer, const char **why)
{
    uint32_t needs = packet_answer_needs(answer->what);

    if (answer->what == ANSWER_PROGRESS)
        return HEARD_WAIT;
    *why = "changes the message before its end";
    if (m->step != SAY_END)
        return HEARD_NONSENSE;
    *why = "takes an action that it did not ask for";
    if ((m->actions & needs) == 0)
        return HEARD_NONSENSE;
    if ((answer->what == ANSWER_ADD_RCPT_PARAMS || answer->what == ANSWER_CHANGE_SENDER) &&
        answer->value.len > 0)
        log_event(LOG_INFO, "filter_params_ignored", KV_STR("filter", m->endpoint->name),
                  KV_SLICE("params", answer->value));
    return changes_add(&m->changes, answer, why) < 0 ? HEARD_NONSENSE : HEARD_WAIT;
}

static enum hearing
end_stage(struct outcome *out, const struct outcome *outcome)
{
    *out = *outcome;
    return HEARD_OUTCOME;
}

/* No more questions about the session or about the message. */
static enum hearing
pass(struct milter *m, struct outcome *out)
{
    if (m->step == SAY_UNKNOWN)
        return HEARD_GO_ON;
    if (m->step == SAY_CONNECT || m->step == SAY_HELO)
        m->passes_all = true;
    else
        m->passes_message = true;
    return end_stage(out, &outcome_go_on);
}

static enum hearing
discard(struct milter *m, struct outcome *out, const char **why)
{
    *why = "discards where there is no message";
    return m->step < SAY_MAIL ? HEARD_NONSENSE : end_stage(out, &outcome_discard);
}

/* No more of the body. */
static enum hearing
skip(struct milter *m, const char **why)
{
    *why = "skips what cannot be skipped";
    if (m->step != SAY_BODY)
        return HEARD_NONSENSE;
    m->said[SAY_BODY] = true;
    return HEARD_GO_ON;
}

static enum hearing
reply(const struct answer *answer, struct outcome *out)
{
    out->action = answer->code == 421 ? FILTERD_SHUT_OUT : FILTERD_REFUSE;
    out->code = answer->code;
    (void)snprintf(out->dsn, sizeof(out->dsn), "%s", answer->dsn);
    (void)snprintf(out->text, sizeof(out->text), "%s", answer->text);
    return HEARD_OUTCOME;
}

enum hearing
milter_hear(struct milter *m, const struct packet *packet, struct outcome *out, const char **why)
{
    struct answer answer;

    *why = "answers what is not of the protocol";
    if (packet_answer_parse(packet, &answer) < 0)
        return HEARD_NONSENSE;
    if (packet_answer_is_change(answer.what))
        return take_change(m, &answer, why);
    switch (answer.what) {
    case ANSWER_CONTINUE:
        return HEARD_GO_ON;
    case ANSWER_ACCEPT:
        return pass(m, out);
    case ANSWER_DISCARD:
        return discard(m, out, why);
    case ANSWER_REJECT:
        return end_stage(out, &outcome_rejected);
    case ANSWER_TEMPFAIL:
        return end_stage(out, &outcome_later);
    case ANSWER_SHUTDOWN:
    case ANSWER_CONNECTION_FAILURE:
        return end_stage(out, &outcome_shut_out);
    case ANSWER_REPLY:
        return reply(&answer, out);
    case ANSWER_SKIP:
        return skip(m, why);
    default:
        return HEARD_NONSENSE;
    }
}
