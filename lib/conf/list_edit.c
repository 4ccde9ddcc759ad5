/*
 * lib/conf/list_edit.c - entries of a list's text, added and taken out. No I/O.
 */
#include "lib/conf/list_edit.h"

#include "lib/base/map.h"
#include "lib/conf/list_file.h"

#define MISSING ((void *)(uintptr_t)1)
#define FOUND ((void *)(uintptr_t)2)

static bool
has_entry(struct slice text, struct slice entry)
{
    while (text.len > 0)
        if (slice_eq_nocase(list_file_entry(slice_split(&text, '\n')), entry))
            return true;
    return false;
}

bool
list_edit_add(struct strbuf *text, struct slice entry)
{
    if (has_entry(strbuf_slice(text), entry))
        return false;
    if (text->len > 0 && !strbuf_ends_with(text, "\n"))
        (void)strbuf_char(text, '\n'); /* overflow is remembered */
    (void)strbuf_append(text, entry);
    (void)strbuf_char(text, '\n');
    return true;
}

bool
list_edit_remove(struct strbuf *text, struct slice entry)
{
    struct strbuf kept = strbuf_new(LIST_FILE_MAX);
    struct slice rest = strbuf_slice(text);
    bool found = false;

    while (rest.len > 0) {
        struct slice line = slice_cut_after(&rest, '\n');

        if (slice_eq_nocase(list_file_entry(line), entry))
            found = true;
        else
            (void)strbuf_append(&kept, line); /* no longer than what there was */
    }
    strbuf_free(text);
    *text = kept;
    return found;
}

/* ---- many ---- */

/* Entries, whatever the case of their letters: what is known of each. */
struct entry_set {
    struct map *map; /* MISSING or FOUND */
    struct strbuf key;
};

/* NULL: it is not in the set, and not to be. */
static void **
place_of(struct entry_set *set, struct slice entry, bool to_add)
{
    strbuf_clear(&set->key);
    for (size_t i = 0; i < entry.len; i++) {
        char c = entry.ptr[i];

        (void)strbuf_char(&set->key, c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c);
    }
    if (!to_add && map_get(set->map, strbuf_slice(&set->key)) == NULL)
        return NULL;
    return map_at(set->map, strbuf_slice(&set->key));
}

static struct entry_set
set_of(struct slice entries)
{
    struct entry_set set = {map_new(LIST_FILE_MAX), strbuf_new(LIST_FILE_MAX)};

    while (entries.len > 0) {
        struct slice entry = list_file_entry(slice_split(&entries, '\n'));
        void **place = entry.len == 0 ? NULL : place_of(&set, entry, true);

        if (place != NULL)
            *place = MISSING;
    }
    return set;
}

static void
set_free(struct entry_set *set)
{
    map_free(&set->map, NULL);
    strbuf_free(&set->key);
}

/* Marks those of the set that `text` has; `kept` (may be NULL) gets the lines of all others. */
static void
look_through(struct entry_set *set, struct slice text, struct strbuf *kept)
{
    while (text.len > 0) {
        struct slice line = slice_cut_after(&text, '\n');
        struct slice entry = list_file_entry(line);
        void **place = entry.len == 0 ? NULL : place_of(set, entry, false);

        if (place != NULL)
            *place = FOUND;
        else if (kept != NULL)
            (void)strbuf_append(kept, line); /* no longer than what there was */
    }
}

/* The next of `entries` that has not been found; empty: there is none. */
static struct slice
next_missing(struct entry_set *set, struct slice *entries)
{
    while (entries->len > 0) {
        struct slice entry = list_file_entry(slice_split(entries, '\n'));
        void **place = entry.len == 0 ? NULL : place_of(set, entry, false);

        if (place != NULL && *place == MISSING) {
            *place = FOUND; /* it may stand there twice */
            return entry;
        }
    }
    return SLICE("");
}

size_t
list_edit_add_all(struct strbuf *text, struct slice entries)
{
    struct entry_set set = set_of(entries);
    struct slice entry;
    size_t count = 0;

    look_through(&set, strbuf_slice(text), NULL);
    if (text->len > 0 && !strbuf_ends_with(text, "\n"))
        (void)strbuf_char(text, '\n'); /* overflow is remembered */
    while ((entry = next_missing(&set, &entries)).len > 0) {
        (void)strbuf_append(text, entry);
        (void)strbuf_char(text, '\n');
        count++;
    }
    set_free(&set);
    return count;
}

int
list_edit_remove_all(struct strbuf *text, struct slice entries, struct slice *missing)
{
    struct entry_set set = set_of(entries);
    struct strbuf kept = strbuf_new(LIST_FILE_MAX);
    int rc;

    look_through(&set, strbuf_slice(text), &kept);
    *missing = next_missing(&set, &entries);
    rc = missing->len > 0 ? -1 : 0;
    if (rc == 0) {
        strbuf_free(text);
        *text = kept;
    } else {
        strbuf_free(&kept);
    }
    set_free(&set);
    return rc;
}
