/*
 * lib/store/store.h - one user's folders on disk: listing, making, renaming, subscribing.
 *
 * A store is a Maildir++ tree below the user's `mail` directory: INBOX is the directory itself, the
 * folder "Work/Old" is `.Work.Old/`. The authority over each folder is its journal; see
 * doc/store.md for every byte. Folder names are UTF-8 with '/' between levels; "INBOX" in any case
 * is INBOX. Names that could leave the mailbox (empty or dot parts, control characters, too long)
 * are refused with EINVAL. Nothing here opens a path above the directory that it was given. Safe
 * against other processes working on the same store at the same time; not thread-safe.
 *
 * A store may also be one folder of somebody else, opened at its own directory (`guest`): INBOX is
 * that folder, and there is no other. Its owner's totals are out of reach then and kept by whoever
 * `guest` asks.
 *
 * errno of failing calls: ENOENT no such folder, EEXIST, EINVAL bad name, ENOSPC/EDQUOT disk full
 * or over quota, EACCES read-only, EBADMSG damaged, EBUSY lock not had in time (10 s).
 */
#ifndef POSTHORN_LIB_STORE_STORE_H
#define POSTHORN_LIB_STORE_STORE_H

#include <stdint.h>

#include "lib/base/strbuf.h"

#define STORE_NAME_MAX 200 /* bytes of a folder name on disk */
#define STORE_DEPTH_MAX 32
#define STORE_FOLDERS_MAX 10000

struct store;

/* A change of what a user holds over all folders. */
struct store_charge {
    int64_t bytes, messages; /* negative: taken away */
    bool within_quota;       /* EDQUOT, and nothing is changed, if that is more than the quota */
    bool new_uidvalidity;    /* a value for a folder's new journal is wanted */
};
/* How a guest's changes are counted for the owner. */
struct store_guest {
    /* 0, or -1 with errno. *uidvalidity is set if one is wanted. */
    int (*charge)(void *arg, const struct store_charge *charge, uint32_t *uidvalidity);
    void *arg;
};

struct store_options {
    uint64_t quota_bytes, quota_messages; /* 0: unlimited */
    bool read_only;                       /* nothing is changed, not even adopted */
    bool bare;                            /* made without the standard folders: a public folder */
    bool may_remove; /* false: no expunge, no folder removal, \Deleted is as frozen */
    /* enum message_flag, MESSAGE_KEYWORDS: neither set nor cleared here, and left out of copies */
    uint32_t flags_frozen;
    const struct store_guest *guest; /* NULL: the whole store is here */
    uint32_t undelete_days;          /* so long expunged messages are kept; 0: not at all */
    int64_t flush_interval_ms;       /* flag changes younger than this may be lost by a power cut */
};

/* Special use of a folder (RFC 6154). */
enum store_use {
    STORE_USE_NONE,
    STORE_USE_SENT,
    STORE_USE_DRAFTS,
    STORE_USE_TRASH,
    STORE_USE_JUNK,
    STORE_USE_ARCHIVE
};

/* Opens the user's mail directory (`dirfd` is duplicated) and makes what is missing: INBOX and,
 * unless it is `bare`, the standard folders Sent, Drafts, Trash, Junk, subscribed. NULL with errno.
 */
struct store *store_open(int dirfd, const struct store_options *options);
/* The quota of `options` from now on. */
void store_set_quota(struct store *store, uint64_t bytes, uint64_t messages);
void store_close(struct store **storep);

struct store_folder {
    const char *name; /* UTF-8; borrowed during the call */
    enum store_use use;
    bool exists; /* false: only a parent of other folders, or only subscribed */
    bool subscribed;
    bool has_children;
};
/* All folders sorted by name (INBOX first), parents that exist only as part of a name and
 * subscriptions without a folder included. */
int store_list(struct store *store, void (*each)(void *arg, const struct store_folder *folder),
               void *arg);

int store_create(struct store *store, struct slice name, enum store_use use); /* parents too */
/* 0, or -1 with errno. A folder that is not there has none. */
int store_use_of(const struct store *store, struct slice name, enum store_use *out);
/* The nearest folder above `name` that is there, as a part of it; empty: none. */
struct slice store_nearest(const struct store *store, struct slice name);
int store_remove(struct store *store, struct slice name); /* ENOTEMPTY never: children stay */
int store_rename(struct store *store, struct slice from, struct slice to); /* children move along;
                                              from INBOX: its messages move (RFC 3501 6.3.5) */
int store_subscribe(struct store *store, struct slice name, bool on);
bool store_name_valid(struct slice name);

/* What the user holds now, over all folders; kept incrementally, never negative. */
int store_usage(struct store *store, uint64_t *bytes, uint64_t *messages);
/* Counts again from disk and corrects the record, at a moment when nobody changes anything (EBUSY:
 * there was none for some seconds). A read-only store is counted and not corrected. */
int store_recount(struct store *store, uint64_t *bytes, uint64_t *messages);
/* For a guest (the store's quota holds): what its charge() asks. Instead of taking away it counts
 * again, if nobody changes anything for a moment. 0, or -1 with errno. */
int store_charge(struct store *store, const struct store_charge *charge, uint32_t *uidvalidity);

#endif
