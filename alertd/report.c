/*
 * alertd/report.c - a mailbox is told each day or week what the system has done.
 *
 * What was done is the difference of queue-manager's counters since the last report, which are kept
 * in a file; counters that are smaller than they were have begun anew.
 *
 * Input: queue-manager's answer, checked like everybody's, and our own file.
 */
#include "alertd/report.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "lib/ipc/object.h"
#include "lib/ipc/peer.h"
#include "lib/ipc/queue_manager.h"
#include "lib/log/log.h"

#define STATE_FILE "report"
#define LINES_MAX 16384
#define DAY_MS INT64_C(86400000)

enum { STATE_MODE = 0600, STATE_MAX = 1024, LOOK_MS = 60000, ASK_MS = 10000, TIME_MAX = 40 };

/* Counters of queue-manager's, by their names in its figures. */
enum figure { RECEIVED, DELIVERED, DEFERRED, BOUNCED, NOTICES, FIGURES };
static const char *const figure_names[FIGURES] = {"received", "delivered", "attempts_deferred",
                                                  "bounced", "notices"};

struct report {
    struct report_parts parts;
    const struct conf *conf;
    struct ipc_async *queue;
    struct loop_timer *timer;
    int64_t since_ms;       /* of the last report; 0: none yet */
    uint64_t last[FIGURES]; /* what the counters were then */
    bool asking, closing;
    void (*done)(void *arg, const char *trouble);
    void *arg;
};

/* ---- the last report: "SINCE COUNTER..." ---- */

static void
load(struct report *r)
{
    struct strbuf text = strbuf_new(STATE_MAX);
    struct slice rest;
    uint64_t since;
    bool good;

    if (read_file(r->parts.state_dirfd, STATE_FILE, &text) == 0) {
        rest = slice_trim(strbuf_slice(&text));
        good = parse_u64(slice_split(&rest, ' '), INT64_MAX, &since) == 0;
        for (size_t i = 0; i < FIGURES; i++)
            good = good && parse_u64(slice_split(&rest, ' '), UINT64_MAX, &r->last[i]) == 0;
        if (good)
            r->since_ms = (int64_t)since;
        else
            memset(r->last, 0, sizeof(r->last));
    }
    strbuf_free(&text);
}

static int
save(const struct report *r)
{
    struct strbuf text = strbuf_new(STATE_MAX);
    int rc;

    (void)strbuf_printf(&text, "%lld", (long long)r->since_ms);
    for (size_t i = 0; i < FIGURES; i++)
        (void)strbuf_printf(&text, " %llu", (unsigned long long)r->last[i]);
    (void)strbuf_char(&text, '\n');
    rc = replace_file(r->parts.state_dirfd, STATE_FILE, strbuf_slice(&text), STATE_MODE);
    strbuf_free(&text);
    return rc;
}

/* ---- its words ---- */

static bool
wants(const struct report *r, const char *kind)
{
    for (size_t i = 0; i < conf_list_count(r->conf, REPORT_KINDS); i++)
        if (strcmp(conf_list_item(r->conf, REPORT_KINDS, i), kind) == 0)
            return true;
    return false;
}

static void
put_line(struct strbuf *out, const char *label, uint64_t value)
{
    (void)strbuf_printf(out, "%s%-28s %llu", out->len > 0 ? "\r\n" : "", label,
                        (unsigned long long)value);
}

static void
count_block(void *arg, const struct alert_item *item, int64_t silenced_ms)
{
    uint64_t *count = arg;

    (void)silenced_ms;
    *count += item->kind == ALERT_BLOCK;
}

static void
put_place(void *arg, const char *path, const struct disk_room *room)
{
    struct strbuf *out = arg;

    (void)strbuf_printf(out, "%s%s: %llu of %llu MiB are free", out->len > 0 ? "\r\n" : "", path,
                        (unsigned long long)(room->bytes >> 20),
                        (unsigned long long)(room->total_bytes >> 20));
}

struct figures {
    uint64_t counters[FIGURES], waiting;
};

static void
put_lines(const struct report *r, const struct figures *now, struct strbuf *out)
{
    uint64_t change[FIGURES], blocks = 0;

    for (size_t i = 0; i < FIGURES; i++)
        change[i] = now->counters[i] - (now->counters[i] < r->last[i] ? 0 : r->last[i]);
    if (wants(r, "messages")) {
        put_line(out, "Messages taken", change[RECEIVED]);
        put_line(out, "Recipients delivered to", change[DELIVERED]);
        put_line(out, "Attempts that are repeated", change[DEFERRED]);
    }
    if (wants(r, "bounces")) {
        put_line(out, "Recipients not delivered to", change[BOUNCED]);
        put_line(out, "Notices sent", change[NOTICES]);
    }
    if (wants(r, "queue"))
        put_line(out, "Messages waiting now", now->waiting);
    if (wants(r, "blocks")) {
        alerts_each(r->parts.alerts, clock_real_ms(), count_block, &blocks);
        put_line(out, "Blocks now", blocks);
    }
    if (wants(r, "disk"))
        watch_each_disk(r->parts.watch, put_place, out);
}

static int
send_report(const struct report *r, const struct figures *now, int64_t now_ms)
{
    const char *mailbox = conf_str(r->conf, REPORT_MAILBOX);
    struct strbuf lines = strbuf_new(LINES_MAX), since = strbuf_new(TIME_MAX),
                  until = strbuf_new(TIME_MAX);
    struct template_value values[3];
    int rc;

    put_lines(r, now, &lines);
    if (r->since_ms > 0)
        (void)clock_rfc3339(r->since_ms, &since); /* all of these fit */
    else
        (void)strbuf_str(&since, "-");
    (void)clock_rfc3339(now_ms, &until);
    values[0] = (struct template_value){"figures", strbuf_slice(&lines)};
    values[1] = (struct template_value){"since", strbuf_slice(&since)};
    values[2] = (struct template_value){"until", strbuf_slice(&until)};
    rc =
        mailer_send(r->parts.mailer, &(const struct mailer_mail){.kind = TEMPLATE_REPORT,
                                                                 .client = "report",
                                                                 .to = slice_of(mailbox),
                                                                 .values = values,
                                                                 .value_count = ARRAY_LEN(values)});
    strbuf_free(&lines);
    strbuf_free(&since);
    strbuf_free(&until);
    return rc;
}

/* ---- one report ---- */

static void
finish(struct report *r, const char *trouble)
{
    void (*done)(void *arg, const char *trouble) = r->done;

    r->asking = false;
    r->done = NULL;
    if (trouble != NULL)
        log_event(LOG_ERROR, "report_failed", KV_STR("reason", trouble));
    if (done != NULL)
        done(r->arg, trouble);
}

static bool
take_figures(struct slice data, struct figures *out)
{
    struct object_field fields[OBJECT_FIELDS_MAX];
    int count;

    while ((count = object_next(&data, fields)) > 0) {
        struct slice name = object_get(fields, (uint32_t)count, "name");
        uint64_t value;

        if (parse_u64(object_get(fields, (uint32_t)count, "value"), UINT64_MAX, &value) < 0)
            return false;
        for (size_t i = 0; i < FIGURES; i++)
            if (slice_eq(name, slice_of(figure_names[i])))
                out->counters[i] = value;
        if (slice_eq(name, SLICE("active")) || slice_eq(name, SLICE("deferred")))
            out->waiting += value;
    }
    return count == 0;
}

static void
figures_came(void *arg, const struct frame_header *header, struct slice payload, int fd)
{
    struct report *r = arg;
    struct queue_control_reply reply;
    struct figures now = {.waiting = 0};
    int64_t now_ms = clock_real_ms();

    close_keep_errno(fd); /* none is expected */
    if (r->closing)
        return;
    if (header == NULL || header->type != QUEUE_CONTROL_REPLY ||
        queue_control_reply_decode(payload, &reply) < 0 || reply.result != 0 ||
        !take_figures(reply.data, &now)) {
        finish(r, "queue-manager does not tell its figures");
    } else if (send_report(r, &now, now_ms) < 0) {
        finish(r, strerror(errno));
    } else {
        r->since_ms = now_ms;
        memcpy(r->last, now.counters, sizeof(r->last));
        finish(r, save(r) < 0 ? strerror(errno) : NULL);
    }
}

static void
ask(struct report *r)
{
    const struct queue_control control = {.verb = SLICE("stats")};
    struct strbuf request = strbuf_new(1024);

    r->asking = true;
    assert_always(queue_control_encode(&request, &control) == 0);
    ipc_async_call(r->queue, &request, ASK_MS, figures_came, r);
    strbuf_free(&request);
}

int
report_now(struct report *r, void (*done)(void *arg, const char *trouble), void *arg)
{
    if (r->asking)
        return -1;
    if (r->queue == NULL) {
        done(arg, "report.mailbox is empty");
        return 0;
    }
    r->done = done;
    r->arg = arg;
    ask(r);
    return 0;
}

/* ---- when ---- */

/* At the beginning of each day of UTC, or of each Monday (1970 began on a Thursday). */
static int64_t
period_of(const struct report *r, int64_t ms)
{
    int64_t day = ms / DAY_MS;

    return strcmp(conf_str(r->conf, REPORT_EVERY), "week") == 0 ? (day + 3) / 7 : day;
}

static void
look(void *arg)
{
    struct report *r = arg;
    int64_t now = clock_real_ms();

    loop_timer_set(r->timer, LOOK_MS);
    if (!r->asking && period_of(r, now) != period_of(r, r->since_ms))
        ask(r);
}

struct report *
report_new(struct daemon *d, const struct report_parts *parts)
{
    struct report *r = xcalloc(1, sizeof(*r));

    r->parts = *parts;
    r->conf = d->conf;
    if (conf_str(d->conf, REPORT_MAILBOX)[0] == '\0')
        return r;
    load(r);
    r->queue = ipc_async_new(d->loop, AT_FDCWD, QUEUE_SOCKET, QUEUE_PAYLOAD_MAX, 1);
    r->timer = loop_timer_new(d->loop, look, r);
    look(r);
    return r;
}

void
report_free(struct report **reportp)
{
    struct report *r = *reportp;

    if (r == NULL)
        return;
    r->closing = true;
    ipc_async_free(&r->queue);
    loop_timer_free(&r->timer);
    xfree(reportp);
}
