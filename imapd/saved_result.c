/*
 * imapd/saved_result.c - the search result variable, "$".
 */
#include "imapd/saved_result.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"

static size_t
count_runs(const uint32_t *seqs, uint32_t count)
{
    size_t runs = 0;

    for (uint32_t i = 0; i < count; i++)
        runs += i == 0 || seqs[i] != seqs[i - 1] + 1;
    return runs;
}

void
saved_result_set(struct saved_result *saved, const struct mailbox *mb, const uint32_t *seqs,
                 uint32_t count)
{
    struct seqrange *range = NULL;

    saved_result_clear(saved);
    saved->count = count_runs(seqs, count);
    if (saved->count == 0)
        return;
    saved->ranges = xcalloc(saved->count, sizeof(*saved->ranges));
    for (uint32_t i = 0; i < count; i++) {
        uint32_t uid = mailbox_message(mb, seqs[i])->uid;

        if (i == 0 || seqs[i] != seqs[i - 1] + 1) {
            range = range == NULL ? saved->ranges : range + 1;
            range->first = uid;
        }
        range->last = uid;
    }
}

void
saved_result_clear(struct saved_result *saved)
{
    xfree(&saved->ranges);
    saved->count = 0;
}

/* The numbers of the view that the range of UIDs means now; false: none is left. */
static bool
view_range(const struct mailbox *mb, const struct seqrange *uids, struct seqrange *out)
{
    uint32_t count = mailbox_count(mb);

    out->first = mailbox_seq_at_or_above(mb, uids->first);
    out->last = mailbox_seq_at_or_above(mb, uids->last);
    if (out->last > count || mailbox_message(mb, out->last)->uid != uids->last)
        out->last--;
    return out->first <= out->last;
}

void
saved_result_expand(const struct saved_result *saved, const struct mailbox *mb, bool is_uid,
                    struct seqset *set, struct arena *arena)
{
    struct seqrange *ranges;
    size_t count = set->count;

    if (!set->has_saved)
        return;
    ranges = arena_alloc(arena, (count + saved->count) * sizeof(*ranges));
    if (count > 0)
        memcpy(ranges, set->ranges, count * sizeof(*ranges));
    for (size_t i = 0; i < saved->count; i++) {
        struct seqrange range = saved->ranges[i];

        if (is_uid || view_range(mb, &saved->ranges[i], &range))
            ranges[count++] = range;
    }
    set->ranges = ranges;
    set->count = count;
}
