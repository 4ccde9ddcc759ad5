/*
 * imapd/places.h - whose folder a name means: the user's own, a public one, or one that another
 * user shares.
 *
 * Own names have no prefix. A public folder News is "@News"; the folder Work of bob@d.test is
 * "~bob@d.test/Work" (RFC 2342). authd has handed over the directories of exactly those folders
 * that the user may read or change messages in; what a name means here opens nothing else, and
 * Landlock holds a directory that may only be read to that. What somebody changes in a folder of
 * another user's counts for the owner, whose totals are out of reach here: authd has them changed.
 */
#ifndef POSTHORN_IMAPD_PLACES_H
#define POSTHORN_IMAPD_PLACES_H

#include "imapd/session.h"

/* One folder of somebody else, with what is below it. */
struct place {
    char *name; /* "@News" */
    uint32_t rights;
    int dirfd;   /* the folder's own directory: INBOX of `store`; -1: the rights need none */
    bool single; /* another user's: what is below it is a place of its own */
    struct session *session;
    struct store_guest guest;
    struct store_options options;
    struct store *store; /* NULL until the first use */
    struct place *next;  /* in session.first_place */
};

/* What a name means. */
struct target {
    struct store *store;
    struct slice name; /* in that store */
    uint32_t rights;   /* enum imap_right */
    const struct store_options *options;
    struct place *place; /* NULL: the user's own */
};

/* Takes the `count` folders that follow authd's OK into the session. 0, or -1. */
int places_receive(struct session *s, unsigned count, bool may_remove);
void places_free(struct session *s);

/* True for a name with the prefix of a namespace that is not the user's. */
bool place_is_foreign(struct slice name);
/* Finds what `name` means; all of the rights `needed` must be there. 0, or -1 with errno: ENOENT,
 * also for a folder that is not to be seen (RFC 4314 section 6), EACCES, ENOTCONN: this session
 * made it and cannot open it. The folder itself need not exist. `out->store` is NULL if the rights
 * need no directory. */
int place_find(struct session *s, struct slice name, uint32_t needed, struct target *out);
/* The one whose name comes next behind `after` (NULL: the first), among those that the user may do
 * something with. NULL: that was the last. */
struct place *places_next(const struct session *s, const struct place *after);

/* What this session did to folders of another user. A new one has no directory here: this process
 * was confined before it was made (AUTHD_FOLDERS_MAX; more wait for the next login). One that is
 * gone is found no more. A renamed one is used on under its new name, like those below it. */
void places_made(struct session *s, struct slice name, uint32_t rights);
void places_gone(struct session *s, struct slice name);
void places_renamed(struct session *s, struct slice from, struct slice to);

/* Its store, opened. NULL with errno; EACCES: the rights need none. */
struct store *place_store(struct place *place);

/* Of another user's folder: who that is, and its name there, both borrowed. False with EACCES: a
 * public one. */
bool place_split_shared(const struct place *place, struct slice *owner, struct slice *folder);

/* The bits of `flags` that these rights let a user give a message (RFC 4314 section 4). */
uint32_t place_flags_allowed(uint32_t rights, uint32_t flags);
/* For struct store_options: what these rights forbid, keywords included. */
uint32_t place_flags_frozen(uint32_t rights);
/* Of rights those that a session may use which only looks (EXAMINE). */
static inline uint32_t
place_rights_examined(uint32_t rights)
{
    return rights & ~RIGHTS_ON_MESSAGES;
}

#endif
