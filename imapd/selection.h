/*
 * imapd/selection.h - the messages that a command's set means, as sequence numbers of the view.
 */
#ifndef POSTHORN_IMAPD_SELECTION_H
#define POSTHORN_IMAPD_SELECTION_H

#include "imapd/seqset.h"
#include "imapd/session.h"

struct selection {
    uint32_t *seqs; /* ascending; lives in the command's arena */
    uint32_t count;
};

/* With COMMAND_UID in `flags` the set holds UIDs, and those that do not exist are ignored (RFC 3501
 * section 6.4.8); otherwise numbers above the last message are an error (section 9, seq-number). */
bool selection_make(struct session *s, struct parser *p, struct seqset *set, unsigned flags,
                    struct selection *out);
/* The UIDs of the selected messages, in the command's arena. */
uint32_t *selection_uids(struct session *s, const struct selection *sel);

#endif
