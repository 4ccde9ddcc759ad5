/*
 * accountd/recorder.h - the process that keeps the books (accountd/book.h), and what is said to it.
 *
 * accountd's event loop never waits for the disk: entries go to the recorder by packets of some
 * frames each (lib/ipc/frame.h), questions too, and its answers come back. Notes that do not fit
 * into the queue are lost, and counted; moves and removals have room for those of millions of
 * users. When the recorder dies another one takes over; questions to it have no answer.
 */
#ifndef POSTHORN_ACCOUNTD_RECORDER_H
#define POSTHORN_ACCOUNTD_RECORDER_H

#include "accountd/book.h"
#include "lib/base/strbuf.h"
#include "lib/sys/daemon.h"

#define RECORDER_DATA_MAX 131072 /* bytes of an answer */
#define RECORDER_PAGE 100        /* users in one */

struct recorder;

/* Forks it; to be called before the sandbox. Exits with a message on failure. */
struct recorder *recorder_new(const struct daemon *d);
void recorder_free(struct recorder **recorderp); /* what is queued is still sent */

struct recorder_note {
    const char *path; /* of the user, lib/account/store_path.h */
    enum book_kind kind;
    bool listed;
    struct book_entry entry;
    const uint64_t *figures; /* BOOK_FIGURES of them, or NULL */
};
void recorder_note(struct recorder *recorder, const struct recorder_note *note);
void recorder_moved(struct recorder *recorder, const char *path, const char *new_path);
void recorder_removed(struct recorder *recorder, const char *path);

/* Objects (lib/ipc/object.h), borrowed; NULL: no answer. `cursor`: of the next page, or empty. */
typedef void recorder_done(void *arg, const struct slice *data, struct slice cursor);
/* The user's sums of today (UTC) as the first object, then the entries of the kinds in `kinds` (a
 * bit each), newest first. done() runs once, from the loop. False: too many wait, it will not run.
 */
bool recorder_ask_list(struct recorder *recorder, const char *path, unsigned kinds,
                       recorder_done *done, void *arg);
/* A page of users below `directory` ("DOMAIN") with sums in the period, an object each. */
bool recorder_ask_sums(struct recorder *recorder, const char *directory,
                       const struct book_period *period, struct slice cursor, recorder_done *done,
                       void *arg);

#endif
