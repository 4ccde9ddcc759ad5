/*
 * imapd/saved_result.h - the search result variable, "$" (RFC 5182, RFC 9051 section 6.4.4.1).
 */
#ifndef POSTHORN_IMAPD_SAVED_RESULT_H
#define POSTHORN_IMAPD_SAVED_RESULT_H

#include "imapd/seqset.h"
#include "lib/store/mailbox.h"

/* Ranges of UIDs, each from a message of the view to a later one with all that are between: UIDs
 * are not used twice, so an expunge needs no work here. A zeroed one is the empty result. */
struct saved_result {
    struct seqrange *ranges;
    size_t count;
};

/* Takes the messages seqs[0..count) of the view, which ascend. */
void saved_result_set(struct saved_result *saved, const struct mailbox *mb, const uint32_t *seqs,
                      uint32_t count);
void saved_result_clear(struct saved_result *saved);
/* Puts the saved messages that are still in the view in the place of a '$' in `set`: as UIDs or
 * numbers of the view. Once for each set, before seqset_resolve. */
void saved_result_expand(const struct saved_result *saved, const struct mailbox *mb, bool is_uid,
                         struct seqset *set, struct arena *arena);

#endif
