/*
 * stsd/reporter.c - collects TLS outcomes, and reports each day's to the domains that want it.
 *
 * In memory are the running day and the one before it, whose reports leave after midnight (UTC) and
 * are tried again, ever more rarely, until the next midnight (RFC 8460 section 5.5). Other days are
 * read when somebody asks for them.
 */
#include "stsd/reporter.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/base/random.h"
#include "lib/log/log.h"
#include "stsd/days.h"
#include "stsd/mission.h"

enum {
    TICK_MS = 10000, /* what a crash may cost, and how late a day begins */
    DAY_MS = 24 * 60 * 60 * 1000,
    LATE_START_MS = 10 * 60 * 1000, /* for what was due while we were down */
    RETRY_MS = 15 * 60 * 1000,      /* doubled with each attempt */
    RETRIES_MAX = 6,
};

struct reporter {
    struct loop *loop;
    const struct reporter_options *options;
    struct tally *today, *before;
    struct mission *mission; /* of `before`, by ourselves; NULL: none runs */
    struct mission_list asked;
    int64_t due_ms; /* real time */
    unsigned attempts;
    struct loop_timer *tick;
};

/* ---- days ---- */

static void
save(const struct reporter *r, struct tally *t)
{
    if (t->changed && tally_write(r->options->dirfd, t) < 0)
        log_event(LOG_ERROR, "tlsrpt_write", KV_STR("day", t->day), KV_ERRNO());
}

static int64_t
some_of(int64_t ms)
{
    return ms <= 0 ? 0 : (int64_t)(random_u64() % (uint64_t)ms);
}

/* When the reports of the day before leave: some time after midnight. */
static void
plan(struct reporter *r, int64_t now_ms)
{
    int64_t spread = r->options->spread_ms;

    r->attempts = 0;
    r->due_ms = r->today->begin_s * 1000 + some_of(spread);
    if (r->due_ms < now_ms)
        r->due_ms = now_ms + some_of(spread < LATE_START_MS ? spread : LATE_START_MS);
}

/* A day is over. What still runs about the one that goes keeps it until then. */
static void
turn(struct reporter *r, int64_t now_ms)
{
    char day[TALLY_NAME_MAX];

    tally_day_name(now_ms, day);
    if (strcmp(day, r->today->day) == 0 || r->mission != NULL || !TAILQ_EMPTY(&r->asked))
        return;
    save(r, r->today);
    tally_free(&r->before);
    r->before = r->today;
    r->today = tally_read(r->options->dirfd, day); /* the clock may have been set back */
    days_remove_old(r->options->dirfd, now_ms, REPORTER_KEEP_DAYS);
    plan(r, now_ms);
}

/* ---- by itself ---- */

static bool
is_all_settled(const struct tally *t)
{
    const struct tally_domain *d;

    for (d = STAILQ_FIRST(&t->domains); d != NULL; d = STAILQ_NEXT(d, link))
        if (!d->settled)
            return false;
    return true;
}

static void
day_done(void *arg, struct slice objects)
{
    struct reporter *r = arg;

    (void)objects; /* the log has them */
    r->mission = NULL;
    r->due_ms = clock_real_ms() + ((int64_t)RETRY_MS << r->attempts);
    if (r->attempts < RETRIES_MAX)
        r->attempts++;
    save(r, r->before);
}

static void
tick(void *arg)
{
    struct reporter *r = arg;
    int64_t now_ms = clock_real_ms();

    turn(r, now_ms);
    save(r, r->today);
    save(r, r->before);
    if (r->options->sends && r->mission == NULL && now_ms >= r->due_ms &&
        !is_all_settled(r->before))
        r->mission = mission_start(&(struct mission_plan){.loop = r->loop,
                                                          .options = r->options,
                                                          .tally = r->before,
                                                          .whole_day = true,
                                                          .done = day_done,
                                                          .arg = r});
    loop_timer_set(r->tick, TICK_MS);
}

/* ---- questions ---- */

/* The day's tally; *own: the caller's to free. NULL: there is none. */
static struct tally *
find_day(const struct reporter *r, struct slice day, bool *own)
{
    char name[TALLY_NAME_MAX];

    *own = false;
    if (slice_eq(day, slice_of(r->today->day)))
        return r->today;
    if (slice_eq(day, slice_of(r->before->day)))
        return r->before;
    memcpy(name, day.ptr, day.len); /* a day: tally_day_begin */
    name[day.len] = '\0';
    if (!tally_exists(r->options->dirfd, name))
        return NULL;
    *own = true;
    return tally_read(r->options->dirfd, name);
}

static const char *
look(const struct reporter *r, struct slice day, struct slice domain, struct tally **found,
     bool *own)
{
    if (tally_day_begin(day) < 0)
        return "a day is written as 2026-11-27 (UTC)";
    *found = find_day(r, day, own);
    if (*found == NULL)
        return "nothing is known of that day";
    if (domain.len == 0 || tally_find(*found, domain) != NULL)
        return NULL;
    if (*own)
        tally_free(found);
    return "nothing is known of that domain on that day";
}

const char *
reporter_show(struct reporter *r, struct slice day, struct slice domain, struct strbuf *objects)
{
    struct tally *t;
    const char *trouble;
    bool own;

    trouble = look(r, day.len > 0 ? day : slice_of(r->today->day), domain, &t, &own);
    if (trouble != NULL)
        return trouble;
    days_show(t, domain, objects);
    if (own)
        tally_free(&t);
    return NULL;
}

struct asked {
    struct reporter *reporter;
    void (*done)(void *arg, struct slice objects);
    void *arg;
};

static void
asked_done(void *arg, struct slice objects)
{
    struct asked *a = arg;

    a->done(a->arg, objects);
    save(a->reporter, a->reporter->before);
    free(a);
}

const char *
reporter_send(struct reporter *r, struct slice day, struct slice domain,
              void (*done)(void *arg, struct slice objects), void *arg)
{
    struct tally *t;
    struct asked *a;
    const char *trouble;
    bool own;

    turn(r, clock_real_ms());
    trouble = look(r, day.len > 0 ? day : slice_of(r->before->day), domain, &t, &own);
    if (trouble != NULL)
        return trouble;
    a = xcalloc(1, sizeof(*a));
    *a = (struct asked){r, done, arg};
    (void)mission_start(&(struct mission_plan){.loop = r->loop, /* it is in the list, or over */
                                               .options = r->options,
                                               .list = &r->asked,
                                               .tally = t,
                                               .owns_tally = own,
                                               .domain = domain,
                                               .again = true,
                                               .whole_day = t != r->today,
                                               .done = asked_done,
                                               .arg = a});
    return NULL;
}

void
reporter_count(struct reporter *r, const struct outcome *outcome)
{
    if (!r->options->sends)
        return;
    turn(r, clock_real_ms());
    tally_add(r->today, outcome);
}

/* ---- begin and end ---- */

struct reporter *
reporter_new(struct loop *loop, const struct reporter_options *options)
{
    struct reporter *r = xcalloc(1, sizeof(*r));
    int64_t now_ms = clock_real_ms();
    char day[TALLY_NAME_MAX];

    r->loop = loop;
    r->options = options;
    TAILQ_INIT(&r->asked);
    tally_day_name(now_ms, day);
    r->today = tally_read(options->dirfd, day);
    tally_day_name(now_ms - DAY_MS, day);
    r->before = tally_read(options->dirfd, day);
    days_remove_old(options->dirfd, now_ms, REPORTER_KEEP_DAYS);
    plan(r, now_ms);
    r->tick = loop_timer_new(loop, tick, r);
    loop_timer_set(r->tick, 0);
    return r;
}

void
reporter_free(struct reporter **reporterp)
{
    struct reporter *r = *reporterp;

    if (r == NULL)
        return;
    loop_timer_free(&r->tick);
    mission_stop(&r->mission);
    mission_stop_all(&r->asked);
    save(r, r->today);
    save(r, r->before);
    tally_free(&r->today);
    tally_free(&r->before);
    xfree(reporterp);
}
