/*
 * imapd/folder_set.h - all folders that a user sees, for LIST and LSUB.
 *
 * All are collected first: the store's callback must not be held up by a slow client, and
 * RECURSIVEMATCH needs to look at children.
 */
#ifndef POSTHORN_IMAPD_FOLDER_SET_H
#define POSTHORN_IMAPD_FOLDER_SET_H

#include "imapd/session.h"

struct folder {
    struct slice name; /* as the client sees it */
    enum store_use use;
    bool exists, subscribed, has_children;
};

struct folder_set {
    struct arena *arena;
    struct folder *all; /* a folder's children stand behind it; the user's own come first */
    size_t count, cap;
};

/* Own folders, then those of others by name, each with the levels above it. All lives in `arena`.
 * 0, or -1 with errno. */
int folder_set_collect(struct session *s, struct arena *arena, struct folder_set *set);
/* The one of that name; NULL: none. */
const struct folder *folder_set_find(const struct folder_set *set, struct slice name);

bool folder_set_is_below(struct slice name, struct slice parent);

#endif
