/*
 * logd/log_files.c - the log files: one for each service, written in batches, rotated, pruned.
 *
 * Touches only names of the form SERVICE.log and SERVICE.log.TIME below the log directory. Lines
 * come in whole and go out whole: a write that the disk took only half of is cut back.
 */
#include "logd/log_files.h"

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
#include "lib/log/line.h"
#include "lib/log/line_read.h"

#define FILES_MAX 65           /* services and master; further ones share the last file */
#define PENDING_MAX (1u << 20) /* bytes of one file that wait for the end of the turn */
#define ROTATED_MAX 4096       /* rotated files of one service that are looked at in one go */
#define JSON_GROWTH 12         /* a line as JSON is at most so many times as long */
#define REOPEN_PAUSE_MS 1000   /* after a failed open */
#define NAME_SIZE (LOG_SERVICE_MAX + 32)
#define STAMP_SIZE 24 /* "20261123T100000.123Z" */

struct log_file {
    char service[LOG_SERVICE_MAX + 1];
    int fd; /* -1: not open */
    uint64_t size;
    int64_t created_ms;  /* real time */
    int64_t retry_at_ms; /* monotonic: no open before */
    struct strbuf pending;
    uint64_t lost; /* lines that the disk did not take, not yet told */
};

struct log_files {
    int dirfd;
    struct log_policy policy;
    struct log_file files[FILES_MAX];
    size_t count;
    _Atomic uint64_t *lines, *lines_lost, *rotations;
};

struct log_files *
log_files_new(int dirfd, const struct log_policy *policy, struct stats *stats)
{
    struct log_files *files = xcalloc(1, sizeof(*files));

    files->dirfd = dirfd;
    files->policy = *policy;
    files->lines = stats_counter(stats, "lines");
    files->lines_lost = stats_counter(stats, "lines_lost");
    files->rotations = stats_counter(stats, "rotations");
    return files;
}

static void
current_name(const struct log_file *file, char name[NAME_SIZE])
{
    (void)snprintf(name, NAME_SIZE, "%s.log", file->service); /* fits by NAME_SIZE */
}

/* 2026-11-23T10:00:00.123Z as 20261123T100000.123Z. */
static void
stamp_of(int64_t real_ms, char stamp[STAMP_SIZE])
{
    struct strbuf text = strbuf_new(64);
    size_t len = 0;

    (void)clock_rfc3339(real_ms, &text);
    for (size_t i = 0; i < text.len && len + 1 < STAMP_SIZE; i++)
        if (text.ptr[i] != '-' && text.ptr[i] != ':')
            stamp[len++] = text.ptr[i];
    stamp[len] = '\0';
    strbuf_free(&text);
}

static void
close_file(struct log_file *file)
{
    close_keep_errno(file->fd);
    file->fd = -1;
}

/* By hand, or because an administrator has emptied the log: the next line begins a new file. */
static bool
is_removed(const struct log_file *file)
{
    struct stat st;

    return fstat(file->fd, &st) == 0 && st.st_nlink == 0;
}

static int
open_file(const struct log_files *files, struct log_file *file)
{
    char name[NAME_SIZE];
    struct statx st;

    if (file->fd >= 0 && !is_removed(file))
        return 0;
    close_file(file);
    if (clock_mono_ms() < file->retry_at_ms)
        return -1;
    current_name(file, name);
    file->fd = openat(files->dirfd, name,
                      O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0640);
    if (file->fd < 0 ||
        statx(file->fd, "", AT_EMPTY_PATH, STATX_SIZE | STATX_BTIME | STATX_TYPE, &st) < 0 ||
        !S_ISREG(st.stx_mode)) {
        close_file(file);
        file->retry_at_ms = clock_mono_ms() + REOPEN_PAUSE_MS;
        return -1;
    }
    file->size = st.stx_size;
    file->created_ms = (st.stx_mask & STATX_BTIME) != 0
                           ? (int64_t)st.stx_btime.tv_sec * 1000 + st.stx_btime.tv_nsec / 1000000
                           : clock_real_ms();
    return 0;
}

static uint64_t
count_lines(struct slice lines)
{
    uint64_t count = 0;

    while (lines.len > 0) {
        (void)slice_cut_after(&lines, '\n');
        count++;
    }
    return count;
}

static void
lose(struct log_files *files, struct log_file *file, struct slice lines)
{
    uint64_t count = count_lines(lines);

    file->lost += count;
    stats_add(files->lines_lost, count);
}

/* All of `data` or nothing of it. 0, or -1 with errno. */
static int
write_whole(struct log_file *file, struct slice data)
{
    if (write_all(file->fd, data) < 0) {
        int saved = errno;

        if (ftruncate(file->fd, (off_t)file->size) < 0)
            close_file(file); /* opened anew, its size is read anew */
        errno = saved;
        return -1;
    }
    file->size += data.len;
    return 0;
}

/* Whatever a sender wrote, a line in the file has no control characters, an end, and a bound.
 * False: there was no room, and `out` is as before. */
static bool
put_line(const struct log_files *files, const struct log_file *file, struct strbuf *out,
         struct slice line)
{
    struct strbuf text = strbuf_new(LOG_LINE_MAX);
    size_t start = out->len;
    bool good;

    (void)strbuf_append(&text, slice_sub(line, 0, LOG_LINE_MAX - 1)); /* fits */
    log_text_tame(text.ptr, text.len);
    if (files->policy.json)
        log_line_json(strbuf_slice(&text), file->service, out);
    else
        (void)strbuf_append(out, strbuf_slice(&text));
    good = strbuf_char(out, '\n') && !out->overflow;
    if (!good) {
        strbuf_truncate(out, start);
        out->overflow = false; /* dealt with */
    }
    strbuf_free(&text);
    return good;
}

static void
tell_lost(const struct log_files *files, struct log_file *file)
{
    struct strbuf line = strbuf_new(LOG_LINE_MAX), out = strbuf_new(LOG_JSON_MAX);
    struct log_origin origin = {.program = "logd", .pid = (long)getpid()};
    const struct log_kv pairs[] = {KV_U64("count", file->lost), KV_END};

    if (log_line_encode(&line, clock_real_ms(), &origin, LOG_ERROR, "log_lines_lost", pairs) &&
        put_line(files, file, &out, slice_trim(strbuf_slice(&line))) &&
        write_whole(file, strbuf_slice(&out)) == 0)
        file->lost = 0;
    strbuf_free(&line);
    strbuf_free(&out);
}

static bool
is_rotated(const char *name, const char *prefix)
{
    size_t len = strlen(prefix);

    return strncmp(name, prefix, len) == 0 && name[len] >= '0' && name[len] <= '9' &&
           strlen(name) < NAME_SIZE;
}

static int
by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The names of a service's rotated files, oldest first; the caller frees them. */
static size_t
list_rotated(const struct log_files *files, const char *prefix, char **names)
{
    int fd = openat(files->dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    const struct dirent *entry;
    size_t count = 0;

    if (dir == NULL) {
        close_keep_errno(fd);
        return 0;
    }
    while (count < ROTATED_MAX && (entry = readdir(dir)) != NULL)
        if (is_rotated(entry->d_name, prefix))
            names[count++] = xstrdup(entry->d_name);
    (void)closedir(dir); /* nothing was written through it */
    qsort(names, count, sizeof(names[0]), by_name);
    return count;
}

static void
prune(const struct log_files *files, const struct log_file *file)
{
    char **names = xcalloc(ROTATED_MAX, sizeof(*names));
    char prefix[NAME_SIZE], oldest[NAME_SIZE] = "", stamp[STAMP_SIZE];
    uint64_t keep = files->policy.keep_files;
    size_t count;

    (void)snprintf(prefix, sizeof(prefix), "%s.log.", file->service);
    if (files->policy.keep_age_ms > 0) {
        stamp_of(clock_real_ms() - (int64_t)files->policy.keep_age_ms, stamp);
        (void)snprintf(oldest, sizeof(oldest), "%.*s%s", LOG_SERVICE_MAX + 5, prefix, stamp);
    }
    count = list_rotated(files, prefix, names);
    for (size_t i = 0; i < count; i++) {
        if ((keep > 0 && count - i > keep) || strcmp(names[i], oldest) < 0)
            unlink_keep_errno(files->dirfd, names[i]);
        free(names[i]);
    }
    free(names);
}

/* "smtp.log" or "smtp.log.20261123T100000.123Z": the service, and what is behind ".log.". False:
 * no file of ours. */
static bool
parse_name(const char *name, struct slice *service, const char **stamp)
{
    const char *end = strstr(name, ".log");

    if (end == NULL)
        return false;
    *service = slice_make(name, (size_t)(end - name));
    if (!log_service_valid(*service) || strlen(name) >= NAME_SIZE)
        return false;
    *stamp = end[4] == '.' ? end + 5 : end + 4;
    return end[4] == '\0' || (end[4] == '.' && **stamp >= '0' && **stamp <= '9');
}

static bool
is_open(const struct log_files *files, struct slice service)
{
    for (size_t i = 0; i < files->count; i++)
        if (slice_eq(slice_of(files->files[i].service), service))
            return files->files[i].fd >= 0;
    return false;
}

/* The last file of a service that has not logged since we began: it becomes as old as its end. */
static void
set_aside(const struct log_files *files, const char *name, struct slice service)
{
    char to[NAME_SIZE], stamp[STAMP_SIZE];
    int64_t end_ms;
    struct stat st;

    if (files->policy.rotate_age_ms == 0 || is_open(files, service) ||
        fstatat(files->dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode))
        return;
    end_ms = (int64_t)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000;
    if (clock_real_ms() - end_ms < (int64_t)files->policy.rotate_age_ms)
        return;
    stamp_of(end_ms, stamp);
    (void)snprintf(to, sizeof(to), "%.*s.log.%s", (int)service.len, service.ptr, stamp);
    (void)renameat2(files->dirfd, name, files->dirfd, to, RENAME_NOREPLACE); /* else next time */
}

/* Services come and go; what they have logged ends like what the others have. */
static void
tend_forgotten(const struct log_files *files)
{
    int fd = openat(files->dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    char oldest[STAMP_SIZE] = "";
    const struct dirent *entry;
    struct slice service;
    const char *stamp;

    if (dir == NULL) {
        close_keep_errno(fd);
        return;
    }
    if (files->policy.keep_age_ms > 0)
        stamp_of(clock_real_ms() - (int64_t)files->policy.keep_age_ms, oldest);
    while ((entry = readdir(dir)) != NULL) {
        if (!parse_name(entry->d_name, &service, &stamp))
            continue;
        if (stamp[0] == '\0')
            set_aside(files, entry->d_name, service);
        else if (strcmp(stamp, oldest) < 0)
            unlink_keep_errno(files->dirfd, entry->d_name);
    }
    (void)closedir(dir); /* nothing was written through it */
}

static void
rotate(struct log_files *files, struct log_file *file)
{
    char name[NAME_SIZE], to[NAME_SIZE], stamp[STAMP_SIZE];

    current_name(file, name);
    stamp_of(clock_real_ms(), stamp);
    (void)snprintf(to, sizeof(to), "%s.log.%s", file->service, stamp);
    if (renameat2(files->dirfd, name, files->dirfd, to, RENAME_NOREPLACE) < 0)
        return; /* the file goes on growing; the next batch tries again */
    close_file(file);
    stats_add(files->rotations, 1);
    prune(files, file);
}

static bool
is_due(const struct log_files *files, const struct log_file *file, size_t more)
{
    const struct log_policy *p = &files->policy;

    if (file->size == 0)
        return false;
    if (p->rotate_size > 0 && file->size + more > p->rotate_size)
        return true;
    return p->rotate_age_ms > 0 && clock_real_ms() - file->created_ms >= (int64_t)p->rotate_age_ms;
}

static void
flush_file(struct log_files *files, struct log_file *file)
{
    struct slice data = strbuf_slice(&file->pending);

    if (data.len == 0)
        return;
    if (open_file(files, file) == 0 && is_due(files, file, data.len))
        rotate(files, file);
    if (open_file(files, file) == 0 && file->lost > 0)
        tell_lost(files, file);
    if (file->fd < 0 || write_whole(file, data) < 0)
        lose(files, file, data);
    else if (files->policy.sync)
        (void)fdatasync(file->fd); /* its failure is the next write's as well */
    strbuf_clear(&file->pending);
}

static struct log_file *
file_of(struct log_files *files, struct slice service)
{
    struct log_file *file;

    for (size_t i = 0; i < files->count; i++)
        if (slice_eq(slice_of(files->files[i].service), service))
            return &files->files[i];
    if (files->count == FILES_MAX)
        return &files->files[FILES_MAX - 1];
    file = &files->files[files->count++];
    memset(file, 0, sizeof(*file));
    memcpy(file->service, service.ptr, service.len);
    file->fd = -1;
    file->pending = strbuf_new(PENDING_MAX);
    return file;
}

void
log_files_append(struct log_files *files, struct slice service, struct slice lines)
{
    struct log_file *file = file_of(files, service);

    if (PENDING_MAX - file->pending.len < lines.len * (files->policy.json ? JSON_GROWTH : 1) + 1)
        flush_file(files, file);
    while (lines.len > 0) {
        (void)put_line(files, file, &file->pending, slice_split(&lines, '\n')); /* has room */
        stats_add(files->lines, 1);
    }
}

void
log_files_flush(struct log_files *files)
{
    for (size_t i = 0; i < files->count; i++)
        flush_file(files, &files->files[i]);
}

void
log_files_reopen(struct log_files *files)
{
    log_files_flush(files);
    for (size_t i = 0; i < files->count; i++)
        close_file(&files->files[i]);
}

void
log_files_tend(struct log_files *files)
{
    for (size_t i = 0; i < files->count; i++) {
        struct log_file *file = &files->files[i];

        if (file->fd >= 0 && is_removed(file))
            close_file(file);
        if (file->fd >= 0 && is_due(files, file, 0))
            rotate(files, file);
        prune(files, file);
    }
    tend_forgotten(files);
}

void
log_files_free(struct log_files **filesp)
{
    struct log_files *files = *filesp;

    if (files == NULL)
        return;
    log_files_reopen(files);
    for (size_t i = 0; i < files->count; i++)
        strbuf_free(&files->files[i].pending);
    xfree(filesp);
}
