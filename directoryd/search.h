/*
 * directoryd/search.h - answers a search from the contacts in memory, part by part.
 */
#ifndef POSTHORN_DIRECTORYD_SEARCH_H
#define POSTHORN_DIRECTORYD_SEARCH_H

#include "directoryd/grams.h"
#include "directoryd/group.h"
#include "directoryd/store.h"
#include "lib/ipc/directory.h"

#define SEARCH_EXAMINED_MAX 20000 /* contacts that are looked at for one part of the answer */

/* Who asks. */
struct viewer {
    struct group_viewer as; /* sees_all: has the write password */
    struct slice domain;    /* of the user */
};
bool viewer_sees(const struct viewer *viewer, const struct store_book *book);

struct tree {
    const struct store *store;
    const struct grams *grams;
    struct slice rdn_type, rdn_value; /* of the top */
    const char *base_text;            /* its whole name */
};

/* `filter` is folded. Entries are appended to `entries` and *found is filled in, apart from its
 * `entries`. */
void search_run(const struct tree *tree, const struct viewer *viewer,
                const struct directory_search *search, struct ldap_filter *filter,
                struct strbuf *entries, struct directory_found *found);

#endif
