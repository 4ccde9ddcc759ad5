/*
 * stsd/mission.c - sends the reports of a day.
 *
 * A child for each domain finds out where its report is wanted and posts it to web servers; mail is
 * put into the queue here. Input: the children's lines, parsed here.
 */
#include "stsd/mission.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/gzip.h"
#include "lib/base/mem.h"
#include "lib/ipc/object.h"
#include "lib/ipc/stsd.h"
#include "lib/log/log.h"
#include "lib/mail/address.h"

enum { CHILDREN_MAX = 4, PLACES_MAX = 16 };

struct errand {
    struct post post; /* the first member: what the child works on */
    TAILQ_ENTRY(errand) link;
    struct mission *mission;
    struct tally_domain *domain;
    struct report report;
    struct strbuf gzipped;
    struct one_shot *child;
};

struct mission {
    TAILQ_ENTRY(mission) link;
    struct mission_plan plan;
    char *only; /* the plan's domain */
    struct tally_domain *next;
    bool begun;
    TAILQ_HEAD(errand_list, errand) errands;
    unsigned running;
    struct loop_task *step;
    struct strbuf objects;
};

/* ---- results ---- */

static void
tell(struct mission *m, const struct errand *e, struct slice place, const char *result,
     struct slice why)
{
    struct strbuf text = strbuf_new(STSD_TEXT_MAX);
    struct object_field fields[] = {
        {SLICE("domain"), slice_of(e->domain->name)}, {SLICE("place"), place}, {SLICE(""), why}};

    (void)strbuf_printf(&text, "%s%s%.*s", result, why.len > 0 ? ": " : "", (int)why.len, why.ptr);
    fields[2] = (struct object_field){SLICE("result"), strbuf_slice(&text)};
    object_add(&m->objects, fields, ARRAY_LEN(fields)); /* what does not fit is in the log */
    log_event(LOG_INFO, "tlsrpt", KV_STR("day", m->plan.tally->day),
              KV_STR("domain", e->domain->name), KV_SLICE("place", place),
              KV_SLICE("result", strbuf_slice(&text)));
    strbuf_free(&text);
}

/* An address of the child's: it has parsed what a stranger wrote, so it may say anything. */
static bool
mail_to(struct mission *m, const struct errand *e, struct slice to)
{
    struct address address;

    if (address_parse(to, 0, &address) != ADDRESS_OK) {
        tell(m, e, SLICE("-"), "failed", SLICE("not an address"));
        return false;
    }
    if (outbox_report(&m->plan.options->outbox, &e->report, strbuf_slice(&e->gzipped),
                      address.text) < 0) {
        tell(m, e, address.text, "failed", slice_of(strerror(errno)));
        return false;
    }
    tell(m, e, address.text, "queued", SLICE(""));
    return true;
}

/* One line. True: the report has got somewhere, or is not wanted. */
static bool
take_line(struct mission *m, const struct errand *e, struct slice line)
{
    char kind = line.len > 0 ? line.ptr[0] : '\0';
    struct slice rest = slice_sub(line, 2, line.len), place = slice_split(&rest, ' ');

    switch (kind) {
    case POST_NONE:
        tell(m, e, SLICE("-"), "not wanted", SLICE(""));
        return true;
    case POST_DONE:
        tell(m, e, place, "posted", SLICE(""));
        return true;
    case POST_MAIL:
        return mail_to(m, e, place);
    case POST_FAILED:
        tell(m, e, place, "failed", rest);
        return false;
    case POST_LATER:
        tell(m, e, SLICE("-"), "failed", SLICE("no answer from DNS"));
        return false;
    default:
        tell(m, e, SLICE("-"), "failed", SLICE("the posting process gave up"));
        return false;
    }
}

/* ---- errands ---- */

static void
errand_free(struct errand *e)
{
    TAILQ_REMOVE(&e->mission->errands, e, link);
    e->mission->running--;
    strbuf_free(&e->gzipped);
    free(e);
}

/* One place that takes it is enough (RFC 8460 section 3). */
static void
errand_done(void *arg, struct slice reply)
{
    struct errand *e = arg;
    struct mission *m = e->mission;
    bool settled = false;
    unsigned lines = 0;

    do
        settled = take_line(m, e, slice_split(&reply, '\n')) || settled;
    while (reply.len > 0 && ++lines < PLACES_MAX);
    if (settled && m->plan.whole_day && !e->domain->settled) {
        e->domain->settled = true;
        m->plan.tally->changed = true;
    }
    errand_free(e);
    loop_task_schedule(m->step);
}

/* False: it can't be done now. */
static bool
make_report(struct errand *e)
{
    struct strbuf json = strbuf_new(REPORT_MAX);
    bool made;

    report_name(&e->report);
    report_json(&e->report, &json);
    made = !json.overflow && gzip(strbuf_slice(&json), &e->gzipped) == 0;
    strbuf_free(&json);
    return made;
}

static void
errand_start(struct mission *m, struct tally_domain *domain)
{
    const struct reporter_options *o = m->plan.options;
    struct errand *e = xcalloc(1, sizeof(*e));

    *e = (struct errand){.mission = m,
                         .domain = domain,
                         .report = {.author = &o->author,
                                    .tally = m->plan.tally,
                                    .domain = domain,
                                    .whole_day = m->plan.whole_day,
                                    .now_ms = clock_real_ms()},
                         .gzipped = strbuf_new(REPORT_MAX)};
    TAILQ_INSERT_TAIL(&m->errands, e, link);
    m->running++;
    if (make_report(e)) {
        e->post = (struct post){&o->post, domain->name, strbuf_slice(&e->gzipped)};
        e->child = one_shot_start(&o->post.child, post_run, errand_done, &e->post);
    }
    if (e->child != NULL)
        return;
    tell(m, e, SLICE("-"), "failed", SLICE("it cannot be made now"));
    errand_free(e);
    loop_task_schedule(m->step);
}

/* ---- the mission ---- */

static bool
is_wanted(const struct mission *m, const struct tally_domain *d)
{
    return (m->plan.again || !d->settled) && (m->only[0] == '\0' || strcmp(m->only, d->name) == 0);
}

static struct tally_domain *
next_domain(struct mission *m)
{
    do {
        m->next = m->begun ? STAILQ_NEXT(m->next, link) : STAILQ_FIRST(&m->plan.tally->domains);
        m->begun = true;
    } while (m->next != NULL && !is_wanted(m, m->next));
    return m->next;
}

static void
step(void *arg)
{
    struct mission *m = arg;

    while (m->running < CHILDREN_MAX && (!m->begun || m->next != NULL)) {
        struct tally_domain *d = next_domain(m);

        if (d != NULL)
            errand_start(m, d);
    }
    if (m->running > 0)
        return;
    m->plan.done(m->plan.arg, strbuf_slice(&m->objects));
    mission_stop(&m);
}

struct mission *
mission_start(const struct mission_plan *plan)
{
    struct mission *m = xcalloc(1, sizeof(*m));

    m->plan = *plan;
    m->only = xslicedup(plan->domain);
    m->objects = strbuf_new(STSD_REPLY_MAX - 2 * STSD_TEXT_MAX);
    TAILQ_INIT(&m->errands);
    if (plan->list != NULL)
        TAILQ_INSERT_TAIL(plan->list, m, link);
    m->step = loop_task_new(plan->loop, step, m);
    loop_task_schedule(m->step);
    return m;
}

void
mission_stop(struct mission **missionp)
{
    struct mission *m = *missionp;
    struct errand *e, *next;

    if (m == NULL)
        return;
    for (e = TAILQ_FIRST(&m->errands); e != NULL; e = next) {
        next = TAILQ_NEXT(e, link);
        one_shot_stop(&e->child);
        errand_free(e);
    }
    if (m->plan.list != NULL)
        TAILQ_REMOVE(m->plan.list, m, link);
    if (m->plan.owns_tally)
        tally_free(&m->plan.tally);
    loop_task_free(&m->step);
    strbuf_free(&m->objects);
    free(m->only);
    xfree(missionp);
}

void
mission_stop_all(struct mission_list *list)
{
    struct mission *m;

    while ((m = TAILQ_FIRST(list)) != NULL)
        mission_stop(&m);
}
