/*
 * local-deliver/user_batch.c - makes, renames and removes many users' directories with few flushes.
 *
 * .making/NAME is this process's, locked; one that is not locked is what a crash left, and is moved
 * aside by whoever comes next. Touches the storage directories alone.
 */
#include "local-deliver/user_batch.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/base/random.h"
#include "lib/log/log.h"
#include "lib/store/aside.h"
#include "lib/store/beneath.h"
#include "lib/store/first_time.h"
#include "lib/store/move.h"
#include "lib/store/store.h"
#include "local-deliver/user_dir.h"

#define MAKING_DIR ".making"
#define KEPT "kept-"

enum { NAME_LEN = 20, ITEM_NAME_SIZE = 24 };

/* A storage directory that something is made in. */
struct root {
    char id[STORE_DIR_ID_SIZE];
    int fd;
    int making_fd; /* .making, -1: nothing is made here so far */
    int work_fd;   /* .making/NAME */
    char name[NAME_LEN + 1];
};

/* What is made of a CREATE so far. */
struct newborn {
    struct root *root; /* NULL: nothing, for there is a mailbox, or half of one */
    int journal_fd;    /* of INBOX, locked */
    bool is_named;
};

struct batch {
    const struct store_dirs *dirs;
    unsigned reserve;
    struct user_batch_item *items;
    struct newborn *newborn; /* one for each item */
    size_t count;
    struct root roots[STORE_DIRS_MAX];
    size_t root_count;
};

/* ---- where things are made ---- */

static bool
lock_now(int fd)
{
    return flock(fd, LOCK_EX | LOCK_NB) == 0;
}

static DIR *
open_list(int parent, const char *name)
{
    int fd = beneath_open_dir(parent, name);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);

    if (dir == NULL)
        close_keep_errno(fd);
    return dir;
}

static bool
is_dot(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

static bool
is_empty(int parent, const char *name)
{
    DIR *dir = open_list(parent, name);
    struct dirent *entry = NULL;
    bool is_missing = dir == NULL && errno == ENOENT;

    while (dir != NULL && (entry = readdir(dir)) != NULL && is_dot(entry->d_name))
        continue;
    if (dir != NULL)
        (void)closedir(dir);
    return is_missing || (dir != NULL && entry == NULL);
}

/* A message in any folder of `name`/mail, or what cannot be looked through. */
static bool
has_mail(int parent, const char *name)
{
    char path[NAME_MAX + 8];
    bool found = false;
    struct dirent *entry;
    DIR *dir;

    (void)snprintf(path, sizeof(path), "%s/mail", name);
    dir = open_list(parent, path);
    if (dir == NULL)
        return errno != ENOENT;
    while (!found && (entry = readdir(dir)) != NULL) {
        if (entry->d_name[0] != '.' || strcmp(entry->d_name, "..") == 0)
            continue; /* INBOX is "." */
        (void)snprintf(path, sizeof(path), "%s/cur", entry->d_name);
        found = !is_empty(dirfd(dir), path);
        (void)snprintf(path, sizeof(path), "%s/new", entry->d_name);
        found |= !is_empty(dirfd(dir), path);
    }
    (void)closedir(dir);
    return found;
}

/* Of a batch that was killed, its names lost in a power cut: they are made again, yet whoever found
 * them meanwhile may have put mail there. */
static bool
holds_mail(int parent, const char *name)
{
    DIR *dir = open_list(parent, name);
    bool found = dir == NULL;
    struct dirent *entry;

    while (!found && (entry = readdir(dir)) != NULL)
        found = !is_dot(entry->d_name) && has_mail(dirfd(dir), entry->d_name);
    if (dir != NULL)
        (void)closedir(dir);
    return found;
}

/* For the administrator to look at. */
static void
keep(int parent, const char *name)
{
    char kept[NAME_MAX + sizeof(KEPT)];

    (void)snprintf(kept, sizeof(kept), KEPT "%s", name);
    if (renameat(parent, name, parent, kept) == 0)
        log_event(LOG_ERROR, "mail_kept", KV_STR("directory", MAKING_DIR), KV_STR("name", kept));
}

static void
clear_away(int parent, const char *name, const struct root *root)
{
    if (holds_mail(parent, name))
        keep(parent, name);
    else
        (void)aside_put_from(parent, name, root->fd); /* else the next one does */
}

/* What others left who are no more. With `making_fd` locked. */
static void
sweep(const struct root *root)
{
    DIR *dir = open_list(root->making_fd, ".");
    struct dirent *entry;

    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        int left = is_dot(entry->d_name) || strncmp(entry->d_name, KEPT, strlen(KEPT)) == 0
                       ? -1
                       : beneath_open_dir(dirfd(dir), entry->d_name);

        if (left >= 0 && lock_now(left))
            clear_away(dirfd(dir), entry->d_name, root);
        close_keep_errno(left);
    }
    if (dir != NULL)
        (void)closedir(dir);
}

static int
begin_work_dir(struct root *root)
{
    if (root->making_fd >= 0)
        return 0;
    if (beneath_make_dir(root->fd, MAKING_DIR) < 0)
        return -1;
    root->making_fd = beneath_open_dir(root->fd, MAKING_DIR);
    if (root->making_fd < 0 || flock(root->making_fd, LOCK_EX) < 0) /* held for these lines alone */
        return -1;
    sweep(root);
    random_name(root->name, NAME_LEN);
    if (beneath_make_dir(root->making_fd, root->name) == 0)
        root->work_fd = beneath_open_dir(root->making_fd, root->name);
    if (root->work_fd >= 0 && !lock_now(root->work_fd)) {
        close_keep_errno(root->work_fd);
        root->work_fd = -1;
    }
    (void)flock(root->making_fd, LOCK_UN); /* cannot fail */
    return root->work_fd < 0 ? -1 : 0;
}

/* NULL with errno. */
static struct root *
root_of(struct batch *b, const char *id)
{
    struct root *root;

    for (size_t i = 0; i < b->root_count; i++)
        if (strcmp(b->roots[i].id, id) == 0)
            return &b->roots[i];
    if (b->root_count == STORE_DIRS_MAX) {
        errno = ENODEV;
        return NULL;
    }
    root = &b->roots[b->root_count];
    *root = (struct root){.making_fd = -1, .work_fd = -1};
    (void)snprintf(root->id, sizeof(root->id), "%s", id);
    root->fd = store_dirs_root(b->dirs, id, O_RDONLY);
    if (root->fd < 0)
        return NULL;
    b->root_count++;
    return root;
}

static int
flush_all(const struct batch *b)
{
    for (size_t i = 0; i < b->root_count; i++)
        if (syncfs(b->roots[i].fd) < 0)
            return -1;
    return 0;
}

static void
end_root(struct root *root)
{
    if (root->work_fd >= 0)
        (void)unlinkat(root->making_fd, root->name, AT_REMOVEDIR); /* else swept, when unlocked */
    close_keep_errno(root->work_fd);
    close_keep_errno(root->making_fd);
    close_keep_errno(root->fd);
}

/* ---- making ---- */

static void
item_name(char out[ITEM_NAME_SIZE], size_t i)
{
    (void)snprintf(out, ITEM_NAME_SIZE, "%zu", i);
}

static int
make_newborn(struct batch *b, size_t i, const char *id)
{
    struct newborn *n = &b->newborn[i];
    char name[ITEM_NAME_SIZE];
    struct root *root = root_of(b, id);
    int fd;

    item_name(name, i);
    if (root == NULL || begin_work_dir(root) < 0)
        return -1;
    n->root = root;
    fd = user_dir_begin(root->work_fd, name);
    if (fd >= 0)
        n->journal_fd = first_time_make_unnamed(fd, store_path_is_public(b->items[i].path));
    close_keep_errno(fd);
    return n->journal_fd < 0 ? -1 : 0;
}

static void
begin_create(struct batch *b, size_t i)
{
    struct user_batch_item *item = &b->items[i];
    const struct user_dir_wish wish = {item->place, b->reserve};
    char id[STORE_DIR_ID_SIZE];
    int rc = user_dir_decide(b->dirs, item->path, &wish, id);

    if (rc < 0 || (rc == 0 && make_newborn(b, i, id) < 0))
        item->error = (uint32_t)errno;
}

/* There is something already: what is missing of it. */
static int
complete(struct batch *b, const struct user_batch_item *item)
{
    const struct store_options options = {.may_remove = true,
                                          .bare = store_path_is_public(item->path)};
    const struct user_dir_wish wish = {item->place, b->reserve};
    char id[STORE_DIR_ID_SIZE];
    int fd = user_dir_make(b->dirs, item->path, &wish);
    struct store *store = fd < 0 ? NULL : store_open(fd, &options);
    int rc = store == NULL ? -1 : 0;

    store_close(&store);
    close_keep_errno(fd);
    if (rc == 0)
        rc = store_dirs_find(b->dirs, item->path.ptr, id);
    return rc < 0 || root_of(b, id) == NULL ? -1 : 0; /* flushed, for who began it may be gone */
}

static int
finish_create(struct batch *b, size_t i)
{
    const struct user_batch_item *item = &b->items[i];
    struct newborn *n = &b->newborn[i];
    char name[ITEM_NAME_SIZE];

    if (n->root == NULL)
        return complete(b, item);
    item_name(name, i);
    n->is_named = user_dir_name(n->root->work_fd, name, n->root->fd, item->path) == 0;
    if (n->is_named)
        return 0;
    return errno == EEXIST ? complete(b, item) : -1;
}

static void
end_newborn(struct batch *b, size_t i)
{
    struct newborn *n = &b->newborn[i];
    char name[ITEM_NAME_SIZE];

    close_keep_errno(n->journal_fd);
    if (n->root == NULL || n->is_named)
        return;
    item_name(name, i);
    (void)aside_put_from(n->root->work_fd, name, n->root->fd); /* else it is swept later */
}

/* ---- the rest ---- */

/* One that is just being copied elsewhere keeps its name; accountd asks again. */
static bool
is_being_moved(const struct store_dirs *dirs, struct slice path)
{
    return store_move_recover(dirs) < 0 && errno == EBUSY && store_move_concerns(dirs, path.ptr);
}

static int
finish(struct batch *b, size_t i)
{
    const struct user_batch_item *item = &b->items[i];

    if (item->type == STORE_CREATE)
        return finish_create(b, i);
    if (is_being_moved(b->dirs, item->path)) {
        errno = EBUSY;
        return -1;
    }
    return item->type == STORE_RENAME ? user_dir_rename(b->dirs, item->path, item->new_path, false)
                                      : user_dir_remove(b->dirs, item->path, false);
}

static void
fail_all(struct batch *b)
{
    for (size_t i = 0; i < b->count; i++)
        if (b->items[i].error == 0)
            b->items[i].error = (uint32_t)errno;
}

static void
run(struct batch *b)
{
    bool some = false;

    for (size_t i = 0; i < b->count; i++) {
        if (b->items[i].type == STORE_CREATE)
            begin_create(b, i);
        some |= b->newborn[i].root != NULL;
    }
    if (some && flush_all(b) < 0) {
        fail_all(b);
        return;
    }
    for (size_t i = 0; i < b->count; i++)
        if (b->items[i].error == 0 && finish(b, i) < 0)
            b->items[i].error = (uint32_t)errno;
    if (flush_all(b) < 0)
        fail_all(b);
}

void
user_batch_run(const struct store_dirs *dirs, unsigned reserve, struct user_batch_item *items,
               size_t count)
{
    struct batch *b = xcalloc(1, sizeof(*b));

    b->dirs = dirs;
    b->reserve = reserve;
    b->items = items;
    b->count = count;
    b->newborn = xcalloc(count, sizeof(*b->newborn));
    for (size_t i = 0; i < count; i++) {
        items[i].error = 0;
        b->newborn[i].journal_fd = -1;
    }
    if (root_of(b, STORE_DIR_MAIN) != NULL) /* flushed in any case: the links are there */
        run(b);
    else
        fail_all(b);
    for (size_t i = 0; i < count; i++)
        end_newborn(b, i);
    for (size_t i = 0; i < b->root_count; i++)
        end_root(&b->roots[i]);
    free(b->newborn);
    xfree(&b);
}
