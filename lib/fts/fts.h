/*
 * lib/fts/fts.h - the full-text index of a folder: which messages may hold a string.
 *
 * posthorn.fts in the folder's directory. The index names candidates, the caller looks into each
 * (lib/mail/text_search): no message that matches is left out, some that do not are named. It is
 * disposable and made by the sessions that search: one at a time writes, for one batch; others wait
 * a moment, and otherwise search without it. All that fails here costs time and no answer.
 *
 *     while ((fts = fts_open(&folder, FTS_WRITE)) != NULL) {
 *         for each message above fts_last_uid(fts), while !fts_batch_full(fts):
 *             fts_add(fts, uid, mime);
 *         rc = fts_commit(fts);
 *         fts_close(&fts);
 *         if nothing was left or rc < 0: break;
 *     }
 *     if ((fts = fts_open(&folder, FTS_READ)) != NULL) {
 *         for each string: answer = fts_query(fts, string, &candidates);
 *         last = fts_last_uid(fts);
 *         fts_close(&fts);
 *     }
 *     look into the candidates, and into every message above `last`
 */
#ifndef POSTHORN_LIB_FTS_FTS_H
#define POSTHORN_LIB_FTS_FTS_H

#include "lib/mail/mime.h"

#define FTS_WAIT_MS 1000           /* a reader waits so long for the writer's batch */
#define FTS_TEXT_MAX (1u << 20)    /* bytes of text; what has more is always a candidate */
#define FTS_BATCH_TEXT (16u << 20) /* bytes of text added, then the batch is full */
#define FTS_BATCH_MESSAGES 10000u  /* likewise */
#define FTS_WORN_MIN 1000u         /* expunged messages before their share matters */
#define FTS_WORN_PERCENT 30u

struct fts;

enum fts_mode { FTS_READ, FTS_WRITE };

struct fts_folder {
    int dirfd; /* borrowed while the index is open */
    uint32_t uidvalidity;
    bool read_only; /* the index may be used, not changed */
};

/* Opens and locks the folder's index; keep it open no longer than one batch or one search. Memory
 * and descriptors go with fts_close. FTS_WRITE makes an index where there is none, or one of
 * another UIDVALIDITY or version, or a damaged one. NULL with errno: EWOULDBLOCK: another session
 * has it; ENOENT (FTS_READ): there is none for us; EROFS; ENOSPC; others as SQLite meets them. */
struct fts *fts_open(const struct fts_folder *folder, enum fts_mode mode);
/* Undoes what was not committed. What was found damaged is emptied. */
void fts_close(struct fts **ftsp);

/* All messages of the folder up to this UID are in the index (0: none). */
uint32_t fts_last_uid(const struct fts *fts);

/* ---- FTS_WRITE ---- */

/* Expunged messages stay in the index, where they do no harm but take room. True when they are too
 * many: of the messages up to fts_last_uid `live` are still there. fts_empty starts anew. */
bool fts_is_worn(const struct fts *fts, uint32_t live);
int fts_empty(struct fts *fts); /* 0, or -1 with errno: only fts_close may follow */

/* Adds a message to a batch that is not full; UIDs ascend and are above fts_last_uid, and no
 * message of the folder is left out in between. 0, or -1 with errno: only fts_close may follow. */
int fts_add(struct fts *fts, uint32_t uid, const struct mime *message);
/* The same for one that cannot be read now: it is always a candidate. */
int fts_add_unread(struct fts *fts, uint32_t uid);
bool fts_batch_full(const struct fts *fts);
/* Makes what was added durable and visible. fts_close follows. 0, or -1 with errno. */
int fts_commit(struct fts *fts);

/* ---- both ---- */

enum fts_answer {
    FTS_FAILED = -1,    /* errno; look into all messages */
    FTS_CANDIDATES = 0, /* look into these, and into all above fts_last_uid */
    FTS_UNDECIDED = 1   /* the string is too short or without letters: look into all messages */
};

struct fts_uids { /* ascending; free() */
    uint32_t *uids;
    size_t count;
};

/* Which messages may hold `needle`, in header or body. As in lib/mail/text_search.h, `needle` is
 * UTF-8 with casemap_text applied. It needs three letters or digits in a row, or one character of a
 * script that writes without spaces (lib/fts/gram.h). What is uncommitted does not count. */
enum fts_answer fts_query(struct fts *fts, struct slice needle, struct fts_uids *out);

#endif
