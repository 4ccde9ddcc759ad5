/*
 * imapd/places.c - whose folder a name means.
 *
 * Input:  names from the client, untrusted; folders and rights from authd.
 */
#include "imapd/places.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/ipc/authd_call.h"

#define REMOVING ((uint32_t)(RIGHT_DELETE_MESSAGE | RIGHT_EXPUNGE | RIGHT_DELETE_FOLDER))
#define FOLDERS ((uint32_t)(RIGHT_CREATE | RIGHT_DELETE_FOLDER))

/* ---- what authd handed over ---- */

/* What counts for the owner goes by way of authd. */
static int
charge_owner(void *arg, const struct store_charge *c, uint32_t *uidvalidity)
{
    const struct place *place = arg;
    const struct authd_charge charge = {.name = slice_of(place->name),
                                        .bytes = c->bytes,
                                        .messages = c->messages,
                                        .within_quota = c->within_quota,
                                        .new_uidvalidity = c->new_uidvalidity};

    return authd_call_charge(place->session->pool->auth, &charge, uidvalidity);
}

static void
fill(struct place *place, const struct authd_folder *folder, int dirfd, bool may_remove)
{
    *place = (struct place){
        .name = xslicedup(folder->name),
        .rights = folder->rights & (may_remove ? RIGHTS_ALL : RIGHTS_ALL & ~REMOVING),
        .dirfd = dirfd,
        .single = folder->name.ptr[0] == '~',
    };
    place->options = (struct store_options){
        .bare = true,
        .may_remove = (place->rights & REMOVING) != 0,
        .flags_frozen = place_flags_frozen(place->rights),
    };
    if (place->single) { /* names of folders and the quota are the owner's */
        place->options.read_only = (place->rights & RIGHTS_ON_MESSAGES) == 0;
        return;
    }
    place->options.read_only = (place->rights & (RIGHTS_ON_MESSAGES | FOLDERS)) == 0;
    place->options.quota_bytes = folder->quota_bytes;
    place->options.quota_messages = folder->quota_messages;
}

static int
compare(const void *a, const void *b)
{
    return strcmp(((const struct place *)a)->name, ((const struct place *)b)->name);
}

int
places_receive(struct session *s, unsigned count, bool may_remove)
{
    struct authd_folder folder;
    int dirfd;

    if (count == 0)
        return 0;
    s->places = xcalloc(count, sizeof(*s->places));
    for (unsigned i = 0; i < count; i++) {
        if (authd_call_folder(s->pool->auth, &folder, &dirfd) < 0)
            return -1;
        fill(&s->places[s->place_count++], &folder, dirfd, may_remove);
    }
    qsort(s->places, s->place_count, sizeof(*s->places), compare);
    s->first_place = s->places;
    for (unsigned i = 0; i < s->place_count; i++) {
        struct place *p = &s->places[i]; /* here it stays */

        p->next = i + 1 < s->place_count ? p + 1 : NULL;
        p->session = s;
        p->guest = (struct store_guest){.charge = charge_owner, .arg = p};
        p->options.guest = p->single ? &p->guest : NULL;
        p->options.undelete_days = s->server->settings.undelete_days;
        p->options.flush_interval_ms = s->server->settings.flush_interval_ms;
    }
    return 0;
}

void
places_free(struct session *s)
{
    struct place *made = s->place_count > 0 ? s->places[s->place_count - 1].next : s->first_place;

    for (unsigned i = 0; i < s->place_count; i++) {
        store_close(&s->places[i].store);
        close_keep_errno(s->places[i].dirfd);
        free(s->places[i].name);
    }
    xfree(&s->places);
    s->place_count = 0;
    for (struct place *p = made, *next; p != NULL; p = next) {
        next = p->next;
        free(p->name);
        free(p);
    }
    s->first_place = NULL;
}

/* ---- what the session changed ---- */

struct place *
places_next(const struct session *s, const struct place *after)
{
    struct place *best = NULL;

    for (struct place *p = s->first_place; p != NULL; p = p->next)
        if (p->rights != 0 && (after == NULL || strcmp(p->name, after->name) > 0) &&
            (best == NULL || strcmp(p->name, best->name) < 0))
            best = p;
    return best;
}

void
places_made(struct session *s, struct slice name, uint32_t rights)
{
    struct place **end = &s->first_place, *made;
    unsigned count = 0;

    for (; *end != NULL && ((*end)->rights != 0 || (*end)->dirfd >= 0); end = &(*end)->next)
        count++;
    if (*end == NULL && count >= AUTHD_FOLDERS_MAX)
        return;
    if (*end == NULL)
        *end = xcalloc(1, sizeof(**end));
    made = *end; /* a new one, or one that is gone and had no directory */
    free(made->name);
    made->name = xslicedup(name);
    made->rights = rights;
    made->dirfd = -1;
    made->single = true;
    made->session = s;
}

void
places_gone(struct session *s, struct slice name)
{
    for (struct place *p = s->first_place; p != NULL; p = p->next)
        if (p->single && slice_eq(slice_of(p->name), name))
            p->rights = 0;
}

void
places_renamed(struct session *s, struct slice from, struct slice to)
{
    for (struct place *p = s->first_place; p != NULL; p = p->next) {
        struct slice name = slice_of(p->name), rest = slice_sub(name, from.len, name.len);
        char *renamed;

        if (!p->single || !slice_starts(name, from) || (rest.len > 0 && rest.ptr[0] != '/'))
            continue;
        renamed = xasprintf("%.*s%.*s", (int)to.len, to.ptr, (int)rest.len, rest.ptr);
        free(p->name);
        p->name = renamed;
    }
}

/* ---- names ---- */

bool
place_is_foreign(struct slice name)
{
    return name.len > 0 && (name.ptr[0] == '@' || name.ptr[0] == '~');
}

struct store *
place_store(struct place *place)
{
    if (place->rights == 0) { /* gone: what is left of it is not touched */
        errno = ENOENT;
        return NULL;
    }
    if (place->store == NULL && place->dirfd < 0)
        errno = EACCES;
    else if (place->store == NULL)
        place->store = store_open(place->dirfd, &place->options);
    return place->store;
}

/* The place that holds `name`, and the name inside its store. NULL: none. */
static struct place *
find_place(struct session *s, struct slice name, struct slice *inner)
{
    for (struct place *p = s->first_place; p != NULL; p = p->next) {
        struct slice root = slice_of(p->name);

        if (!slice_starts(name, root) || (p->rights & RIGHTS_THAT_SHOW) == 0)
            continue;
        if (name.len == root.len) {
            *inner = SLICE("INBOX");
            return p;
        }
        if (name.ptr[root.len] != '/' || p->single)
            continue;
        *inner = slice_sub(name, root.len + 1, name.len);
        /* The store's INBOX is the place itself, and has no second name. */
        if (!slice_eq_nocase(slice_sub(*inner, 0, slice_index(*inner, '/')), SLICE("INBOX")))
            return p;
    }
    return NULL;
}

static int
find_foreign(struct session *s, struct slice name, struct target *out)
{
    struct place *place = find_place(s, name, &out->name);

    if (place == NULL) {
        errno = ENOENT;
        return -1;
    }
    out->place = place;
    out->rights = place->rights;
    out->options = &place->options;
    return 0;
}

/* The error that does not tell more than the user may know (RFC 4314 section 6). */
static int
refuse(uint32_t rights)
{
    errno = (rights & RIGHT_LOOKUP) != 0 ? EACCES : ENOENT;
    return -1;
}

/* What the user may do in the own folders. */
static uint32_t
own_rights(const struct session *s)
{
    if (s->store_options.read_only)
        return RIGHT_LOOKUP | RIGHT_READ;
    return s->store_options.may_remove ? RIGHTS_ALL : RIGHTS_ALL & ~REMOVING;
}

int
place_find(struct session *s, struct slice name, uint32_t needed, struct target *out)
{
    *out = (struct target){.name = name, .options = &s->store_options};
    if (place_is_foreign(name)) {
        if (find_foreign(s, name, out) < 0)
            return -1;
    } else {
        out->rights = own_rights(s);
    }
    if ((out->rights & needed) != needed)
        return refuse(out->rights);
    if (out->place == NULL)
        out->store = session_store(s);
    else if (out->place->dirfd >= 0)
        out->store = place_store(out->place);
    else if ((needed & RIGHTS_IN_DIRECTORY) == 0)
        return 0;
    else
        errno = ENOTCONN; /* made by this session, which is confined to what was there before */
    return out->store == NULL ? -1 : 0;
}

bool
place_split_shared(const struct place *place, struct slice *owner, struct slice *folder)
{
    struct slice name = slice_of(place->name);
    size_t end = slice_index(name, '/');

    errno = EACCES;
    *owner = slice_sub(name, 1, end);
    *folder = slice_sub(name, end + 1, name.len);
    return place->single;
}

uint32_t
place_flags_allowed(uint32_t rights, uint32_t flags)
{
    uint32_t allowed = 0;

    if ((rights & RIGHT_SEEN) != 0)
        allowed |= MESSAGE_SEEN;
    if ((rights & RIGHT_DELETE_MESSAGE) != 0)
        allowed |= MESSAGE_DELETED;
    if ((rights & RIGHT_WRITE) != 0)
        allowed |= ~(uint32_t)(MESSAGE_SEEN | MESSAGE_DELETED);
    return flags & allowed;
}

uint32_t
place_flags_frozen(uint32_t rights)
{
    return ~place_flags_allowed(rights, UINT32_MAX);
}
