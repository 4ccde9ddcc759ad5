/*
 * accountd/book.h - a user's book: the last entries of each kind in rings, and sums by day and
 * month. A file of fixed size for each user, DOMAIN/xx/USER below db/recent (lib/account/
 * store_path.h).
 *
 * Nothing is flushed: a power cut takes what the kernel had not written, and each entry and sum has
 * a checksum, so half of one is none. One process writes (accountd/recorder). Days are UTC.
 */
#ifndef POSTHORN_ACCOUNTD_BOOK_H
#define POSTHORN_ACCOUNTD_BOOK_H

#include <stdint.h>

#include "lib/base/slice.h"

enum book_kind {
    BOOK_SENT,
    BOOK_RECEIVED,
    BOOK_DELETED,
    BOOK_LOGIN,
    BOOK_REFUSED, /* logins that failed: apart, so that who guesses pushes out no others */
    BOOK_KINDS
};

#define BOOK_ENTRIES 32 /* of a kind; the next one takes the oldest's place */
#define BOOK_DAYS 62
#define BOOK_MONTHS 14 /* this one and 13 before it */
#define BOOK_CLIENT_MAX 45
#define BOOK_RESULT_MAX 80

struct book_entry {
    int64_t time_ms;
    uint64_t bytes;
    uint32_t local, remote; /* SENT: recipients; DELETED: messages in `local`; RECEIVED: one is 1 */
    struct slice client;    /* address, or empty */
    struct slice what;      /* recipients, sender, folder, location; cut where there is no room */
    struct slice result;
};

enum book_figure {
    BOOK_SENT_LOCAL_MESSAGES,
    BOOK_SENT_LOCAL_RCPTS,
    BOOK_SENT_LOCAL_BYTES,
    BOOK_SENT_REMOTE_MESSAGES,
    BOOK_SENT_REMOTE_RCPTS,
    BOOK_SENT_REMOTE_BYTES,
    BOOK_RECEIVED_LOCAL_MESSAGES,
    BOOK_RECEIVED_LOCAL_BYTES,
    BOOK_RECEIVED_REMOTE_MESSAGES,
    BOOK_RECEIVED_REMOTE_BYTES,
    BOOK_SMTP_LOGINS,
    BOOK_FIGURES
};

/* Days since 1970, or the month when `by_month`. */
struct book_period {
    uint32_t first_day, last_day;
    bool by_month;
    uint32_t month; /* since January 1970 */
};
uint32_t book_day_of(int64_t time_ms);
uint32_t book_month_of_day(uint32_t day);

struct books; /* those that are open, a bounded number */

/* `dirfd` is borrowed. */
struct books *books_new(int dirfd);
void books_free(struct books **booksp); /* flushes */
/* All that is in memory alone goes to the files. 0, or -1 with errno: some of it is lost. */
int books_flush(struct books *books);

/* Takes the entry in (`listed`), and adds `figures` to the sums of its day and month; NULL:
 * nothing. 0, or -1 with errno. */
int books_note(struct books *books, const char *path, enum book_kind kind,
               const struct book_entry *entry, bool listed, const uint64_t figures[BOOK_FIGURES]);
/* The user has another name, or none. A book that is not there is fine; one in the way goes. */
int books_move(struct books *books, const char *path, const char *new_path);
int books_remove(struct books *books, const char *path);

/* The entries of a kind, newest first; borrowed from the call. A user without a book has none. 0,
 * or -1 with errno. */
int books_list(struct books *books, const char *path, enum book_kind kind,
               void (*each)(void *arg, const struct book_entry *entry), void *arg);
/* Sums of a period; zeros where nothing is known. 0, or -1 with errno. */
int books_sums(struct books *books, const char *path, const struct book_period *period,
               uint64_t figures[BOOK_FIGURES]);

#endif
