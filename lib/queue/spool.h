/*
 * lib/queue/spool.h - the queue's directories: the directory is the state, a rename the transition.
 *
 * For queue-manager, the one owner of all states behind new/, and for reading by the command line.
 * A message is where its file ID is. ID.env and ID.log follow it: they move before it does, so that
 * the rename of ID alone decides, and spool_recover.h brings together what a crash has parted.
 */
#ifndef POSTHORN_LIB_QUEUE_SPOOL_H
#define POSTHORN_LIB_QUEUE_SPOOL_H

#include <dirent.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/queue/queue_file.h"

enum spool_state {
    SPOOL_TMP,      /* being written; after a power cut perhaps accepted */
    SPOOL_NEW,      /* accepted, not seen by queue-manager */
    SPOOL_ACTIVE,   /* in queue-manager's memory */
    SPOOL_DEFERRED, /* waits for its next attempt */
    SPOOL_HOLD,     /* waits for the administrator */
    SPOOL_CORRUPT,  /* damaged; kept for the administrator */
    SPOOL_STATES
};

enum { SPOOL_ENV = 1, SPOOL_LOG = 2 }; /* what lies beside a message */

struct spool {
    int dirfd;
    int fds[SPOOL_STATES];
    int trigger_fd; /* read side; -1 when opened for reading only */
};

const char *spool_name(enum spool_state state); /* "active" */

/* Makes the directories (and the FIFO) that are missing and opens them all. With root's rights they
 * are given to uid:gid. 0, or -1 with errno. */
int spool_open(struct spool *spool, const char *path, uid_t uid, gid_t gid);
/* Opens what is there, for looking only; a state without a directory has no messages. 0, or -1 with
 * errno. */
int spool_open_readonly(struct spool *spool, const char *path);
void spool_close(struct spool *spool);

/* Moves a message with what lies beside it (`beside`: SPOOL_ENV | SPOOL_LOG; a missing one is not
 * an error). 0, or -1 with errno: the message is where it was. */
int spool_move(const struct spool *spool, const char *id, enum spool_state from,
               enum spool_state to, unsigned beside);
/* Brings what lies beside a message from wherever it is to `home`. True if something was found. */
bool spool_gather(const struct spool *spool, const char *id, enum spool_state home);
/* The last act: the names go. For a file that mailboxes share, *cut_fd (NULL: not wanted) becomes a
 * descriptor by which the caller may cut off the envelope behind the content, once the directory is
 * flushed; -1 if there is none. 0, or -1 with errno: it is still there. */
int spool_remove(const struct spool *spool, enum spool_state state, const char *id, unsigned beside,
                 int *cut_fd);
/* Where the message is, or -1. */
int spool_find(const struct spool *spool, const char *id);

/* Names of one state, a few at a time, going on where the last call stopped; at the end it starts
 * again. Only whole message names (no ID.env, ID.log), in no order. */
struct spool_scan {
    DIR *dir;
    bool at_end; /* the last spool_scan_next reached the end */
};
int spool_scan_open(struct spool_scan *scan, const struct spool *spool, enum spool_state state);
/* The next name, or NULL at the end (the call after that starts again). */
const char *spool_scan_next(struct spool_scan *scan);
/* The same with every other name too. Not to be mixed with the one above in one pass. */
const char *spool_scan_any(struct spool_scan *scan);
void spool_scan_close(struct spool_scan *scan);

#endif
