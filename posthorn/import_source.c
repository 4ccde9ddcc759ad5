/*
 * posthorn/import_source.c - walks through what is to be imported: Maildir++, mbox files, .eml
 * files.
 *
 * Input: a directory that anybody may have made. Nothing is opened through a symbolic link; a name
 * that is no folder's is left out, and said.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/store/beneath.h"
#include "lib/store/folder_name.h"
#include "posthorn/import_keywords.h"
#include "posthorn/import_uids.h"
#include "posthorn/importer.h"

#define DEPTH_MAX STORE_DEPTH_MAX
#define CONTENT_MAX (INT64_C(4) << 30)

/* ---- files ---- */

struct file {
    char *name;
    const char *sub; /* of a Maildir: cur or new */
    uint32_t uid;    /* 0: not known */
};
struct files {
    struct file *list;
    size_t count, cap;
};

static void
files_free(struct files *f)
{
    for (size_t i = 0; i < f->count; i++)
        xfree(&f->list[i].name);
    xfree(&f->list);
    f->count = f->cap = 0;
}

/* By UID where it is known, else by what the name begins with: Maildir's time, an .eml's number. */
static int
by_age(const void *a, const void *b)
{
    const struct file *x = a, *y = b;
    unsigned long long tx = strtoull(x->name, NULL, 10), ty = strtoull(y->name, NULL, 10);

    if (x->uid != y->uid)
        return x->uid == 0 ? 1 : y->uid == 0 ? -1 : x->uid < y->uid ? -1 : 1;
    return tx != ty ? (tx < ty ? -1 : 1) : strcmp(x->name, y->name);
}

/* Adds what is in the directory. */
static int
add_files(int dirfd, const char *path, const char *sub, struct files *f)
{
    int fd = beneath_open_dir(dirfd, path);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    struct dirent *e;

    if (dir == NULL) {
        close_keep_errno(fd);
        return -1;
    }
    while ((e = readdir(dir)) != NULL) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        if (f->count == f->cap) {
            f->cap = f->cap == 0 ? 64 : f->cap * 2;
            f->list = xreallocarray(f->list, f->cap, sizeof(*f->list));
        }
        f->list[f->count++] = (struct file){.name = xstrdup(e->d_name), .sub = sub};
    }
    (void)closedir(dir); /* read only */
    return 0;
}

static void
sort_files(struct files *f)
{
    if (f->count > 1)
        qsort(f->list, f->count, sizeof(*f->list), by_age);
}

static int
list_files(int dirfd, const char *path, struct files *f)
{
    *f = (struct files){0};
    if (add_files(dirfd, path, NULL, f) < 0)
        return -1;
    sort_files(f);
    return 0;
}

/* Maps a regular file; an empty one is the empty slice. -1 with errno. */
static int
map_file(int dirfd, const char *path, struct slice *content, int64_t *mtime_ms)
{
    int fd = beneath_open(dirfd, path, O_RDONLY | O_NONBLOCK, 0);
    struct stat st;
    void *map = NULL;
    int rc = -1;

    if (fd < 0)
        return -1;
    errno = EINVAL;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size <= CONTENT_MAX) {
        if (st.st_size > 0)
            map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        rc = map == MAP_FAILED ? -1 : 0;
        *content = slice_make(map == NULL ? "" : map, (size_t)st.st_size);
        *mtime_ms = (int64_t)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000;
    }
    close_keep_errno(fd);
    return rc;
}

static void
unmap_file(struct slice content)
{
    if (content.len > 0)
        (void)munmap((void *)(uintptr_t)content.ptr, content.len); /* cannot fail */
}

/* What is left out is no failure, but it is said. */
static void
leave_out(struct importer *im, const char *path, const char *why)
{
    store_job_row(im->out,
                  (struct object_field[]){{SLICE("folder"), slice_of(path)},
                                          {SLICE("messages"), SLICE("0")},
                                          {SLICE("left_out"), slice_of(why)}},
                  3);
}

static int
import_file(struct importer *im, int dirfd, const char *path, struct import_message *m)
{
    int64_t mtime_ms = 0;
    int rc;

    if (map_file(dirfd, path, &m->content, &mtime_ms) < 0) {
        leave_out(im, path, strerror(errno));
        return 0;
    }
    m->internal_ms = mtime_ms;
    rc = importer_message(im, m);
    unmap_file(m->content);
    return rc;
}

/* ---- Maildir++ ---- */

static struct slice
base_of(struct slice name)
{
    return slice_sub(name, 0, slice_find(name, SLICE(":2,")));
}

/* What lies beside the messages of one folder. */
struct beside {
    struct import_keywords keywords;
    struct import_uids uids;
};

static int
maildir_file(struct importer *im, int root, const char *dir, const struct file *f,
             const struct beside *b)
{
    struct slice name = slice_of(f->name), words[MAILBOX_KEYWORDS_MAX];
    struct strbuf unique = strbuf_new(MAILBOX_UNIQUE_NAME_MAX);
    size_t mark = base_of(name).len;
    struct slice info = slice_sub(name, mark + 3, name.len);
    bool top = strcmp(dir, ".") == 0;
    char *path = xasprintf("%s%s%s/%s", top ? "" : dir, top ? "" : "/", f->sub, f->name);
    struct import_message m = {.path = slice_sub(slice_of(path), 0, strlen(path) - name.len + mark),
                               .uid = f->uid,
                               .flags = manifest_flags_read(info),
                               .keywords = words};
    int rc;

    m.keyword_count = import_keywords_of(&b->keywords, name, info, words);
    if (top) { /* POP3 has no other folder than INBOX */
        import_uids_pop3(&b->uids, name, &unique);
        m.unique_name = unique.overflow ? SLICE("") : strbuf_slice(&unique);
    }
    rc = import_file(im, root, path, &m);
    xfree(&path);
    strbuf_free(&unique);
    return rc;
}

static int
maildir_messages(struct importer *im, int root, const char *dir, struct slice name,
                 const struct files *files, const struct beside *b)
{
    int rc = importer_folder(im, name, b->uids.uidvalidity, b->uids.uidnext);

    for (size_t i = 0; i < files->count && rc == 0; i++)
        if (files->list[i].name[0] != '.')
            rc = maildir_file(im, root, dir, &files->list[i], b);
    return rc;
}

static int
maildir_folder(struct importer *im, int root, const char *dir, struct slice name)
{
    static const char *const subs[] = {"cur", "new"};
    struct files files = {0};
    struct beside b;
    bool there = false;
    int rc = 0;

    import_keywords_read(&b.keywords, root, dir);
    import_uids_read(&b.uids, root, dir, im->uidl_format);
    for (size_t i = 0; i < ARRAY_LEN(subs); i++) {
        char *path = xasprintf("%s/%s", dir, subs[i]);

        there |= add_files(root, path, subs[i], &files) == 0;
        xfree(&path);
    }
    for (size_t i = 0; i < files.count; i++)
        files.list[i].uid = import_uids_of(&b.uids, slice_of(files.list[i].name));
    sort_files(&files);
    if (there)
        rc = maildir_messages(im, root, dir, name, &files, &b);
    files_free(&files);
    import_uids_free(&b.uids);
    import_keywords_free(&b.keywords);
    return rc;
}

static int
read_maildir(struct importer *im, int root)
{
    struct strbuf name = strbuf_new(STORE_NAME_MAX);
    struct files dirs;
    int rc = maildir_folder(im, root, ".", SLICE("INBOX"));

    if (rc < 0 || list_files(root, ".", &dirs) < 0)
        return -1;
    for (size_t i = 0; i < dirs.count && rc == 0; i++) {
        const char *dir = dirs.list[i].name;
        char *cur = xasprintf("%s/cur", dir);
        struct stat st;

        if (dir[0] == '.' && fstatat(root, cur, &st, AT_SYMLINK_NOFOLLOW) == 0) {
            if (folder_name_from_dir(slice_of(dir), &name) == 0)
                rc = maildir_folder(im, root, dir, strbuf_slice(&name));
            else
                leave_out(im, dir, "its name is not the encoded name of a folder");
        }
        xfree(&cur);
    }
    files_free(&dirs);
    strbuf_free(&name);
    return rc == 0 ? import_subscriptions_read(im->store, root) : rc;
}

/* ---- trees of files ---- */

struct tree {
    struct importer *im;
    int root;
    bool mbox;
};

static int
import_mbox(const struct tree *t, const char *path, struct slice content)
{
    struct slice name = slice_of(path);

    if (slice_ends_nocase(name, SLICE(".mbox")))
        name = slice_sub(name, 0, name.len - 5);
    if (!store_name_valid(name)) {
        leave_out(t->im, path, "its name cannot be a folder's");
        return 0;
    }
    return importer_folder(t->im, name, 0, 0) < 0 ? -1 : import_mbox_read(t->im, path, content);
}

static int
import_eml(const struct tree *t, const char *path)
{
    struct slice folder = slice_sub(slice_of(path), 0, slice_rindex(slice_of(path), '/'));
    struct import_message m = {.path = slice_of(path)};

    if (folder.len == strlen(path))
        folder = SLICE("INBOX");
    if (!store_name_valid(folder)) {
        leave_out(t->im, path, "its directory's name cannot be a folder's");
        return 0;
    }
    return importer_folder(t->im, folder, 0, 0) < 0 ? -1 : import_file(t->im, t->root, path, &m);
}

/* A regular file; what is of another kind is passed over. */
static int
tree_file(const struct tree *t, const char *path)
{
    struct slice content;
    int64_t mtime_ms;
    int rc = 0;

    if (!t->mbox)
        return slice_ends_nocase(slice_of(path), SLICE(".eml")) ? import_eml(t, path) : 0;
    if (map_file(t->root, path, &content, &mtime_ms) < 0)
        return 0;
    if (slice_starts(content, SLICE("From ")) ||
        (content.len == 0 && slice_ends_nocase(slice_of(path), SLICE(".mbox"))))
        rc = import_mbox(t, path, content);
    unmap_file(content);
    return rc;
}

/* Files first, then directories: a folder before its children. */
static int
read_tree(const struct tree *t, const char *path, int depth)
{
    struct files files;
    int rc = 0;

    if (depth > DEPTH_MAX || list_files(t->root, path, &files) < 0)
        return 0;
    for (int dirs = 0; dirs < 2; dirs++)
        for (size_t i = 0; i < files.count && rc == 0; i++) {
            char *child = strcmp(path, ".") == 0 ? xstrdup(files.list[i].name)
                                                 : xasprintf("%s/%s", path, files.list[i].name);
            struct stat st;
            int found = fstatat(t->root, child, &st, AT_SYMLINK_NOFOLLOW);

            if (found == 0 && dirs == 0 && S_ISREG(st.st_mode) && strcmp(child, MANIFEST_NAME) != 0)
                rc = tree_file(t, child);
            else if (found == 0 && dirs == 1 && S_ISDIR(st.st_mode))
                rc = read_tree(t, child, depth + 1);
            xfree(&child);
        }
    files_free(&files);
    return rc;
}

/* ---- all ---- */

const char *
import_source_format(int dirfd, const struct manifest *manifest)
{
    static const char *const known[] = {"maildir", "mbox", "eml"};
    struct stat st;

    for (size_t i = 0; manifest != NULL && i < ARRAY_LEN(known); i++)
        if (slice_eq(manifest->format, slice_of(known[i])))
            return known[i];
    return fstatat(dirfd, "cur", &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode) ? "maildir"
                                                                                       : NULL;
}

int
import_source_read(struct importer *im, int dirfd, const char *format)
{
    const struct tree t = {.im = im, .root = dirfd, .mbox = strcmp(format, "mbox") == 0};

    if (importer_make_folders(im) < 0)
        return -1;
    if ((strcmp(format, "maildir") == 0 ? read_maildir(im, dirfd) : read_tree(&t, ".", 0)) < 0)
        return -1;
    return importer_end(im);
}
