/*
 * lib/store/journal.h - one folder's journal file: open, lock, read, append, flush, repair.
 *
 * Readers take no lock: a record that does not check out is not there yet. Appenders hold the lock
 * (flock), find out in one read what the last record says, and cut a torn tail back first. A
 * journal that a compaction replaced is told by its name, which then means another file.
 */
#ifndef POSTHORN_LIB_STORE_JOURNAL_H
#define POSTHORN_LIB_STORE_JOURNAL_H

#include <sys/types.h>

#include "lib/store/record.h"

#define JOURNAL_NAME "posthorn.journal"
#define JOURNAL_LOCK_MS 10000
#define JOURNAL_ITEM_MAX 512 /* bytes: no arrival is longer */

struct journal {
    int dirfd; /* the folder's directory: borrowed */
    int fd;    /* -1: not open */
    dev_t dev; /* of the file: whether the name still means it */
    ino_t ino;
    bool writable;
    bool locked;
    int64_t lock_wait_ms; /* 0: JOURNAL_LOCK_MS */
    uint64_t size;        /* of the file, while locked */
    struct journal_header header;
};

/* -1 with errno: ENOENT no journal, EBADMSG not one of ours, EPROTONOSUPPORT of another version. */
int journal_open(struct journal *j, int dirfd, bool writable);
/* The same for an open descriptor, which the journal then owns (closed on failure). */
int journal_adopt_fd(struct journal *j, int dirfd, int fd, bool writable);
void journal_close(struct journal *j);
/* *replaced: the file is no longer the folder's journal (a compaction, or the folder is gone).
 * *size: its length. -1 with errno. */
int journal_look(const struct journal *j, uint64_t *size, bool *replaced);

/* Exclusive. -1 with errno: EBUSY after lock_wait_ms, ESTALE if the file was replaced meanwhile
 * (not locked then: open the new one). */
int journal_lock(struct journal *j);
/* The same, and opens the new file as often as needed. */
int journal_lock_current(struct journal *j);
/* For a new file that has not got the journal's name yet. */
int journal_lock_unnamed(struct journal *j);
void journal_unlock(struct journal *j);

/* A piece of the journal in memory; buf is the caller's to free. */
struct journal_window {
    char *buf;
    size_t cap;
    size_t len;    /* bytes in buf */
    uint64_t base; /* their offset in the journal */
};
/* Reads `want` bytes from `at` on, less if that passes `to`. -1 with errno: EPIPE, the file is
 * shorter by now. */
int journal_window_fill(const struct journal *j, struct journal_window *w, uint64_t at, uint64_t to,
                        size_t want);
/* Runs each() over the whole records in [from, to). *end: where the last one ended; less than `to`
 * if what follows is torn or being written. -1 with errno: reading failed, or each() did. */
int journal_read(const struct journal *j, uint64_t from, uint64_t to,
                 int (*each)(void *arg, const struct record *rec), void *arg, uint64_t *end);
/* The item at `offset`, as a view remembers it. `buf` holds what `item` borrows. */
int journal_read_item(const struct journal *j, uint64_t offset, struct strbuf *buf,
                      struct item *item);

/* Writes a finished record at `end`, under the lock. Nothing of it stays on failure. With `hold` a
 * lock on its bytes tells everybody that its writer lives and will settle it: journal_release, or
 * the end of the process, gives that up. */
int journal_append(struct journal *j, uint64_t end, const struct strbuf *record, bool hold);
void journal_release(const struct journal *j);
/* True while a writer other than this handle holds a record at `offset` or behind it. */
bool journal_is_held(const struct journal *j, uint64_t offset);
int journal_flush(const struct journal *j);
/* Writes these bytes once more: after a flush that failed the kernel takes them for clean, and the
 * next flush would report what it did not do. */
int journal_write_again(const struct journal *j, uint64_t from, uint64_t to);
/* Marks the record that ends at `record_end` as settled; it and its files are on disk. */
void journal_mark(const struct journal *j, uint64_t record_end);

/* A modseq for the next record: rises with the clock, so that one that a power cut took back is not
 * given out again. */
uint64_t journal_next_modseq(uint64_t highest);

/* Makes a new file `name` below dirfd with this header and the finished `records`, durable. */
int journal_write_new(int dirfd, const char *name, struct journal_header *header,
                      struct slice records);
/* The same, not flushed. Returns its descriptor, for writing, or -1 with errno. */
int journal_write_unflushed(int dirfd, const char *name, struct journal_header *header,
                            struct slice records);

#endif
