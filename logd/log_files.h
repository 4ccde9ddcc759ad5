/*
 * logd/log_files.h - the log files: one for each service, written in batches, rotated, pruned.
 *
 * log/smtp.log is the current file; rotated ones are log/smtp.log.TIME with TIME as in
 * 20261123T100000.123Z, so that their names sort by time. A full disk costs lines, never the
 * process: they are counted, and the count is written once there is room again.
 */
#ifndef POSTHORN_LOGD_LOG_FILES_H
#define POSTHORN_LOGD_LOG_FILES_H

#include <stdint.h>

#include "lib/base/slice.h"
#include "lib/sys/stats.h"

struct log_policy {
    uint64_t rotate_size;   /* bytes; 0: never by size */
    uint64_t rotate_age_ms; /* 0: never by age */
    uint64_t keep_files;    /* rotated ones of each service; 0: no limit */
    uint64_t keep_age_ms;   /* of rotated ones; 0: no limit */
    bool sync;              /* flush each batch to the disk */
    bool json;              /* each line as a JSON object (lib/log/line_read.h) */
};

struct log_files;

/* `dirfd` is the log directory, opened for reading; it and `stats` are borrowed. */
struct log_files *log_files_new(int dirfd, const struct log_policy *policy, struct stats *stats);
void log_files_free(struct log_files **filesp); /* writes what is pending */

/* Takes whole lines for the file of `service` (a valid name). */
void log_files_append(struct log_files *files, struct slice service, struct slice lines);
void log_files_flush(struct log_files *files); /* once a loop turn */
/* Closes all, so that the next line opens them anew: another program has moved them away. */
void log_files_reopen(struct log_files *files);
/* Rotates by age, removes what is too old, notices deleted files: every now and then. */
void log_files_tend(struct log_files *files);

#endif
