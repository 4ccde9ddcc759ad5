/*
 * imapd/folder_set.c - all folders that a user sees, for LIST and LSUB.
 */
#include "imapd/folder_set.h"

#include "imapd/places.h"

static struct folder *
add(struct folder_set *set, const struct folder *folder)
{
    if (set->count == set->cap) {
        size_t cap = set->cap == 0 ? 32 : set->cap * 2; /* the stores have their limits */
        struct folder *more = arena_alloc(set->arena, cap * sizeof(*more));

        for (size_t i = 0; i < set->count; i++)
            more[i] = set->all[i];
        set->all = more;
        set->cap = cap;
    }
    set->all[set->count] = *folder;
    return &set->all[set->count++];
}

/* ---- the user's own, and subscriptions to others' ---- */

struct own {
    struct folder_set *set, foreign; /* `foreign`: subscriptions, which are names alone */
};

static void
take_own(void *arg, const struct store_folder *found)
{
    struct own *own = arg;
    bool foreign = place_is_foreign(slice_of(found->name));
    const struct folder folder = {
        .name = arena_copy(own->set->arena, slice_of(found->name)),
        .use = found->use,
        .exists = found->exists,
        .subscribed = found->subscribed,
    };

    (void)add(foreign ? &own->foreign : own->set, &folder);
}

/* ---- those of others ---- */

struct others {
    struct folder_set *set, *subscribed;
    const struct place *place;
    size_t first; /* of all others in `set` */
};

static bool
take_subscription(struct folder_set *subscribed, struct slice name)
{
    for (size_t i = 0; i < subscribed->count; i++) {
        struct folder *f = &subscribed->all[i];

        if (!f->subscribed || !slice_eq(f->name, name))
            continue;
        f->subscribed = false; /* what is left then has no folder */
        return true;
    }
    return false;
}

static bool
is_listed(const struct others *o, struct slice name)
{
    for (size_t i = o->set->count; i > o->first; i--)
        if (slice_eq(o->set->all[i - 1].name, name))
            return true;
    return false;
}

/* "~bob@d.test" above "~bob@d.test/Work". */
static void
add_levels_above(const struct others *o, struct slice name)
{
    for (size_t at = 0; at < name.len; at++) {
        const struct folder level = {.name = slice_sub(name, 0, at)};

        if (name.ptr[at] == '/' && !is_listed(o, level.name))
            (void)add(o->set, &level);
    }
}

static void
take_other(void *arg, const struct store_folder *found)
{
    struct others *o = arg;
    struct slice name = slice_of(found->name);
    bool is_root = slice_eq(name, SLICE("INBOX"));
    struct strbuf full = strbuf_new(STORE_NAME_MAX * 2 + 1024);
    struct folder folder = {.exists = found->exists};

    if (!is_root && (o->place->single || folder_set_is_below(name, SLICE("INBOX"))))
        return;
    (void)strbuf_str(&full, o->place->name);
    if (!is_root) {
        (void)strbuf_char(&full, '/');
        (void)strbuf_append(&full, name);
    }
    folder.name = arena_copy(o->set->arena, strbuf_slice(&full));
    folder.subscribed = take_subscription(o->subscribed, folder.name);
    strbuf_free(&full);
    if (is_root)
        add_levels_above(o, folder.name);
    (void)add(o->set, &folder);
}

static void
add_others(struct session *s, struct folder_set *set, struct folder_set *subscribed)
{
    static const struct store_folder there = {.name = "INBOX", .exists = true};
    struct others o = {.set = set, .subscribed = subscribed, .first = set->count};

    for (struct place *p = places_next(s, NULL); p != NULL; p = places_next(s, p)) {
        struct store *store;

        o.place = p;
        if ((o.place->rights & RIGHT_LOOKUP) == 0)
            continue;
        if (o.place->dirfd < 0) {
            take_other(&o, &there);
            continue;
        }
        store = place_store(p);
        if (store != NULL) /* else it is away: the others are there all the same */
            (void)store_list(store, take_other, &o);
    }
    for (size_t i = 0; i < subscribed->count; i++) {
        const struct folder gone = {.name = subscribed->all[i].name, .subscribed = true};

        if (subscribed->all[i].subscribed)
            (void)add(set, &gone);
    }
}

/* ---- levels ---- */

bool
folder_set_is_below(struct slice name, struct slice parent)
{
    return name.len > parent.len && slice_starts(name, parent) && name.ptr[parent.len] == '/';
}

/* A folder has children if there is one that exists: a subscription below it is none. Children
 * stand directly behind their parents; only INBOX's stand apart. */
static void
mark_parents(struct folder_set *f)
{
    size_t parents[STORE_DEPTH_MAX], depth = 0;

    for (size_t i = 0; i < f->count; i++) {
        struct folder *folder = &f->all[i];

        while (depth > 0 && !folder_set_is_below(folder->name, f->all[parents[depth - 1]].name))
            depth--;
        for (size_t k = 0; k < depth && folder->exists; k++)
            f->all[parents[k]].has_children = true;
        if (folder->exists && folder_set_is_below(folder->name, f->all[0].name))
            f->all[0].has_children = true;
        if (depth < STORE_DEPTH_MAX)
            parents[depth++] = i;
    }
}

int
folder_set_collect(struct session *s, struct arena *arena, struct folder_set *set)
{
    struct store *store = session_store(s);
    struct own own = {.set = set, .foreign = {.arena = arena}};

    *set = (struct folder_set){.arena = arena};
    if (store == NULL || store_list(store, take_own, &own) < 0)
        return -1;
    add_others(s, set, &own.foreign);
    mark_parents(set);
    return 0;
}

const struct folder *
folder_set_find(const struct folder_set *set, struct slice name)
{
    for (size_t i = 0; i < set->count; i++)
        if (slice_eq(set->all[i].name, name))
            return &set->all[i];
    return NULL;
}
