/*
 * lib/conf/list_file.h - list files (etc/lists/NAME.txt): one entry a line.
 *
 *     # a comment
 *     example.org            # white space and '#' end an entry
 *
 * Which settings name such files, and what an entry of each has to be, is in lib/conf/lists.h.
 */
#ifndef POSTHORN_LIB_CONF_LIST_FILE_H
#define POSTHORN_LIB_CONF_LIST_FILE_H

#include "lib/base/strbuf.h"

#define LIST_FILE_MAX (8u << 20)
#define LIST_ENTRIES_MAX 100000
#define LIST_ENTRY_MAX 1024 /* bytes */
#define LIST_ERRORS_MAX 20  /* that are reported one by one */

struct list_entry {
    struct slice text; /* without white space around it and comment, never empty; UTF-8 */
    unsigned line;     /* of the file, from 1 */
};

struct list_file {
    struct list_entry *entries; /* in the order of the file */
    size_t count;
    char *bytes; /* what the entries borrow from */
};

/* What an entry should have been, in words ("a domain such as example.org"), or NULL: it is right.
 */
struct list_kind {
    const char *(*expected)(struct slice entry);
};

/* The entry on one line, or an empty slice. */
struct slice list_file_entry(struct slice line);

/* Takes a copy of `text`. NULL on any error, with lines "name:line: ..." in `errors`. `kind` NULL:
 * any words. */
struct list_file *list_file_parse(struct slice text, const char *name, const struct list_kind *kind,
                                  struct strbuf *errors);
/* The same for a file, which must be there. */
struct list_file *list_file_load(const char *path, const struct list_kind *kind,
                                 struct strbuf *errors);
void list_file_free(struct list_file **listp);

#endif
