/*
 * imapd/filters.c - searches with a name: where they are kept, and what may be kept as one.
 */
#include "imapd/filters.h"

#include "imapd/metadata_place.h"
#include "lib/base/parse.h"
#include "lib/log/log.h"

#define PRIVATE_VALUES "/private/filters/values/"
#define SHARED_VALUES "/shared/filters/values/"

static const struct annotation *
find(const struct annotation_set *set, struct slice prefix, struct slice name)
{
    struct strbuf entry = strbuf_new(ANNOTATION_NAME_MAX);
    const struct annotation *found = NULL;

    if (strbuf_append(&entry, prefix) && strbuf_append(&entry, name))
        found = annotation_set_find(set, strbuf_slice(&entry));
    strbuf_free(&entry);
    return found;
}

/* The private one goes first (RFC 5466 section 3.1). */
static bool
find_filter(void *arg, struct slice name, struct arena *arena, struct slice *criteria)
{
    struct session *s = arg;
    const struct annotation *found = NULL;
    struct annotation_place place;
    struct annotation_sets sets;

    if (metadata_place_find(s, SLICE(""), &place) < 0)
        return false;
    if (annotations_read(&place, &sets) == 0)
        found = find(&sets.private, SLICE(PRIVATE_VALUES), name);
    if (found == NULL)
        found = find(&s->server->annotations, SLICE(SHARED_VALUES), name);
    if (found != NULL)
        *criteria = arena_copy(arena, found->value);
    annotations_free(&sets);
    return found != NULL;
}

struct filter_source
filters_of(struct session *s)
{
    return (struct filter_source){.find = find_filter, .arg = s};
}

/* Filters inside one that is set need not be there yet. */
static bool
find_any(void *arg, struct slice name, struct arena *arena, struct slice *criteria)
{
    (void)arg;
    (void)name;
    (void)arena;
    *criteria = SLICE("ALL");
    return true;
}

static bool
is_filter(struct slice name, struct slice criteria, struct arena *arena)
{
    const struct filter_source any = {.find = find_any};
    struct parser p = parser_begin(name, arena);
    struct search_args args;
    struct slice atom;

    if (!search_args_parse_filter_name(&p, &atom) || !parser_end(&p) || !parse_is_utf8(criteria))
        return false;
    p = parser_begin(criteria, arena);
    p.filters = &any;
    return search_args_parse_filter(&p, &args);
}

bool
filters_may_set(struct session *s, struct slice entry, struct slice value)
{
    const struct slice prefix = SLICE(PRIVATE_VALUES);

    return value.ptr == NULL || !slice_starts_nocase(entry, prefix) ||
           is_filter(slice_sub(entry, prefix.len, entry.len), value, &s->arena);
}

void
filters_take_shared(struct server *server, struct slice text)
{
    while (text.len > 0) {
        struct slice criteria = slice_trim(slice_split(&text, ';'));
        struct slice name = slice_split(&criteria, ' ');
        struct strbuf entry = strbuf_new(ANNOTATION_NAME_MAX);

        criteria = slice_trim(criteria);
        if (strbuf_str(&entry, SHARED_VALUES) && strbuf_append(&entry, name) &&
            is_filter(name, criteria, &server->arena))
            annotation_set_put(&server->annotations,
                               arena_copy(&server->arena, strbuf_slice(&entry)),
                               arena_copy(&server->arena, criteria), 1);
        else if (name.len > 0)
            log_event(LOG_ERROR, "filter_wrong", KV_STR("setting", "imap.shared_filters"),
                      KV_SLICE("name", name), KV_SLICE("criteria", criteria));
        strbuf_free(&entry);
    }
}
