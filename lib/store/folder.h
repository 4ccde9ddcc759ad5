/*
 * lib/store/folder.h - one folder's directory and journal.
 *
 * For the modules of the store alone. A folder is a directory with cur/, new/ and tmp/; its journal
 * is made when somebody first uses it, and adopts what lies in cur/ then.
 */
#ifndef POSTHORN_LIB_STORE_FOLDER_H
#define POSTHORN_LIB_STORE_FOLDER_H

#include "lib/store/appender.h"
#include "lib/store/store.h"

struct store {
    int dirfd; /* an open file description of this session's own */
    struct store_options options;
    unsigned ledger_holds; /* ledger_begin without its end */
    bool ledger_verified;  /* in this session */
    bool expunged_swept;   /* likewise */
    bool made;             /* INBOX has had its journal since store_open */
};

struct folder {
    struct store *store;
    int dirfd;
    struct journal journal;
    bool inbox; /* its journal carries the user's totals */
    char *name; /* canonical, UTF-8 */
};

/* Opens a folder and its journal, which is made if it is missing (unless read-only). */
int folder_open(struct folder *f, struct store *store, struct slice name);
void folder_close(struct folder *f);
/* EREMOTE: this is what is left of a mailbox that lies elsewhere now, or is being moved
 * (move_fence.h): what is missing here is not gone. */
int folder_check_store(const struct store *store);
/* Its directory alone. ENOENT: no such folder. */
int folder_open_dir(const struct store *store, struct slice canonical);
/* cur/, new/ and tmp/ below dirfd, flushed. */
int folder_make_dirs(int dirfd);
/* Makes a journal where there is none: the messages in cur/ come into it. `uidvalidity` is for the
 * new journal. 1: it is ours, 0: somebody else's was made meanwhile, which is as good. */
int folder_make_journal(int dirfd, uint32_t uidvalidity, bool inbox);
/* INBOX's journal without a message, in a directory that nobody else can find yet. Not flushed.
 * Returns its descriptor, for writing, or -1 with errno. */
int folder_new_inbox_journal(int dirfd, uint32_t uidvalidity);
/* INBOX's journal, for writing; made at its first use. */
int folder_open_inbox_journal(struct journal *j, int dirfd);

/* ---- message files ---- */
#define FILE_NAME_SIZE (RECORD_NAME_MAX + 1)
/* A name that no other message has: for a file of `size` bytes, or (queue_id) the delivered one. */
void folder_file_name(char out[FILE_NAME_SIZE], uint64_t size);
/* More names that go with one of folder_file_name, for one change: each with a `number` of its own.
 */
void folder_file_name_like(char out[FILE_NAME_SIZE], const char first[FILE_NAME_SIZE],
                           uint32_t number, uint64_t size);
void folder_delivery_name(char out[FILE_NAME_SIZE], int64_t received_ms, struct slice queue_id,
                          uint64_t size);
/* How many bytes of the file of that name are the message: a name of one of the three kinds above
 * says it, for there may be a queued envelope behind them. All of `file_size` if the name is
 * another program's, which may count otherwise (bare LF as one byte), or says more than there is.
 */
uint64_t folder_message_size(struct slice name, uint64_t file_size);
/* RFC 8474: of a delivered message, and of any other. */
#define EMAIL_ID_SIZE (MAILBOX_EMAIL_ID_MAX + 1)
void folder_email_id_of_queue(char out[EMAIL_ID_SIZE], struct slice queue_id);
void folder_email_id_new(char out[EMAIL_ID_SIZE]);
/* "cur/" and the name, for the ...at calls. */
#define FILE_PATH_SIZE (FILE_NAME_SIZE + 4)
void folder_cur_path(char out[FILE_PATH_SIZE], struct slice name);

#endif
