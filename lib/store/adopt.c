/*
 * lib/store/adopt.c - takes messages over that other programs put into the Maildir.
 *
 * Trusts no name and no content: only regular files are taken, without following links; a name that
 * would not do in a journal is replaced.
 */
#include "lib/store/adopt.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/crc32c.h"
#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/base/random.h"
#include "lib/store/beneath.h"
#include "lib/store/ledger.h"

#define COPY_STEP ((size_t)65536)
#define RECORD_FILL (1u << 20) /* bytes of items in one record */
#define PATH_SIZE 300

#define ADOPT_AT_ONCE 1000 /* files of new/ in one record: some 30 ms under the lock */

struct adopted {
    uint64_t bytes;
    int count;
};

struct names {
    char **list;
    size_t count, cap;
};

static void
names_free(struct names *n)
{
    for (size_t i = 0; i < n->count; i++)
        free(n->list[i]);
    xfree(&n->list);
}

/* Order of arrival: a Maildir name begins with the time in seconds. */
static int
by_time(const void *a, const void *b)
{
    const char *x = *(char *const *)a, *y = *(char *const *)b;
    unsigned long long tx = strtoull(x, NULL, 10), ty = strtoull(y, NULL, 10);

    return tx != ty ? (tx < ty ? -1 : 1) : strcmp(x, y);
}

/* The files of one of the three directories, sorted. */
static int
names_read(int dirfd, const char *sub, struct names *n)
{
    int fd = beneath_open_dir(dirfd, sub);
    DIR *dir;
    struct dirent *e;

    *n = (struct names){0};
    if (fd < 0)
        return -1;
    dir = fdopendir(fd);
    if (dir == NULL) {
        close_keep_errno(fd);
        return -1;
    }
    while ((e = readdir(dir)) != NULL) {
        if (e->d_name[0] == '.')
            continue;
        if (n->count == n->cap) {
            n->cap = n->cap == 0 ? 16 : n->cap * 2;
            n->list = xreallocarray(n->list, n->cap, sizeof(*n->list));
        }
        n->list[n->count++] = xstrdup(e->d_name);
    }
    (void)closedir(dir); /* read only */
    if (n->count > 1)
        qsort(n->list, n->count, sizeof(*n->list), by_time);
    return 0;
}

/* ---- line ends ---- */

struct line_ends {
    int out;   /* -1: only look */
    bool bare; /* a LF without CR was seen */
    char last;
    uint32_t crc;  /* of the message with CRLF, once all of it was read */
    uint64_t size; /* likewise */
};

/* Looks through `in` for bare LFs, or copies it with CRLF. `buf` is for what differs from `in`. */
static int
convert_step(struct line_ends *e, struct slice in, struct strbuf *buf)
{
    const char *from = in.ptr, *end = in.ptr + in.len, *lf;
    struct slice out = in;

    strbuf_clear(buf);
    for (const char *at = in.ptr; (lf = memchr(at, '\n', (size_t)(end - at))) != NULL;
         at = lf + 1) {
        if ((lf > in.ptr ? lf[-1] : e->last) == '\r')
            continue;
        e->bare = true; /* there is room for twice the input */
        (void)(strbuf_append(buf, slice_make(from, (size_t)(lf - from))) && strbuf_char(buf, '\r'));
        from = lf;
    }
    e->last = end[-1];
    if (from > in.ptr || buf->len > 0) {
        (void)strbuf_append(buf, slice_make(from, (size_t)(end - from)));
        out = strbuf_slice(buf);
    }
    e->crc = crc32c(e->crc, out);
    e->size += out.len;
    return e->out < 0 ? 0 : write_all(e->out, out);
}

/* All of a file of some `size` bytes, mostly by one read into as much memory: larger blocks for
 * each of many small files cost more than reading them. */
static int
convert(int fd, off_t size, struct line_ends *e)
{
    size_t step = size < (off_t)COPY_STEP ? (size_t)size + 1 : COPY_STEP;
    struct strbuf buf = strbuf_new((size_t)2 * COPY_STEP);
    char *in = xmalloc(step);
    off_t at = 0;
    ssize_t n = (ssize_t)step;
    int rc = 0;

    while (rc == 0 && n > 0 && ((size_t)n == step || at < size) && (e->out >= 0 || !e->bare)) {
        n = pread(fd, in, step, at);
        if (n > 0)
            rc = convert_step(e, slice_make(in, (size_t)n), &buf);
        else if (n < 0)
            rc = -1;
        at += n;
    }
    strbuf_free(&buf);
    xfree(&in);
    return rc;
}

/* Replaces the file at `path` by a copy with CRLF, with the same date; `copied` is about that. */
static int
rewrite(int dirfd, const char *path, int fd, const struct stat *old, struct line_ends *copied)
{
    struct line_ends e = {.last = '\0'};
    struct timespec times[2] = {old->st_atim, old->st_mtim};
    char tmp[40], unique[17];
    int rc = -1;

    random_name(unique, sizeof(unique) - 1);
    (void)snprintf(tmp, sizeof(tmp), "tmp/%s", unique);
    e.out = beneath_open(dirfd, tmp, O_RDWR | O_CREAT | O_EXCL, 0600);
    if (e.out < 0)
        return -1;
    if (convert(fd, old->st_size, &e) == 0 && futimens(e.out, times) == 0 && fsync(e.out) == 0)
        rc = renameat(dirfd, tmp, dirfd, path);
    if (rc < 0)
        unlink_keep_errno(dirfd, tmp);
    close_keep_errno(e.out);
    *copied = e;
    return rc;
}

/* ---- one file ---- */

uint32_t
adopt_flags_of_name(const char *name, bool *forwarded)
{
    static const struct {
        char letter;
        uint32_t flag;
    } letters[] = {{'D', MESSAGE_DRAFT},
                   {'F', MESSAGE_FLAGGED},
                   {'R', MESSAGE_ANSWERED},
                   {'S', MESSAGE_SEEN},
                   {'T', MESSAGE_DELETED}};
    const char *info = strstr(name, ":2,");
    uint32_t flags = 0;

    if (info == NULL)
        return 0;
    for (size_t i = 0; i < ARRAY_LEN(letters); i++)
        if (strchr(info + 3, letters[i].letter) != NULL)
            flags |= letters[i].flag;
    *forwarded = strchr(info + 3, 'P') != NULL;
    return flags;
}

/* Makes the file fit (CRLF: at most twice as long) and fills in what it says of itself. 1: it is no
 * message file. */
static int
examine(int dirfd, const char *path, struct arrival *a)
{
    struct line_ends e = {.out = -1};
    struct stat st;
    int fd = beneath_open(dirfd, path, O_RDONLY | O_NONBLOCK, 0);
    int rc = 1;

    if (fd < 0)
        return errno == ENOENT || errno == ELOOP ? 1 : -1;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size <= RECORD_SIZE_MAX / 2) {
        rc = convert(fd, st.st_size, &e);
        if (rc == 0 && e.bare)
            rc = rewrite(dirfd, path, fd, &st, &e);
        a->crc = e.crc;
        a->m.size = e.size;
        a->m.internal_ms = (int64_t)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000;
        a->saved_ms = clock_real_ms();
    }
    close_keep_errno(fd);
    return rc;
}

/* ---- cur/ of a folder without a journal ---- */

struct cur_adoption {
    struct strbuf record;
    struct strbuf *records;
    struct record_state *state;
    uint64_t offset; /* of the record in the journal */
    bool forwarded;  /* keyword bit 0 is named */
};

static int
finish_record(struct cur_adoption *c)
{
    if (record_finish(&c->record, c->state, 0) < 0)
        return -1;
    record_set_mark(&c->record);
    c->offset += c->record.len;
    if (!strbuf_append(c->records, strbuf_slice(&c->record))) {
        errno = E2BIG;
        return -1;
    }
    record_begin(&c->record, 0, clock_real_ms());
    return 0;
}

static int
adopt_cur_file(struct cur_adoption *c, int dirfd, const char *name, bool inbox)
{
    struct arrival a = {.name = slice_of(name)};
    char path[PATH_SIZE], email_id[EMAIL_ID_SIZE];
    bool forwarded = false;
    int rc;

    if (!record_name_valid(a.name))
        return 0;
    (void)snprintf(path, sizeof(path), "cur/%s", name);
    rc = examine(dirfd, path, &a);
    if (rc != 0)
        return rc < 0 ? -1 : 0;
    folder_email_id_new(email_id);
    a.email_id = slice_of(email_id);
    a.m.flags = adopt_flags_of_name(name, &forwarded);
    if (forwarded && !c->forwarded)
        record_add_keyword(&c->record, 0, SLICE("$Forwarded"));
    c->forwarded |= forwarded;
    a.m.keywords = forwarded ? 1 : 0;
    a.m.uid = c->state->uidnext++;
    a.m.modseq = c->state->modseq;
    c->state->count++;
    c->state->recent++;
    c->state->bytes += a.m.size;
    c->state->unseen += (a.m.flags & MESSAGE_SEEN) == 0;
    if (inbox) {
        c->state->user_bytes += a.m.size;
        c->state->user_messages++;
    }
    record_add_arrival(&c->record, &a);
    return c->record.len > RECORD_FILL ? finish_record(c) : 0;
}

int
adopt_cur(int dirfd, struct strbuf *records, uint64_t journal_offset, struct record_state *state,
          bool inbox)
{
    struct cur_adoption c = {.record = strbuf_new(RECORD_MAX),
                             .records = records,
                             .state = state,
                             .offset = journal_offset};
    struct names n;
    int rc = names_read(dirfd, "cur", &n);

    if (rc < 0)
        return -1;
    record_begin(&c.record, 0, clock_real_ms());
    for (size_t i = 0; i < n.count && rc == 0; i++)
        rc = adopt_cur_file(&c, dirfd, n.list[i], inbox);
    if (rc == 0 && n.count > 0)
        rc = finish_record(&c);
    if (rc == 0 && n.count > 0)
        rc = beneath_sync_dir(dirfd, "cur"); /* rewritten files are there under their names */
    strbuf_free(&c.record);
    names_free(&n);
    return rc;
}

/* ---- new/ ---- */

/* The name that a file of new/ gets in cur/: the same at every attempt. */
static void
cur_name(const char *name, char out[FILE_NAME_SIZE])
{
    int n = snprintf(out, FILE_NAME_SIZE, "%s%s", name, strstr(name, ":2,") == NULL ? ":2," : "");

    if (n < 0 || n >= FILE_NAME_SIZE || !record_name_valid(slice_of(out)))
        (void)snprintf(out, FILE_NAME_SIZE, "adopted.%08x%zu:2,", crc32c(0, slice_of(name)),
                       strlen(name));
}

struct name_search {
    struct slice name;
    bool found;
};

static int
search_name(void *arg, const struct record *rec)
{
    struct name_search *s = arg;
    struct item item;
    size_t at = 0;

    while (!s->found && record_next_item(rec, &at, &item) > 0)
        s->found = item.type == ITEM_ARRIVE && slice_eq(item.arrival.name, s->name);
    return 0;
}

/* True if a message of that name is or was in the journal (an adoption that did not get to the
 * end). */
static bool
journal_knows(const struct appender *a, struct slice name)
{
    struct name_search s = {.name = name};
    uint64_t end;

    return journal_read(a->journal, sizeof(struct journal_header), a->tail.end, search_name, &s,
                        &end) == 0 &&
           s.found;
}

enum taken { TAKEN_NOT, TAKEN_KNOWN, TAKEN_NEW };

/* The file's name in cur/, linked; true if it was there before. */
static int
link_into_cur(int dirfd, const char *name, const char *path, uint64_t size,
              char cur[FILE_NAME_SIZE], bool *was_there)
{
    char target[FILE_PATH_SIZE];
    struct stat mine, there;

    cur_name(name, cur);
    folder_cur_path(target, slice_of(cur));
    *was_there = false;
    if (linkat(dirfd, path, dirfd, target, 0) == 0)
        return 0;
    if (errno != EEXIST || fstatat(dirfd, path, &mine, AT_SYMLINK_NOFOLLOW) < 0 ||
        fstatat(dirfd, target, &there, AT_SYMLINK_NOFOLLOW) < 0)
        return -1;
    *was_there = mine.st_ino == there.st_ino && mine.st_dev == there.st_dev;
    if (*was_there)
        return 0;
    folder_file_name(cur, size); /* somebody gave a name for the second time */
    folder_cur_path(target, slice_of(cur));
    return linkat(dirfd, path, dirfd, target, 0);
}

/* Links one file into cur/ and adds its arrival. One that cannot be taken now (no room, not ours to
 * read, no message) stays where it is and stops nothing. */
static enum taken
adopt_new_file(struct appender *a, int dirfd, const char *name, struct adopted *sum)
{
    struct arrival arrival = {0};
    char cur[FILE_NAME_SIZE], path[PATH_SIZE], email_id[EMAIL_ID_SIZE];
    bool forwarded = false, was_there;

    (void)snprintf(path, sizeof(path), "new/%s", name);
    if (examine(dirfd, path, &arrival) != 0 ||
        link_into_cur(dirfd, name, path, arrival.m.size, cur, &was_there) < 0)
        return TAKEN_NOT;
    folder_email_id_new(email_id);
    arrival.email_id = slice_of(email_id);
    arrival.name = slice_of(cur);
    if (was_there && journal_knows(a, arrival.name))
        return TAKEN_KNOWN;
    arrival.m.flags = adopt_flags_of_name(name, &forwarded);
    if (appender_arrive(a, &arrival) < 0)
        return TAKEN_NOT;
    sum->bytes += arrival.m.size;
    sum->count++;
    return TAKEN_NEW;
}

/* Some of the names with one record: the lock is not held for long. */
static int
adopt_some(const struct folder *f, struct journal *j, char *const *names, size_t count,
           struct adopted *sum)
{
    enum taken taken[ADOPT_AT_ONCE];
    struct appender a;
    struct adopted now = {0, 0};
    bool any = false;
    int rc = appender_begin(&a, j, f->inbox, RECORD_LASTING);

    if (rc < 0)
        return -1;
    for (size_t i = 0; i < count; i++) {
        taken[i] = adopt_new_file(&a, f->dirfd, names[i], &now);
        any |= taken[i] != TAKEN_NOT;
    }
    if (now.count > 0)
        rc = appender_commit(&a);
    else
        appender_abort(&a);
    /* Also when all was known: whoever adopted it may not have come to the flush. */
    if (rc == 0 && any)
        rc = beneath_sync_dir(f->dirfd, "cur");
    if (rc == 0 && any)
        rc = journal_flush(j);
    if (rc == 0 && now.count > 0 &&
        (f->inbox || ledger_add(f->store, (int64_t)now.bytes, now.count) == 0))
        journal_mark(j, a.record_end);
    journal_release(j);
    for (size_t i = 0; i < count && rc == 0; i++) {
        char path[PATH_SIZE];

        (void)snprintf(path, sizeof(path), "new/%s", names[i]);
        if (taken[i] != TAKEN_NOT)
            (void)unlinkat(f->dirfd, path, 0); /* what stays is found in the journal next time */
    }
    sum->count += rc == 0 ? now.count : 0;
    return rc;
}

int
adopt_new(const struct folder *f)
{
    struct journal j;
    struct names n;
    struct adopted sum = {0, 0};
    int rc = names_read(f->dirfd, "new", &n);

    if (rc < 0 || n.count == 0)
        return rc;
    /* A handle of its own: the caller's may be of a journal that a compaction has replaced, and its
     * view with it. */
    rc = journal_open(&j, f->dirfd, true);
    if (rc == 0) {
        if (!f->inbox)
            ledger_begin(f->store);
        for (size_t at = 0; at < n.count && rc == 0; at += ADOPT_AT_ONCE)
            rc = adopt_some(f, &j, n.list + at,
                            n.count - at < ADOPT_AT_ONCE ? n.count - at : ADOPT_AT_ONCE, &sum);
        if (!f->inbox)
            ledger_end(f->store);
        journal_close(&j);
    }
    names_free(&n);
    return rc < 0 ? -1 : sum.count;
}
