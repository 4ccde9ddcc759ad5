/*
 * authd/folders.h - the folders of others that come with a login: their rights and directories.
 */
#ifndef POSTHORN_AUTHD_FOLDERS_H
#define POSTHORN_AUTHD_FOLDERS_H

#include <stdint.h>

#include "lib/base/strbuf.h"
#include "lib/ipc/accountd.h"
#include "lib/store/store_dirs.h"

/* One that this session may open. */
struct folder_grant {
    char *name;  /* as the user sees it */
    char *place; /* store path, '/' and directory: what it is, whatever it is called */
    uint32_t rights;
    bool is_shared; /* one folder of another user's; else a public one, with what is below it */
    uint64_t quota_bytes, quota_messages;
    int fd; /* O_PATH, -1 once it is handed over */
};
struct folder_grants {
    struct folder_grant *list;
    uint32_t count;
};

/* Takes what accountd's FOLDERS reply names, and opens the directories that we can search for. The
 * others have descriptor -1 for now. One that cannot be opened is left out and logged. 0, or -1:
 * the payload is damaged. */
int folder_grants_open(const struct store_dirs *dirs, struct slice payload,
                       struct folder_grants *out);
void folder_grants_close(struct folder_grants *grants); /* the descriptors; the rest stays */
void folder_grants_free(struct folder_grants *grants);

/* The next one without a descriptor, and where it is; NULL: none is left. */
struct folder_grant *folder_grants_unopened(struct folder_grants *grants, struct slice *path,
                                            struct slice *dir);
/* Takes one out that could not be opened, and logs that. */
void folder_grants_remove(struct folder_grants *grants, struct folder_grant *grant);

/* What the session did itself to folders of another user, in the store at `path`; names as the user
 * sees them. Renamed are also those below `from`. */
void folder_grants_made(struct folder_grants *grants, struct slice path, struct slice name,
                        uint32_t rights);
void folder_grants_gone(struct folder_grants *grants, struct slice name);
void folder_grants_renamed(struct folder_grants *grants, struct slice from, struct slice to);

/* The store that it is in: the first part of `place`, borrowed. */
struct slice folder_grant_path(const struct folder_grant *grant);

/* Does a FOLDERS reply give all that `grants` gave? False also when it is damaged. */
bool folder_grants_still_hold(const struct folder_grants *grants, struct slice payload);

#endif
