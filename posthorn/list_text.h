/*
 * posthorn/list_text.h - one list of posthorn.conf as a text of lines, read, changed and written: a
 * setting of addresses and networks, or the list file that a setting names.
 */
#ifndef POSTHORN_POSTHORN_LIST_TEXT_H
#define POSTHORN_POSTHORN_LIST_TEXT_H

#include "lib/conf/lists.h"
#include "posthorn/command.h"

struct list {
    struct cli *cli;
    struct conf *conf;
    enum conf_id id;
    struct list_kind kind;
    char *path;         /* of its list file; NULL: it has none */
    struct strbuf text; /* an entry a line */
    struct list_file *file;
    int lock_fd; /* -1: it is only read */
};

/* Of the setting `name`, which is a list, or names one. CLI_OK, or CLI_FAILED after the message. */
int list_find_kind(struct cli *cli, const char *name, struct list_kind *kind);

/* Opens the list that the setting `name` is, or names, to read it. CLI_OK, or CLI_FAILED after the
 * message; list_close in any case. */
int list_open(struct list *list, struct cli *cli, const char *name);
/* The same, to change it: nobody else changes the settings or their lists until list_close. */
int list_open_to_change(struct list *list, struct cli *cli, const char *name);
void list_close(struct list *list);
/* Checks the text and writes it, after list_open_to_change; a list that has no file yet gets
 * lists/NAME.txt. The same. */
int list_write(struct list *list);

/* True if it was not there. */
bool list_add_entry(struct list *list, struct slice entry);
/* All of another list. Returns how many were not there. */
size_t list_add_file(struct list *list, const struct list_file *from);
/* True if it was there. */
bool list_remove_entry(struct list *list, struct slice entry);

#endif
