/*
 * imapd/search_run.h - runs a SEARCH program over a mailbox.
 */
#ifndef POSTHORN_IMAPD_SEARCH_RUN_H
#define POSTHORN_IMAPD_SEARCH_RUN_H

#include "imapd/search_eval.h"
#include "imapd/search_return.h"

/* Fits the tree to the mailbox and finds the messages that match, in mailbox order; no more of them
 * than `r` (NULL: all) can tell about, from the end that it asks for. Where there are more messages
 * in the program's sets than one command may be about, the highest ones alone are looked at. The
 * numbers live in `arena`. 0, or -1 with EREMOTE: the mailbox was moved meanwhile, so that messages
 * could not be looked into; there is no answer. */
int search_run(struct session *s, struct mailbox *mb, struct search_key *root,
               const struct search_return *r, struct arena *arena, struct search_found *out);

/* The scores of what was found (RFC 6203), if `r` asks for them; else NULL. */
const unsigned char *search_run_scores(struct session *s, const struct search_key *root,
                                       const struct search_return *r,
                                       const struct search_found *found, struct arena *arena);
/* The reply to a program that could not be parsed. With SAVE in `r` (may be NULL) an unknown
 * charset or filter empties "$" (RFC 5182 section 2.1). */
struct reply search_run_refuse(struct session *s, const struct parser *p,
                               const struct search_args *args, const struct search_return *r);
/* "* SEARCH 2 5 9 (MODSEQ 7)", or with another word for SEARCH. */
void search_run_send_plain(struct session *s, const char *word, const struct search_found *found,
                           bool is_uid, bool with_modseq);

#endif
