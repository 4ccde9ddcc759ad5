/*
 * lib/store/annotations.h - annotations of mailboxes and of the server (RFC 5464): where they are
 * kept, read and changed.
 *
 * What all users of a folder share lies in the folder's directory, and goes where it goes. What one
 * user keeps for himself lies in that user's own store, in one file per mailbox by its id (RFC
 * 8474), which it keeps when it is renamed: whoever may open somebody's folder finds nothing there
 * that is the owner's alone, and who may only read a public folder can still annotate it for
 * himself. Entry names begin with "/shared/" or "/private/".
 *
 * errno as in lib/store/store.h; EBADMSG: the file is damaged (`posthorn store check`).
 */
#ifndef POSTHORN_LIB_STORE_ANNOTATIONS_H
#define POSTHORN_LIB_STORE_ANNOTATIONS_H

#include "lib/store/annotation_set.h"
#include "lib/store/store.h"

#define ANNOTATIONS_SERVER                                                                         \
    "server" /* instead of a mailbox's id: what is noted about the server                          \
              */

/* What is annotated, and by whom. */
struct annotation_place {
    struct store *store; /* of the folder; NULL: the server, which has private entries alone */
    struct slice folder;
    struct store *own; /* of the user whose private entries are meant */
};

struct annotation_sets {
    struct annotation_set shared, private;
};

/* Reads both; freed by annotations_free, also after a failure. 0, or -1 with errno. */
int annotations_read(const struct annotation_place *place, struct annotation_sets *out);
void annotations_free(struct annotation_sets *sets);

/* When each of the two was changed last: `highest` of the sets. */
struct annotation_stamps {
    uint64_t shared, private;
};
int annotations_stamps(const struct annotation_place *place, struct annotation_stamps *out);

struct annotation_change {
    struct slice name, value; /* {NULL, 0}: the entry goes */
};
struct annotation_limits {
    size_t entries; /* of one mailbox or the server, shared and private each */
    uint64_t bytes; /* of all files with annotations of one store */
};
/* Makes all changes or none, durable before it returns. `before` and `after` (may be NULL) are the
 * stamps around the change. -1 with errno: EOVERFLOW too many entries, EDQUOT too many bytes,
 * EACCES shared entries of a folder, EROFS private entries of a user, that may only be read. */
int annotations_change(const struct annotation_place *place,
                       const struct annotation_change *changes, size_t count,
                       const struct annotation_limits *limits, struct annotation_stamps *before,
                       struct annotation_stamps *after);

/* The mailbox with that id was removed: what this user noted about it goes. */
void annotations_forget(const struct store *own, const char *mailbox_id);
/* Gives `to` all that `from` has. */
int annotations_copy(struct store *store, struct slice from, struct slice to);

/* Another number than before if annotations in this store were changed by who has the store. */
uint64_t annotations_state(const struct store *store);
/* Likewise, also by who has one of its folders alone, and touches nothing beside it. Costs one stat
 * per folder. */
uint64_t annotations_state_of_folders(const struct store *store);

#endif
