/*
 * alertd/teller.c - tells of alerts by mail and by URLs.
 *
 * A way is left alone for alert.interval after each message, and after a failure for a time that
 * doubles. What a child says of its errand is a status and a line for the log.
 */
#include "alertd/teller.h"

#include <errno.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/ipc/object.h"
#include "lib/log/log.h"

#define BODY_MAX (256u << 10)
#define RESULTS_MAX 65536
#define MEDIA_TYPE "application/json"
#define WAY_MAIL "mail"

enum {
    GATHER_MS = 1000, /* what goes wrong together is told together */
    RETRY_MIN_MS = 30000,
    RETRY_MAX_MS = 3600000,
    REASON_MAX = 200
};

struct way {
    struct hook hook; /* the first member: what the child works on */
    struct teller *teller;
    const char *name; /* WAY_MAIL, or the URL */
    struct loop_timer *timer;
    bool waiting; /* the timer is set */
    int64_t not_before_ms;
    int64_t pause_ms; /* after the last failure; 0: it has not failed */
    struct one_shot *child;
    struct strbuf body; /* what the child posts */
    bool trial;         /* it is a trial's */
};

struct teller {
    struct teller_options options;
    struct alerts *alerts;
    struct slice recipients[CONF_LIST_MAX];
    size_t recipient_count;
    size_t mailed; /* recipients who have the news that could not be told to all */
    struct way ways[ALERT_WAYS_MAX];
    size_t way_count;
    int64_t interval_ms;
    /* the trial under way */
    void (*tried)(void *arg, struct slice objects);
    void *tried_arg;
    size_t trials; /* without an answer */
    struct strbuf results;
    _Atomic uint64_t *sent, *failed;
};

size_t
teller_ways(const struct conf *conf, const char *names[ALERT_WAYS_MAX])
{
    size_t count = 0;

    names[count++] = WAY_MAIL;
    for (size_t i = 0; i < conf_list_count(conf, ALERT_WEBHOOKS) && count < ALERT_WAYS_MAX; i++)
        names[count++] = conf_list_item(conf, ALERT_WEBHOOKS, i);
    return count;
}

static size_t
number_of(const struct way *way)
{
    return (size_t)(way - way->teller->ways);
}

/* ---- the trial ---- */

static void
trial_result(struct way *way, const char *trouble)
{
    struct teller *t = way->teller;
    char result[REASON_MAX + 16] = "done";
    struct strbuf text = strbuf_new(sizeof(result) - 1);

    way->trial = false;
    if (trouble != NULL) {
        (void)strbuf_printf(&text, "failed: %s", trouble); /* a reason is short */
        (void)memcpy(result, strbuf_cstr(&text), text.len + 1);
    }
    object_add(&t->results,
               (const struct object_field[]){{SLICE("way"), slice_of(way->name)},
                                             {SLICE("result"), slice_of(result)}},
               2);
    strbuf_free(&text);
    if (--t->trials > 0)
        return;
    t->tried(t->tried_arg, strbuf_slice(&t->results));
    t->tried = NULL;
    strbuf_clear(&t->results);
}

/* ---- one message ---- */

static void
told(struct way *way)
{
    struct teller *t = way->teller;

    stats_add(t->sent, 1);
    alerts_told(t->alerts, number_of(way));
    way->pause_ms = 0;
    way->not_before_ms = clock_mono_ms() + t->interval_ms;
}

/* For the log, which more people read than the configuration: a URL's path may be a secret. */
static struct slice
shown_name(const struct way *way)
{
    struct web_url url;

    if (number_of(way) == 0)
        return slice_of(way->name);
    return web_url_parse(slice_of(way->name), &url) == 0 ? url.host : SLICE("");
}

static void
failed(struct way *way, const char *trouble)
{
    int64_t interval_ms = way->teller->interval_ms;
    int64_t first_ms = interval_ms < RETRY_MIN_MS ? interval_ms : RETRY_MIN_MS;

    stats_add(way->teller->failed, 1);
    alerts_not_told(way->teller->alerts, number_of(way));
    way->pause_ms = way->pause_ms == 0                 ? first_ms
                    : way->pause_ms > RETRY_MAX_MS / 2 ? RETRY_MAX_MS
                                                       : way->pause_ms * 2;
    way->not_before_ms = clock_mono_ms() + way->pause_ms;
    log_event(LOG_WARN, "alert_not_told", KV_SLICE("way", shown_name(way)),
              KV_U64("number", number_of(way)), KV_STR("reason", trouble),
              KV_U64("again_in", (uint64_t)way->pause_ms / 1000));
}

static void
ended(struct way *way, const char *trouble)
{
    if (way->trial)
        trial_result(way, trouble);
    else if (trouble == NULL)
        told(way);
    else
        failed(way, trouble);
    teller_look(way->teller);
}

static void
child_ended(void *arg, struct slice reply)
{
    struct way *way = arg;
    char reason[REASON_MAX] = "the process that posts it gave up";
    bool done = reply.len > 0 && reply.ptr[0] == HOOK_DONE;
    struct slice text = slice_sub(reply, 1, REASON_MAX);

    way->child = NULL;
    strbuf_clear(&way->body);
    if (text.len > 0) {
        memcpy(reason, text.ptr, text.len);
        reason[text.len] = '\0';
    }
    ended(way, done ? NULL : reason);
}

static void
post(struct way *way, const struct news *news)
{
    message_json(news, &way->body);
    way->hook = (struct hook){.options = &way->teller->options.hook,
                              .url = way->name,
                              .type = MEDIA_TYPE,
                              .body = strbuf_slice(&way->body)};
    way->child = one_shot_start(&way->teller->options.hook.child, hook_run, child_ended, way);
    if (way->child == NULL) {
        strbuf_clear(&way->body);
        ended(way, strerror(errno));
    }
}

static void
mail(struct way *way, const struct news *news)
{
    struct teller *t = way->teller;
    size_t none = 0, *mailed = way->trial ? &none : &t->mailed;
    int rc;

    if (!way->trial && !alerts_news_again(t->alerts, number_of(way)))
        t->mailed = 0;
    rc = mailer_send_news(t->options.mailer, news, t->recipients, t->recipient_count, mailed);
    if (rc == 0)
        *mailed = 0;
    ended(way, rc < 0 ? strerror(errno) : NULL);
}

static void
send_news(struct way *way, const struct news *news)
{
    if (number_of(way) == 0)
        mail(way, news);
    else
        post(way, news);
}

/* ---- when ---- */

static void
tell(struct way *way)
{
    struct teller *t = way->teller;
    struct alert_item items[MESSAGE_ITEMS_MAX];
    struct news news = {
        .items = items, .hostname = t->options.mailer->hostname, .now_ms = clock_real_ms()};

    news.count =
        alerts_news(t->alerts, number_of(way), news.now_ms, items, MESSAGE_ITEMS_MAX, &news.more);
    if (news.count > 0)
        send_news(way, &news);
}

static void
way_due(void *arg)
{
    struct way *way = arg;

    way->waiting = false;
    if (way->child == NULL)
        tell(way);
}

void
teller_look(struct teller *t)
{
    int64_t now = clock_mono_ms(), real = clock_real_ms();

    for (size_t i = 0; i < t->way_count; i++) {
        struct way *way = &t->ways[i];
        int64_t wait = way->not_before_ms - now;

        if (way->child != NULL || way->waiting || (i == 0 && t->recipient_count == 0) ||
            !alerts_has_news(t->alerts, i, real))
            continue;
        way->waiting = true;
        loop_timer_set(way->timer, wait > GATHER_MS ? wait : GATHER_MS);
    }
}

int
teller_try(struct teller *t, void (*done)(void *arg, struct slice objects), void *arg)
{
    const struct alert_item item = {.name = MESSAGE_TRIAL,
                                    .text = "a trial message: nothing is wrong",
                                    .since_ms = clock_real_ms()};
    const struct news news = {.items = &item,
                              .count = 1,
                              .hostname = t->options.mailer->hostname,
                              .now_ms = item.since_ms};
    bool busy = t->tried != NULL;
    size_t first = t->recipient_count == 0;

    for (size_t i = 0; i < t->way_count; i++)
        busy = busy || t->ways[i].child != NULL;
    if (busy)
        return -1;
    t->tried = done;
    t->tried_arg = arg;
    t->trials = t->way_count - first + 1; /* one more, so that none of these is the last */
    for (size_t i = first; i < t->way_count; i++) {
        t->ways[i].trial = true;
        send_news(&t->ways[i], &news);
    }
    if (--t->trials == 0) {
        t->tried = NULL;
        done(arg, strbuf_slice(&t->results));
        strbuf_clear(&t->results);
    }
    return 0;
}

/* ---- the whole ---- */

struct teller *
teller_new(const struct teller_options *options, struct alerts *alerts, struct stats *stats)
{
    struct teller *t = xcalloc(1, sizeof(*t));
    const char *names[ALERT_WAYS_MAX];

    t->options = *options;
    t->alerts = alerts;
    t->interval_ms = (int64_t)conf_u64(options->conf, ALERT_INTERVAL);
    t->recipient_count = conf_list_count(options->conf, ALERT_RECIPIENTS);
    for (size_t i = 0; i < t->recipient_count; i++)
        t->recipients[i] = slice_of(conf_list_item(options->conf, ALERT_RECIPIENTS, i));
    t->way_count = teller_ways(options->conf, names);
    for (size_t i = 0; i < t->way_count; i++) {
        struct way *way = &t->ways[i];

        *way = (struct way){.teller = t, .name = names[i], .body = strbuf_new(BODY_MAX)};
        way->timer = loop_timer_new(options->hook.child.daemon->loop, way_due, way);
    }
    t->results = strbuf_new(RESULTS_MAX);
    t->sent = stats_counter(stats, "alert_messages");
    t->failed = stats_counter(stats, "alert_messages_failed");
    return t;
}

void
teller_free(struct teller **tellerp)
{
    struct teller *t = *tellerp;

    if (t == NULL)
        return;
    for (size_t i = 0; i < t->way_count; i++) {
        one_shot_stop(&t->ways[i].child);
        loop_timer_free(&t->ways[i].timer);
        strbuf_free(&t->ways[i].body);
    }
    strbuf_free(&t->results);
    xfree(tellerp);
}
