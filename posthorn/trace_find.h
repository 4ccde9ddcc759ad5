/*
 * posthorn/trace_find.h - finds messages in the logs, and collects what the logs say about each.
 *
 * A story is a message (its queue id), a session in which something was refused before there was a
 * message, or a client that was not let in. The logs are read twice, line by line: what is kept is
 * a note for each story that meets a part of what is asked for, then the lines of those that meet
 * all.
 */
#ifndef POSTHORN_POSTHORN_TRACE_FIND_H
#define POSTHORN_POSTHORN_TRACE_FIND_H

#include "lib/base/cidr.h"
#include "posthorn/log_reader.h"

#define TRACE_STORIES_MAX 200000 /* that may be looked into */
#define TRACE_LINES_MAX 500000   /* of all stories that are told */

struct trace_wanted { /* empty: anything */
    struct slice queue_id, message_id, from, to, host;
    struct slice since, until; /* beginnings of a log's time: "2026-11-23T10" */
};

/* From what the user said: takes <> off, makes a network of `host`. NULL, or what was expected. */
const char *trace_wanted_check(struct trace_wanted *wanted);
/* A time, "2026-11-23", "2026-11-23 10:30" or more exact (UTC), or an age such as 2h, as the
 * beginning of a log's time in `out` (32 bytes). 0, or -1. */
int trace_time(struct slice text, int64_t now_ms, char out[32]);

struct trace_story {
    struct log_entries lines; /* in the order of time */
};

struct trace_result {
    struct trace_story *stories; /* in the order of time */
    size_t count, left_out;      /* older ones, beyond the limit */
    bool too_many;               /* TRACE_STORIES_MAX: nothing was found */
    bool cut;                    /* TRACE_LINES_MAX: some lines are missing */
    int error;                   /* errno of a file that could not be read, or 0 */
};

/* The newest `limit` stories in the log files of `dir`. */
void trace_find(const char *dir, const struct trace_wanted *wanted, size_t limit,
                struct trace_result *out);
void trace_result_clear(struct trace_result *result);

#endif
