/*
 * lib/archive/days.h - the archive's directory: YYYY/MM/DD, in each the day's chain and its files.
 *
 * For archived, which writes it, and the command line, which reads it. Nothing of it is believed:
 * names that are no day's are passed over, links are not followed.
 */
#ifndef POSTHORN_LIB_ARCHIVE_DAYS_H
#define POSTHORN_LIB_ARCHIVE_DAYS_H

#include "lib/archive/chain.h"

#define ARCHIVE_DAY_SIZE 11   /* "2026/11/27" with its NUL */
#define ARCHIVE_CHAIN "chain" /* in the directory of a day */
#define ARCHIVE_TMP "tmp"     /* beside the years: files that are being written */
#define ARCHIVE_SUFFIX ".eml"
#define ARCHIVE_NAME_SIZE 40 /* ID.eml with its NUL */
#define ARCHIVE_DAYS_MAX 200000u

struct archive_days {
    char (*items)[ARCHIVE_DAY_SIZE]; /* in order */
    size_t count;
};

/* The day of a time in UTC. */
void archive_day_of(int64_t real_ms, char out[ARCHIVE_DAY_SIZE]);
/* "2026-11-27" or "2026/11/27". 0, or -1. */
int archive_day_parse(struct slice text, char out[ARCHIVE_DAY_SIZE]);

/* All days that have a directory. 0, or -1 with errno. */
int archive_days_read(int rootfd, struct archive_days *out);
void archive_days_free(struct archive_days *days);

/* Something in the directory of a day, read-only. -1 with errno. */
int archive_open_in(int rootfd, const char *day, const char *name);
/* "ID.eml" */
void archive_file_name(struct slice id, char out[ARCHIVE_NAME_SIZE]);

/* A chain, line by line. */
struct chain_reader;
struct chain_reader *chain_reader_new(int fd); /* owns fd, a regular file */
void chain_reader_free(struct chain_reader **readerp);
/* The next line without its newline, borrowed until the next call. 1; 0: the end, with in *torn the
 * bytes behind the last newline; -1 with errno (EFBIG: a line that is too long). */
int chain_reader_next(struct chain_reader *reader, struct slice *line, uint64_t *torn);

#endif
