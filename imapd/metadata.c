/*
 * imapd/metadata.c - GETMETADATA and SETMETADATA (RFC 5464).
 *
 * What is shared about a mailbox may be changed by whoever may change something in the mailbox, and
 * what is private by anybody who may see it: it is kept in the user's own store. Shared entries of
 * the server are the administrator's: they come from posthorn.conf and are read-only.
 */
#include "imapd/metadata.h"

#include <errno.h>
#include <string.h>

#include "imapd/command.h"
#include "imapd/filters.h"
#include "imapd/mailbox_name.h"
#include "imapd/metadata_news.h"
#include "imapd/metadata_place.h"
#include "imapd/special_use.h"
#include "imapd/updates.h"
#include "lib/mail/imap_string.h"

/* ---- telling ---- */

/* A METADATA response being written. */
struct telling {
    const struct metadata_want *want;
    const struct annotation_set *sets[2]; /* shared, private */
    bool *told[2];                        /* for each entry: it was written, or is too long */
    struct strbuf *out;
    size_t start, longest;
};

static void
put_value(struct slice value, struct strbuf *out)
{
    if (value.ptr == NULL) {
        (void)strbuf_str(out, "NIL");
    } else if (value.len == 0 || memchr(value.ptr, '\0', value.len) == NULL) {
        imap_string(value, out);
    } else { /* literal8 */
        (void)strbuf_printf(out, "~{%zu}\r\n", value.len);
        (void)strbuf_append(out, value);
    }
}

static void
put_entry(struct telling *t, struct slice name, struct slice value)
{
    if (t->out->len > t->start)
        (void)strbuf_char(t->out, ' ');
    imap_astring(name, t->out);
    (void)strbuf_char(t->out, ' ');
    put_value(value, t->out);
}

/* "/a/b" is below "/a", with depth 1, too. */
static bool
is_below(struct slice name, struct slice parent, enum metadata_depth depth)
{
    struct slice rest = slice_sub(name, parent.len + 1, name.len);

    return depth != METADATA_DEPTH_0 && name.len > parent.len &&
           slice_starts_nocase(name, parent) && name.ptr[parent.len] == '/' &&
           (depth == METADATA_DEPTH_INFINITY || slice_index(rest, '/') == rest.len);
}

/* One entry that was asked for, with those below it. None of them twice, whatever was asked for. */
static void
tell_wanted(struct telling *t, struct slice wanted)
{
    bool found = false;

    for (size_t k = 0; k < ARRAY_LEN(t->sets); k++) {
        for (size_t i = 0; i < t->sets[k]->count; i++) {
            const struct annotation *a = &t->sets[k]->list[i];
            bool is_it = slice_eq_nocase(a->name, wanted);

            if (a->value.ptr == NULL || !(is_it || is_below(a->name, wanted, t->want->depth)))
                continue;
            found = true;
            if (t->told[k][i])
                continue;
            t->told[k][i] = true;
            if (!t->want->has_max_size || a->value.len <= t->want->max_size)
                put_entry(t, is_it ? wanted : a->name, a->value);
            else if (a->value.len > t->longest)
                t->longest = a->value.len;
        }
    }
    if (!found)
        put_entry(t, wanted, (struct slice){NULL, 0});
}

static void
tell(struct session *s, struct slice mailbox, struct telling *t)
{
    size_t begin = t->out->len;

    (void)strbuf_str(t->out, "* METADATA ");
    mailbox_name_write(mailbox, session_takes_utf8(s), t->out);
    (void)strbuf_str(t->out, " (");
    t->start = t->out->len;
    for (size_t k = 0; k < ARRAY_LEN(t->sets); k++)
        t->told[k] = arena_alloc(&s->arena, t->sets[k]->count * sizeof(bool));
    for (size_t i = 0; i < t->want->count; i++)
        tell_wanted(t, t->want->entries[i]);
    if (t->out->len > t->start)
        (void)strbuf_str(t->out, ")\r\n");
    else
        strbuf_truncate(t->out, begin); /* all are too long: the grammar has no empty list */
}

/* ---- what LIST says, too ---- */

static const char special_use_entry[] = "/private/specialuse"; /* RFC 6154 section 4 */

static bool
wants_special_use(const struct metadata_want *want)
{
    for (size_t i = 0; i < want->count; i++)
        if (slice_starts_nocase(slice_of(special_use_entry), want->entries[i]))
            return true;
    return false;
}

/* The entry is not kept, but is what LIST shows: of the user's own folders alone. */
static int
put_special_use(const struct annotation_place *place, const struct metadata_want *want,
                struct annotation_set *private)
{
    struct slice value = {NULL, 0};
    enum store_use use = STORE_USE_NONE;

    if (place->store == NULL || !wants_special_use(want))
        return 0;
    if (place->store == place->own && store_use_of(place->store, place->folder, &use) < 0)
        return -1;
    if (use != STORE_USE_NONE)
        value = slice_of(special_use_attribute(use));
    annotation_set_put(private, slice_of(special_use_entry), value, 0);
    return 0;
}

int
metadata_write(struct session *s, struct slice mailbox, const struct metadata_want *want,
               struct strbuf *out, size_t *longest)
{
    struct telling t = {.want = want, .out = out};
    struct annotation_place place;
    struct annotation_sets sets;
    int rc;

    *longest = 0;
    if (metadata_place_find(s, mailbox, &place) < 0)
        return -1;
    rc = annotations_read(&place, &sets);
    if (rc == 0)
        rc = put_special_use(&place, want, &sets.private);
    if (rc == 0) {
        t.sets[0] = place.store == NULL ? &s->server->annotations : &sets.shared;
        t.sets[1] = &sets.private;
        tell(s, mailbox, &t);
        *longest = t.longest;
    }
    annotations_free(&sets);
    return rc;
}

struct reply
metadata_getmetadata(struct session *s, struct parser *p, unsigned flags)
{
    struct metadata_want want;
    struct slice mailbox;
    size_t longest;

    (void)flags;
    if (!metadata_args_parse_get(p, &mailbox, &want))
        return reply_bad(p->error);
    if (metadata_write(s, mailbox, &want, &s->out, &longest) < 0)
        return reply_errno_of(mailbox);
    updates_put_out(s);
    if (longest == 0)
        return reply_ok("Getmetadata completed");
    (void)strbuf_printf(&s->code, "METADATA LONGENTRIES %zu", longest);
    return (struct reply){REPLY_OK, strbuf_cstr(&s->code), "Getmetadata completed"};
}

/* ---- changing ---- */

struct changes {
    struct slice mailbox;
    struct annotation_change *list;
    size_t count;
};

static struct reply
reply_too_long(struct session *s)
{
    (void)strbuf_printf(&s->code, "METADATA MAXSIZE %zu", metadata_place_value_max(s));
    return (struct reply){REPLY_NO, strbuf_cstr(&s->code), "Value is too long"};
}

static struct reply
reply_refused(struct slice mailbox)
{
    switch (errno) {
    case EOVERFLOW:
        return reply_no("METADATA TOOMANY", "There are too many annotations");
    case EDQUOT:
        return reply_no("OVERQUOTA", "Annotations take up too much room");
    case EROFS: /* the user's own store */
        return reply_no("METADATA NOPRIVATE", "This user may not change anything");
    default:
        return reply_errno_of(mailbox);
    }
}

/* What can be seen without looking into a file. True: all may be set. */
static bool
check(struct session *s, const struct changes *c, struct reply *refusal)
{
    for (size_t i = 0; i < c->count; i++) {
        const struct annotation_change *change = &c->list[i];

        if (change->value.len > metadata_place_value_max(s)) {
            *refusal = reply_too_long(s);
            return false;
        }
        if (c->mailbox.len > 0 && slice_eq_nocase(change->name, slice_of(special_use_entry))) {
            *refusal = reply_no("CANNOT", "A special use is given by CREATE alone");
            return false;
        }
        if (c->mailbox.len > 0)
            continue;
        if (slice_starts_nocase(change->name, SLICE("/shared/"))) {
            *refusal = reply_no("NOPERM", "Shared annotations of the server are the "
                                          "administrator's");
            return false;
        }
        if (!filters_may_set(s, change->name, change->value)) {
            *refusal = reply_no("CANNOT", "This is no filter");
            return false;
        }
    }
    return true;
}

struct reply
metadata_setmetadata(struct session *s, struct parser *p, unsigned flags)
{
    const struct annotation_limits limits = {s->server->settings.metadata_entries_max,
                                             s->server->settings.metadata_total_max};
    struct annotation_stamps before, after;
    struct annotation_place place;
    struct changes c;
    struct reply refusal;

    (void)flags;
    if (!metadata_args_parse_set(p, &c.mailbox, &c.list, &c.count))
        return reply_bad(p->error);
    if (!check(s, &c, &refusal))
        return refusal;
    if (metadata_place_find(s, c.mailbox, &place) < 0 ||
        annotations_change(&place, c.list, c.count, &limits, &before, &after) < 0)
        return reply_refused(c.mailbox);
    metadata_news_own(s, c.mailbox, &before, &after);
    return reply_ok("Setmetadata completed");
}
