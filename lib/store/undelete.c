/*
 * lib/store/undelete.c - expunged messages: listing them, and putting them back.
 *
 * Trusts nothing below posthorn.expunged/: records have checksums, files are opened without
 * following links. A message's file is linked into the folder, its arrival made durable, and only
 * then it leaves posthorn.expunged/: a crash in between leaves it in both.
 */
#include "lib/store/undelete.h"

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
#include "lib/store/annotation_file.h"
#include "lib/store/arrivals.h"
#include "lib/store/beneath.h"
#include "lib/store/expunged.h"
#include "lib/store/folder_list.h"
#include "lib/store/folder_name.h"
#include "lib/store/ledger.h"
#include "lib/store/message_file.h"

#define LOG_MAX (UINT64_C(1) << 30)
#define RECORD_BYTES_MIN (sizeof(struct record_header) + sizeof(struct record_trailer))

/* A message that may come back. */
struct candidate {
    int dirfd;        /* of the file; borrowed */
    const char *path; /* of the file below it */
    struct slice folder;
    int64_t expunged_ms;
    struct arrival a; /* email_id may be empty: a new one is made */
    char *const *keywords;
    bool known;
};

#define BATCH_MAX 256 /* messages made durable at once */

struct undelete {
    struct store *store;
    struct slice within; /* not empty: all of it was in that folder, where guests removed it */
    int (*each)(void *arg, const struct expunged_message *message);
    void *arg;
    int64_t restored;
    /* what is being put back: all into one folder */
    char name[STORE_NAME_MAX + 1];
    struct folder folder; /* open while there is something */
    struct arrivals to;
    struct source {
        int dirfd; /* borrowed: commit before it is closed */
        char *path;
    } sources[BATCH_MAX];
};

/* ---- putting one back ---- */

static void
copy_keywords(const struct candidate *c, struct incoming *in)
{
    if (c->keywords == NULL || c->a.m.keywords == 0)
        return;
    in->keywords = xcalloc(MAILBOX_KEYWORDS_MAX, sizeof(*in->keywords));
    for (unsigned bit = 0; bit < MAILBOX_KEYWORDS_MAX; bit++)
        if ((c->a.m.keywords >> bit & 1) != 0 && c->keywords[bit] != NULL)
            in->keywords[in->keyword_count++] = xstrdup(c->keywords[bit]);
}

static int
open_folder(struct undelete *u, struct slice name, struct folder *f)
{
    if (folder_open(f, u->store, name) == 0)
        return 0;
    if (errno != ENOENT)
        return -1;
    if (store_create(u->store, name, STORE_USE_NONE) < 0 && errno != EEXIST)
        return -1;
    return folder_open(f, u->store, name);
}

static int
link_file(const struct candidate *c, const struct folder *f, char name[FILE_NAME_SIZE])
{
    folder_file_name(name, c->a.m.size);
    return message_file_link_path(c->dirfd, c->path, c->a.m.size, f->dirfd, name);
}

/* What was linked so far becomes visible, all or nothing; then it leaves posthorn.expunged/. What
 * stays there by accident can be put back once more. */
static int
commit(struct undelete *u)
{
    struct mailbox_uids uids = {0};
    uint64_t record_end;
    int rc = 0;

    if (u->to.count == 0)
        return 0;
    ledger_begin(u->store);
    rc = arrivals_commit(&u->to, &record_end, &uids);
    if (rc == 0)
        journal_mark(&u->folder.journal, record_end);
    journal_release(&u->folder.journal);
    ledger_end(u->store);
    free(uids.uids);
    u->restored += rc == 0 ? u->to.count : 0;
    for (size_t i = 0; i < u->to.count; i++) {
        if (rc == 0)
            (void)unlinkat(u->sources[i].dirfd, u->sources[i].path, 0);
        xfree(&u->sources[i].path);
    }
    arrivals_free(&u->to);
    folder_close(&u->folder);
    return rc;
}

/* After a failure: none of it has a record. */
static void
give_up(struct undelete *u)
{
    if (u->to.count == 0)
        return;
    arrivals_take_back(&u->to);
    for (size_t i = 0; i < u->to.count; i++)
        xfree(&u->sources[i].path);
    arrivals_free(&u->to);
    folder_close(&u->folder);
}

static int
begin(struct undelete *u, struct slice folder)
{
    if (u->to.count > 0 && (u->to.count == BATCH_MAX || !slice_eq(folder, slice_of(u->name))) &&
        commit(u) < 0)
        return -1;
    if (u->to.count > 0)
        return 0;
    if (open_folder(u, folder, &u->folder) < 0)
        return -1;
    (void)snprintf(u->name, sizeof(u->name), "%.*s", (int)folder.len, folder.ptr);
    u->to = (struct arrivals){.folder = &u->folder};
    return 0;
}

static int
restore(struct undelete *u, const struct candidate *c)
{
    struct incoming *in;

    if (begin(u, c->folder) < 0)
        return -1;
    in = arrivals_add(&u->to);
    if (link_file(c, &u->folder, in->name) < 0) {
        arrivals_drop_last(&u->to);
        if (u->to.count == 0)
            folder_close(&u->folder);
        return -1;
    }
    in->arrival = c->a;
    in->arrival.key = SLICE(""); /* of the delivery; the journal knows it, or had forgotten it */
    in->arrival.m.flags &= ~(uint32_t)MESSAGE_DELETED;
    in->arrival.m.keywords = 0;
    in->arrival.saved_ms = clock_real_ms();
    copy_keywords(c, in);
    if (c->a.email_id.len > 0)
        memcpy(in->email_id, c->a.email_id.ptr, c->a.email_id.len);
    else
        folder_email_id_new(in->email_id);
    u->sources[u->to.count - 1] = (struct source){c->dirfd, xstrdup(c->path)};
    u->to.bytes += c->a.m.size;
    return 0;
}

/* Shows one to the caller, who says whether it comes back. */
static int
offer(struct undelete *u, struct candidate *c)
{
    char folder[STORE_NAME_MAX + 1], email_id[EMAIL_ID_SIZE] = "";
    struct expunged_message e = {.folder = folder,
                                 .email_id = email_id,
                                 .expunged_ms = c->expunged_ms,
                                 .m = c->a.m,
                                 .known = c->known};
    struct stat st;
    int rc;

    if (u->within.len > 0)
        c->folder = u->within;
    (void)snprintf(folder, sizeof(folder), "%.*s", (int)c->folder.len, c->folder.ptr);
    (void)snprintf(email_id, sizeof(email_id), "%.*s", (int)c->a.email_id.len, c->a.email_id.ptr);
    e.fd = beneath_open(c->dirfd, c->path, O_RDONLY | O_NONBLOCK, 0);
    if (e.fd < 0)
        return errno == ENOENT || errno == ELOOP ? 0 : -1; /* put back before, or swept */
    rc = fstat(e.fd, &st);
    if (rc == 0 && S_ISREG(st.st_mode) && (uint64_t)st.st_size >= c->a.m.size)
        rc = u->each(u->arg, &e);
    close_keep_errno(e.fd);
    return rc > 0 ? restore(u, c) : rc;
}

/* ---- a day ---- */

struct day {
    int fd;
    struct slice log;
    struct day_file { /* of the directory, sorted; `taken`: a record has named it */
        char *name;
        bool taken;
    } * files;
    size_t count, cap;
};

static int
compare_files(const void *a, const void *b)
{
    return strcmp(((const struct day_file *)a)->name, ((const struct day_file *)b)->name);
}

static void
day_close(struct day *d)
{
    for (size_t i = 0; i < d->count; i++)
        xfree(&d->files[i].name);
    xfree(&d->files);
    free((void *)(uintptr_t)d->log.ptr);
    close_keep_errno(d->fd);
}

static void
read_log(struct day *d)
{
    int fd = beneath_open(d->fd, EXPUNGED_LOG, O_RDONLY | O_NONBLOCK, 0);
    struct stat st;
    char *buf;

    d->log = SLICE("");
    d->log.ptr = NULL;
    if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0 &&
        (uint64_t)st.st_size <= LOG_MAX) {
        buf = xmalloc((size_t)st.st_size);
        if (pread_exact(fd, buf, (size_t)st.st_size, 0) == 0)
            d->log = slice_make(buf, (size_t)st.st_size);
        else
            xfree(&buf);
    }
    close_keep_errno(fd);
}

static int
day_open(int area_fd, const char *name, struct day *d)
{
    struct dirent *e;
    DIR *dir;
    int fd;

    *d = (struct day){.fd = beneath_open_dir(area_fd, name)};
    fd = d->fd < 0 ? -1 : beneath_open_dir(d->fd, ".");
    dir = fd < 0 ? NULL : fdopendir(fd);
    if (dir == NULL) {
        close_keep_errno(fd);
        close_keep_errno(d->fd);
        return -1;
    }
    while ((e = readdir(dir)) != NULL) {
        if (e->d_name[0] == '.' || strcmp(e->d_name, EXPUNGED_LOG) == 0)
            continue;
        if (d->count == d->cap) {
            d->cap = d->cap == 0 ? 64 : d->cap * 2;
            d->files = xreallocarray(d->files, d->cap, sizeof(*d->files));
        }
        d->files[d->count++] = (struct day_file){.name = xstrdup(e->d_name)};
    }
    (void)closedir(dir); /* read only */
    if (d->count > 1)
        qsort(d->files, d->count, sizeof(*d->files), compare_files);
    read_log(d);
    return 0;
}

/* ---- what the log knows ---- */

static void
take_keyword(char *keywords[MAILBOX_KEYWORDS_MAX], const struct item *item)
{
    xfree(&keywords[item->bit]);
    keywords[item->bit] = xslicedup(item->text);
}

static int
offer_arrival(struct undelete *u, struct day *d, const struct record *rec, struct slice folder,
              char *const *keywords, const struct arrival *a)
{
    char name[EXPUNGED_NAME_SIZE];
    struct day_file key = {.name = name}, *file;
    struct candidate c = {.dirfd = d->fd,
                          .path = name,
                          .folder = folder,
                          .expunged_ms = rec->written_ms,
                          .a = *a,
                          .keywords = keywords,
                          .known = true};

    if (a->name.len >= sizeof(name))
        return 0;
    (void)snprintf(name, sizeof(name), "%.*s", (int)a->name.len, a->name.ptr);
    file =
        d->count == 0 ? NULL : bsearch(&key, d->files, d->count, sizeof(*d->files), compare_files);
    if (file == NULL || file->taken)
        return 0;
    file->taken = true;
    return offer(u, &c);
}

static int
walk_record(struct undelete *u, struct day *d, const struct record *rec)
{
    char *keywords[MAILBOX_KEYWORDS_MAX] = {0};
    struct slice folder = SLICE("INBOX");
    struct item item;
    size_t at = 0;
    int rc = 0;

    while (rc == 0 && record_next_item(rec, &at, &item) > 0) {
        if (item.type == ITEM_ORIGIN && store_name_valid(item.text))
            folder = item.text;
        else if (item.type == ITEM_KEYWORD)
            take_keyword(keywords, &item);
        else if (item.type == ITEM_ARRIVE)
            rc = offer_arrival(u, d, rec, folder, keywords, &item.arrival);
    }
    for (size_t i = 0; i < MAILBOX_KEYWORDS_MAX; i++)
        xfree(&keywords[i]);
    return rc;
}

static int
walk_log(struct undelete *u, struct day *d)
{
    struct record rec;
    uint32_t need;
    int rc = 0;

    for (size_t at = 0; rc == 0 && at + RECORD_BYTES_MIN <= d->log.len;) {
        if (record_parse(slice_sub(d->log, at, d->log.len), at, &rec, &need) != RECORD_OK) {
            at += 8;
            continue;
        }
        rc = walk_record(u, d, &rec);
        at = (size_t)rec.end;
    }
    return rc;
}

/* ---- what the log does not know ---- */

/* A file alone: the message and the date of the file are all there is. */
static int
offer_stray(struct undelete *u, struct day *d, const char *name, const struct stat *st)
{
    struct candidate c = {.dirfd = d->fd,
                          .path = name,
                          .folder = SLICE("INBOX"),
                          .expunged_ms = (int64_t)st->st_ctim.tv_sec * 1000,
                          .a = {.m = {.size = (uint64_t)st->st_size,
                                      .internal_ms = (int64_t)st->st_mtim.tv_sec * 1000}}};
    int fd = beneath_open(d->fd, name, O_RDONLY | O_NONBLOCK, 0);
    int rc = fd < 0 ? -1 : message_file_crc(fd, c.a.m.size, &c.a.crc);

    close_keep_errno(fd);
    if (rc < 0)
        return 0; /* cannot be read */
    return offer(u, &c);
}

struct removed_folder {
    int fd;
    struct journal journal;
    struct view view;
    char *name; /* of the folder; NULL: not known */
};

/* "UIDVALIDITY.Work" */
static int
removed_open(const struct day *d, const char *dir, struct removed_folder *r)
{
    struct strbuf name = strbuf_new(STORE_NAME_MAX);
    int fd;

    *r = (struct removed_folder){.fd = beneath_open_dir(d->fd, dir), .journal = {.fd = -1}};
    view_init(&r->view);
    if (r->fd < 0)
        return -1;
    fd = beneath_open(r->fd, EXPUNGED_JOURNAL, O_RDONLY | O_NONBLOCK, 0);
    if (fd < 0) /* a crash came before it got that name */
        fd = beneath_open(r->fd, JOURNAL_NAME, O_RDONLY | O_NONBLOCK, 0);
    if (fd < 0 || journal_adopt_fd(&r->journal, r->fd, fd, false) < 0 ||
        view_load(&r->view, &r->journal) < 0) {
        close_keep_errno(r->fd);
        return -1;
    }
    if (strchr(dir, '.') != NULL && folder_name_from_dir(slice_of(strchr(dir, '.')), &name) == 0)
        r->name = xslicedup(strbuf_slice(&name));
    strbuf_free(&name);
    return 0;
}

static void
removed_close(struct removed_folder *r)
{
    view_free(&r->view);
    journal_close(&r->journal);
    close_keep_errno(r->fd);
    xfree(&r->name);
}

static int
offer_from_folder(struct undelete *u, const struct removed_folder *r, uint32_t rank,
                  int64_t removed_ms)
{
    struct strbuf buf = strbuf_new(1024);
    const struct view_entry *e = view_at(&r->view, rank);
    char path[FILE_PATH_SIZE];
    struct candidate c = {.dirfd = r->fd,
                          .path = path,
                          .folder = r->name == NULL ? SLICE("INBOX") : slice_of(r->name),
                          .expunged_ms = removed_ms,
                          .keywords = r->view.keywords,
                          .known = r->name != NULL};
    struct item item;
    int rc = 0;

    if (journal_read_item(&r->journal, e->item, &buf, &item) == 0 &&
        item.arrival.m.uid == e->m.uid && message_file_find(r->fd, item.arrival.name, path) == 0) {
        c.a = item.arrival;
        c.a.m = e->m;
        rc = offer(u, &c);
    }
    strbuf_free(&buf);
    return rc;
}

/* What all users shared about it, unless it has something new by now. */
static void
bring_back_annotations(const struct undelete *u, const struct removed_folder *r)
{
    int fd = folder_open_dir(u->store, slice_of(r->name));

    if (fd >= 0 && linkat(r->fd, ANNOTATIONS_SHARED, fd, ANNOTATIONS_SHARED, 0) == 0)
        (void)fsync(fd); /* best effort: mail is what counts */
    close_keep_errno(fd);
}

static int
walk_removed_folder(struct undelete *u, const struct day *d, const char *dir, const struct stat *st)
{
    const int64_t before = u->restored;
    struct removed_folder r;
    int rc = 0;

    if (removed_open(d, dir, &r) < 0)
        return 0; /* nothing to read there */
    for (uint32_t rank = 1; rc == 0 && rank <= view_count(&r.view); rank++)
        rc = offer_from_folder(u, &r, rank, (int64_t)st->st_ctim.tv_sec * 1000);
    if (rc == 0)
        rc = commit(u);
    else
        give_up(u);
    if (u->restored > before && r.name != NULL)
        bring_back_annotations(u, &r);
    removed_close(&r);
    return rc;
}

static int
walk_rest(struct undelete *u, struct day *d)
{
    struct stat st;
    int rc = 0;

    for (size_t i = 0; i < d->count && rc == 0; i++) {
        const char *name = d->files[i].name;

        if (d->files[i].taken || fstatat(d->fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
            continue;
        if (S_ISDIR(st.st_mode))
            rc = walk_removed_folder(u, d, name, &st);
        else if (S_ISREG(st.st_mode))
            rc = offer_stray(u, d, name, &st);
    }
    return rc;
}

/* ---- all days ---- */

static int
compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Sorted: the oldest first. */
static size_t
list_days(int area_fd, char ***names)
{
    int fd = beneath_open_dir(area_fd, ".");
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    struct dirent *e;
    size_t count = 0;

    *names = NULL;
    if (dir == NULL) {
        close_keep_errno(fd);
        return 0;
    }
    while ((e = readdir(dir)) != NULL) {
        if (e->d_name[0] == '.')
            continue;
        *names = xreallocarray(*names, count + 1, sizeof(**names));
        (*names)[count++] = xstrdup(e->d_name);
    }
    (void)closedir(dir); /* read only */
    if (count > 1)
        qsort(*names, count, sizeof(**names), compare_names);
    return count;
}

/* What waits below `dirfd`, which is the store's or a folder's directory. */
static int
walk_area(struct undelete *u, int dirfd)
{
    int fd = beneath_open_dir(dirfd, EXPUNGED_DIR), rc = 0;
    char **days;
    size_t count = fd < 0 ? 0 : list_days(fd, &days);

    for (size_t i = 0; i < count; i++) {
        struct day d;

        if (rc == 0 && day_open(fd, days[i], &d) == 0) {
            rc = walk_log(u, &d);
            if (rc == 0)
                rc = walk_rest(u, &d);
            if (rc == 0)
                rc = commit(u);
            else
                give_up(u);
            day_close(&d);
        }
        xfree(&days[i]);
    }
    if (fd >= 0)
        xfree(&days);
    close_keep_errno(fd);
    return rc;
}

int64_t
store_undelete(struct store *store, int (*each)(void *arg, const struct expunged_message *message),
               void *arg)
{
    struct undelete u = {.store = store, .each = each, .arg = arg};
    struct folder_list list;
    int rc = folder_list_read(store, &list) < 0 ? -1 : walk_area(&u, store->dirfd);

    for (size_t i = 0; i < list.count && rc == 0; i++) {
        int fd = list.rows[i].exists ? folder_open_dir(store, slice_of(list.rows[i].name)) : -1;

        u.within = slice_of(list.rows[i].name);
        if (fd >= 0 && !slice_eq(u.within, SLICE("INBOX")))
            rc = walk_area(&u, fd);
        close_keep_errno(fd);
    }
    folder_list_free(&list);
    return rc < 0 ? -1 : u.restored;
}
