/*
 * lib/store/folder_list.h - which folders there are, and posthorn.folders: subscriptions and uses.
 *
 * A folder exists when its directory does. What a directory cannot say is one line per folder in
 * posthorn.folders: `USE SUBSCRIBED NAME`, replaced as a whole under INBOX's lock.
 */
#ifndef POSTHORN_LIB_STORE_FOLDER_LIST_H
#define POSTHORN_LIB_STORE_FOLDER_LIST_H

#include "lib/store/folder.h"

#define FOLDERS_NAME "posthorn.folders"

struct folder_row {
    char *name; /* canonical */
    enum store_use use;
    bool exists, subscribed, has_children;
};
struct folder_list {
    struct folder_row *rows; /* sorted, INBOX first, children behind their parent */
    size_t count, cap;
};

/* All of them, parents and subscriptions without a folder included. */
int folder_list_read(const struct store *store, struct folder_list *list);
void folder_list_free(struct folder_list *list);
/* 0, or -1 with ENOSPC: there are STORE_FOLDERS_MAX, and more would not be listed. */
int folder_list_has_room(const struct store *store);
struct folder_row *folder_list_find(const struct folder_list *list, struct slice name);

/* Changes the line of `name` and replaces the file: change() gets the row (made if it is missing).
 */
int folder_list_change(const struct store *store, struct slice name,
                       void (*change)(struct folder_row *row, const void *arg), const void *arg);
/* The use in the line of `name` (canonical); STORE_USE_NONE without one. 0, or -1 with errno. */
int folder_list_use(const struct store *store, struct slice name, enum store_use *out);
/* Writes the first file, with these lines at once: a session that meets it finds all of them, and
 * so does one after a crash. One that is there stays. 0, or -1 with errno. */
int folder_list_begin(const struct store *store, struct folder_row *rows, size_t count);
/* The same where nobody else is yet, without a flush or a lock. EEXIST: there is one. */
int folder_list_write_unflushed(int dirfd, struct folder_row *rows, size_t count);

#endif
