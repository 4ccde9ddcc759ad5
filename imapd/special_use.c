/*
 * imapd/special_use.c - the names of special uses (RFC 6154 section 2).
 */
#include "imapd/special_use.h"

static const char *const names[] = {
    [STORE_USE_SENT] = "\\Sent", [STORE_USE_DRAFTS] = "\\Drafts",   [STORE_USE_TRASH] = "\\Trash",
    [STORE_USE_JUNK] = "\\Junk", [STORE_USE_ARCHIVE] = "\\Archive",
};

enum store_use
special_use_find(struct slice name)
{
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (names[i] != NULL && slice_eq_nocase(name, slice_of(names[i] + 1)))
            return (enum store_use)i;
    return STORE_USE_NONE;
}

const char *
special_use_attribute(enum store_use use)
{
    return (size_t)use < ARRAY_LEN(names) ? names[use] : NULL;
}

const char *
special_use_name(enum store_use use)
{
    const char *attribute = special_use_attribute(use);

    return attribute == NULL ? NULL : attribute + 1;
}
