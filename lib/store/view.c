/*
 * lib/store/view.c - the messages of one folder as they are at one offset of its journal.
 *
 * Positions count base and tail through, gone ones included; ranks leave these out. Trusts neither
 * journal nor index: positions are bounded by what was mapped or allocated, UIDs must ascend.
 */
#include "lib/store/view.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "lib/base/mem.h"
#include "lib/store/index_file.h"
#include "lib/store/journal_tail.h"

#define MESSAGES_MAX 50000000u /* per folder: bounds memory and arithmetic */

void
view_init(struct view *v)
{
    *v = (struct view){.offset = sizeof(struct journal_header)};
}

void
view_free(struct view *v)
{
    if (v->map != NULL)
        (void)munmap(v->map, v->map_len); /* cannot fail for what mmap gave */
    for (size_t i = 0; i < MAILBOX_KEYWORDS_MAX; i++)
        xfree(&v->keywords[i]);
    xfree(&v->tail);
    xfree(&v->gone);
    view_init(v);
}

uint32_t
view_count(const struct view *v)
{
    return v->base_count + v->tail_count - v->gone_count;
}

static struct view_entry *
at_position(const struct view *v, uint32_t pos)
{
    return pos < v->base_count ? &v->base[pos] : &v->tail[pos - v->base_count];
}

/* How many gone positions lie before `pos`; *is_gone: `pos` itself is one. */
static uint32_t
gone_before(const struct view *v, uint32_t pos, bool *is_gone)
{
    uint32_t low = 0, high = v->gone_count;

    while (low < high) {
        uint32_t mid = low + (high - low) / 2;

        if (v->gone[mid] < pos)
            low = mid + 1;
        else
            high = mid;
    }
    *is_gone = low < v->gone_count && v->gone[low] == pos;
    return low;
}

/* gone[k] - k live messages lie before gone[k]: never falls with k, so it can be searched. */
static uint32_t
position_of_rank(const struct view *v, uint32_t rank)
{
    uint32_t low = 0, high = v->gone_count;

    while (low < high) {
        uint32_t mid = low + (high - low) / 2;

        if (v->gone[mid] - mid < rank)
            low = mid + 1;
        else
            high = mid;
    }
    return rank - 1 + low;
}

struct view_entry *
view_at(const struct view *v, uint32_t rank)
{
    return at_position(v, position_of_rank(v, rank));
}

/* First position, gone or not, whose UID is `uid` or above. */
static uint32_t
position_at_or_above(const struct view *v, uint32_t uid)
{
    uint32_t low = 0, high = v->base_count + v->tail_count;

    while (low < high) {
        uint32_t mid = low + (high - low) / 2;

        if (at_position(v, mid)->m.uid < uid)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

uint32_t
view_rank_at_or_above(const struct view *v, uint32_t uid)
{
    uint32_t pos;
    bool is_gone;

    /* No message has that one. Who opens a folder asks, and a search would read the index. */
    if (uid == UINT32_MAX)
        return view_count(v) + 1;
    pos = position_at_or_above(v, uid);
    return pos - gone_before(v, pos, &is_gone) + 1; /* a gone one's rank is the next live one's */
}

uint32_t
view_first_unseen(struct view *v)
{
    uint32_t end = v->base_count + v->tail_count, before;
    bool is_gone;

    if (v->unseen == 0)
        return 0;
    for (; v->first_unseen < end; v->first_unseen++) {
        if (!v->first_unseen_known &&
            (at_position(v, v->first_unseen)->m.flags & MESSAGE_SEEN) != 0)
            continue;
        before = gone_before(v, v->first_unseen, &is_gone);
        if (is_gone)
            continue;
        v->first_unseen_known = true;
        return v->first_unseen - before + 1;
    }
    return 0;
}

int
view_keyword_bit(const struct view *v, struct slice name)
{
    for (int bit = 0; bit < MAILBOX_KEYWORDS_MAX; bit++)
        if (v->keywords[bit] != NULL && slice_eq_nocase(slice_of(v->keywords[bit]), name))
            return bit;
    return -1;
}

/* ---- changing ---- */

static void
set_at(struct view *v, uint32_t pos, uint32_t flags, uint64_t keywords)
{
    struct view_entry *e = at_position(v, pos);

    if ((e->m.flags & MESSAGE_SEEN) != 0 && (flags & MESSAGE_SEEN) == 0) {
        v->unseen++;
        if (pos <= v->first_unseen) {
            v->first_unseen = pos;
            v->first_unseen_known = true;
        }
    } else if ((e->m.flags & MESSAGE_SEEN) == 0 && (flags & MESSAGE_SEEN) != 0) {
        v->unseen--;
        if (pos == v->first_unseen)
            v->first_unseen_known = false;
    }
    if (pos < v->base_count)
        v->changed++;
    e->m.flags = flags;
    e->m.keywords = keywords;
}

void
view_set_flags(struct view *v, uint32_t rank, uint32_t flags, uint64_t keywords)
{
    set_at(v, position_of_rank(v, rank), flags, keywords);
}

static int
apply_arrival(struct view *v, const struct item *item)
{
    uint32_t end = v->base_count + v->tail_count;

    if ((end > 0 && item->arrival.m.uid <= at_position(v, end - 1)->m.uid) || end >= MESSAGES_MAX) {
        errno = EBADMSG;
        return -1;
    }
    if (v->tail_count == v->tail_cap) {
        v->tail_cap = v->tail_cap < 8 ? 8 : v->tail_cap * 2;
        v->tail = xreallocarray(v->tail, v->tail_cap, sizeof(*v->tail));
    }
    v->tail[v->tail_count++] = (struct view_entry){item->arrival.m, item->offset};
    v->bytes += item->arrival.m.size;
    if ((item->arrival.m.flags & MESSAGE_SEEN) == 0)
        v->unseen++;
    return 0;
}

static void
remove_at(struct view *v, uint32_t pos, const struct view_watcher *watcher)
{
    struct view_entry *e = at_position(v, pos);
    bool is_gone;
    uint32_t before = gone_before(v, pos, &is_gone);

    if (is_gone)
        return;
    if (watcher->removing != NULL)
        watcher->removing(watcher->arg, pos - before + 1, &e->m);
    if (v->gone_count == v->gone_cap) {
        v->gone_cap = v->gone_cap < 8 ? 8 : v->gone_cap * 2;
        v->gone = xreallocarray(v->gone, v->gone_cap, sizeof(*v->gone));
    }
    memmove(v->gone + before + 1, v->gone + before, (v->gone_count - before) * sizeof(*v->gone));
    v->gone[before] = pos;
    v->gone_count++;
    if (pos == v->first_unseen)
        v->first_unseen_known = false;
    v->bytes -= e->m.size;
    if ((e->m.flags & MESSAGE_SEEN) == 0)
        v->unseen--;
}

static void
apply_removal(struct view *v, const struct item *item, const struct view_watcher *watcher)
{
    uint32_t end = v->base_count + v->tail_count;

    for (uint32_t i = 0; i < item->range_count; i++) {
        struct uid_range r = item_range(item, i);

        for (uint32_t pos = position_at_or_above(v, r.first);
             pos < end && at_position(v, pos)->m.uid <= r.last; pos++)
            remove_at(v, pos, watcher);
    }
}

static void
apply_flags(struct view *v, const struct item *item, uint64_t modseq,
            const struct view_watcher *watcher)
{
    uint32_t end = v->base_count + v->tail_count;

    for (uint32_t i = 0; i < item->range_count; i++) {
        struct uid_range r = item_range(item, i);

        for (uint32_t pos = position_at_or_above(v, r.first);
             pos < end && at_position(v, pos)->m.uid <= r.last; pos++) {
            struct view_entry *e = at_position(v, pos);
            uint32_t flags = (e->m.flags & ~(item->off & (MESSAGE_RECENT - 1))) | item->on;
            bool is_gone = false;

            if (v->gone_count > 0)
                (void)gone_before(v, pos, &is_gone);
            if (is_gone)
                continue;
            set_at(v, pos, flags, (e->m.keywords & ~item->keywords_off) | item->keywords_on);
            e->m.modseq = modseq;
            if (watcher->changed != NULL)
                watcher->changed(watcher->arg, &e->m);
        }
    }
}

static void
apply_keyword(struct view *v, const struct item *item, const struct view_watcher *watcher)
{
    xfree(&v->keywords[item->bit]);
    v->keywords[item->bit] = xslicedup(item->text);
    if (watcher->keyword != NULL)
        watcher->keyword(watcher->arg);
}

static int
apply_item(struct view *v, const struct record *rec, const struct item *item,
           const struct view_watcher *watcher)
{
    switch (item->type) {
    case ITEM_ARRIVE:
        return apply_arrival(v, item);
    case ITEM_EXPUNGE:
    case ITEM_VOID:
        apply_removal(v, item, watcher);
        return 0;
    case ITEM_FLAGS:
        apply_flags(v, item, rec->state.modseq, watcher);
        return 0;
    case ITEM_KEYWORD:
        apply_keyword(v, item, watcher);
        return 0;
    case ITEM_GONE:
    case ITEM_KEY:
    case ITEM_ORIGIN:
        return 0;
    }
    return 0;
}

int
view_apply(struct view *v, const struct record *rec, const struct view_watcher *watcher)
{
    static const struct view_watcher nobody;
    struct item item;
    size_t at = 0;
    int more;

    while ((more = record_next_item(rec, &at, &item)) > 0)
        if (apply_item(v, rec, &item, watcher == NULL ? &nobody : watcher) < 0)
            return -1;
    if (more < 0) {
        errno = EBADMSG;
        return -1;
    }
    v->state = rec->state;
    v->offset = rec->end;
    return 0;
}

struct replay {
    struct view *view;
    const struct view_watcher *watcher;
};

static int
replay_record(void *arg, const struct record *rec)
{
    struct replay *r = arg;

    return view_apply(r->view, rec, r->watcher);
}

int
view_replay(struct view *v, const struct journal *j, uint64_t to,
            const struct view_watcher *watcher)
{
    struct replay r = {v, watcher};
    uint64_t end;

    return journal_read(j, v->offset, to, replay_record, &r, &end);
}

/* All records. A reader stops at what does not check out, for somebody may be writing it; but with
 * whole records behind it the folder is damaged, and half of it must not pass for all. */
static int
replay_all(struct view *v, const struct journal *j, uint64_t size)
{
    if (view_replay(v, j, size, NULL) < 0)
        return -1;
    if (v->offset == size || !journal_ends_whole(j, size))
        return 0;
    /* or a torn tail was just cut off and written over: then there is more to read now */
    if (view_replay(v, j, size, NULL) < 0)
        return -1;
    if (v->offset == size)
        return 0;
    errno = EBADMSG;
    return -1;
}

int
view_load(struct view *v, const struct journal *j)
{
    uint64_t size;
    bool replaced;

    view_init(v);
    if (journal_look(j, &size, &replaced) < 0)
        return -1;
    if (index_file_map(v, j, size) < 0)
        view_init(v);
    if (replay_all(v, j, size) == 0)
        return 0;
    if (v->index_offset != 0 && errno == EBADMSG) {
        view_free(v); /* the index may be what is wrong: once more without it */
        if (replay_all(v, j, size) == 0)
            return 0;
    }
    view_free(v);
    return -1;
}

/* ---- comparing ---- */

static bool
same_message(const struct message *a, const struct message *b)
{
    const uint32_t stored = ~(uint32_t)MESSAGE_RECENT;

    return a->uid == b->uid && (a->flags & stored) == (b->flags & stored) &&
           a->keywords == b->keywords && a->modseq == b->modseq && a->size == b->size &&
           a->internal_ms == b->internal_ms;
}

/* What the view says of the first unseen message without looking is `rank`, or it says nothing. */
static bool
knows_first_unseen(const struct view *v, uint32_t rank)
{
    bool is_gone;

    return v->unseen == 0 || !v->first_unseen_known ||
           v->first_unseen - gone_before(v, v->first_unseen, &is_gone) + 1 == rank;
}

bool
view_same(const struct view *a, const struct view *b)
{
    uint32_t count = view_count(a), first_unseen = 0;

    if (count != view_count(b) || a->unseen != b->unseen || a->bytes != b->bytes)
        return false;
    for (uint32_t rank = 1; rank <= count; rank++) {
        if (!same_message(&view_at(a, rank)->m, &view_at(b, rank)->m))
            return false;
        if (first_unseen == 0 && (view_at(a, rank)->m.flags & MESSAGE_SEEN) == 0)
            first_unseen = rank;
    }
    return knows_first_unseen(a, first_unseen) && knows_first_unseen(b, first_unseen);
}
