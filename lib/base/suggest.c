/*
 * lib/base/suggest.c - "did you mean": the known word that is nearest to a mistyped one.
 *
 * Distance is the number of single-character edits (Levenshtein); a word is near if at most a third
 * of the longer one differs, or if it begins with the mistyped one. No I/O; the word may be
 * anything.
 */
#include "lib/base/suggest.h"

#include <stdint.h>

#define PREFIX_MIN 3

static size_t
min3(size_t a, size_t b, size_t c)
{
    size_t least = a < b ? a : b;

    return least < c ? least : c;
}

static size_t
edit_distance(struct slice a, struct slice b)
{
    size_t row[SUGGEST_WORD_MAX + 1];

    for (size_t j = 0; j <= b.len; j++)
        row[j] = j;
    for (size_t i = 1; i <= a.len; i++) {
        size_t diagonal = row[0];

        row[0] = i;
        for (size_t j = 1; j <= b.len; j++) {
            size_t above = row[j];

            row[j] =
                min3(above + 1, row[j - 1] + 1, diagonal + (a.ptr[i - 1] == b.ptr[j - 1] ? 0 : 1));
            diagonal = above;
        }
    }
    return row[b.len];
}

struct suggest
suggest_begin(struct slice word)
{
    return (struct suggest){.word = word, .best = NULL, .distance = SIZE_MAX};
}

void
suggest_offer(struct suggest *s, const char *known)
{
    struct slice candidate = slice_of(known);
    size_t distance, longer = s->word.len > candidate.len ? s->word.len : candidate.len;

    if (s->word.len > SUGGEST_WORD_MAX || candidate.len > SUGGEST_WORD_MAX)
        return;
    distance = edit_distance(s->word, candidate);
    if (s->word.len >= PREFIX_MIN && slice_starts(candidate, s->word))
        distance = 1; /* cut short: as good as one letter wrong */
    if (3 * distance > longer || distance >= s->distance)
        return;
    s->best = known;
    s->distance = distance;
}
