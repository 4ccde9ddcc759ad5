/*
 * lib/fts/gram.h - the grams by which a text is indexed and a search string is looked up.
 *
 * A text is cut into runs of characters of one class; what belongs to no class (ASCII but letters
 * and digits, punctuation, bytes that are no UTF-8) parts runs and is in no gram. Short grams are
 *   narrow  three neighbours, of the letters and digits of alphabets;
 *   wide    one character: Han, kana, Hangul syllables, Yi, emoji.
 * A text is indexed by its long grams, a short one and the character that follows it, and by the
 * last short gram of each run. A run of a search string lies whole in one run of each text that
 * holds the string, so that the string's long grams are among the text's: no match is missed,
 * whatever the language. A string without long grams asks for those that begin with its short one;
 * one or two narrow characters have no gram.
 *
 * Grams are mixed into some 8,000 narrow numbers (of the character that follows three others, one
 * bit is kept) and 65,000 wide ones. Text in one language uses a few thousand trigrams; what else
 * is in mail (signatures, message ids) is noise that would double the index, and is now spread over
 * the grams that are there anyway. Figures: doc/store.md, t/tools/ftsbench.
 *
 * Both sides are given in the form in which they are compared: UTF-8 with casemap_text applied.
 */
#ifndef POSTHORN_LIB_FTS_GRAM_H
#define POSTHORN_LIB_FTS_GRAM_H

#include <stdint.h>

#include "lib/base/slice.h"

/* Part of the index's version: raise it with every change of what grams a text has. */
#define GRAM_VERSION 1

#define GRAM_NUMBERS 78336u /* grams are numbered from 0 to below here */

enum gram_side { GRAM_TEXT, GRAM_NEEDLE };

/* The distinct grams of one text, in the order of their first appearance. */
struct gram_set;

struct gram_set *gram_set_new(enum gram_side side);
void gram_set_free(struct gram_set **setp);
void gram_set_clear(struct gram_set *set);

/* The next piece of a text. A piece does not end inside a character; runs go on in the next one. */
void gram_set_feed(struct gram_set *set, struct slice text);
/* The end, or a place over which nothing matches. */
void gram_set_gap(struct gram_set *set);

uint32_t gram_set_count(const struct gram_set *set);
uint32_t gram_set_number(const struct gram_set *set, uint32_t i); /* of the i-th */

/* The grams of which a text must have one, to hold a search string whose i-th gram this is: that
 * gram, or, for a short one, all that begin with it too. Returns how many ranges they are. */
struct gram_range {
    uint32_t first, last;
};
#define GRAM_RANGES_MAX 2
unsigned gram_set_ranges(const struct gram_set *set, uint32_t i,
                         struct gram_range out[GRAM_RANGES_MAX]);

#endif
