/*
 * lib/base/suggest.h - "did you mean": the known word that is nearest to a mistyped one.
 */
#ifndef POSTHORN_LIB_BASE_SUGGEST_H
#define POSTHORN_LIB_BASE_SUGGEST_H

#include "lib/base/slice.h"

#define SUGGEST_WORD_MAX 64 /* longer words get no suggestion */

/* The search for one word: offer it every known word, then read `best` (NULL: none is near). */
struct suggest {
    struct slice word;
    const char *best;
    size_t distance;
};

struct suggest suggest_begin(struct slice word);
void suggest_offer(struct suggest *s, const char *known); /* borrowed */

#endif
