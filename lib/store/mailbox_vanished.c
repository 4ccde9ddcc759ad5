/*
 * lib/store/mailbox_vanished.c - which UIDs left a folder since a MODSEQ: for QRESYNC (RFC 7162).
 *
 * The journal keeps every removal: as a record, or after a compaction as a range with its MODSEQ.
 * MODSEQs never fall from record to record, so it is read back from its end, trailer by trailer,
 * until one is old enough, and from there on forward.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/store/mailbox_private.h"

struct vanished {
    uint64_t since;
    struct uid_range *ranges;
    uint32_t count, cap;
};

/* ---- where to begin ---- */

/* The offset from which on records may be above `since`. */
static uint64_t
find_start(const struct mailbox *mb, uint64_t since)
{
    const struct journal *j = &mb->folder.journal;
    struct journal_window w = {0};
    uint64_t at = mb->view.offset;

    while (at > sizeof(struct journal_header) + sizeof(struct record_trailer)) {
        struct record_trailer t;
        uint64_t from = at - sizeof(t);

        if (journal_window_fill(j, &w, from, at, sizeof(t)) < 0 || w.len < sizeof(t))
            break;
        memcpy(&t, w.buf, sizeof(t));
        if (t.state.modseq <= since) /* damage shows when the rest is read */
            break;
        if (t.length < sizeof(t) || t.length > at - sizeof(struct journal_header)) {
            at = sizeof(struct journal_header);
            break;
        }
        at -= t.length;
    }
    xfree(&w.buf);
    return at;
}

/* ---- what is there ---- */

static void
add(struct vanished *v, uint32_t first, uint32_t last)
{
    if (v->count == v->cap) {
        v->cap = v->cap == 0 ? 16 : v->cap * 2;
        v->ranges = xreallocarray(v->ranges, v->cap, sizeof(*v->ranges));
    }
    v->ranges[v->count++] = (struct uid_range){first, last};
}

static int
collect(void *arg, const struct record *rec)
{
    struct vanished *v = arg;
    struct item item;
    size_t at = 0;

    while (record_next_item(rec, &at, &item) > 0) {
        if (item.type != ITEM_GONE && item.type != ITEM_EXPUNGE)
            continue; /* only these have ranges that left */
        for (uint32_t i = 0; i < item.range_count; i++) {
            struct gone_range r;

            if (item.type == ITEM_GONE)
                r = item_gone(&item, i);
            else
                r = (struct gone_range){item_range(&item, i).first, item_range(&item, i).last,
                                        rec->state.modseq};
            if (r.modseq > v->since)
                add(v, r.first, r.last);
        }
    }
    return 0;
}

static int
by_first(const void *a, const void *b)
{
    const struct uid_range *x = a, *y = b;

    return x->first < y->first ? -1 : x->first > y->first;
}

static void
merge(struct vanished *v)
{
    uint32_t kept = 0;

    if (v->count == 0)
        return;
    qsort(v->ranges, v->count, sizeof(*v->ranges), by_first);
    for (uint32_t i = 1; i < v->count; i++) {
        struct uid_range *last = &v->ranges[kept], next = v->ranges[i];

        if (next.first > last->last && next.first - last->last > 1)
            v->ranges[++kept] = next;
        else if (next.last > last->last)
            last->last = next.last;
    }
    v->count = kept + 1;
}

/* Messages that are gone and not reported yet: EXPUNGE is to come for them. */
static void
leave_out_ghosts(struct vanished *v, const struct mailbox *mb)
{
    struct vanished out = {0};
    uint32_t ghost = 0;

    for (uint32_t i = 0; i < v->count; i++) {
        struct uid_range r = v->ranges[i];

        while (ghost < mb->ghost_count && mb->ghosts[ghost].m.uid < r.first)
            ghost++;
        for (; ghost < mb->ghost_count && mb->ghosts[ghost].m.uid <= r.last; ghost++) {
            uint32_t uid = mb->ghosts[ghost].m.uid;

            if (uid > r.first)
                add(&out, r.first, uid - 1);
            r.first = uid + 1;
        }
        if (r.first <= r.last)
            add(&out, r.first, r.last);
    }
    xfree(&v->ranges);
    *v = out;
}

int
mailbox_vanished(struct mailbox *mb, uint64_t since, struct uid_range **ranges, uint32_t *count)
{
    struct vanished v = {.since = since};
    uint64_t end;

    *ranges = NULL;
    *count = 0;
    if (mb->view.state.modseq <= since)
        return 0;
    if (journal_read(&mb->folder.journal, find_start(mb, since), mb->view.offset, collect, &v,
                     &end) < 0 ||
        end != mb->view.offset) {
        xfree(&v.ranges);
        errno = EBADMSG;
        return -1;
    }
    merge(&v);
    if (mb->ghost_count > 0)
        leave_out_ghosts(&v, mb);
    *ranges = v.ranges;
    *count = v.count;
    return 0;
}
