/*
 * imapd/notify.c - NOTIFY: what the client is told unasked.
 */
#include "imapd/notify.h"

#include <errno.h>

#include "imapd/command.h"
#include "imapd/condstore.h"
#include "imapd/metadata_news.h"
#include "imapd/notify_folders.h"
#include "imapd/places.h"
#include "imapd/updates.h"
#include "imapd/url_news.h"
#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/store/watch.h"

enum { POLL_MS = 1000 /* where the system can't watch the selected mailbox */ };

struct notify {
    struct arena arena; /* of `args` */
    struct notify_args args;
    struct watch *watch; /* NULL: nothing is to be told */
    int selected;        /* number of the selected mailbox; -1: not watched yet */
    int url_keys;        /* number of its access keys; -1 */
    bool selected_news;
    bool blind;      /* it cannot be watched */
    int64_t poll_ms; /* then it is looked at */
    struct notify_folders folders;
};

/* ---- the selected mailbox ---- */

unsigned
notify_selected_events(const struct session *s)
{
    return s->notify == NULL ? NOTIFY_MESSAGE_EVENTS : s->notify->args.selected;
}

const struct fetch_args *
notify_fetch(const struct session *s)
{
    return s->notify == NULL || !s->notify->args.has_fetch ? NULL : &s->notify->args.fetch;
}

bool
notify_is_own(const struct session *s, uint32_t uid)
{
    return uid >= s->own_first && uid <= s->own_last;
}

bool
notify_wants_metadata(const struct session *s, struct slice mailbox, bool subscribed)
{
    const struct notify_args *args = s->notify == NULL ? NULL : &s->notify->args;

    if (args == NULL)
        return true;
    if (mailbox.len == 0)
        return (notify_args_all_events(args) & NOTIFY_SERVER_METADATA) != 0;
    return (notify_args_events(args, mailbox, subscribed, place_is_foreign(mailbox)) &
            NOTIFY_MAILBOX_METADATA) != 0;
}

static void
watch_selected(struct session *s)
{
    struct notify *n = s->notify;

    if (s->mailbox == NULL || n->args.selected == 0 || n->selected >= 0 || n->blind)
        return;
    n->selected = mailbox_watch(s->mailbox, n->watch);
    n->url_keys = n->selected < 0 ? -1 : url_news_watch(s, n->watch);
    n->selected_news = true; /* what came before */
    n->blind = n->selected < 0;
    n->poll_ms = clock_mono_ms();
}

static void
tell_selected(struct session *s, bool in_idle)
{
    struct notify *n = s->notify;

    if (n->blind && clock_mono_ms() >= n->poll_ms) {
        n->selected_news = true;
        n->poll_ms = clock_mono_ms() + POLL_MS;
    }
    if (!n->selected_news)
        return;
    n->selected_news = false;
    mailbox_wake(s->mailbox);
    updates_send(s, UPDATES_UNASKED |
                        (n->args.is_delayed && !in_idle ? UPDATES_KEEP : UPDATES_EXPUNGE));
}

/* ---- annotations ---- */

static bool
wants_annotations(const struct notify *n)
{
    const unsigned wanted = NOTIFY_MAILBOX_METADATA | NOTIFY_SERVER_METADATA;

    return (notify_args_all_events(&n->args) & wanted) != 0;
}

/* They are followed for METADATA or for NOTIFY. */
static void
follow_annotations(struct session *s)
{
    if (wants_annotations(s->notify))
        metadata_news_begin(s);
    else if ((s->enabled & ENABLED_METADATA) == 0)
        metadata_news_end(s);
}

/* When they are looked at whatever the watch says; INT64_MAX: never. */
static int64_t
annotations_due_ms(const struct session *s)
{
    return wants_annotations(s->notify) ? metadata_news_due_ms(s) : INT64_MAX;
}

/* ---- waiting ---- */

int
notify_fd(struct session *s)
{
    if (s->notify->watch == NULL)
        return -1;
    watch_selected(s);
    return watch_fd(s->notify->watch);
}

int64_t
notify_due_ms(const struct session *s)
{
    const struct notify *n = s->notify;
    int64_t due;

    if (n->watch == NULL)
        return INT64_MAX;
    if (n->selected_news)
        return 0;
    due = notify_folders_due_ms(&n->folders);
    if (annotations_due_ms(s) < due)
        due = annotations_due_ms(s);
    return n->blind && n->poll_ms < due ? n->poll_ms : due;
}

static void
take_news(struct session *s)
{
    struct notify *n = s->notify;
    int number;

    while ((number = watch_next(n->watch)) >= 0) {
        if (number == n->selected)
            n->selected_news = true;
        else if (number == n->url_keys)
            url_news_send(s);
        else
            notify_folders_wake(&n->folders, number);
    }
}

static void
drop(struct notify **np)
{
    struct notify *n = *np;

    notify_folders_free(&n->folders);
    watch_free(&n->watch);
    arena_free(&n->arena);
    xfree(np);
}

static struct notify *
make(void)
{
    struct notify *n = xcalloc(1, sizeof(*n));

    n->selected = n->url_keys = -1;
    return n;
}

/* RFC 5465 section 5.8: as if NOTIFY NONE had been given. */
static void
give_up(struct session *s)
{
    drop(&s->notify);
    s->notify = make();
    follow_annotations(s);
    (void)stream_write(
        s->stream,
        SLICE("* OK [NOTIFICATIONOVERFLOW] Too many mailboxes, nothing is told any more\r\n"));
}

void
notify_tell_others(struct session *s)
{
    if (s->notify == NULL || s->notify->watch == NULL)
        return;
    take_news(s);
    if (s->notify->folders.annotations_changed || clock_mono_ms() >= annotations_due_ms(s))
        metadata_news_send(s);
    s->notify->folders.annotations_changed = false;
    if (notify_folders_tell(s, &s->notify->folders) < 0)
        give_up(s);
}

void
notify_tell(struct session *s, bool in_idle)
{
    if (s->notify->watch == NULL)
        return;
    take_news(s);
    tell_selected(s, in_idle);
    if (s->state != STATE_LOGOUT)
        notify_tell_others(s);
}

/* ---- what this session did itself ---- */

void
notify_arrived(struct session *s, struct slice folder, const struct mailbox_uids *uids)
{
    if (uids->count == 0)
        return;
    if (s->mailbox != NULL && slice_eq(folder, slice_of(s->mailbox_name))) {
        s->own_first = uids->uids[0];
        s->own_last = uids->uids[uids->count - 1];
    } else if (s->notify != NULL) {
        notify_folders_arrived(&s->notify->folders, folder, uids);
    }
}

void
notify_changed(struct session *s, struct slice folder, enum notify_event event)
{
    if (s->notify != NULL)
        notify_folders_own(&s->notify->folders, folder, event);
}

void
notify_deselect(struct session *s)
{
    struct notify *n = s->notify;
    struct mailbox_info info;

    s->own_first = s->own_last = 0;
    if (n == NULL)
        return;
    if (n->watch != NULL) {
        watch_remove(n->watch, n->selected);
        watch_remove(n->watch, n->url_keys);
    }
    n->selected = n->url_keys = -1;
    n->selected_news = n->blind = false;
    mailbox_get_info(s->mailbox, &info);
    notify_folders_left(&n->folders, slice_of(s->mailbox_name), &info);
}

void
notify_free(struct session *s)
{
    if (s->notify != NULL)
        drop(&s->notify);
}

/* ---- the command ---- */

static struct reply
reply_bad_event(struct session *s)
{
    (void)strbuf_str(&s->code, "BADEVENT (");
    notify_args_write_events(&s->code);
    (void)strbuf_char(&s->code, ')');
    return (struct reply){REPLY_NO, strbuf_cstr(&s->code), "An event is not supported"};
}

/* Watches and tells what NOTIFY SET tells at once. What an older NOTIFY watches may take signals
 * from it, and the other way round: each then looks at everything. */
static int
begin(struct session *s, struct notify *n)
{
    n->watch = watch_new();
    if (n->watch == NULL)
        return -1;
    n->folders.args = &n->args;
    n->folders.watch = n->watch;
    n->folders.max = s->server->settings.notify_max;
    if (n->args.names > n->folders.max) {
        errno = EOVERFLOW;
        return -1;
    }
    return notify_folders_begin(s, &n->folders);
}

static struct reply
refuse(struct session *s, struct notify **np)
{
    struct reply reply = errno == EOVERFLOW || errno == EMFILE || errno == ENFILE
                             ? reply_no("NOTIFICATIONOVERFLOW", "Too many mailboxes to watch")
                             : reply_errno();

    drop(np);
    if (s->notify != NULL && s->notify->watch != NULL)
        watch_doubt(s->notify->watch);
    return reply;
}

static struct reply
set(struct session *s, struct notify *n)
{
    bool had_one = s->notify != NULL;

    updates_send(s, UPDATES_EXPUNGE | UPDATES_ALL); /* an implicit NOOP (section 3.1) */
    if (begin(s, n) < 0)
        return refuse(s, &n);
    if ((n->args.fetch.items & FETCH_MODSEQ) != 0)
        condstore_enable(s);
    if (had_one)
        drop(&s->notify);
    s->notify = n;
    if (had_one)
        watch_doubt(n->watch);
    follow_annotations(s);
    return reply_ok("Notify completed");
}

struct reply
notify_notify(struct session *s, struct parser *p, unsigned flags)
{
    struct notify *n = make();
    struct parser own = *p; /* it outlives the command's text */

    (void)flags;
    own.arena = &n->arena;
    own.rest = arena_copy(&n->arena, p->rest);
    if (!notify_args_parse(&own, &n->args) || n->args.unsupported) {
        drop(&n);
        return own.error != NULL ? reply_bad(own.error) : reply_bad_event(s);
    }
    if (n->args.groups != NULL || n->args.has_selected)
        return set(s, n);
    notify_free(s);
    s->notify = n;
    follow_annotations(s);
    return reply_ok("Nothing is told any more");
}
