/*
 * lib/store/move.c - moves a user's mail from one storage directory to another.
 *
 * store/.moving/ holds, flushed before they matter: `lock`, which the mover has locked; `intent`,
 * the link whose text is "FROM TO PATH"; `entry`, what takes the place of store/PATH (a link, or
 * the copy if it goes to the main directory) and afterwards what was there. In another directory
 * than the main one the copy is made as .moving/copy.
 */
#include "lib/store/move.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/ipc/local_deliver.h"
#include "lib/store/aside.h"
#include "lib/store/beneath.h"
#include "lib/store/folder.h"
#include "lib/store/folder_list.h"
#include "lib/store/move_fence.h"

#define MOVING ".moving"
#define LOCK MOVING "/lock"
#define INTENT MOVING "/intent"
#define ENTRY MOVING "/entry"
#define COPY MOVING "/copy"
#define PATH_SIZE (STORE_PATH_MAX + 8)
#define INTENT_SIZE (PATH_SIZE + 2 * STORE_DIR_ID_SIZE)

enum { USER_MODE = 0711 };

struct move {
    const struct store_dirs *dirs;
    char from[STORE_DIR_ID_SIZE], to[STORE_DIR_ID_SIZE], path[PATH_SIZE];
    int main, from_root, to_root; /* open for reading; the same directory may be two of them */
    int lock;
};

static bool
is_main(const char *id)
{
    return strcmp(id, STORE_DIR_MAIN) == 0;
}

/* ---- the lock and the directories ---- */

static void
close_roots(struct move *m)
{
    close_keep_errno(m->from_root);
    close_keep_errno(m->to_root);
    m->from_root = m->to_root = -1;
}

static void
close_move(struct move *m)
{
    close_roots(m);
    close_keep_errno(m->main);
    close_keep_errno(m->lock);
}

/* EBUSY: somebody else has it. */
static int
open_move(struct move *m, const struct store_dirs *dirs)
{
    *m = (struct move){.dirs = dirs, .from_root = -1, .to_root = -1, .lock = -1};
    m->main = store_dirs_root(dirs, STORE_DIR_MAIN, O_RDONLY);
    if (m->main < 0)
        return -1;
    if (mkdirat(m->main, MOVING, 0700) == 0 || errno == EEXIST)
        m->lock = beneath_open(m->main, LOCK, O_RDWR | O_CREAT, 0600);
    if (m->lock >= 0 && flock(m->lock, LOCK_EX | LOCK_NB) == 0)
        return 0;
    if (m->lock >= 0)
        errno = EBUSY;
    close_move(m);
    return -1;
}

static int
open_roots(struct move *m)
{
    m->from_root = store_dirs_root(m->dirs, m->from, O_RDONLY);
    m->to_root = m->from_root < 0 ? -1 : store_dirs_root(m->dirs, m->to, O_RDONLY);
    return m->to_root < 0 ? -1 : 0;
}

/* ---- what was begun ---- */

static int
write_intent(const struct move *m)
{
    char text[INTENT_SIZE];

    (void)snprintf(text, sizeof(text), "%s %s %s", m->from, m->to, m->path);
    return symlinkat(text, m->main, INTENT) < 0 ? -1 : beneath_sync_dir(m->main, MOVING);
}

/* 1: read, 0: there is none. One that says nothing is as good as none. */
static int
read_intent(struct move *m)
{
    char text[INTENT_SIZE];
    ssize_t n = readlinkat(m->main, INTENT, text, sizeof(text));
    struct slice rest, from, to;

    if (n < 0)
        return errno == ENOENT ? 0 : -1;
    rest = slice_make(text, (size_t)n);
    from = slice_split(&rest, ' ');
    to = slice_split(&rest, ' ');
    if ((size_t)n == sizeof(text) || !store_dir_id_valid(from) || !store_dir_id_valid(to) ||
        !store_path_valid(rest) || rest.len >= sizeof(m->path))
        return unlinkat(m->main, INTENT, 0);
    (void)snprintf(m->from, sizeof(m->from), "%.*s", (int)from.len, from.ptr);
    (void)snprintf(m->to, sizeof(m->to), "%.*s", (int)to.len, to.ptr);
    (void)snprintf(m->path, sizeof(m->path), "%.*s", (int)rest.len, rest.ptr);
    return 1;
}

static int
open_mail_in(int root, const char *path)
{
    char mail[PATH_SIZE + sizeof("/mail")];

    (void)snprintf(mail, sizeof(mail), "%s/mail", path);
    return beneath_open_dir(root, mail);
}

/* The old one is the mailbox: the copy goes, and then the fence. */
static int
undo(const struct move *m)
{
    int mail_fd, rc = aside_put(m->main, ENTRY);

    if (rc == 0 && !is_main(m->to)) {
        rc = aside_put(m->to_root, COPY);
        if (rc == 0)
            rc = aside_put(m->to_root, m->path);
    }
    mail_fd = open_mail_in(m->from_root, m->path);
    if (mail_fd >= 0)
        move_fence_lift(mail_fd);
    close_keep_errno(mail_fd);
    return rc;
}

/* DOMAIN/xx */
static int
sync_parent(int root, const char *path)
{
    char parent[PATH_SIZE];

    (void)snprintf(parent, sizeof(parent), "%s", path);
    *strrchr(parent, '/') = '\0';
    return beneath_sync_dir(root, parent);
}

/* The new one is, once that is on disk: then the old one goes, fenced as it is. */
static int
finish(const struct move *m)
{
    int rc = sync_parent(m->main, m->path);

    if (rc == 0)
        rc = aside_put(m->main, ENTRY);
    if (rc == 0 && !is_main(m->from))
        rc = aside_put(m->from_root, m->path);
    return rc;
}

static int
put_right(struct move *m)
{
    char now[STORE_DIR_ID_SIZE];
    int rc = store_dirs_find(m->dirs, m->path, now);

    if (rc == 0 || errno == ENOENT) /* a mailbox that was removed leaves the copy */
        rc = rc == 0 && strcmp(now, m->to) == 0 ? finish(m) : undo(m);
    if (rc == 0)
        rc = unlinkat(m->main, INTENT, 0);
    return rc;
}

/* What a mover left who died. We have the lock. */
static int
put_right_begun(struct move *m)
{
    int rc = read_intent(m);

    if (rc > 0) {
        rc = open_roots(m) < 0 ? -1 : put_right(m);
        close_roots(m);
    }
    return rc < 0 ? -1 : 0;
}

int
store_move_recover(const struct store_dirs *dirs)
{
    struct move m;
    int rc;

    if (faccessat(dirs->main_fd, INTENT, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
        return 0;
    if (open_move(&m, dirs) < 0)
        return -1;
    rc = put_right_begun(&m);
    close_move(&m);
    return rc;
}

bool
store_move_concerns(const struct store_dirs *dirs, const char *path)
{
    struct move m = {.dirs = dirs, .main = dirs->main_fd};

    return read_intent(&m) > 0 && strcmp(m.path, path) == 0;
}

/* ---- the way there ---- */

/* The directory that becomes USER, empty. */
static int
make_copy_dir(const struct move *m)
{
    const char *name = is_main(m->to) ? ENTRY : COPY;
    int fd;

    if (mkdirat(m->to_root, MOVING, 0700) < 0 && errno != EEXIST)
        return -1;
    if (aside_put(m->to_root, name) < 0 || mkdirat(m->to_root, name, USER_MODE) < 0)
        return -1;
    fd = beneath_open_dir(m->to_root, name);
    if (fd >= 0 && fchmod(fd, USER_MODE) < 0) {
        close_keep_errno(fd);
        return -1;
    }
    return fd;
}

/* DOMAIN/xx, flushed. */
static int
make_parents(int root, const char *path)
{
    char part[PATH_SIZE];

    (void)snprintf(part, sizeof(part), "%s", path);
    for (char *at = strchr(part, '/'); at != NULL; at = strchr(at + 1, '/')) {
        *at = '\0';
        if (mkdirat(root, part, USER_MODE) == 0 ? fchmodat(root, part, USER_MODE, 0) < 0
                                                : errno != EEXIST)
            return -1;
        *at = '/';
    }
    return 0;
}

/* The copy in its place, and `entry` ready to take that of store/PATH. All on disk. */
static int
prepare_entry(const struct move *m)
{
    if (is_main(m->to))
        return 0;
    if (make_parents(m->to_root, m->path) < 0 || aside_put(m->to_root, m->path) < 0 ||
        renameat(m->to_root, COPY, m->to_root, m->path) < 0 || syncfs(m->to_root) < 0)
        return -1;
    return symlinkat(m->to, m->main, ENTRY) < 0 ? -1 : beneath_sync_dir(m->main, MOVING);
}

/* Is store/PATH (or the one in another directory) still what was copied? */
static bool
is_still(const struct move *m, const struct stat *copied)
{
    char now[STORE_DIR_ID_SIZE];
    struct stat st;

    return store_dirs_find(m->dirs, m->path, now) == 0 && strcmp(now, m->from) == 0 &&
           fstatat(m->from_root, m->path, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
           st.st_ino == copied->st_ino && st.st_dev == copied->st_dev;
}

/* Behind the fence: what came since, and the switch. */
static int
switch_over(const struct move *m, int user_fd, int copy_fd, struct move_counts *counts)
{
    struct stat copied;

    if (move_copy_tree(user_fd, copy_fd, counts) < 0 || prepare_entry(m) < 0 ||
        fstat(user_fd, &copied) < 0)
        return -1;
    if (!is_still(m, &copied)) { /* renamed or removed: somebody did not ask */
        errno = EBUSY;
        return -1;
    }
    return renameat2(m->main, ENTRY, m->main, m->path, RENAME_EXCHANGE);
}

/* So that no folder gets its journal behind the fence. */
static int
open_every_folder(int mail_fd, bool bare)
{
    const struct store_options options = {.may_remove = true, .bare = bare};
    struct store *store = store_open(mail_fd, &options);
    int rc = store == NULL ? -1 : 0;
    struct folder_list list = {0};
    struct folder f;

    if (rc == 0)
        rc = folder_list_read(store, &list);
    for (size_t i = 0; rc == 0 && i < list.count; i++) {
        if (!list.rows[i].exists)
            continue;
        rc = folder_open(&f, store, slice_of(list.rows[i].name));
        if (rc == 0)
            folder_close(&f);
    }
    folder_list_free(&list);
    store_close(&store);
    return rc;
}

static int
move_between(const struct move *m, int user_fd, int mail_fd, struct move_counts *counts)
{
    int copy_fd = -1, rc = open_every_folder(mail_fd, store_path_is_public(slice_of(m->path)));

    if (rc == 0)
        rc = write_intent(m);
    if (rc == 0)
        copy_fd = make_copy_dir(m);
    rc = copy_fd < 0 ? -1 : move_copy_tree(user_fd, copy_fd, counts);
    if (rc == 0)
        rc = move_fence_raise(mail_fd);
    if (rc == 0)
        rc = switch_over(m, user_fd, copy_fd, counts);
    if (rc < 0)
        move_fence_lift(mail_fd); /* by descriptor: it may have another name now */
    else
        rc = sync_parent(m->main, m->path); /* never lifted again: what comes in would be lost */
    close_keep_errno(copy_fd);
    return rc;
}

int
store_move(const struct store_dirs *dirs, const char *path, const char *to,
           struct move_counts *counts)
{
    struct move m;
    int user_fd = -1, mail_fd = -1, rc, saved;

    *counts = (struct move_counts){0};
    if (open_move(&m, dirs) < 0)
        return -1;
    if (put_right_begun(&m) < 0) {
        close_move(&m);
        return -1;
    }
    (void)snprintf(m.path, sizeof(m.path), "%s", path);
    (void)snprintf(m.to, sizeof(m.to), "%s", to);
    rc = store_dirs_find(dirs, path, m.from);
    if (rc == 0 && strcmp(m.from, to) == 0) {
        errno = EALREADY;
        rc = -1;
    }
    if (rc == 0)
        rc = open_roots(&m);
    if (rc == 0) {
        user_fd = beneath_open_dir(m.from_root, path);
        mail_fd = open_mail_in(m.from_root, path);
        rc = user_fd < 0 || mail_fd < 0 ? -1 : move_between(&m, user_fd, mail_fd, counts);
    }
    saved = errno;
    if (m.from_root >= 0 && m.to_root >= 0 && read_intent(&m) > 0)
        (void)put_right(&m); /* else the next who comes does it */
    close_keep_errno(user_fd);
    close_keep_errno(mail_fd);
    close_move(&m);
    errno = saved;
    return rc;
}
