/*
 * imapd/places.h - whose folder a name means: the user's own, a public one, or one that another
 * user shares.
 *
 * Own names have no prefix. A public folder News is "@News"; the folder Work of bob@d.test is
 * "~bob@d.test/Work" (RFC 2342). authd has handed over the directories of exactly those folders
 * that the user has a right to; what a name means here opens nothing else, and Landlock holds a
 * directory that may only be read to that.
 */
#ifndef POSTHORN_IMAPD_PLACES_H
#define POSTHORN_IMAPD_PLACES_H

#include "imapd/session.h"
#include "lib/mail/imap_rights.h"

/* One folder of somebody else, with what is below it. */
struct place {
    char *name; /* "@News" */
    uint32_t rights;
    int dirfd;   /* the folder's own directory: INBOX of `store` */
    bool single; /* nothing is below it */
    struct store_options options;
    struct store *store; /* NULL until the first use */
};

/* What a name means. */
struct target {
    struct store *store;
    struct slice name; /* in that store */
    uint32_t rights;   /* enum imap_right */
    const struct store_options *options;
    const struct place *place; /* NULL: the user's own */
};

/* Takes the `count` folders that follow authd's OK into the session. 0, or -1. */
int places_receive(struct session *s, unsigned count, bool may_remove);
void places_free(struct session *s);

/* True for a name with the prefix of a namespace that is not the user's. */
bool place_is_foreign(struct slice name);
/* Finds what `name` means; all of the rights `needed` must be there. 0, or -1 with errno: ENOENT,
 * also for a folder that is not to be seen, EACCES. The folder itself need not exist. */
int place_find(struct session *s, struct slice name, uint32_t needed, struct target *out);
/* Its store, opened. NULL with errno. */
struct store *place_store(struct place *place);

/* The bits of `flags` that these rights let a user give a message (RFC 4314 section 4). */
uint32_t place_flags_allowed(uint32_t rights, uint32_t flags);

#endif
