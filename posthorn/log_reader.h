/*
 * posthorn/log_reader.h - the lines of the log files, for `log` and `trace`.
 */
#ifndef POSTHORN_POSTHORN_LOG_READER_H
#define POSTHORN_POSTHORN_LOG_READER_H

#include <stdbool.h>

#include "lib/base/strbuf.h"
#include "lib/log/line_read.h"
#include "lib/oper/logs.h"

struct log_entry {
    char *line;    /* without LF */
    char *service; /* "smtp": the file that it is from */
    int rank;      /* orders lines of the same millisecond; see log_event_rank */
};

struct log_entries {
    struct log_entry *items;
    size_t count, allocated;
};

void log_entries_add(struct log_entries *list, struct slice line, const char *service);
/* By time, then rank; what is equal in both keeps its order. */
void log_entries_sort(struct log_entries *list);
/* Where an event stands in the life of a message: programs log at the same millisecond, and the
 * next one may even be a moment faster. */
int log_event_rank(struct slice event);
void log_entries_clear(struct log_entries *list);

/* Was it set aside ("smtp.log.20261123T100000.123Z") before `since`, the beginning of a log's time?
 * Then it holds nothing that is later. */
bool log_file_is_older(const char *path, struct slice since);

/* Calls each() for every log file in the directory. 0, or -1 with errno. */
int log_files_each(const char *dir, bool rotated_too,
                   void (*each)(void *arg, const char *path, const char *service), void *arg);

/* Calls each() for every line of the file, as text. 0, or -1 with errno. */
int log_file_lines(const char *path, void (*each)(void *arg, struct slice line), void *arg);

#endif
