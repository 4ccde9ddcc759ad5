/*
 * lib/store/folder.h - one folder's directory and journal, and the user's ledger in INBOX's
 * journal.
 *
 * For the modules of the store alone. A folder is a directory with cur/, new/ and tmp/; its journal
 * is made when somebody first uses it, and adopts what lies in cur/ then.
 */
#ifndef POSTHORN_LIB_STORE_FOLDER_H
#define POSTHORN_LIB_STORE_FOLDER_H

#include "lib/store/appender.h"
#include "lib/store/store.h"

struct store {
    int dirfd;
    struct store_options options;
};

struct folder {
    struct store *store;
    int dirfd;
    struct journal journal;
    bool inbox;
    char *name; /* canonical, UTF-8 */
};

/* Opens a folder and its journal, which is made if it is missing (unless read-only). */
int folder_open(struct folder *f, struct store *store, struct slice name);
void folder_close(struct folder *f);
/* Its directory alone. ENOENT: no such folder. */
int folder_open_dir(const struct store *store, struct slice canonical);
/* cur/, new/ and tmp/ below dirfd, flushed. */
int folder_make_dirs(int dirfd);
/* Makes a journal where there is none: the messages in cur/ come into it. `uidvalidity` is for the
 * new journal. Somebody else's journal made meanwhile is as good. */
int folder_make_journal(int dirfd, uint32_t uidvalidity, bool inbox);

/* ---- the ledger: the user's totals and the UIDVALIDITY values given out, in INBOX's journal ----
 */
int ledger_read(const struct store *store, struct record_state *state);
int ledger_add(const struct store *store, int64_t bytes, int64_t messages);
int ledger_set(const struct store *store, uint64_t bytes, uint64_t messages);
int ledger_new_uidvalidity(const struct store *store, uint32_t *value);
/* EDQUOT if so much more is too much. */
int ledger_check_quota(const struct store *store, uint64_t more_bytes, uint64_t more_messages);

/* ---- message files ---- */
#define FILE_NAME_SIZE (RECORD_NAME_MAX + 1)
/* A name that no other message has: for a file of `size` bytes, or (queue_id) the delivered one. */
void folder_file_name(char out[FILE_NAME_SIZE], uint64_t size);
void folder_delivery_name(char out[FILE_NAME_SIZE], int64_t received_ms, struct slice queue_id,
                          uint64_t size);
/* "cur/" and the name, for the ...at calls. */
#define FILE_PATH_SIZE (FILE_NAME_SIZE + 4)
void folder_cur_path(char out[FILE_PATH_SIZE], struct slice name);

#endif
