/*
 * imapd/search_run.c - runs a SEARCH program over a mailbox.
 */
#include "imapd/search_run.h"

/* How many matches the answer needs, and from which end. */
struct need {
    bool from_end;
    uint32_t limit;
};

static struct need
what_is_needed(const struct search_return *r)
{
    unsigned telling = r == NULL ? 0 : r->options & ~(unsigned)SEARCH_RETURN_SAVE;
    struct need need = {false, UINT32_MAX};

    if (telling == SEARCH_RETURN_MIN || telling == SEARCH_RETURN_MAX) {
        need.from_end = telling == SEARCH_RETURN_MAX;
        need.limit = 1;
    } else if (telling == SEARCH_RETURN_PARTIAL) {
        need.from_end = r->partial.from_end;
        need.limit = r->partial.first > r->partial.last ? r->partial.first : r->partial.last;
    }
    return need;
}

void
search_run(struct session *s, struct mailbox *mb, struct search_key *root,
           const struct search_return *r, struct arena *arena, struct search_found *out)
{
    struct need need = what_is_needed(r);
    uint32_t total = mailbox_count(mb), count = 0;
    uint32_t *seqs = arena_alloc(arena, (size_t)total * sizeof(*seqs));

    search_eval_prepare(root, mb, &s->saved, arena);
    for (uint32_t i = 1; i <= total && count < need.limit; i++) {
        uint32_t seq = need.from_end ? total + 1 - i : i;

        if (!search_eval_match(root, mb, seq, &s->message))
            continue;
        /* from the end the array fills from its end, so that it ascends */
        seqs[need.from_end ? total - 1 - count : count] = seq;
        count++;
    }
    *out = (struct search_found){.mailbox = mb,
                                 .seqs = need.from_end ? seqs + (total - count) : seqs,
                                 .count = count,
                                 .in_mailbox_order = true};
}
