/*
 * lib/oper/logs.c - log files: which there are, their last lines, getting rid of them. Names come
 * from the network: nothing is opened that is not named as logd names its files.
 */
#include "lib/oper/logs.h"

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
#include "lib/base/parse.h"
#include "lib/log/line.h"
#include "lib/log/line_read.h"
#include "lib/oper/oper.h"

enum {
    TAIL_MAX = 8u << 20, /* bytes of a file's end that are looked at */
    LINES_MAX = 1000,
    LINES_DEFAULT = 100,
    NAME_SIZE = 128
};

bool
log_file_service(const char *name, bool rotated_too, char service[64])
{
    struct slice rest = slice_of(name), first = slice_split(&rest, '.');

    if (!log_service_valid(first) || !slice_starts(rest, SLICE("log")))
        return false;
    rest = slice_sub(rest, 3, rest.len);
    if (rest.len > 0 && (!rotated_too || rest.ptr[0] != '.' || rest.len < 2 || rest.ptr[1] < '0' ||
                         rest.ptr[1] > '9'))
        return false;
    (void)snprintf(service, 64, "%.*s", (int)first.len, first.ptr);
    return true;
}

/* The request's name as a file's: "smtp" is smtp.log. False, and the answer says why. */
static bool
take_name(struct oper *op, char file[NAME_SIZE], char service[64])
{
    struct slice given = op->request->name;

    if (given.len > 0 && given.len < NAME_SIZE - 8 && slice_index(given, '/') == given.len &&
        slice_index(given, '\0') == given.len) {
        (void)snprintf(file, NAME_SIZE, "%.*s%s", (int)given.len, given.ptr,
                       slice_index(given, '.') == given.len ? ".log" : "");
        if (log_file_service(file, true, service))
            return true;
    }
    oper_fail(op, OPER_BAD, "expected a service or the name of a log file");
    return false;
}

static int
open_directory(struct oper *op)
{
    int fd = open(op->inst->log, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0)
        oper_fail(op, OPER_REFUSED, "the log directory cannot be opened: %s", strerror(errno));
    return fd;
}

/* ---- list ---- */

static void
add_file(struct oper *op, int dirfd, const char *name)
{
    struct strbuf modified = strbuf_new(64);
    char service[64], bytes[24];
    struct stat st;

    if (log_file_service(name, true, service) &&
        fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode)) {
        (void)snprintf(bytes, sizeof(bytes), "%lld", (long long)st.st_size);
        (void)clock_rfc3339((int64_t)st.st_mtim.tv_sec * 1000, &modified); /* fits */
        object_add(&op->data,
                   (const struct object_field[]){{SLICE("file"), slice_of(name)},
                                                 {SLICE("service"), slice_of(service)},
                                                 {SLICE("bytes"), slice_of(bytes)},
                                                 {SLICE("modified"), strbuf_slice(&modified)}},
                   4);
    }
    strbuf_free(&modified);
}

static int
by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

void
oper_logs_list(struct oper *op)
{
    struct dirent **names = NULL;
    int dirfd = open_directory(op);
    int count = dirfd < 0 ? 0 : scandir(op->inst->log, &names, NULL, by_name);
    uint64_t rows = 0;

    for (int i = 0; i < count; i++) {
        struct slice name = slice_of(names[i]->d_name);

        if (slice_cmp(name, op->request->cursor) > 0 && op->cursor.len == 0) {
            add_file(op, dirfd, names[i]->d_name);
            if (oper_page_full(op, ++rows) && i + 1 < count)
                (void)strbuf_append(&op->cursor, slice_sub(name, 0, NAME_SIZE));
        }
        free(names[i]);
    }
    free(names);
    close_keep_errno(dirfd);
}

/* ---- reading ---- */

static bool
contains(struct slice text, struct slice wanted)
{
    for (size_t i = 0; i + wanted.len <= text.len; i++)
        if (slice_eq_nocase(slice_sub(text, i, i + wanted.len), wanted))
            return true;
    return false;
}

/* Backwards, line by line: the last `lines` of them that match, as far as an answer holds them. */
static void
add_lines(struct oper *op, struct slice text, bool cut, uint64_t lines)
{
    struct slice found[LINES_MAX], search = oper_field(op, "search");
    struct strbuf room = strbuf_new(LOG_JSON_MAX);
    size_t count = 0, bytes = 0;

    while (text.len > 0 && count < lines && bytes < OPER_PAGE_BYTES) {
        struct slice whole =
            slice_ends(text, SLICE("\n")) ? slice_sub(text, 0, text.len - 1) : text;
        size_t start = slice_rindex(whole, '\n');
        struct slice line = start < whole.len ? slice_sub(whole, start + 1, whole.len) : whole;
        struct slice plain = log_line_as_text(line, &room);

        text = start < whole.len ? slice_sub(text, 0, start + 1) : slice_sub(text, 0, 0);
        if (text.len == 0 && cut)
            break; /* its beginning is not here */
        if (line.len == 0 || !contains(plain, search))
            continue;
        found[count++] = line;
        bytes += slice_sub(plain, 0, LOG_LINE_MAX).len;
    }
    while (count-- > 0) {
        struct slice plain = slice_sub(log_line_as_text(found[count], &room), 0, LOG_LINE_MAX);

        object_add(&op->data, &(const struct object_field){SLICE("line"), plain}, 1);
    }
    strbuf_free(&room);
}

static void
read_tail(struct oper *op, int fd, uint64_t lines)
{
    struct stat st;
    off_t from;
    size_t len;
    char *text;

    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
        oper_fail(op, OPER_UNKNOWN, "there is no such log");
        return;
    }
    from = st.st_size > TAIL_MAX ? st.st_size - TAIL_MAX : 0;
    len = (size_t)(st.st_size - from);
    text = xmalloc(len + 1);
    if (pread_exact(fd, text, len, from) < 0)
        oper_fail(op, OPER_REFUSED, "the log cannot be read: %s", strerror(errno));
    else
        add_lines(op, slice_make(text, len), from > 0, lines);
    free(text);
}

void
oper_logs_read(struct oper *op)
{
    char file[NAME_SIZE], service[64];
    uint64_t lines = LINES_DEFAULT;
    int dirfd, fd;

    if (oper_field(op, "lines").len > 0 &&
        (parse_u64(oper_field(op, "lines"), LINES_MAX, &lines) < 0 || lines == 0)) {
        oper_fail(op, OPER_BAD, "lines: expected 1 to %d", LINES_MAX);
        return;
    }
    if (!take_name(op, file, service) || (dirfd = open_directory(op)) < 0)
        return;
    fd = openat(dirfd, file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        oper_fail(op, OPER_UNKNOWN, "there is no log '%s'", file);
    else
        read_tail(op, fd, lines);
    close_keep_errno(fd);
    close_keep_errno(dirfd);
}

/* ---- getting rid of them ---- */

static void
remove_file(struct oper *op, const char *file)
{
    int dirfd = open_directory(op);

    if (dirfd < 0)
        return;
    if (unlinkat(dirfd, file, 0) == 0)
        oper_tell(op, SLICE(""), SLICE(""), SLICE(""));
    else
        oper_fail(op, errno == ENOENT ? OPER_UNKNOWN : OPER_REFUSED, "%s: %s", file,
                  strerror(errno));
    close_keep_errno(dirfd);
}

/* The name goes; logd sees that its file has none and makes a new one (logd/log_files.c): nobody
 * else writes there. */
void
oper_logs_empty(struct oper *op)
{
    char file[NAME_SIZE], service[64];

    if (!take_name(op, file, service))
        return;
    if (strcmp(service, LOG_AUDIT) == 0)
        oper_fail(op, OPER_REFUSED, "the record of changes is not emptied from here");
    else if (!log_file_service(file, false, service))
        oper_fail(op, OPER_BAD, "expected a service");
    else
        remove_file(op, file);
}

void
oper_logs_delete(struct oper *op)
{
    char file[NAME_SIZE], service[64];

    if (!take_name(op, file, service))
        return;
    if (strcmp(service, LOG_AUDIT) == 0)
        oper_fail(op, OPER_REFUSED, "the record of changes is not removed from here");
    else if (log_file_service(file, false, service))
        oper_fail(op, OPER_REFUSED, "%s is in use: it can be emptied", file);
    else
        remove_file(op, file);
}
