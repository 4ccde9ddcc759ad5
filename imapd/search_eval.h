/*
 * imapd/search_eval.h - does a message match a SEARCH program?
 */
#ifndef POSTHORN_IMAPD_SEARCH_EVAL_H
#define POSTHORN_IMAPD_SEARCH_EVAL_H

#include "imapd/message.h"
#include "imapd/saved_result.h"
#include "imapd/search_args.h"

/* Fits the tree to the mailbox as it is now: sets, "$", keywords. Before the first match,
 * and again when the mailbox has changed. */
void search_eval_prepare(struct search_key *key, struct mailbox *mb,
                         const struct saved_result *saved, struct arena *arena);
/* A message whose text is needed and gone does not match. */
bool search_eval_match(const struct search_key *key, struct mailbox *mb, uint32_t seq,
                       struct message_data *data);
/* The relevancy of a message that matches, 1 to 100: 100 if all strings of FUZZY keys are there as
 * they were given, or if there are none (RFC 6203 section 4). */
unsigned search_eval_score(const struct search_key *root, struct mailbox *mb, uint32_t seq,
                           struct message_data *data);

#endif
