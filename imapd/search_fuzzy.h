/*
 * imapd/search_fuzzy.h - SEARCH FUZZY (RFC 6203).
 *
 * A string is matched fuzzily when each of its words is there, in any order. How many of its
 * neighbours are neighbours in the text too makes the score (search_eval_score). Keys without a
 * string match as always.
 */
#ifndef POSTHORN_IMAPD_SEARCH_FUZZY_H
#define POSTHORN_IMAPD_SEARCH_FUZZY_H

#include "imapd/search_args.h"

/* Makes the keys with strings in this tree fuzzy; returns the new tree. */
struct search_key *search_fuzzy_make(struct search_key *key, struct arena *arena);

#endif
