/*
 * imapd/notify_names.c - folders that came, went, were renamed or subscribed.
 *
 * Compares two lists. A folder that went and one that came with the same mailbox id are one that
 * was renamed.
 */
#include "imapd/notify_names.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "imapd/list.h"
#include "imapd/places.h"
#include "lib/base/mem.h"

/* One LIST response to come. */
struct notice {
    struct slice name, old_name; /* the latter empty: not renamed */
};

struct refresh {
    struct session *s;
    struct notify_folders *f; /* its list is the old one until the end */
    bool first;
    struct arena arena; /* of the rest */
    struct folder_set set;
    struct notify_folder *now;
    struct arena names; /* its folders' */
    uint32_t count;
    struct notice *notices;
    size_t notice_count, notice_cap;
    struct notice *renamed; /* all of them, also those that are not told */
    size_t renamed_count;
};

static int
by_name(const void *a, const void *b)
{
    return strcmp(((const struct notify_folder *)a)->name, ((const struct notify_folder *)b)->name);
}

static struct slice
parent_of(struct slice name)
{
    size_t at = slice_rindex(name, '/');

    return at == name.len ? SLICE("") : slice_sub(name, 0, at);
}

static unsigned
events_of(const struct refresh *r, struct slice name)
{
    const struct folder *folder = folder_set_find(&r->set, name);

    return notify_args_events(r->f->args, name, folder != NULL && folder->subscribed,
                              place_is_foreign(name));
}

/* ---- the new list ---- */

/* Those that the client named, and those directly below one of them whose name counts: it is
 * affected when they come and go. 0, or -1 (EOVERFLOW). */
static int
collect(struct refresh *r)
{
    r->now = xcalloc(r->set.count + 1, sizeof(*r->now));
    for (size_t i = 0; i < r->set.count; i++) {
        const struct folder *folder = &r->set.all[i];
        unsigned events = notify_args_events(r->f->args, folder->name, folder->subscribed,
                                             place_is_foreign(folder->name));
        bool counts =
            events != 0 || (events_of(r, parent_of(folder->name)) & NOTIFY_MAILBOX_NAME) != 0;

        if (!counts || !(folder->exists || folder->subscribed))
            continue;
        if (r->count == r->f->max) {
            errno = EOVERFLOW;
            return -1;
        }
        r->now[r->count++] = (struct notify_folder){.name = arena_copy(&r->names, folder->name).ptr,
                                                    .events = events,
                                                    .number = -1,
                                                    .exists = folder->exists,
                                                    .subscribed = folder->subscribed};
    }
    r->now = xreallocarray(r->now, (size_t)r->count + 1, sizeof(*r->now)); /* it is kept */
    qsort(r->now, r->count, sizeof(*r->now), by_name);
    return 0;
}

/* What the client was told of `old`, and its watch, are those of `folder`. */
static void
take_over(struct notify_folder *folder, struct notify_folder *old)
{
    folder->told = old->told;
    folder->check = old->check;
    folder->number = old->number;
    old->number = -1;
}

/* Another folder may have taken the name meanwhile: then STATUS will tell. */
static void
check_identity(struct refresh *r, struct notify_folder *folder)
{
    struct target t;

    if (folder->number < 0 ||
        place_find(r->s, slice_of(folder->name), RIGHT_LOOKUP | RIGHT_READ, &t) < 0 ||
        watch_is_current(r->f->watch, folder->number, t.store, t.name))
        return;
    watch_remove(r->f->watch, folder->number);
    folder->number = -1;
    r->f->any_check = folder->check = true;
}

static bool
is_gone(const struct refresh *r, const struct notify_folder *old)
{
    const struct folder *folder = folder_set_find(&r->set, slice_of(old->name));

    return old->exists && (folder == NULL || !folder->exists);
}

static struct notify_folder *
find_renamed(struct refresh *r, const char *mailbox_id)
{
    for (uint32_t i = 0; i < r->f->count; i++)
        if (strcmp(r->f->all[i].told.mailbox_id, mailbox_id) == 0 && is_gone(r, &r->f->all[i]))
            return &r->f->all[i];
    return NULL;
}

/* A folder that was not there: the messages in it are news, unless they had another name. */
static int
add_new(struct refresh *r, struct notify_folder *folder)
{
    struct mailbox_info info;
    struct notify_folder *old;

    if (notify_folders_watch(r->s, r->f, folder) < 0)
        return -1;
    if (notify_folders_look(r->s, folder->name, &info) < 0) {
        if (errno == ENOENT) /* gone again; all of it is told next time */
            notify_folders_stale(r->f);
        return 0;
    }
    if (r->first) {
        folder->told = info;
        return 0;
    }
    old = find_renamed(r, info.mailbox_id);
    if (old == NULL) {
        folder->told.uidvalidity = info.uidvalidity;
        folder->told.uidnext = 1;
        memcpy(folder->told.mailbox_id, info.mailbox_id, sizeof(info.mailbox_id));
    } else {
        watch_remove(r->f->watch, folder->number);
        take_over(folder, old);
        old->told.mailbox_id[0] = '\0'; /* once */
        r->renamed[r->renamed_count++] =
            (struct notice){slice_of(folder->name), slice_of(old->name)};
    }
    r->f->any_check = folder->check = true;
    return notify_folders_watch(r->s, r->f, folder);
}

static int
fill(struct refresh *r)
{
    for (uint32_t i = 0; i < r->count; i++) {
        struct notify_folder *folder = &r->now[i];
        struct notify_folder *old = notify_folders_find(r->f, slice_of(folder->name));
        int rc = 0;

        if (old != NULL && old->exists == folder->exists) {
            bool was_watched = old->number >= 0;

            take_over(folder, old);
            check_identity(r, folder);
            rc = notify_folders_watch(r->s, r->f, folder);
            if (!was_watched && folder->number >= 0) /* a group means it that did not before */
                r->f->any_check = folder->check = true;
        } else if (folder->exists) {
            rc = add_new(r, folder);
        }
        if (rc < 0)
            return -1;
    }
    return 0;
}

/* ---- what is told ---- */

static bool
is_own(const struct refresh *r, struct slice name, enum notify_event event)
{
    for (unsigned i = 0; i < r->f->own_count; i++) {
        struct slice own = slice_of(r->f->own[i].name);

        if (r->f->own[i].event == event && (slice_eq(own, name) || folder_set_is_below(own, name)))
            return true;
    }
    return false;
}

static void
add_notice(struct refresh *r, enum notify_event event, struct slice name, struct slice old_name)
{
    for (size_t i = 0; i < r->notice_count; i++)
        if (slice_eq(r->notices[i].name, name))
            return;
    if (is_own(r, name, event))
        return;
    if (r->notice_count == r->notice_cap) {
        r->notice_cap = r->notice_cap == 0 ? 16 : r->notice_cap * 2; /* folders have a limit */
        r->notices = xreallocarray(r->notices, r->notice_cap, sizeof(*r->notices));
    }
    r->notices[r->notice_count++] = (struct notice){name, old_name};
}

/* It was made or deleted: this concerns the one above it, too, whether that is there or not. */
static void
add_with_parent(struct refresh *r, const struct notify_folder *folder)
{
    struct slice parent = parent_of(slice_of(folder->name));

    if (folder->events & NOTIFY_MAILBOX_NAME)
        add_notice(r, NOTIFY_MAILBOX_NAME, slice_of(folder->name), SLICE(""));
    if (parent.len > 0 && (events_of(r, parent) & NOTIFY_MAILBOX_NAME) != 0)
        add_notice(r, NOTIFY_MAILBOX_NAME, parent, SLICE(""));
}

static const struct notice *
find_rename(const struct refresh *r, struct slice name, struct slice old_name)
{
    for (size_t i = 0; i < r->renamed_count; i++) {
        const struct notice *n = &r->renamed[i];

        if ((name.len == 0 || slice_eq(n->name, name)) &&
            (old_name.len == 0 || slice_eq(n->old_name, old_name)))
            return n;
    }
    return NULL;
}

/* Only because the folder above it was. */
static bool
is_renamed_along(const struct refresh *r, const struct notice *n)
{
    struct slice above = parent_of(n->name), old_above = parent_of(n->old_name);
    struct slice rest = slice_sub(n->name, above.len, n->name.len);
    struct slice old_rest = slice_sub(n->old_name, old_above.len, n->old_name.len);

    return above.len > 0 && old_above.len > 0 && slice_eq(rest, old_rest) &&
           find_rename(r, above, old_above) != NULL;
}

static void
compare_new(struct refresh *r, const struct notify_folder *folder)
{
    struct slice name = slice_of(folder->name);
    const struct notify_folder *old = notify_folders_find(r->f, name);
    const struct notice *rename = find_rename(r, name, SLICE(""));

    if (rename != NULL) {
        if ((folder->events & NOTIFY_MAILBOX_NAME) != 0 && !is_renamed_along(r, rename))
            add_notice(r, NOTIFY_MAILBOX_NAME, name, rename->old_name);
    } else if (folder->exists && (old == NULL || !old->exists)) {
        add_with_parent(r, folder);
    }
    if ((folder->events & NOTIFY_SUBSCRIPTION_CHANGE) != 0 &&
        folder->subscribed != (old != NULL && old->subscribed))
        add_notice(r, NOTIFY_SUBSCRIPTION_CHANGE, name, SLICE(""));
}

static void
compare_old(struct refresh *r, const struct notify_folder *old)
{
    struct slice name = slice_of(old->name);
    const struct folder *folder = folder_set_find(&r->set, name);

    if (is_gone(r, old) && find_rename(r, SLICE(""), name) == NULL)
        add_with_parent(r, old);
    if ((old->events & NOTIFY_SUBSCRIPTION_CHANGE) != 0 && old->subscribed &&
        (folder == NULL || !folder->subscribed))
        add_notice(r, NOTIFY_SUBSCRIPTION_CHANGE, name, SLICE(""));
}

static void
tell(struct refresh *r)
{
    for (uint32_t i = 0; i < r->f->count; i++)
        compare_old(r, &r->f->all[i]);
    for (uint32_t i = 0; i < r->count; i++)
        compare_new(r, &r->now[i]);
    for (size_t i = 0; i < r->notice_count; i++) {
        const struct notice *n = &r->notices[i];
        const struct folder gone = {.name = n->name};
        const struct folder *folder = folder_set_find(&r->set, n->name);

        list_send_notice(r->s, folder == NULL ? &gone : folder, n->old_name, false);
    }
}

/* RFC 5465 section 3.1: what may be listed and not be read. */
static void
tell_no_access(struct refresh *r)
{
    for (uint32_t i = 0; i < r->count; i++) {
        struct slice name = slice_of(r->now[i].name);
        const struct folder *folder = folder_set_find(&r->set, name);
        struct target t;

        if (r->now[i].exists && place_find(r->s, name, RIGHT_LOOKUP | RIGHT_READ, &t) < 0 &&
            errno == EACCES)
            list_send_notice(r->s, folder, SLICE(""), true);
    }
}

/* ---- all of it ---- */

static void
free_list(struct watch *watch, struct notify_folder *all, uint32_t count, struct arena *names)
{
    for (uint32_t i = 0; i < count; i++)
        watch_remove(watch, all[i].number);
    free(all);
    arena_free(names);
}

static void
replace_list(struct refresh *r)
{
    struct notify_folders *f = r->f;

    free_list(f->watch, f->all, f->count, &f->names);
    f->all = r->now;
    f->names = r->names;
    f->count = r->count;
    for (unsigned i = 0; i < f->own_count; i++)
        free(f->own[i].name);
    f->own_count = 0;
}

int
notify_names_refresh(struct session *s, struct notify_folders *f, bool first)
{
    struct refresh r = {.s = s, .f = f, .first = first};
    int rc = folder_set_collect(s, &r.arena, &r.set);

    if (rc == 0)
        rc = collect(&r);
    if (rc == 0) {
        r.renamed = xcalloc((size_t)r.count + 1, sizeof(*r.renamed));
        rc = fill(&r);
    }
    if (rc == 0 && first)
        tell_no_access(&r);
    else if (rc == 0)
        tell(&r);
    if (rc == 0)
        replace_list(&r);
    else
        free_list(f->watch, r.now, r.count, &r.names);
    free(r.renamed);
    free(r.notices);
    arena_free(&r.arena);
    return rc;
}
