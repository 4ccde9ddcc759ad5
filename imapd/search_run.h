/*
 * imapd/search_run.h - runs a SEARCH program over a mailbox.
 */
#ifndef POSTHORN_IMAPD_SEARCH_RUN_H
#define POSTHORN_IMAPD_SEARCH_RUN_H

#include "imapd/search_eval.h"
#include "imapd/search_return.h"

/* Fits the tree to the mailbox and finds the messages that match, in mailbox order; no more of them
 * than `r` (NULL: all) can tell about, from the end that it asks for. The numbers live in `arena`.
 */
void search_run(struct session *s, struct mailbox *mb, struct search_key *root,
                const struct search_return *r, struct arena *arena, struct search_found *out);

#endif
