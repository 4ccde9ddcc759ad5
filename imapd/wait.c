/*
 * imapd/wait.c - waits until the client says something.
 */
#include "imapd/wait.h"

#include "imapd/metadata_news.h"
#include "imapd/notify.h"
#include "imapd/updates.h"
#include "imapd/url_news.h"
#include "lib/base/clock.h"
#include "lib/log/log.h"
#include "lib/store/watch.h"

enum {
    POLL_MS = 1000,         /* where the system can't watch the folder */
    RELEASE_AFTER_MS = 1000 /* memory goes back when nothing happened for so long */
};

struct wait {
    struct session *s;
    bool in_idle;
    struct watch *watch; /* of IDLE without NOTIFY; NULL: none */
    int url_keys;        /* number of that, or -1 */
    bool polling;        /* in that place */
    int64_t release_ms;  /* INT64_MAX: it is done */
};

static int64_t
least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static struct wait
begin(struct session *s, bool in_idle)
{
    struct wait w = {.s = s, .in_idle = in_idle, .url_keys = -1};

    if (in_idle)
        metadata_news_send(s);
    if (!in_idle || s->mailbox == NULL)
        return w;
    if (s->notify == NULL) {
        w.watch = watch_new();
        if (w.watch != NULL && mailbox_watch(s->mailbox, w.watch) < 0)
            watch_free(&w.watch);
        if (w.watch != NULL)
            w.url_keys = url_news_watch(s, w.watch);
        w.polling = w.watch == NULL;
    }
    updates_send(s, UPDATES_EXPUNGE); /* what came before it was watched */
    updates_repeat_count(s);
    return w;
}

static void
plan_release(struct wait *w)
{
    int flush_ms = w->s->mailbox == NULL ? -1 : mailbox_flush_due_ms(w->s->mailbox);

    w->release_ms = clock_mono_ms() + RELEASE_AFTER_MS;
    if (flush_ms >= 0 && flush_ms < RELEASE_AFTER_MS)
        w->release_ms += flush_ms - RELEASE_AFTER_MS; /* changed flags go to disk then, too */
}

static void
tell(struct wait *w)
{
    struct session *s = w->s;
    bool any = w->polling;
    int number;

    if (s->notify != NULL) {
        notify_tell(s, w->in_idle);
        return;
    }
    if (w->in_idle)
        metadata_news_send(s);
    while (w->watch != NULL && (number = watch_next(w->watch)) >= 0)
        if (number == w->url_keys)
            url_news_send(s);
        else
            any = true;
    if (!any)
        return;
    mailbox_wake(s->mailbox);
    updates_send(s, UPDATES_EXPUNGE | UPDATES_UNASKED);
}

void
wait_end_late(struct session *s)
{
    session_bye(s, s->state == STATE_NOT_AUTHENTICATED ? "Login takes too long"
                                                       : "Autologout; idle for too long");
}

/* When something is due that the client does not begin. */
static int64_t
next_ms(const struct wait *w, int64_t now)
{
    int64_t due = w->release_ms;

    if (w->s->notify != NULL)
        due = least(due, notify_due_ms(w->s));
    else if (w->in_idle)
        due = least(due, metadata_news_due_ms(w->s));
    if (w->polling)
        due = least(due, now + POLL_MS);
    return due;
}

/* One wait. 1: the client; 0: something else was done; -1: the connection is over. */
static int
step(struct wait *w, int64_t deadline)
{
    struct session *s = w->s;
    int fd = s->notify != NULL ? notify_fd(s) : w->watch != NULL ? watch_fd(w->watch) : -1;
    int64_t now = clock_mono_ms();
    int ready = stream_wait(s->stream, fd, least(next_ms(w, now), deadline));

    now = clock_mono_ms();
    if (ready == 1)
        return 1;
    if (ready == 3)
        session_bye_ended(s);
    if (ready == 0 && now >= deadline)
        wait_end_late(s);
    if (ready < 0 || s->state == STATE_LOGOUT)
        return -1;
    tell(w);
    if (now >= w->release_ms) { /* news that never cease do not put it off */
        session_release_memory(s);
        w->release_ms = INT64_MAX;
    } else if (ready == 2) {
        plan_release(w);
    }
    return s->state == STATE_LOGOUT ? -1 : 0;
}

bool
wait_for_client(struct session *s, int64_t deadline_mono_ms, bool in_idle)
{
    struct wait w;
    int rc = 0;

    if (stream_has_input(s->stream))
        return true;
    log_flush();
    w = begin(s, in_idle);
    plan_release(&w);
    while (rc == 0)
        rc = step(&w, deadline_mono_ms);
    watch_free(&w.watch);
    return rc == 1;
}
