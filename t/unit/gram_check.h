/*
 * t/unit/gram_check.h - the promise of lib/fts/gram: what a search string asks for, every text that
 * holds the string has. For its unit test and its fuzz target.
 */
#ifndef POSTHORN_T_UNIT_GRAM_CHECK_H
#define POSTHORN_T_UNIT_GRAM_CHECK_H

#include "lib/fts/gram.h"

static inline bool
gram_check_has(const struct gram_set *text, const struct gram_range *range)
{
    for (uint32_t i = 0; i < gram_set_count(text); i++) {
        uint32_t have = gram_set_number(text, i);

        if (have >= range->first && have <= range->last)
            return true;
    }
    return false;
}

static inline bool
gram_check_covers(const struct gram_set *text, const struct gram_set *needle)
{
    struct gram_range ranges[GRAM_RANGES_MAX];

    for (uint32_t i = 0; i < gram_set_count(needle); i++) {
        unsigned count = gram_set_ranges(needle, i, ranges), have = 0;

        for (unsigned r = 0; r < count; r++)
            have += gram_check_has(text, &ranges[r]) ? 1 : 0;
        if (have == 0)
            return false;
    }
    return true;
}

#endif
