/*
 * ldapd/sorted.c - entries in the order that a client asked for (RFC 2891 section 2.2). No I/O.
 */
#include "ldapd/sorted.h"

#include <stdlib.h>

#include "lib/base/mem.h"
#include "lib/ldap/fold.h"

/* Where an entry and its folded keys are. */
struct place {
    size_t entry, keys, end;
};

struct sorted {
    uint32_t mark;
    size_t key_count;
    struct {
        enum ldap_attribute attribute;
        bool reverse;
    } keys[QUERY_SORT_KEYS_MAX];
    struct strbuf bytes;
    struct place *places;
    size_t count, room, next;
};

struct sorted *
sorted_new(const struct query *query)
{
    struct sorted *sorted = xcalloc(1, sizeof(*sorted));

    sorted->mark = query->mark;
    sorted->key_count = query->key_count;
    for (size_t i = 0; i < query->key_count; i++) {
        sorted->keys[i].attribute = query->keys[i].attribute;
        sorted->keys[i].reverse = query->keys[i].reverse;
    }
    sorted->bytes = strbuf_new(SORTED_BYTES_MAX);
    return sorted;
}

void
sorted_free(struct sorted **sortedp)
{
    if (*sortedp == NULL)
        return;
    strbuf_free(&(*sortedp)->bytes);
    free((*sortedp)->places);
    xfree(sortedp);
}

struct key {
    struct sorted *sorted;
    enum ldap_match match;
};

/* The first value counts. */
static int
put_key(void *arg, struct slice value)
{
    struct key *key = arg;

    (void)strbuf_char(&key->sorted->bytes, 1); /* behind it: there is a value */
    (void)ldap_fold(key->match, false, value, &key->sorted->bytes);
    return 1;
}

/* Keys end with a NUL, which is in no value. Who has no value comes last (section 2.2). */
static void
put_keys(struct sorted *sorted, const struct ldap_entry *entry)
{
    for (size_t i = 0; i < sorted->key_count; i++) {
        struct key key = {sorted, ldap_attributes[sorted->keys[i].attribute].match};

        if (ldap_entry_values(entry, sorted->keys[i].attribute, put_key, &key) == 0)
            (void)strbuf_char(&sorted->bytes, 2);
        (void)strbuf_char(&sorted->bytes, '\0');
    }
}

int
sorted_add(struct sorted *sorted, const struct ldap_entry *entry)
{
    struct place place = {.entry = sorted->bytes.len};

    if (sorted->count == SORTED_ENTRIES_MAX)
        return -1;
    directory_entry_add(&sorted->bytes, entry);
    place.keys = sorted->bytes.len;
    put_keys(sorted, entry);
    place.end = sorted->bytes.len;
    if (sorted->bytes.overflow)
        return -1;
    if (sorted->count == sorted->room) {
        sorted->room = sorted->room == 0 ? 64 : sorted->room * 2;
        sorted->places = xreallocarray(sorted->places, sorted->room, sizeof(*sorted->places));
    }
    sorted->places[sorted->count++] = place;
    return 0;
}

static int
compare(const void *a, const void *b, void *arg)
{
    const struct sorted *sorted = arg;
    const struct place *pa = a, *pb = b;
    struct slice bytes = strbuf_slice(&sorted->bytes);
    struct slice ka = slice_sub(bytes, pa->keys, pa->end), kb = slice_sub(bytes, pb->keys, pb->end);

    for (size_t i = 0; i < sorted->key_count; i++) {
        struct slice va = slice_split(&ka, '\0'), vb = slice_split(&kb, '\0');
        int order = slice_cmp(va, vb);
        bool both = va.len > 0 && vb.len > 0 && va.ptr[0] == vb.ptr[0];

        if (order != 0)
            return sorted->keys[i].reverse && both ? -order : order;
    }
    return pa->entry < pb->entry ? -1 : pa->entry > pb->entry;
}

void
sorted_finish(struct sorted *sorted)
{
    if (sorted->count > 0)
        qsort_r(sorted->places, sorted->count, sizeof(*sorted->places), compare, sorted);
}

bool
sorted_next(struct sorted *sorted, struct ldap_entry *entry)
{
    struct slice bytes;

    if (sorted->next == sorted->count)
        return false;
    bytes = slice_sub(strbuf_slice(&sorted->bytes), sorted->places[sorted->next].entry,
                      sorted->places[sorted->next].keys);
    sorted->next++;
    return directory_entry_next(&bytes, entry) == 1;
}

bool
sorted_has_more(const struct sorted *sorted)
{
    return sorted->next < sorted->count;
}

uint32_t
sorted_mark(const struct sorted *sorted)
{
    return sorted->mark;
}

uint64_t
sorted_position(const struct sorted *sorted)
{
    return sorted->next;
}
