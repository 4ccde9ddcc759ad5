/*
 * imapd/metadata_news.c - tells the client which annotations others have changed.
 *
 * Each store has a number that changes with its annotations; only when one does, the mailboxes are
 * gone through, and what was changed there since the last time is told. Who was given one folder
 * alone changes no number of the whole store: such folders are looked at each second.
 */
#include "imapd/metadata_news.h"

#include <errno.h>
#include <string.h>

#include "imapd/folder_set.h"
#include "imapd/mailbox_name.h"
#include "imapd/metadata_place.h"
#include "imapd/notify.h"
#include "imapd/places.h"
#include "imapd/updates.h"
#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/log/log.h"
#include "lib/mail/imap_string.h"

enum { LOOK_MS = 1000 };

/* What the client knows of one mailbox. */
struct known {
    char *mailbox; /* "": the server */
    struct annotation_stamps stamps;
};

struct metadata_news {
    uint64_t *states; /* of the user's own store, then of the places */
    uint64_t folders; /* of the own folders, which guests may change */
    int64_t look_ms;  /* when it is looked for, monotonic */
    struct known *list;
    size_t count, cap;
    uint64_t since; /* when they were gone through: a mailbox that was not there is older or new */
};

/* ---- has anything changed? ---- */

static uint64_t
read_state(struct session *s, unsigned i)
{
    struct store *store = i == 0 ? session_store(s) : place_store(&s->places[i - 1]);
    uint64_t state = store == NULL ? 0 : annotations_state(store); /* 0: it is away */

    if (store != NULL && i > 0 && s->places[i - 1].single) /* its owner changes the file alone */
        state ^= annotations_state_of_folders(store);
    return state;
}

static bool
have_folders_changed(struct session *s)
{
    struct metadata_news *news = s->metadata_news;
    struct store *store = session_store(s);
    int64_t now_ms = clock_mono_ms();
    uint64_t before = news->folders;

    if (now_ms < news->look_ms)
        return false;
    news->look_ms = now_ms + LOOK_MS;
    if (store == NULL)
        return false;
    news->folders = annotations_state_of_folders(store);
    return news->folders != before;
}

/* Takes the states of now. */
static bool
has_changed(struct session *s)
{
    bool changed = have_folders_changed(s);

    for (unsigned i = 0; i <= s->place_count; i++) {
        uint64_t now = read_state(s, i);

        changed |= now != s->metadata_news->states[i];
        s->metadata_news->states[i] = now;
    }
    return changed;
}

/* ---- what is known ---- */

static void
note(struct metadata_news *news, struct slice mailbox, struct annotation_stamps stamps)
{
    if (news->count == news->cap) {
        news->cap = news->cap == 0 ? 16 : news->cap * 2; /* the stores have their limits */
        news->list = xreallocarray(news->list, news->cap, sizeof(*news->list));
    }
    news->list[news->count++] = (struct known){xslicedup(mailbox), stamps};
}

/* *from: where to begin; the order of mailboxes stays mostly the same. */
static struct known *
find(const struct metadata_news *news, struct slice mailbox, size_t *from)
{
    for (size_t n = 0; n < news->count; n++) {
        size_t i = (*from + n) % news->count;

        if (!slice_eq(slice_of(news->list[i].mailbox), mailbox))
            continue;
        *from = i + 1;
        return &news->list[i];
    }
    return NULL;
}

static void
free_list(struct metadata_news *news)
{
    for (size_t i = 0; i < news->count; i++)
        xfree(&news->list[i].mailbox);
    xfree(&news->list);
    news->count = news->cap = 0;
}

/* ---- telling ---- */

static void
put_changed(const struct annotation_set *set, uint64_t since, struct strbuf *out)
{
    for (size_t i = 0; i < set->count; i++) {
        if (set->list[i].changed <= since)
            continue;
        (void)strbuf_char(out, ' ');
        imap_astring(set->list[i].name, out);
    }
}

static void
tell(struct session *s, struct slice mailbox, const struct annotation_place *place,
     const struct annotation_stamps *since)
{
    struct annotation_sets sets;
    size_t start;

    if (annotations_read(place, &sets) == 0) {
        (void)strbuf_str(&s->out, "* METADATA ");
        mailbox_name_write(mailbox, session_takes_utf8(s), &s->out);
        start = s->out.len;
        put_changed(&sets.shared, since->shared, &s->out);
        put_changed(&sets.private, since->private, &s->out);
        (void)strbuf_str(&s->out, "\r\n");
        if (s->out.len > start + 2)
            updates_put_out(s);
        strbuf_clear(&s->out);
    }
    annotations_free(&sets);
}

/* One mailbox: tells what is new since `old` knew it, and notes in `now` what it is. */
static void
look_at(struct session *s, const struct folder *folder, const struct metadata_news *old,
        size_t *from, struct metadata_news *now)
{
    struct annotation_stamps stamps, since = {old->since, old->since};
    struct slice mailbox = folder->name;
    const struct known *known = find(old, mailbox, from);
    struct annotation_place place;

    if (metadata_place_find(s, mailbox, &place) < 0 || annotations_stamps(&place, &stamps) < 0)
        return; /* not to be seen, or just removed */
    if (known != NULL)
        since = known->stamps;
    if ((stamps.shared > since.shared || stamps.private > since.private) &&
        notify_wants_metadata(s, mailbox, folder->subscribed))
        tell(s, mailbox, &place, &since);
    note(now, mailbox, stamps);
}

/* All mailboxes. */
static void
look_at_all(struct session *s)
{
    struct metadata_news old = *s->metadata_news, now = {.since = (uint64_t)clock_real_us()};
    const struct folder server = {.name = SLICE("")};
    struct arena arena = {NULL};
    struct folder_set all;
    size_t from = 0;

    if (folder_set_collect(s, &arena, &all) == 0) {
        look_at(s, &server, &old, &from, &now);
        for (size_t i = 0; i < all.count; i++)
            if (all.all[i].exists)
                look_at(s, &all.all[i], &old, &from, &now);
        now.states = old.states;
        now.folders = old.folders;
        now.look_ms = old.look_ms;
        *s->metadata_news = now;
        free_list(&old);
    } else {
        log_event(LOG_WARN, "metadata_news_failed", KV_ERRNO());
    }
    arena_free(&arena);
}

/* ---- what the session calls ---- */

void
metadata_news_begin(struct session *s)
{
    if (s->metadata_news != NULL)
        return;
    s->metadata_news = xcalloc(1, sizeof(*s->metadata_news));
    s->metadata_news->states = xcalloc(s->place_count + 1, sizeof(*s->metadata_news->states));
    s->metadata_news->since = UINT64_MAX; /* nothing is newer */
    (void)has_changed(s);
    look_at_all(s);
}

void
metadata_news_end(struct session *s)
{
    if (s->metadata_news == NULL)
        return;
    free_list(s->metadata_news);
    xfree(&s->metadata_news->states);
    xfree(&s->metadata_news);
}

int64_t
metadata_news_due_ms(const struct session *s)
{
    return s->metadata_news == NULL ? INT64_MAX : s->metadata_news->look_ms;
}

void
metadata_news_send(struct session *s)
{
    if (s->metadata_news != NULL && has_changed(s))
        look_at_all(s);
}

void
metadata_news_own(struct session *s, struct slice mailbox, const struct annotation_stamps *before,
                  const struct annotation_stamps *after)
{
    size_t from = 0;
    struct known *known = s->metadata_news == NULL ? NULL : find(s->metadata_news, mailbox, &from);

    if (known == NULL)
        return;
    if (known->stamps.shared == before->shared) /* else another one's change is still to be told */
        known->stamps.shared = after->shared;
    if (known->stamps.private == before->private)
        known->stamps.private = after->private;
}
