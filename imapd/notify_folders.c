/*
 * imapd/notify_folders.c - what NOTIFY tells of folders that are not selected.
 */
#include "imapd/notify_folders.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "imapd/mailbox_name.h"
#include "imapd/notify_names.h"
#include "imapd/places.h"
#include "imapd/status_items.h"
#include "imapd/updates.h"
#include "lib/base/clock.h"
#include "lib/base/mem.h"

enum {
    SETTLE_MS = 150, /* a tree of folders is renamed one by one: it is told as one event */
    LOOK_MS = 2000,  /* where the system can't watch */
    OWN_MAX = 100    /* own changes of folders before they are listed */
};

/* ---- one folder ---- */

static int
compare(const void *name, const void *folder)
{
    return slice_cmp(*(const struct slice *)name,
                     slice_of(((const struct notify_folder *)folder)->name));
}

struct notify_folder *
notify_folders_find(const struct notify_folders *f, struct slice name)
{
    return f->count == 0 ? NULL : bsearch(&name, f->all, f->count, sizeof(*f->all), compare);
}

bool
notify_folders_is_selected(const struct session *s, const char *name)
{
    return s->mailbox != NULL && strcmp(s->mailbox_name, name) == 0;
}

int
notify_folders_look(struct session *s, const char *name, struct mailbox_info *info)
{
    struct target t;

    if (place_find(s, slice_of(name), RIGHT_LOOKUP | RIGHT_READ, &t) < 0)
        return -1;
    return mailbox_status(t.store, t.name, info);
}

int
notify_folders_watch(struct session *s, struct notify_folders *f, struct notify_folder *folder)
{
    struct target t;

    if (!folder->exists || (folder->events & NOTIFY_MESSAGE_EVENTS) == 0 || folder->number >= 0 ||
        place_find(s, slice_of(folder->name), RIGHT_LOOKUP | RIGHT_READ, &t) < 0)
        return 0;
    folder->number = watch_folder(f->watch, t.store, t.name);
    if (folder->number >= 0)
        return 0;
    if (errno == EMFILE || errno == ENFILE)
        return -1;
    if (errno == ENOENT) /* just now */
        notify_folders_stale(f);
    else
        f->blind = true;
    return 0;
}

/* ---- STATUS ---- */

static void
send_status(struct session *s, const char *name, const struct mailbox_info *info, unsigned items)
{
    const struct status_values values = {.info = *info};

    (void)strbuf_str(&s->out, "* STATUS ");
    mailbox_name_write(slice_of(name), session_takes_utf8(s), &s->out);
    (void)strbuf_char(&s->out, ' ');
    status_items_write(&values, items, &s->out);
    (void)strbuf_str(&s->out, "\r\n");
    updates_put_out(s);
}

/* What NOTIFY SET STATUS tells (RFC 5465 section 3.1). */
static unsigned
first_items(const struct notify_folder *folder)
{
    unsigned items = 0;

    if (folder->events & NOTIFY_MESSAGE_NEW)
        items |= STATUS_MESSAGES | STATUS_UIDNEXT | STATUS_UIDVALIDITY;
    if (folder->events & NOTIFY_FLAG_CHANGE)
        items |= STATUS_UIDVALIDITY | STATUS_HIGHESTMODSEQ | STATUS_UNSEEN;
    return items;
}

/* What is news (RFC 5465 sections 5.1 to 5.3). */
static unsigned
changed_items(const struct session *s, const struct notify_folder *folder,
              const struct mailbox_info *now)
{
    const struct mailbox_info *told = &folder->told;
    const unsigned modseq = (s->enabled & ENABLED_CONDSTORE) != 0 ? STATUS_HIGHESTMODSEQ : 0;
    bool is_other = now->uidvalidity != told->uidvalidity;
    unsigned items = 0;

    if ((folder->events & NOTIFY_MESSAGE_NEW) != 0 &&
        (is_other || now->uidnext != told->uidnext || now->count != told->count))
        items |= STATUS_MESSAGES | STATUS_UIDNEXT | modseq;
    if ((folder->events & NOTIFY_FLAG_CHANGE) != 0 && modseq != 0 &&
        now->highest_modseq != told->highest_modseq)
        items |= STATUS_UIDVALIDITY | modseq;
    if ((folder->events & NOTIFY_FLAG_CHANGE) != 0 && now->unseen != told->unseen)
        items |= STATUS_UIDVALIDITY | STATUS_UNSEEN;
    if (is_other && items != 0)
        items |= STATUS_UIDVALIDITY;
    return items;
}

/* By its id: another session may have given the selected mailbox another name. */
static bool
is_selected_by_id(const struct session *s, const char *mailbox_id)
{
    struct mailbox_info selected;

    if (s->mailbox == NULL)
        return false;
    mailbox_get_info(s->mailbox, &selected);
    return strcmp(selected.mailbox_id, mailbox_id) == 0;
}

static void
check(struct session *s, struct notify_folders *f, struct notify_folder *folder)
{
    struct mailbox_info now;
    unsigned items;

    if (notify_folders_is_selected(s, folder->name))
        return;
    if (notify_folders_look(s, folder->name, &now) < 0) {
        if (errno == ENOENT)
            notify_folders_stale(f);
        return;
    }
    if (is_selected_by_id(s, now.mailbox_id))
        return;
    items = changed_items(s, folder, &now);
    folder->told = now;
    if (items != 0)
        send_status(s, folder->name, &now, items);
}

static void
check_all(struct session *s, struct notify_folders *f)
{
    f->any_check = false;
    for (uint32_t i = 0; i < f->count; i++) {
        if (!f->all[i].check)
            continue;
        f->all[i].check = false;
        check(s, f, &f->all[i]);
    }
}

/* ---- the watch ---- */

void
notify_folders_stale(struct notify_folders *f)
{
    if (f->refresh_ms == INT64_MAX)
        f->refresh_ms = clock_mono_ms() + SETTLE_MS;
}

void
notify_folders_wake(struct notify_folders *f, int number)
{
    for (unsigned i = 0; i < f->list_count; i++) {
        if (f->lists[i] == number)
            notify_folders_stale(f);
        f->annotations_changed = f->annotations_changed || f->annotations[i] == number;
    }
    for (uint32_t i = 0; i < f->count; i++)
        if (f->all[i].number == number)
            f->any_check = f->all[i].check = true;
}

/* `number`: what the watch gave; the same, -1 if it gave none for a reason that blinds us, -2 if
 * there are too many. */
static int
accept_number(struct notify_folders *f, int number)
{
    if (number < 0 && (errno == EMFILE || errno == ENFILE))
        return -2;
    f->blind = f->blind || number < 0;
    return number;
}

/* A change of any annotation writes a file beside INBOX. */
static int
watch_one_list(struct notify_folders *f, const struct store *store)
{
    const unsigned metadata = NOTIFY_MAILBOX_METADATA | NOTIFY_SERVER_METADATA;
    bool with_annotations = (notify_args_all_events(f->args) & metadata) != 0;
    unsigned i = f->list_count++;

    f->annotations[i] = -1;
    f->lists[i] = accept_number(f, watch_list(f->watch, store));
    if (with_annotations && f->lists[i] != -2)
        f->annotations[i] = accept_number(f, watch_folder(f->watch, store, SLICE("INBOX")));
    return f->lists[i] == -2 || f->annotations[i] == -2 ? -1 : 0;
}

/* Others' folders may be meant: by their names, or as subscriptions. */
static bool
means_foreign(const struct notify_args *args)
{
    for (const struct notify_group *g = args->groups; g != NULL; g = g->next)
        for (const struct mailbox_filter *m = g->filters; m != NULL; m = m->next)
            if (g->events != 0 && (m->kind == FILTER_SUBSCRIBED || place_is_foreign(m->name)))
                return true;
    return false;
}

static int
watch_lists(struct session *s, struct notify_folders *f)
{
    struct store *own = session_store(s);
    unsigned places = means_foreign(f->args) ? s->place_count : 0;

    f->lists = xcalloc((size_t)places + 1, sizeof(*f->lists));
    f->annotations = xcalloc((size_t)places + 1, sizeof(*f->annotations));
    if (own == NULL || watch_one_list(f, own) < 0)
        return -1;
    for (unsigned i = 0; i < places; i++) {
        struct store *store = place_store(&s->places[i]);

        if (store != NULL && watch_one_list(f, store) < 0) /* else it is away */
            return -1;
    }
    return 0;
}

/* ---- all of it ---- */

int
notify_folders_begin(struct session *s, struct notify_folders *f)
{
    f->refresh_ms = INT64_MAX;
    if (notify_args_all_events(f->args) == 0)
        return 0;
    if (watch_lists(s, f) < 0 || notify_names_refresh(s, f, true) < 0)
        return -1;
    f->look_ms = clock_mono_ms() + LOOK_MS;
    for (uint32_t i = 0; i < f->count && f->args->status; i++) {
        const struct notify_folder *folder = &f->all[i];

        if (folder->told.uidvalidity != 0 && first_items(folder) != 0 &&
            !notify_folders_is_selected(s, folder->name))
            send_status(s, folder->name, &folder->told, first_items(folder));
    }
    return 0;
}

int64_t
notify_folders_due_ms(const struct notify_folders *f)
{
    return f->blind && f->look_ms < f->refresh_ms ? f->look_ms : f->refresh_ms;
}

int
notify_folders_tell(struct session *s, struct notify_folders *f)
{
    int64_t now = clock_mono_ms();

    if (f->blind && now >= f->look_ms) {
        f->look_ms = now + LOOK_MS;
        f->refresh_ms = now;
        f->annotations_changed = true;
        for (uint32_t i = 0; i < f->count; i++)
            f->any_check = f->all[i].check =
                f->all[i].exists && (f->all[i].events & NOTIFY_MESSAGE_EVENTS) != 0;
    }
    if (now >= f->refresh_ms) {
        f->refresh_ms = INT64_MAX;
        if (notify_names_refresh(s, f, false) < 0) {
            if (errno == EOVERFLOW || errno == EMFILE || errno == ENFILE)
                return -1;
            f->refresh_ms = now + LOOK_MS;
        }
    }
    if (f->any_check)
        check_all(s, f);
    return 0;
}

void
notify_folders_free(struct notify_folders *f)
{
    for (unsigned i = 0; i < f->own_count; i++)
        free(f->own[i].name);
    xfree(&f->all);
    arena_free(&f->names);
    xfree(&f->own);
    xfree(&f->lists);
    xfree(&f->annotations);
    f->count = f->own_count = f->list_count = 0;
}

/* ---- what this session did itself ---- */

/* The client knows them from APPENDUID or COPYUID, if nobody else's came in between. */
void
notify_folders_arrived(struct notify_folders *f, struct slice name, const struct mailbox_uids *uids)
{
    struct notify_folder *folder = notify_folders_find(f, name);

    if (folder == NULL || uids->count == 0 || uids->uidvalidity != folder->told.uidvalidity ||
        uids->uids[0] != folder->told.uidnext)
        return;
    folder->told.uidnext = uids->uids[uids->count - 1] + 1;
    folder->told.count += uids->count;
}

void
notify_folders_own(struct notify_folders *f, struct slice name, enum notify_event event)
{
    if (f->list_count == 0 && !f->blind)
        return;
    if (f->own_count == OWN_MAX) /* then one of them is told */
        return;
    f->own = xreallocarray(f->own, (size_t)f->own_count + 1, sizeof(*f->own));
    f->own[f->own_count++] = (struct notify_own){xslicedup(name), event};
}

static struct notify_folder *
find_by_id(const struct notify_folders *f, const char *mailbox_id)
{
    for (uint32_t i = 0; i < f->count; i++)
        if (strcmp(f->all[i].told.mailbox_id, mailbox_id) == 0)
            return &f->all[i];
    return NULL;
}

void
notify_folders_left(struct notify_folders *f, struct slice name, const struct mailbox_info *info)
{
    struct notify_folder *folder = find_by_id(f, info->mailbox_id);

    if (folder == NULL) /* not looked at yet */
        folder = notify_folders_find(f, name);
    if (folder == NULL)
        return;
    folder->told = *info;
    f->any_check = folder->check = true;
}
