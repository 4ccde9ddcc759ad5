/*
 * lib/store/expunged.h - posthorn.expunged/: where the files of expunged messages wait.
 *
 * One directory a day (UTC) below the user's mail directory, outside the quota and no folder, so
 * that sweeping is deleting whole days. A file is "UIDVALIDITY.UID", a folder that was removed is
 * "UIDVALIDITY" and its directory's name (".Work"); `log` holds one record (record.h) for each
 * expunge: ORIGIN the folder, KEYWORD the names in use, ARRIVE each message as it was. Nothing here
 * is flushed: what a power cut takes from the log costs flags, never a message. What a guest
 * expunges waits in the same way below the one folder that the guest has. doc/store.md, "Undelete".
 */
#ifndef POSTHORN_LIB_STORE_EXPUNGED_H
#define POSTHORN_LIB_STORE_EXPUNGED_H

#include "lib/store/view.h"

#include "lib/store/folder.h"

#define EXPUNGED_DIR "posthorn.expunged"
#define EXPUNGED_LOG "log"
#define EXPUNGED_JOURNAL JOURNAL_NAME ".removed" /* of a folder that was removed */
#define EXPUNGED_DAY_SIZE 11                     /* "2026-11-26" */
#define EXPUNGED_NAME_SIZE 32                    /* of a file */
#define EXPUNGED_SWEEP 1000                      /* names at the end of a session */

/* ---- messages on their way out ---- */
struct expunging {
    const struct folder *folder;
    bool keep;
    int day_fd; /* where they go to; -1: they are unlinked, or expunging_log was not called */
    struct strbuf names;  /* per message the file below cur/ and its new name, each ended by NUL */
    struct strbuf record; /* for the log, being filled */
    struct strbuf log;    /* finished ones */
    const struct view *view; /* until expunging_log */
};

/* `keep` false, or undelete_days 0: the files are to be unlinked. */
void expunging_begin(struct expunging *x, const struct folder *f, const struct view *v, bool keep);
/* `a` as its record says, `m` as it is now. -1: too many names (ENOMEM). */
int expunging_add(struct expunging *x, const struct arrival *a, const struct message *m);
/* The expunge is durable: it is written down. */
void expunging_log(struct expunging *x);
/* Then the files go, now or a moment later. What cannot be kept is unlinked; what cannot be
 * unlinked is left to a compaction's sweep. */
void expunging_finish(struct expunging *x);
void expunging_free(struct expunging *x);

/* ---- folders ---- */
/* Moves the directory `dir` of a removed folder there, under the journal's lock. 0; 1: nothing is
 * to be kept; -1 with errno. */
int expunged_keep_folder(const struct store *store, int dirfd, const char *dir,
                         uint32_t uidvalidity);

/* A file that a compaction finds in cur/ without a record. 0, or -1 with errno. */
int expunged_keep_leftover(const struct store *store, int dirfd, const char *path);

/* Deletes days that are older than undelete_days (0: all), at most `names_max` names. */
void expunged_sweep(const struct store *store, unsigned names_max);
/* The same below the directory `dirfd`: a folder where guests may have removed something. */
void expunged_sweep_at(int dirfd, uint32_t undelete_days, unsigned names_max);

/* The directory of today, made if need be. -1 with errno. */
int expunged_open_today(const struct store *store);

#endif
