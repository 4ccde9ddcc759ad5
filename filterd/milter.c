/*
 * filterd/milter.c - leads the conversation with a milter from stage to stage.
 *
 * Nothing waits here: the link calls back. A milter that does not connect, does not answer in time,
 * closes or talks nonsense is given up, and its default action answers in its place.
 */
#include "filterd/milter.h"

#include <stdio.h>
#include <string.h>

#include "filterd/milter_private.h"
#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/log/log.h"

enum {
    HIGH_WATER = 256 << 10, /* bytes on their way before we pause */
    REST_MS = 1000,         /* after it could not be connected to */
    PATIENCE = 4            /* times content_ms for a whole message, however much progress */
};

static void go_on(struct milter *m);

static void
run_later(void *arg)
{
    struct milter *m = arg;

    if (m->asked && m->state == MILTER_PAUSED)
        go_on(m);
}

struct milter *
milter_new(struct loop *loop, struct endpoint *endpoint, const struct facts *facts,
           struct body_memory *memory)
{
    struct milter *m = xcalloc(1, sizeof(*m));

    m->loop = loop;
    m->endpoint = endpoint;
    m->facts = facts;
    m->later = loop_task_new(loop, run_later, m);
    changes_begin(&m->changes, memory);
    return m;
}

static void
forget_transaction(struct milter *m)
{
    for (enum step step = SAY_MAIL; step < SAY_NOTHING; step++)
        m->said[step] = false;
    m->passes_message = false;
    m->message = NULL;
    changes_clear(&m->changes);
}

static void
hang_up(struct milter *m)
{
    link_close(&m->link);
    m->state = MILTER_ABSENT;
    memset(m->said, 0, sizeof(m->said));
    m->passes_all = false;
    forget_transaction(m);
}

void
milter_free(struct milter **mp)
{
    struct milter *m = *mp;

    if (m == NULL)
        return;
    if (m->link != NULL && m->state != MILTER_NEGOTIATING)
        milter_say_bare(m, PACKET_QUIT);
    hang_up(m);
    loop_task_free(&m->later);
    for (size_t i = 0; i < MACRO_STAGES; i++)
        free(m->macros[i]);
    xfree(mp);
}

/* ---- answers to who asked ---- */

static void
answer(struct milter *m, const struct outcome *outcome)
{
    struct outcome copy = *outcome;

    m->asked = false;
    m->message = NULL;
    if (m->link != NULL) {
        m->state = MILTER_READY;
        link_deadline(m->link, 0);
    }
    m->answered(m->arg, &copy); /* may ask again, may free */
}

/* What holds while it has failed. Where there is no message yet the client hears of nothing: MAIL
 * tries again. */
static struct outcome
default_outcome(const struct milter *m, enum stage stage)
{
    if (stage < STAGE_MAIL)
        return outcome_go_on;
    switch (m->endpoint->action) {
    case FILTER_TEMPFAIL:
        return outcome_away;
    case FILTER_REJECT:
        return outcome_away_for_good;
    case FILTER_ACCEPT:
    case FILTER_QUARANTINE:
        break;
    }
    return outcome_go_on;
}

static void
fail(struct milter *m, const char *why)
{
    struct outcome outcome = default_outcome(m, m->stage);

    log_event(LOG_WARN, "filter_failed", KV_STR("filter", m->endpoint->name), KV_STR("reason", why),
              KV_SLICE("session", m->facts->connect.session_id),
              KV_SLICE("queue_id", m->facts->content.queue_id));
    (void)snprintf(m->why, sizeof(m->why), "%s: %s", m->endpoint->name, why);
    if (m->state == MILTER_NEGOTIATING)
        m->endpoint->rests_until_ms = clock_mono_ms() + REST_MS;
    hang_up(m);
    m->failed = true;
    m->hold = m->endpoint->action == FILTER_QUARANTINE;
    if (m->asked)
        answer(m, &outcome);
}

/* The stage is reached, or the milter has ended it. */
static void
finish(struct milter *m, const struct outcome *outcome)
{
    if (m->stage == STAGE_CONTENT) {
        if (outcome->action == FILTERD_GO_ON)
            message_apply(m->message, &m->changes, (m->steps & STEP_LEADING_SPACE) != 0);
        if (m->said[SAY_END]) /* for the milter, too, it is over; else milter_reset says ABORT */
            forget_transaction(m);
    }
    answer(m, outcome);
}

/* ---- the link ---- */

static void
connected(void *arg)
{
    struct milter *m = arg;

    if (milter_say_options(m) < 0)
        fail(m, "takes nothing");
}

static void
drained(void *arg)
{
    struct milter *m = arg;

    if (m->state == MILTER_PAUSED)
        go_on(m);
}

static void
broken(void *arg, const char *why)
{
    fail(arg, why);
}

/* Time for the next answer, within the whole stage's. */
static void
set_deadline(struct milter *m)
{
    uint64_t wait = m->stage == STAGE_CONTENT ? m->endpoint->content_ms : m->endpoint->command_ms;
    int64_t left = m->stage_until_ms - clock_mono_ms();

    if (left < 1)
        left = 1;
    link_deadline(m->link, wait < (uint64_t)left ? wait : (uint64_t)left);
}

static void
begin_stage_clock(struct milter *m)
{
    uint64_t wait = m->stage == STAGE_CONTENT ? m->endpoint->content_ms : m->endpoint->command_ms;

    m->stage_until_ms = clock_mono_ms() + (int64_t)(PATIENCE * wait);
}

static enum hearing
hear(struct milter *m, const struct packet *packet, struct outcome *outcome, const char **why)
{
    if (m->state == MILTER_SPEAKING)
        return milter_hear(m, packet, outcome, why);
    if (m->state != MILTER_NEGOTIATING) {
        *why = "speaks without being asked";
        return HEARD_NONSENSE;
    }
    *why = "negotiates what is not offered";
    if (milter_hear_options(m, packet) < 0)
        return HEARD_NONSENSE;
    begin_stage_clock(m);
    return HEARD_GO_ON;
}

/* False: no more is expected before we have said more, or it is given up; `m` may be gone. */
static bool
take_packet(struct milter *m, const struct packet *packet, bool is_last)
{
    struct outcome outcome;
    const char *why;
    enum hearing heard = hear(m, packet, &outcome, &why);

    if (heard == HEARD_WAIT && clock_mono_ms() < m->stage_until_ms) {
        set_deadline(m);
        return true;
    }
    if (heard == HEARD_WAIT) { /* a timer that each packet sets anew need never fire */
        heard = HEARD_NONSENSE;
        why = "does not come to an end";
    }
    if (heard == HEARD_NONSENSE) {
        fail(m, why);
    } else if (!is_last) {
        fail(m, "answers more than it was asked");
    } else if (heard == HEARD_OUTCOME) {
        finish(m, &outcome);
    } else {
        m->state = MILTER_READY;
        go_on(m);
    }
    return false;
}

static void
input(void *arg, struct slice *bytes)
{
    struct milter *m = arg;
    struct packet packet;
    bool same_step = true;

    while (same_step) {
        switch (packet_take(bytes, &packet)) {
        case PACKET_PARTIAL:
            return;
        case PACKET_BAD:
            fail(m, "sends what is no packet");
            return;
        case PACKET_WHOLE:
            same_step = take_packet(m, &packet, bytes->len == 0);
        }
    }
}

static const struct link_ops link_ops = {connected, input, drained, broken};

/* ---- stages ---- */

static void
go_on(struct milter *m)
{
    const char *why;
    enum step step;

    while ((step = milter_next_step(m)) != SAY_NOTHING) {
        if (link_waiting(m->link) > HIGH_WATER) {
            m->state = MILTER_PAUSED;
            set_deadline(m);
            return;
        }
        m->step = step;
        if (milter_say(m, step, &why) < 0) {
            fail(m, why);
            return;
        }
        if (milter_is_mute(m, step))
            continue;
        m->state = MILTER_SPEAKING;
        set_deadline(m);
        return;
    }
    finish(m, &outcome_go_on);
}

static void
connect_anew(struct milter *m)
{
    m->failed = m->hold = false;
    m->link = link_new(m->loop, m->endpoint, &link_ops, m);
    m->state = MILTER_NEGOTIATING;
    link_deadline(m->link, m->endpoint->connect_ms);
}

/* Nothing has to be said to it: *out is the answer. */
static bool
is_settled(struct milter *m, enum stage stage, struct outcome *out)
{
    bool retry = stage == STAGE_CONNECT || stage == STAGE_MAIL;

    *out = outcome_go_on;
    if (m->passes_all || (m->passes_message && stage >= STAGE_RCPT))
        return true;
    if (m->link != NULL)
        return false;
    if (retry && clock_mono_ms() >= m->endpoint->rests_until_ms)
        return false;
    if (!m->failed) { /* another session has just found it away */
        m->failed = true;
        m->hold = m->endpoint->action == FILTER_QUARANTINE;
        (void)snprintf(m->why, sizeof(m->why), "%s: is away", m->endpoint->name);
    }
    *out = default_outcome(m, stage);
    return true;
}

bool
milter_ask(struct milter *m, enum stage stage, struct message *message,
           void (*answered)(void *arg, const struct outcome *outcome), void *arg,
           struct outcome *out)
{
    if (is_settled(m, stage, out))
        return true;
    m->stage = stage;
    m->answered = answered;
    m->arg = arg;
    m->message = message;
    m->next_field = 0;
    m->next_body = 0;
    m->asked = true;
    if (stage == STAGE_HELO)
        m->said[SAY_HELO] = false; /* it may be said more than once */
    m->said[SAY_UNKNOWN] = m->said[SAY_RCPT] = false;
    begin_stage_clock(m);
    if (m->link == NULL) {
        connect_anew(m);
        return false;
    }
    if (milter_next_step(m) == SAY_NOTHING) { /* it wants to hear of none of it */
        m->asked = false;
        m->message = NULL;
        return true;
    }
    m->state = MILTER_PAUSED;
    loop_task_schedule(m->later);
    return false;
}

void
milter_reset(struct milter *m)
{
    if (m->link != NULL && m->said[SAY_MAIL])
        milter_say_bare(m, PACKET_ABORT);
    forget_transaction(m);
}

bool
milter_wants_rejected(const struct milter *m)
{
    return m->link != NULL && m->state != MILTER_NEGOTIATING && !m->passes_all &&
           (m->steps & STEP_REJECTED_RCPT) != 0;
}

const char *
milter_hold_reason(const struct milter *m)
{
    return m->failed && m->hold ? m->why : NULL;
}
