/*
 * t/unit/gram_check.h - the promise of lib/fts/gram: what a search string asks for, every text that
 * holds the string has. For its unit test and its fuzz target.
 */
#ifndef POSTHORN_T_UNIT_GRAM_CHECK_H
#define POSTHORN_T_UNIT_GRAM_CHECK_H

#include "lib/fts/gram.h"

static inline bool
gram_check_has(const struct gram_set *text, struct slice term, bool prefix)
{
    char bytes[GRAM_TERM_MAX];
    bool unused;

    for (uint32_t i = 0; i < gram_set_count(text); i++) {
        struct slice have = slice_make(bytes, gram_set_term(text, i, bytes, &unused));

        if (prefix ? slice_starts(have, term) : slice_eq(have, term))
            return true;
    }
    return false;
}

static inline bool
gram_check_covers(const struct gram_set *text, const struct gram_set *needle)
{
    char bytes[GRAM_TERM_MAX];
    bool prefix;

    for (uint32_t i = 0; i < gram_set_count(needle); i++) {
        size_t len = gram_set_term(needle, i, bytes, &prefix);

        if (!gram_check_has(text, slice_make(bytes, len), prefix))
            return false;
    }
    return true;
}

#endif
