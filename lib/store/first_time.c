/*
 * lib/store/first_time.c - what a store has at its beginning.
 *
 * Touches only what is below the mail directory that it was given.
 */
#include "lib/store/first_time.h"

#include <errno.h>
#include <stdio.h>
#include <sys/file.h>

#include "lib/base/clock.h"
#include "lib/base/io.h"
#include "lib/store/beneath.h"
#include "lib/store/folder_list.h"
#include "lib/store/folder_name.h"

static const struct {
    char *name;
    enum store_use use;
} standard_folders[] = {
    {"Sent", STORE_USE_SENT},
    {"Drafts", STORE_USE_DRAFTS},
    {"Trash", STORE_USE_TRASH},
    {"Junk", STORE_USE_JUNK},
};

#define ROWS_MAX (1 + ARRAY_LEN(standard_folders))

/* Returns how many. */
static size_t
fill_rows(struct folder_row rows[ROWS_MAX], bool bare)
{
    size_t count = 0;

    rows[count++] = (struct folder_row){.name = "INBOX", .subscribed = true};
    for (size_t i = 0; i < ARRAY_LEN(standard_folders) && !bare; i++)
        rows[count++] = (struct folder_row){
            .name = standard_folders[i].name, .use = standard_folders[i].use, .subscribed = true};
    return count;
}

/* ---- in an open store ---- */

/* What is there already is fine. */
static int
make_folder(struct store *store, const char *name)
{
    int rc = store_create(store, slice_of(name), STORE_USE_NONE);

    return rc < 0 && errno == EEXIST ? 0 : rc;
}

int
first_time_make(struct store *store)
{
    struct folder_row rows[ROWS_MAX];
    size_t count = fill_rows(rows, store->options.bare);
    struct folder inbox;

    if (folder_make_dirs(store->dirfd) < 0 || folder_open(&inbox, store, SLICE("INBOX")) < 0)
        return -1;
    folder_close(&inbox);
    for (size_t i = 1; i < count; i++)
        if (make_folder(store, rows[i].name) < 0)
            return -1;
    return folder_list_begin(store, rows, count);
}

/* ---- in a directory without a name ---- */

/* Below `dirfd`: "" for INBOX. */
static int
make_maildir(int dirfd, const char *folder)
{
    static const char *const parts[] = {"cur", "new", "tmp"};
    char path[FOLDER_DIR_MAX + sizeof("/cur")];

    if (folder[0] != '\0' && beneath_make_dir(dirfd, folder) < 0)
        return -1;
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        (void)snprintf(path, sizeof(path), "%s%s%s", folder, folder[0] == '\0' ? "" : "/",
                       parts[i]);
        if (beneath_make_dir(dirfd, path) < 0)
            return -1;
    }
    return 0;
}

static int
make_standard_folder(int dirfd, const char *name)
{
    struct strbuf dir = strbuf_new(FOLDER_DIR_MAX);
    int rc = folder_name_to_dir(slice_of(name), &dir);

    if (rc == 0)
        rc = make_maildir(dirfd, strbuf_cstr(&dir));
    strbuf_free(&dir);
    return rc;
}

int
first_time_make_unnamed(int dirfd, bool bare)
{
    struct folder_row rows[ROWS_MAX];
    size_t count = fill_rows(rows, bare);
    int journal_fd = -1, rc = make_maildir(dirfd, "");

    for (size_t i = 1; i < count && rc == 0; i++)
        rc = make_standard_folder(dirfd, rows[i].name);
    if (rc == 0)
        rc = folder_list_write_unflushed(dirfd, rows, count);
    if (rc == 0)
        journal_fd = folder_new_inbox_journal(dirfd, (uint32_t)(clock_real_ms() / 1000));
    if (journal_fd >= 0 && flock(journal_fd, LOCK_EX | LOCK_NB) < 0) {
        close_keep_errno(journal_fd);
        journal_fd = -1;
    }
    return journal_fd;
}
