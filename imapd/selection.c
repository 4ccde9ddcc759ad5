/*
 * imapd/selection.c - the messages that a command's set means.
 */
#include "imapd/selection.h"

#include "imapd/command.h"

static uint32_t
last_uid(const struct mailbox *mb)
{
    uint32_t count = mailbox_count(mb);

    return count == 0 ? 0 : mailbox_message(mb, count)->uid;
}

/* The numbers [*first, *last] of the view that the range means; empty if *first > *last. */
static void
view_range(const struct mailbox *mb, const struct seqrange *r, bool is_uid, uint32_t *first,
           uint32_t *last)
{
    *first = r->first;
    *last = r->last;
    if (!is_uid)
        return;
    *first = mailbox_seq_at_or_above(mb, r->first);
    *last =
        r->last == UINT32_MAX ? mailbox_count(mb) : mailbox_seq_at_or_above(mb, r->last + 1) - 1;
}

bool
selection_make(struct session *s, struct parser *p, struct seqset *set, unsigned flags,
               struct selection *out)
{
    bool is_uid = (flags & COMMAND_UID) != 0;
    uint32_t total = mailbox_count(s->mailbox), first, last;
    size_t count = 0;

    *out = (struct selection){.count = 0};
    saved_result_expand(&s->saved, s->mailbox, is_uid, set, &s->arena);
    seqset_resolve(set, is_uid ? last_uid(s->mailbox) : total);
    if (!is_uid && ((total == 0 && !set->has_saved) || seqset_max(set) > total))
        return parser_fail(p, "No such message");
    for (size_t i = 0; i < set->count; i++) {
        view_range(s->mailbox, &set->ranges[i], is_uid, &first, &last);
        count += first <= last ? last - first + 1 : 0;
    }
    out->seqs = arena_alloc(&s->arena, count * sizeof(*out->seqs));
    for (size_t i = 0; i < set->count; i++) {
        view_range(s->mailbox, &set->ranges[i], is_uid, &first, &last);
        for (uint32_t seq = first; seq <= last && seq != 0; seq++)
            out->seqs[out->count++] = seq;
    }
    return true;
}

uint32_t *
selection_uids(struct session *s, const struct selection *sel)
{
    uint32_t *uids = arena_alloc(&s->arena, sel->count * sizeof(*uids));

    for (uint32_t i = 0; i < sel->count; i++)
        uids[i] = mailbox_message(s->mailbox, sel->seqs[i])->uid;
    return uids;
}
