/*
 * lib/store/folder_list.c - which folders there are, and posthorn.folders.
 *
 * Input: directory entries and a text file, both written by whoever has the mailbox: a line or
 * entry that does not parse is no folder.
 */
#include "lib/store/folder_list.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/store/beneath.h"
#include "lib/store/folder_name.h"

#define FOLDERS_FILE_MAX ((size_t)STORE_FOLDERS_MAX * (STORE_NAME_MAX + 16))
#define READ_STEP 16384

static const char *const use_words[] = {
    [STORE_USE_NONE] = "-",      [STORE_USE_SENT] = "sent", [STORE_USE_DRAFTS] = "drafts",
    [STORE_USE_TRASH] = "trash", [STORE_USE_JUNK] = "junk", [STORE_USE_ARCHIVE] = "archive",
};

/* '/' sorts before all else, so that a folder's children follow it directly. */
static int
compare_names(const char *a, const char *b)
{
    for (;; a++, b++) {
        unsigned char x = *a == '/' ? 1 : (unsigned char)*a;
        unsigned char y = *b == '/' ? 1 : (unsigned char)*b;

        if (x != y)
            return x < y ? -1 : 1;
        if (x == '\0')
            return 0;
    }
}

static int
compare_rows(const void *a, const void *b)
{
    const struct folder_row *x = a, *y = b;
    bool x_inbox = strcmp(x->name, "INBOX") == 0, y_inbox = strcmp(y->name, "INBOX") == 0;

    return x_inbox != y_inbox ? (x_inbox ? -1 : 1) : compare_names(x->name, y->name);
}

static struct folder_row *
add_row(struct folder_list *list, struct slice name)
{
    if (list->count == list->cap) {
        list->cap = list->cap == 0 ? 16 : list->cap * 2;
        list->rows = xreallocarray(list->rows, list->cap, sizeof(*list->rows));
    }
    list->rows[list->count] = (struct folder_row){.name = xslicedup(name)};
    return &list->rows[list->count++];
}

void
folder_list_free(struct folder_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        xfree(&list->rows[i].name);
    xfree(&list->rows);
    list->count = list->cap = 0;
}

struct folder_row *
folder_list_find(const struct folder_list *list, struct slice name)
{
    for (size_t i = 0; i < list->count; i++)
        if (slice_eq(slice_of(list->rows[i].name), name))
            return &list->rows[i];
    return NULL;
}

/* Sorts and makes one row of those with the same name. */
static void
merge_rows(struct folder_list *list)
{
    size_t kept = 0;

    qsort(list->rows, list->count, sizeof(*list->rows), compare_rows);
    for (size_t i = 1; i < list->count; i++) {
        struct folder_row *last = &list->rows[kept], *row = &list->rows[i];

        if (strcmp(last->name, row->name) != 0) {
            list->rows[++kept] = *row;
            continue;
        }
        last->exists |= row->exists;
        last->subscribed |= row->subscribed;
        if (row->use != STORE_USE_NONE)
            last->use = row->use;
        xfree(&row->name);
    }
    if (list->count > 0)
        list->count = kept + 1;
}

/* ---- the directory ---- */

static int
read_directory(const struct store *store, struct folder_list *list)
{
    struct strbuf name = strbuf_new(STORE_NAME_MAX);
    int fd = beneath_open_dir(store->dirfd, ".");
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    struct dirent *e;

    if (dir == NULL) {
        close_keep_errno(fd);
        return -1;
    }
    while ((e = readdir(dir)) != NULL && list->count < STORE_FOLDERS_MAX)
        if ((e->d_type == DT_DIR || e->d_type == DT_UNKNOWN) &&
            folder_name_from_dir(slice_of(e->d_name), &name) == 0)
            add_row(list, strbuf_slice(&name))->exists = true;
    (void)closedir(dir); /* read only */
    strbuf_free(&name);
    return 0;
}

int
folder_list_has_room(const struct store *store)
{
    int fd = beneath_open_dir(store->dirfd, ".");
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    struct dirent *e;
    size_t count = 0;

    if (dir == NULL) {
        close_keep_errno(fd);
        return -1;
    }
    while ((e = readdir(dir)) != NULL)
        count += e->d_name[0] == '.';
    (void)closedir(dir); /* read only */
    if (count < STORE_FOLDERS_MAX)
        return 0;
    errno = ENOSPC;
    return -1;
}

/* ---- posthorn.folders ---- */

static void
parse_line(struct slice line, struct folder_list *list)
{
    struct slice use = slice_split(&line, ' '), subscribed = slice_split(&line, ' ');
    struct folder_row *row;

    if (!store_name_valid(line) || list->count >= (size_t)2 * STORE_FOLDERS_MAX)
        return;
    row = add_row(list, line);
    row->subscribed = slice_eq(subscribed, SLICE("subscribed"));
    for (size_t i = 0; i < ARRAY_LEN(use_words); i++)
        if (slice_eq(use, slice_of(use_words[i])))
            row->use = (enum store_use)i;
}

static int
read_lines(const struct store *store, struct folder_list *list)
{
    struct strbuf text = strbuf_new(FOLDERS_FILE_MAX);
    int fd = beneath_open(store->dirfd, FOLDERS_NAME, O_RDONLY | O_NONBLOCK, 0);
    struct slice rest;
    ssize_t n = 1;

    if (fd < 0)
        return errno == ENOENT ? 0 : -1;
    while (n > 0) {
        char *room = strbuf_room(&text, READ_STEP);

        n = room == NULL ? 0 : read(fd, room, READ_STEP);
        if (n > 0)
            strbuf_grew(&text, (size_t)n);
    }
    close_keep_errno(fd);
    for (rest = strbuf_slice(&text); rest.len > 0;)
        parse_line(slice_split(&rest, '\n'), list);
    strbuf_free(&text);
    return n < 0 ? -1 : 0;
}

/* -1 with ENOSPC: more than the file may have. */
static int
format_lines(struct strbuf *text, const struct folder_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        if (list->rows[i].subscribed || list->rows[i].use != STORE_USE_NONE)
            (void)strbuf_printf(text, "%s %s %s\n", use_words[list->rows[i].use],
                                list->rows[i].subscribed ? "subscribed" : "-",
                                list->rows[i].name); /* overflow is remembered */
    errno = ENOSPC;
    return text->overflow ? -1 : 0;
}

static int
write_lines(const struct store *store, const struct folder_list *list)
{
    struct strbuf text = strbuf_new(FOLDERS_FILE_MAX);
    int rc = format_lines(&text, list);

    if (rc == 0)
        rc = replace_file(store->dirfd, FOLDERS_NAME, strbuf_slice(&text), 0600);
    strbuf_free(&text);
    return rc;
}

int
folder_list_write_unflushed(int dirfd, struct folder_row *rows, size_t count)
{
    const struct folder_list list = {.rows = rows, .count = count};
    struct strbuf text = strbuf_new(FOLDERS_FILE_MAX);
    int fd = beneath_open(dirfd, FOLDERS_NAME, O_WRONLY | O_CREAT | O_EXCL, 0600);
    int rc = fd < 0 ? -1 : format_lines(&text, &list);

    if (rc == 0)
        rc = write_all(fd, strbuf_slice(&text));
    close_keep_errno(fd);
    strbuf_free(&text);
    return rc;
}

int
folder_list_change(const struct store *store, struct slice name,
                   void (*change)(struct folder_row *row, const void *arg), const void *arg)
{
    struct folder_list list = {0};
    struct folder_row *row;
    struct journal j;
    int rc;

    if (journal_open(&j, store->dirfd, true) < 0)
        return -1;
    rc = journal_lock_current(&j);
    if (rc == 0)
        rc = read_lines(store, &list);
    if (rc == 0) {
        row = folder_list_find(&list, name);
        change(row != NULL ? row : add_row(&list, name), arg);
        rc = write_lines(store, &list);
    }
    journal_close(&j);
    folder_list_free(&list);
    return rc;
}

int
folder_list_use(const struct store *store, struct slice name, enum store_use *out)
{
    struct folder_list list = {0};
    const struct folder_row *row;
    int rc = read_lines(store, &list);

    row = rc == 0 ? folder_list_find(&list, name) : NULL;
    *out = row == NULL ? STORE_USE_NONE : row->use;
    folder_list_free(&list);
    return rc;
}

int
folder_list_begin(const struct store *store, struct folder_row *rows, size_t count)
{
    const struct folder_list list = {.rows = rows, .count = count};
    struct journal j;
    int rc;

    if (journal_open(&j, store->dirfd, true) < 0)
        return -1;
    rc = journal_lock_current(&j);
    if (rc == 0 && faccessat(store->dirfd, FOLDERS_NAME, F_OK, 0) < 0)
        rc = write_lines(store, &list);
    journal_close(&j);
    return rc;
}

/* ---- all together ---- */

static void
add_parents(struct folder_list *list)
{
    size_t count = list->count;

    for (size_t i = 0; i < count; i++) {
        struct slice name = slice_of(list->rows[i].name);
        size_t at;

        while ((at = slice_rindex(name, '/')) < name.len) {
            name = slice_sub(name, 0, at);
            (void)add_row(list, name);
        }
    }
}

int
folder_list_read(const struct store *store, struct folder_list *list)
{
    *list = (struct folder_list){0};
    if (folder_check_store(store) < 0)
        return -1;
    add_row(list, SLICE("INBOX"))->exists = true;
    if (read_directory(store, list) < 0 || read_lines(store, list) < 0) {
        folder_list_free(list);
        return -1;
    }
    merge_rows(list);
    add_parents(list);
    merge_rows(list);
    for (size_t i = 0; i + 1 < list->count; i++) {
        struct slice name = slice_of(list->rows[i].name);

        for (size_t k = i + 1; k < list->count && !list->rows[i].has_children; k++) {
            struct slice next = slice_of(list->rows[k].name);

            list->rows[i].has_children =
                slice_starts(next, name) && next.len > name.len && next.ptr[name.len] == '/';
            if (i > 0)
                break; /* children follow directly; INBOX's alone may stand further down */
        }
    }
    return 0;
}
