/*
 * lib/oper/suite.c - the suite at a glance: services that are down, the queue, errors of late.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/log/line_read.h"
#include "lib/oper/logs.h"
#include "lib/oper/master_call.h"
#include "lib/oper/oper.h"
#include "lib/queue/queue_list.h"

enum {
    STATUS_MS = 5000,
    TAIL_MAX = 1u << 20, /* bytes of a log's end that are looked at */
    HOUR_MS = 3600 * 1000,
    TIME_SIZE = 24 /* "2026-11-27T10:00:00.123Z" */
};

/* ---- services ---- */

static bool
is_up(struct slice state)
{
    return slice_eq(state, SLICE("running")) || slice_eq(state, SLICE("stopped")) ||
           slice_eq(state, SLICE("reloading"));
}

/* How many are down that should be up; -1: master does not answer. */
static int
count_down(const struct oper *op)
{
    struct object_field *fields = xcalloc(OBJECT_FIELDS_MAX, sizeof(*fields));
    struct master_call *master = master_call_new(op->inst);
    struct master_reply reply;
    int down = -1, count;

    if (master != NULL && master_call_ask(master, "status", "", STATUS_MS, &reply) == 0) {
        down = 0;
        while ((count = object_next(&reply.data, fields)) > 0)
            down += !is_up(object_get(fields, (uint32_t)count, "state"));
    }
    master_call_free(&master);
    free(fields);
    return down;
}

/* ---- the queue ---- */

/* Messages that are there; nothing if the queue cannot be read. The queue manager's own figures
 * have also those that were removed and whose turn has not come since. */
static void
count_queue(const struct oper *op, struct strbuf *out)
{
    const struct queue_filter all = {.states = 0};
    struct queue_found *found;
    struct spool spool;
    size_t count;

    if (spool_open_readonly(&spool, op->inst->queue) < 0)
        return;
    if (queue_list_find(&spool, &all, &found, &count) == 0) {
        (void)strbuf_u64(out, count);
        xfree(&found);
    }
    spool_close(&spool);
}

/* ---- errors ---- */

struct errors {
    struct strbuf since; /* the time an hour ago, as lines have it */
    uint64_t count;
    char last_time[TIME_SIZE + 1];
    struct strbuf last; /* program and event */
};

/* "TIME program[pid] error event=NAME ...": of a line no more is told than that. */
static void
take_line(struct errors *errors, struct slice line)
{
    struct slice time = slice_split(&line, ' '), program = slice_split(&line, ' ');
    struct slice level = slice_split(&line, ' '), event = slice_split(&line, ' ');

    if (time.len != TIME_SIZE || !slice_eq(level, SLICE("error")) ||
        slice_cmp(time, strbuf_slice(&errors->since)) < 0)
        return;
    errors->count++;
    if (slice_cmp(time, slice_of(errors->last_time)) < 0)
        return;
    (void)snprintf(errors->last_time, sizeof(errors->last_time), "%.*s", (int)time.len, time.ptr);
    program = slice_sub(program, 0, slice_index(program, '['));
    strbuf_clear(&errors->last);
    (void)strbuf_printf(&errors->last, "%s %.*s %.*s", errors->last_time, (int)program.len,
                        program.ptr, (int)event.len, event.ptr);
}

static void
read_log(struct errors *errors, int dirfd, const char *name)
{
    int fd = openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    struct strbuf room = strbuf_new(LOG_JSON_MAX); /* of a line that is JSON */
    char *text = xmalloc(TAIL_MAX);
    struct stat st;
    off_t from;

    if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
        from = st.st_size > TAIL_MAX ? st.st_size - TAIL_MAX : 0;
        if (pread_exact(fd, text, (size_t)(st.st_size - from), from) == 0) {
            struct slice rest = slice_make(text, (size_t)(st.st_size - from));

            while (rest.len > 0)
                take_line(errors, log_line_as_text(slice_split(&rest, '\n'), &room));
        }
    }
    close_keep_errno(fd);
    strbuf_free(&room);
    free(text);
}

static void
read_logs(const struct oper *op, struct errors *errors)
{
    DIR *dir = opendir(op->inst->log);
    const struct dirent *entry;
    char service[64];

    while (dir != NULL && (entry = readdir(dir)) != NULL)
        if (log_file_service(entry->d_name, false, service))
            read_log(errors, dirfd(dir), entry->d_name);
    if (dir != NULL)
        (void)closedir(dir); /* was only read */
}

void
oper_suite_show(struct oper *op)
{
    struct errors errors = {.since = strbuf_new(64), .last = strbuf_new(256)};
    struct strbuf queue = strbuf_new(24), count = strbuf_new(24), down = strbuf_new(24);
    int services = count_down(op);

    if (services < 0) {
        oper_fail(op, OPER_AWAY, "master does not answer");
    } else {
        (void)clock_rfc3339(clock_real_ms() - HOUR_MS, &errors.since); /* fits */
        read_logs(op, &errors);
        count_queue(op, &queue);
        (void)strbuf_u64(&down, (uint64_t)services);
        (void)strbuf_u64(&count, errors.count);
        object_add(&op->data,
                   (const struct object_field[]){{SLICE("down"), strbuf_slice(&down)},
                                                 {SLICE("queue"), strbuf_slice(&queue)},
                                                 {SLICE("errors"), strbuf_slice(&count)},
                                                 {SLICE("last_error"), strbuf_slice(&errors.last)}},
                   4);
    }
    strbuf_free(&errors.since);
    strbuf_free(&errors.last);
    strbuf_free(&queue);
    strbuf_free(&count);
    strbuf_free(&down);
}
