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
#include "lib/ipc/authd.h"

#define REMOVING ((uint32_t)(RIGHT_DELETE_MESSAGE | RIGHT_EXPUNGE | RIGHT_DELETE_FOLDER))

/* ---- what authd handed over ---- */

static void
fill(struct place *place, const struct authd_folder *folder, int dirfd, bool may_remove,
     const struct settings *settings)
{
    *place = (struct place){
        .name = xslicedup(folder->name),
        .rights = folder->rights & (may_remove ? RIGHTS_ALL : RIGHTS_ALL & ~REMOVING),
        .dirfd = dirfd,
        .single = folder->name.ptr[0] == '~',
    };
    place->options = (struct store_options){
        .quota_bytes = folder->quota_bytes,
        .quota_messages = folder->quota_messages,
        .read_only = (place->rights & RIGHTS_THAT_WRITE) == 0,
        .bare = true,
        .may_remove = (place->rights & RIGHT_DELETE_MESSAGE) != 0,
        /* One folder of somebody else's has no posthorn.expunged/ that its owner would look into.
         */
        .undelete_days = place->single ? 0 : settings->undelete_days,
        .flush_interval_ms = settings->flush_interval_ms,
    };
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
        fill(&s->places[s->place_count++], &folder, dirfd, may_remove, &s->server->settings);
    }
    qsort(s->places, s->place_count, sizeof(*s->places), compare);
    return 0;
}

void
places_free(struct session *s)
{
    for (unsigned i = 0; i < s->place_count; i++) {
        store_close(&s->places[i].store);
        close_keep_errno(s->places[i].dirfd);
        free(s->places[i].name);
    }
    xfree(&s->places);
    s->place_count = 0;
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
    if (place->store == NULL)
        place->store = store_open(place->dirfd, &place->options);
    return place->store;
}

/* The place that holds `name`, and the name inside its store. NULL: none. */
static struct place *
find_place(struct session *s, struct slice name, struct slice *inner)
{
    for (unsigned i = 0; i < s->place_count; i++) {
        struct place *p = &s->places[i];
        struct slice root = slice_of(p->name);

        if (!slice_starts(name, root) || (p->rights & RIGHT_LOOKUP) == 0)
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
    out->store = place_store(place);
    return out->store == NULL ? -1 : 0;
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
        out->store = session_store(s);
        if (out->store == NULL)
            return -1;
        out->rights = own_rights(s);
    }
    if ((out->rights & needed) == needed)
        return 0;
    errno = EACCES;
    return -1;
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
