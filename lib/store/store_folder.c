/*
 * lib/store/store_folder.c - makes, removes and renames one user's folders.
 *
 * A folder's directory appears and disappears under another name, so that nobody meets half of one.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/base/random.h"
#include "lib/store/annotations.h"
#include "lib/store/beneath.h"
#include "lib/store/expunged.h"
#include "lib/store/folder_list.h"
#include "lib/store/folder_name.h"
#include "lib/store/ledger.h"
#include "lib/store/sweep.h"
#include "lib/store/url_keys.h"

#define REMOVED_PREFIX "posthorn.removed."
#define TMP_PREFIX "posthorn.tmp."
#define DIR_NAME_SIZE 64

static void
set_use(struct folder_row *row, const void *arg)
{
    row->use = *(const enum store_use *)arg;
}

/* ---- making ---- */

/* A folder's directory appears whole: made under another name, renamed, flushed. */
static int
make_folder(const struct store *store, const char *dir)
{
    char tmp[DIR_NAME_SIZE], unique[17];
    int fd, rc;

    random_name(unique, sizeof(unique) - 1);
    (void)snprintf(tmp, sizeof(tmp), TMP_PREFIX "%s", unique);
    if (mkdirat(store->dirfd, tmp, 0700) < 0)
        return -1;
    fd = beneath_open_dir(store->dirfd, tmp);
    rc = fd < 0 ? -1 : folder_make_dirs(fd);
    close_keep_errno(fd);
    if (rc == 0)
        rc = renameat(store->dirfd, tmp, store->dirfd, dir);
    if (rc == 0)
        return fsync(store->dirfd);
    if (errno == ENOTEMPTY)
        errno = EEXIST;
    rc = errno;
    for (const char *const *sub = (const char *const[]){"/cur", "/new", "/tmp", "", NULL}; *sub;
         sub++) {
        char path[DIR_NAME_SIZE + 8];

        (void)snprintf(path, sizeof(path), "%s%s", tmp, *sub);
        (void)unlinkat(store->dirfd, path,
                       AT_REMOVEDIR); /* what stays is swept at the next removal */
    }
    errno = rc;
    return -1;
}

static int
make_one(const struct store *store, struct slice name)
{
    struct strbuf dir = strbuf_new(FOLDER_DIR_MAX);
    int rc = folder_name_to_dir(name, &dir);

    if (rc == 0)
        rc = make_folder(store, strbuf_cstr(&dir));
    strbuf_free(&dir);
    return rc;
}

static bool
is_there(const struct store *store, struct slice name)
{
    struct strbuf dir = strbuf_new(FOLDER_DIR_MAX);
    struct stat st;
    bool there = folder_name_to_dir(name, &dir) == 0 &&
                 fstatat(store->dirfd, strbuf_cstr(&dir), &st, AT_SYMLINK_NOFOLLOW) == 0 &&
                 S_ISDIR(st.st_mode);

    strbuf_free(&dir);
    return there;
}

struct slice
store_nearest(const struct store *store, struct slice name)
{
    do {
        size_t end = slice_rindex(name, '/');

        name = slice_sub(name, 0, end < name.len ? end : 0);
    } while (name.len > 0 && !is_there(store, name));
    return name;
}

/* The folders above `name`, as far as they are missing (RFC 3501 section 6.3.3). */
static int
make_parents(const struct store *store, struct slice name)
{
    for (size_t at = 0; at < name.len; at++) {
        struct slice parent = slice_sub(name, 0, at);

        if (name.ptr[at] == '/' && !slice_eq(parent, SLICE("INBOX")) &&
            make_one(store, parent) < 0 && errno != EEXIST)
            return -1;
    }
    return 0;
}

static int
check_change(const struct store *store, struct slice name, struct strbuf *canonical)
{
    if (folder_name_canonical(name, canonical) < 0)
        return -1;
    if (!store->options.read_only && store->options.guest == NULL)
        return 0;
    errno = EACCES;
    return -1;
}

int
store_create(struct store *store, struct slice name, enum store_use use)
{
    struct strbuf canonical = strbuf_new(STORE_NAME_MAX);
    int rc = check_change(store, name, &canonical);

    if (rc == 0 && (slice_eq(strbuf_slice(&canonical), SLICE("INBOX")) ||
                    is_there(store, strbuf_slice(&canonical)))) {
        errno = EEXIST; /* before its parents are made: who is refused has changed nothing */
        rc = -1;
    }
    if (rc == 0)
        rc = folder_list_has_room(store);
    if (rc == 0)
        rc = make_parents(store, strbuf_slice(&canonical));
    if (rc == 0)
        rc = make_one(store, strbuf_slice(&canonical));
    if (use != STORE_USE_NONE && (rc == 0 || errno == EEXIST)) {
        int saved = errno;

        if (folder_list_change(store, strbuf_slice(&canonical), set_use, &use) < 0)
            rc = -1;
        else
            errno = saved;
    }
    strbuf_free(&canonical);
    return rc;
}

int
store_use_of(const struct store *store, struct slice name, enum store_use *out)
{
    struct strbuf canonical = strbuf_new(STORE_NAME_MAX);
    int rc = folder_name_canonical(name, &canonical);

    if (rc == 0)
        rc = folder_list_use(store, strbuf_slice(&canonical), out);
    strbuf_free(&canonical);
    return rc;
}

/* ---- removing ---- */

static void
remove_files(int dirfd, const char *sub)
{
    int fd = beneath_open_dir(dirfd, sub);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    struct dirent *e;

    if (dir == NULL) {
        close_keep_errno(fd);
        return;
    }
    while ((e = readdir(dir)) != NULL)
        if (e->d_type != DT_DIR)
            (void)unlinkat(fd, e->d_name,
                           0); /* what stays keeps the directory; swept again later */
    (void)closedir(dir);       /* read only */
}

/* Deletes a directory that has no folder's name any more. */
static void
remove_leftover(int store_dirfd, const char *name)
{
    static const char *const subs[] = {"cur", "new", "tmp"};
    int fd = beneath_open_dir(store_dirfd, name);

    if (fd < 0)
        return;
    for (size_t i = 0; i < ARRAY_LEN(subs); i++) {
        remove_files(fd, subs[i]);
        (void)unlinkat(fd, subs[i], AT_REMOVEDIR);
    }
    expunged_sweep_at(fd, 0, UINT32_MAX);
    (void)unlinkat(fd, EXPUNGED_DIR, AT_REMOVEDIR);
    remove_files(fd, ".");
    (void)close(fd);
    (void)unlinkat(store_dirfd, name, AT_REMOVEDIR); /* best effort: the next removal tries again */
}

/* What a crash left of folders on their way in or out. */
static void
sweep_leftovers(const struct store *store)
{
    int fd = beneath_open_dir(store->dirfd, ".");
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    struct dirent *e;
    struct stat st;

    if (dir == NULL) {
        close_keep_errno(fd);
        return;
    }
    while ((e = readdir(dir)) != NULL) {
        bool made = slice_starts(slice_of(e->d_name), SLICE(TMP_PREFIX));

        /* A directory that is just being made is young. */
        if ((made && fstatat(fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
             st.st_ctim.tv_sec < time(NULL) - SWEEP_AGE_S) ||
            slice_starts(slice_of(e->d_name), SLICE(REMOVED_PREFIX)))
            remove_leftover(store->dirfd, e->d_name);
    }
    (void)closedir(dir); /* read only */
}

/* Under the lock: whoever waits for it finds the journal without a name, and gives up. */
static int
move_away(const struct store *store, const struct folder *f, const char *dir)
{
    char moved[DIR_NAME_SIZE], unique[17];

    if (expunged_keep_folder(store, f->dirfd, dir, f->journal.header.uidvalidity) == 0)
        return 0;
    random_name(unique, sizeof(unique) - 1);
    (void)snprintf(moved, sizeof(moved), REMOVED_PREFIX "%s", unique);
    if (renameat(store->dirfd, dir, store->dirfd, moved) < 0)
        return -1;
    (void)unlinkat(f->dirfd, JOURNAL_NAME, 0); /* goes with the directory at the latest */
    return 0;
}

static int
remove_folder(struct store *store, struct folder *f, const char *dir)
{
    struct journal_tail tail;
    int rc;

    ledger_begin(store);
    if (journal_lock_current(&f->journal) < 0 || journal_tail_read(&f->journal, &tail) < 0 ||
        move_away(store, f, dir) < 0) {
        ledger_end(store);
        return -1;
    }
    journal_unlock(&f->journal);
    annotations_forget(store, f->journal.header.mailbox_id);
    url_keys_forget(store, f->journal.header.mailbox_id);
    rc = ledger_add(store, -(int64_t)tail.state.bytes, -(int64_t)tail.state.count);
    ledger_end(store);
    if (fsync(store->dirfd) < 0)
        rc = -1;
    sweep_leftovers(store);
    return rc;
}

int
store_remove(struct store *store, struct slice name)
{
    static const enum store_use no_use = STORE_USE_NONE;
    struct strbuf dir = strbuf_new(FOLDER_DIR_MAX);
    struct folder f;
    int rc = -1;

    if (store->options.read_only || store->options.guest != NULL || !store->options.may_remove) {
        errno = EACCES;
        return -1;
    }
    if (folder_open(&f, store, name) < 0)
        return -1;
    if (f.inbox)
        errno = EACCES; /* RFC 3501 section 6.3.4 */
    else if (folder_name_to_dir(slice_of(f.name), &dir) == 0 &&
             remove_folder(store, &f, strbuf_cstr(&dir)) == 0)
        rc = folder_list_change(store, slice_of(f.name), set_use, &no_use);
    folder_close(&f);
    strbuf_free(&dir);
    return rc;
}

/* ---- renaming ---- */

static int
rename_one(const struct store *store, struct slice from, struct slice to)
{
    struct strbuf old = strbuf_new(FOLDER_DIR_MAX), new = strbuf_new(FOLDER_DIR_MAX);
    int rc = folder_name_to_dir(from, &old);

    if (rc == 0)
        rc = folder_name_to_dir(to, &new);
    if (rc == 0)
        rc = renameat(store->dirfd, strbuf_cstr(&old), store->dirfd, strbuf_cstr(&new));
    if (rc < 0 && errno == ENOTEMPTY)
        errno = EEXIST;
    strbuf_free(&old);
    strbuf_free(&new);
    return rc;
}

static int
move_use(const struct store *store, struct slice from, struct slice to, enum store_use use)
{
    static const enum store_use no_use = STORE_USE_NONE;

    if (use == STORE_USE_NONE)
        return 0;
    return folder_list_change(store, to, set_use, &use) < 0
               ? -1
               : folder_list_change(store, from, set_use, &no_use);
}

static bool
is_below(struct slice name, struct slice parent)
{
    return slice_starts(name, parent) && name.len > parent.len && name.ptr[parent.len] == '/';
}

/* Renames the row's folder if it is `from` or below it; the part behind `from` stays. `check`: only
 * looks whether that can be done. */
static int
rename_row(const struct store *store, const struct folder_list *list, const struct folder_row *row,
           struct slice from, struct slice to, bool check)
{
    struct slice name = slice_of(row->name), rest = slice_sub(name, from.len, name.len);
    struct strbuf target = strbuf_new(STORE_NAME_MAX), dir = strbuf_new(FOLDER_DIR_MAX);
    const struct folder_row *there;
    int rc = 0;

    if (!row->exists || !(slice_eq(name, from) || is_below(name, from)))
        goto out;
    rc = -1;
    errno = EINVAL;
    if (!strbuf_append(&target, to) || !strbuf_append(&target, rest) ||
        folder_name_to_dir(strbuf_slice(&target), &dir) < 0)
        goto out;
    there = folder_list_find(list, strbuf_slice(&target));
    if (check && there != NULL && there->exists)
        errno = EEXIST;
    else if (check)
        rc = 0;
    else if (rename_one(store, name, strbuf_slice(&target)) == 0)
        rc = move_use(store, name, strbuf_slice(&target), row->use);
out:
    strbuf_free(&target);
    strbuf_free(&dir);
    return rc;
}

static int
rename_tree(const struct store *store, struct slice from, struct slice to)
{
    struct folder_list list;
    const struct folder_row *row;
    int rc = 0;

    if (folder_list_read(store, &list) < 0)
        return -1;
    row = folder_list_find(&list, from);
    if (row == NULL || !(row->exists || row->has_children)) {
        errno = ENOENT;
        rc = -1;
    }
    for (size_t i = 0; i < list.count && rc == 0; i++)
        rc = rename_row(store, &list, &list.rows[i], from, to, true);
    if (rc == 0)
        rc = make_parents(store, to);
    /* Children first: after a crash half-way the rest still has its parent, and it can go on. */
    for (size_t i = list.count; i > 0 && rc == 0; i--)
        rc = rename_row(store, &list, &list.rows[i - 1], from, to, false);
    folder_list_free(&list);
    return rc == 0 ? fsync(store->dirfd) : rc;
}

/* RFC 3501 section 6.3.5: INBOX stays, and is empty; its messages are in the new folder. Both have
 * its annotations (RFC 5464 section 4.1). */
static int
rename_inbox(struct store *store, struct slice to)
{
    struct mailbox *inbox;
    struct mailbox_uids uids = {0};
    uint32_t count, *seqs;
    int rc;

    if (store_create(store, to, STORE_USE_NONE) < 0 ||
        annotations_copy(store, SLICE("INBOX"), to) < 0)
        return -1;
    inbox = mailbox_open(store, SLICE("INBOX"), false, false);
    if (inbox == NULL)
        return -1;
    count = mailbox_count(inbox);
    seqs = xreallocarray(NULL, count, sizeof(*seqs));
    for (uint32_t i = 0; i < count; i++)
        seqs[i] = i + 1;
    rc = count == 0 ? 0 : mailbox_copy(inbox, seqs, count, to, true, &uids);
    free(uids.uids);
    free(seqs);
    mailbox_close(&inbox);
    return rc;
}

int
store_rename(struct store *store, struct slice from, struct slice to)
{
    struct strbuf old = strbuf_new(STORE_NAME_MAX), new = strbuf_new(STORE_NAME_MAX);
    int rc = check_change(store, from, &old);

    if (rc == 0)
        rc = check_change(store, to, &new);
    if (rc == 0 && slice_eq(strbuf_slice(&new), SLICE("INBOX"))) {
        errno = EEXIST;
        rc = -1;
    }
    if (rc == 0 && slice_eq(strbuf_slice(&old), SLICE("INBOX"))) {
        rc = rename_inbox(store, strbuf_slice(&new));
    } else if (rc == 0 && is_below(strbuf_slice(&new), strbuf_slice(&old))) {
        errno = EINVAL;
        rc = -1;
    } else if (rc == 0) {
        rc = rename_tree(store, strbuf_slice(&old), strbuf_slice(&new));
    }
    strbuf_free(&old);
    strbuf_free(&new);
    return rc;
}
