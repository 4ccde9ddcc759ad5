/*
 * lib/store/annotation_list.c - which mailboxes there are, and about which ones a user keeps notes.
 *
 * Trusts nothing below the mail directory: an id is what a journal's header or a file's name says.
 */
#include "lib/store/annotation_list.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/base/io.h"
#include "lib/store/annotation_file.h"
#include "lib/store/annotations.h"
#include "lib/store/beneath.h"
#include "lib/store/folder_list.h"
#include "lib/store/mailbox_private.h"

/* A folder without a journal was never used: it has no id yet. */
static int
list_folder(struct store *store, const char *name, annotation_list_fn each, void *arg)
{
    struct folder f;

    if (folder_open(&f, store, slice_of(name)) < 0)
        return errno == ENOENT ? 0 : -1;
    each(arg, f.journal.header.mailbox_id);
    folder_close(&f);
    return 0;
}

int
annotation_list_folders(int mail_fd, annotation_list_fn each, void *arg)
{
    struct store store = {.dirfd = beneath_open_dir(mail_fd, "."), .options = {.read_only = true}};
    struct folder_list list;
    int rc = store.dirfd < 0 ? -1 : folder_list_read(&store, &list);

    if (rc == 0) {
        for (size_t i = 0; rc == 0 && i < list.count; i++)
            if (list.rows[i].exists)
                rc = list_folder(&store, list.rows[i].name, each, arg);
        folder_list_free(&list);
    }
    if (rc == 0)
        rc = folder_check_store(&store); /* else what is missing here may be elsewhere */
    close_keep_errno(store.dirfd);
    return rc;
}

/* "server" is no mailbox; with a dot: what a crash left half-written. */
static bool
is_about_mailbox(const char *name)
{
    return strchr(name, '.') == NULL && strcmp(name, ANNOTATIONS_SERVER) != 0;
}

int
annotation_list_private(int mail_fd, int64_t before, annotation_list_fn each, void *arg)
{
    int fd = beneath_open_dir(mail_fd, ANNOTATIONS_PRIVATE);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    struct dirent *e;
    struct stat st;

    if (dir == NULL) {
        int rc = errno == ENOENT ? 0 : -1;

        close_keep_errno(fd);
        return rc;
    }
    while ((e = readdir(dir)) != NULL)
        if (is_about_mailbox(e->d_name) && fstatat(fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
            S_ISREG(st.st_mode) && st.st_mtim.tv_sec < before)
            each(arg, e->d_name);
    (void)closedir(dir); /* read only */
    return 0;
}
