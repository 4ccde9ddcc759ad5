/*
 * lib/store/expunged.c - posthorn.expunged/: where the files of expunged messages wait.
 *
 * Whatever fails here costs the undeletion of a message, and nothing else.
 */
#include "lib/store/expunged.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/base/random.h"
#include "lib/store/beneath.h"

#define NAMES_MAX ((size_t)1 << 30)
#define LOG_MAX ((size_t)1 << 30)
#define RECORD_FILL (1u << 20)
#define DAY_MS (INT64_C(24) * 3600 * 1000)
#define DEPTH_MAX 3 /* day, removed folder, cur */

/* ---- days ---- */

static void
day_name(int64_t real_ms, char out[EXPUNGED_DAY_SIZE])
{
    struct strbuf text = strbuf_new(40);

    (void)clock_rfc3339(real_ms, &text); /* fits */
    (void)snprintf(out, EXPUNGED_DAY_SIZE, "%s", strbuf_cstr(&text));
    strbuf_free(&text);
}

int
expunged_open_today(const struct store *store)
{
    char day[EXPUNGED_DAY_SIZE], path[sizeof(EXPUNGED_DIR) + EXPUNGED_DAY_SIZE];
    int fd;

    day_name(clock_real_ms(), day);
    (void)snprintf(path, sizeof(path), EXPUNGED_DIR "/%s", day);
    fd = beneath_open_dir(store->dirfd, path);
    if (fd >= 0 || errno != ENOENT)
        return fd;
    if (beneath_make_dir(store->dirfd, EXPUNGED_DIR) < 0 ||
        beneath_make_dir(store->dirfd, path) < 0)
        return -1;
    return beneath_open_dir(store->dirfd, path);
}

/* ---- messages on their way out ---- */

static void
begin_record(struct expunging *x)
{
    static const struct uid_range none[1];

    record_begin(&x->record, 0, clock_real_ms());
    record_add_origin(&x->record, x->folder->journal.header.mailbox_id,
                      x->folder->inbox ? SLICE("INBOX") : slice_of(x->folder->name), none, 0);
    for (uint32_t bit = 0; bit < MAILBOX_KEYWORDS_MAX; bit++)
        if (x->view->keywords[bit] != NULL)
            record_add_keyword(&x->record, bit, slice_of(x->view->keywords[bit]));
}

static void
finish_record(struct expunging *x)
{
    static const struct record_state none;

    if (record_finish(&x->record, &none, 0) == 0)
        (void)strbuf_append(&x->log, strbuf_slice(&x->record)); /* without it: flags unknown */
}

void
expunging_begin(struct expunging *x, const struct folder *f, const struct view *v, bool keep)
{
    *x = (struct expunging){.folder = f,
                            .keep = keep && f->store->options.undelete_days > 0,
                            .day_fd = -1,
                            .names = strbuf_new(NAMES_MAX),
                            .record = strbuf_new(RECORD_MAX),
                            .log = strbuf_new(LOG_MAX),
                            .view = v};
    if (x->keep)
        begin_record(x);
}

int
expunging_add(struct expunging *x, const struct arrival *a, const struct message *m)
{
    char name[EXPUNGED_NAME_SIZE] = "";
    struct arrival kept = *a;

    if (x->keep) {
        (void)snprintf(name, sizeof(name), "%u.%u", x->folder->journal.header.uidvalidity, m->uid);
        kept.m = *m;
        kept.name = slice_of(name);
        record_add_arrival(&x->record, &kept);
        if (x->record.len > RECORD_FILL) {
            finish_record(x);
            begin_record(x);
        }
    }
    return strbuf_append(&x->names, a->name) && strbuf_char(&x->names, '\0') &&
                   strbuf_str(&x->names, name) && strbuf_char(&x->names, '\0')
               ? 0
               : -1;
}

/* Behind whatever is there; a torn record before it is passed over by readers. */
static void
write_log(int day_fd, struct slice records)
{
    int fd = beneath_open(day_fd, EXPUNGED_LOG, O_WRONLY | O_CREAT, 0600);
    struct stat st;

    if (fd >= 0 && flock(fd, LOCK_EX) == 0 && fstat(fd, &st) == 0)
        (void)pwrite_all(fd, records, (st.st_size + 7) & ~(off_t)7); /* else: flags unknown */
    close_keep_errno(fd);
}

void
expunging_log(struct expunging *x)
{
    if (x->keep) {
        finish_record(x);
        x->day_fd = expunged_open_today(x->folder->store);
        if (x->day_fd >= 0)
            write_log(x->day_fd, strbuf_slice(&x->log));
    }
    x->view = NULL;
    strbuf_free(&x->record);
    strbuf_free(&x->log);
}

void
expunging_finish(struct expunging *x)
{
    struct slice names = strbuf_slice(&x->names);
    int dirfd = x->folder->dirfd;
    char path[FILE_PATH_SIZE];

    while (names.len > 0) {
        struct slice to;

        folder_cur_path(path, slice_split(&names, '\0'));
        to = slice_split(&names, '\0'); /* ended by NUL */
        if (x->day_fd < 0 || (renameat(dirfd, path, x->day_fd, to.ptr) < 0 && errno != ENOENT))
            (void)unlinkat(dirfd, path, 0); /* what stays is swept by a compaction */
    }
}

void
expunging_free(struct expunging *x)
{
    close_keep_errno(x->day_fd);
    x->day_fd = -1;
    strbuf_free(&x->names);
    strbuf_free(&x->record);
    strbuf_free(&x->log);
}

/* ---- folders and leftovers ---- */

int
expunged_keep_folder(const struct store *store, int dirfd, const char *dir, uint32_t uidvalidity)
{
    char name[FILE_NAME_SIZE];
    int day_fd, rc;

    if (store->options.undelete_days == 0)
        return 1;
    day_fd = expunged_open_today(store);
    if (day_fd < 0)
        return -1;
    (void)snprintf(name, sizeof(name), "%u%s", uidvalidity, dir);
    rc = renameat(store->dirfd, dir, day_fd, name);
    if (rc == 0) /* whoever waits for its lock finds the journal without a name, and gives up */
        (void)renameat(dirfd, JOURNAL_NAME, dirfd, EXPUNGED_JOURNAL);
    close_keep_errno(day_fd);
    return rc;
}

int
expunged_keep_leftover(const struct store *store, int dirfd, const char *path)
{
    char name[32] = "left.";
    int day_fd = store->options.undelete_days == 0 ? -1 : expunged_open_today(store);
    int rc;

    if (day_fd < 0)
        return -1;
    random_name(name + 5, 16);
    rc = renameat(dirfd, path, day_fd, name);
    close_keep_errno(day_fd);
    return rc;
}

/* ---- sweeping ---- */

static DIR *
open_listing(int dirfd, const char *name)
{
    int fd = beneath_open_dir(dirfd, name);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);

    if (dir == NULL)
        close_keep_errno(fd);
    return dir;
}

/* Deletes `name` and what is in it, as long as *budget lasts. */
static void
delete_tree(int parent, const char *name, unsigned *budget, int depth)
{
    DIR *dir = depth > DEPTH_MAX ? NULL : open_listing(parent, name);
    struct dirent *e;

    while (dir != NULL && *budget > 0 && (e = readdir(dir)) != NULL) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        (*budget)--;
        if (unlinkat(dirfd(dir), e->d_name, 0) < 0 && (errno == EISDIR || errno == EPERM))
            delete_tree(dirfd(dir), e->d_name, budget, depth + 1);
    }
    if (dir != NULL)
        (void)closedir(dir); /* read only */
    if (*budget > 0)
        (void)unlinkat(parent, name, AT_REMOVEDIR); /* not empty: the next sweep sees it again */
}

void
expunged_sweep_at(int dirfd_of, uint32_t undelete_days, unsigned names_max)
{
    int64_t keep_ms = (int64_t)undelete_days * DAY_MS;
    char before[EXPUNGED_DAY_SIZE];
    DIR *dir = open_listing(dirfd_of, EXPUNGED_DIR);
    struct dirent *e;

    if (dir == NULL)
        return;
    day_name(clock_real_ms() - keep_ms, before);
    while (names_max > 0 && (e = readdir(dir)) != NULL)
        if (e->d_name[0] != '.' && (keep_ms == 0 || strcmp(e->d_name, before) < 0))
            delete_tree(dirfd(dir), e->d_name, &names_max, 0);
    (void)closedir(dir); /* read only */
}

void
expunged_sweep(const struct store *store, unsigned names_max)
{
    expunged_sweep_at(store->dirfd, store->options.undelete_days, names_max);
}
