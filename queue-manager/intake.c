/*
 * queue-manager/intake.c - where messages come from.
 *
 * The trigger only says "look": what counts is the directory, which is also read now and then
 * without it. The scan goes on where it stopped until the end, so that no file is passed over for
 * ever while new ones come in; deferred mail takes turns with new mail. The set in memory is
 * bounded.
 */
#include "queue-manager/intake.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/log/log.h"
#include "lib/queue/spool_recover.h"
#include "lib/queue/trigger.h"
#include "queue-manager/deferral.h"
#include "queue-manager/etrn.h"
#include "queue-manager/expand.h"
#include "queue-manager/message.h"
#include "queue-manager/sender.h"

#define NEW_PER_TURN 100
#define DUE_PER_TURN 50
#define PARKED_PER_TURN 50
#define SCAN_MS 5000 /* without a trigger */
#define TIDY_PER_TURN 2000
#define READ_PAUSE_MS 20 /* the reading at start goes on slowly while there is enough to do */

struct intake {
    struct queue *queue;
    struct spool_scan scan;
    struct loop_fd *trigger;
    struct trigger_reader reader;
    struct etrn etrn;
    struct loop_timer *timer;
    bool wanted;         /* new/ may have something that the pass under way has not seen */
    bool scanning;       /* in the middle of a pass over new/ */
    int64_t timer_at_ms; /* monotonic */
    bool in_trouble;
    struct spool_tidy tidy;
};

static void work(void *arg);

static void
again_in(struct intake *in, int64_t ms)
{
    in->timer_at_ms = clock_mono_ms() + ms;
    loop_timer_set(in->timer, ms);
}

static void
asked_for(void *arg, struct slice domain)
{
    struct intake *in = arg;

    etrn_run(in->queue, &in->etrn, domain, clock_mono_ms());
}

static void
triggered(void *arg, unsigned ready)
{
    struct intake *in = arg;
    char bytes[4096];
    ssize_t n =
        read(in->queue->spool.trigger_fd, bytes, sizeof(bytes)); /* the rest triggers again */

    (void)ready;
    if (n > 0)
        trigger_read(&in->reader, slice_make(bytes, (size_t)n), asked_for, in);
    in->wanted = true;
    if (!in->in_trouble)
        work(in);
}

struct intake *
intake_new(struct queue *q)
{
    struct intake *in = xcalloc(1, sizeof(*in));

    in->queue = q;
    if (spool_scan_open(&in->scan, &q->spool, SPOOL_NEW) < 0) {
        xfree(&in);
        return NULL;
    }
    in->trigger = loop_fd_new(q->loop, q->spool.trigger_fd, LOOP_READ, triggered, in);
    in->timer = loop_timer_new(q->loop, work, in);
    spool_tidy_begin(&in->tidy);
    intake_look(in);
    return in;
}

void
intake_free(struct intake **ip)
{
    struct intake *in = *ip;

    if (in == NULL)
        return;
    spool_scan_close(&in->scan);
    spool_tidy_end(&in->tidy);
    loop_fd_free(&in->trigger);
    loop_timer_free(&in->timer);
    xfree(ip);
}

void
intake_look(struct intake *in)
{
    in->wanted = true;
    again_in(in, 0);
}

static bool
has_room(const struct intake *in)
{
    const struct queue *q = in->queue;

    return queue_room(q) > 0 && q->rcpt_count < QUEUE_TARGETS_ALL &&
           q->target_count < QUEUE_TARGETS_ALL;
}

int
intake_one(struct intake *in, const char *id, enum spool_state from)
{
    struct queue *q = in->queue;
    struct message *m = message_take_up(q, id, from);

    if (m == NULL)
        return errno == 0 ? 0 : -1;
    expansion_add(q->expansion, m);
    return 0;
}

/* -1: something of the machine is missing; wait. */
static int
take_new(struct intake *in)
{
    for (int i = 0; i < NEW_PER_TURN && has_room(in) && (in->scanning || in->wanted); i++) {
        const char *id;

        if (!in->scanning)
            in->wanted = false; /* a new pass sees everything that is there now */
        id = spool_scan_next(&in->scan);
        in->scanning = id != NULL;
        if (id != NULL && intake_one(in, id, SPOOL_NEW) < 0) {
            in->wanted = true; /* this pass is behind it */
            return -1;
        }
    }
    return 0;
}

static int
take_due(struct intake *in)
{
    struct queue *q = in->queue;
    char id[QUEUE_ID_SIZE];
    int64_t now_ms = clock_real_ms();

    for (int i = 0; i < DUE_PER_TURN && has_room(in); i++) {
        if (!deferrals_take_due(q->deferrals, now_ms, id))
            return 0;
        if (intake_one(in, id, SPOOL_DEFERRED) < 0) {
            deferrals_add(q->deferrals, id, now_ms + q->settings.trouble_ms, DUE_DOMAIN_ALL);
            return -1;
        }
    }
    return 0;
}

/* The directories that grow with the mail that waits. False: nothing is left to read. */
static bool
read_some(struct intake *in)
{
    struct queue *q = in->queue;
    bool untidy = !q->tidy && spool_tidy_some(&in->tidy, &q->spool, TIDY_PER_TURN);

    q->tidy = !untidy;
    return deferrals_read_some(q->deferrals) || untidy;
}

/* What waits because its sender had so much under way. */
static int
take_parked(struct intake *in)
{
    struct queue *q = in->queue;
    char id[QUEUE_ID_SIZE];

    for (int i = 0; i < PARKED_PER_TURN && has_room(in); i++) {
        if (!senders_take_parked(q->senders, queue_room(q), id))
            return 0;
        if (intake_one(in, id, SPOOL_DEFERRED) < 0) {
            deferrals_add(q->deferrals, id, clock_real_ms() + q->settings.trouble_ms,
                          DUE_DOMAIN_ALL);
            return -1;
        }
    }
    return 0;
}

/* How long until there is something to do without a trigger. */
static int64_t
pause_ms(const struct intake *in, bool reading)
{
    const struct queue *q = in->queue;
    int64_t due = deferrals_wait_ms(q->deferrals, clock_real_ms());

    if (!has_room(in))
        return reading ? READ_PAUSE_MS : SCAN_MS; /* intake_resume comes first, as a rule */
    if (reading || in->scanning || in->wanted || senders_have_ready(q->senders, queue_room(q)))
        return 0;
    return due >= 0 && due < SCAN_MS ? due : SCAN_MS;
}

static void
work(void *arg)
{
    struct intake *in = arg;
    bool reading = read_some(in);
    int error = 0;

    in->in_trouble = false;
    if (!in->scanning)
        in->wanted = true; /* a trigger may have been lost */
    if (take_new(in) < 0)
        error = errno;
    if (take_due(in) < 0) /* also after trouble with a new one: it may be that one alone */
        error = errno;
    if (error == 0 && take_parked(in) < 0)
        error = errno;
    if (error != 0) {
        log_event(LOG_WARN, "intake_waits", KV_STR("error", strerror(error)));
        in->in_trouble = true;
        again_in(in, in->queue->settings.trouble_ms);
        return;
    }
    again_in(in, pause_ms(in, reading));
}

void
intake_resume(struct intake *in)
{
    int64_t ms;

    if (in->in_trouble)
        return;
    ms = pause_ms(in, false);
    if (clock_mono_ms() + ms < in->timer_at_ms)
        again_in(in, ms);
}

bool
intake_is_behind(const struct intake *in)
{
    return in->scanning || in->wanted || in->in_trouble;
}
