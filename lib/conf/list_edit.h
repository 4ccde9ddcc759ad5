/*
 * lib/conf/list_edit.h - entries of a list's text (lib/conf/list_file.h): added and taken out, with
 * the lines of the others as they are. No I/O.
 */
#ifndef POSTHORN_LIB_CONF_LIST_EDIT_H
#define POSTHORN_LIB_CONF_LIST_EDIT_H

#include "lib/base/strbuf.h"

/* `text` is from strbuf_new(LIST_FILE_MAX). True if it was not there; overflow is remembered. */
bool list_edit_add(struct strbuf *text, struct slice entry);
/* True if it was there. */
bool list_edit_remove(struct strbuf *text, struct slice entry);

/* Many at once, an entry a line, in one pass over `text`. Returns how many were not there. */
size_t list_edit_add_all(struct strbuf *text, struct slice entries);
/* 0, or -1 with the first one that is not there, borrowed from `entries`: `text` is as it was. */
int list_edit_remove_all(struct strbuf *text, struct slice entries, struct slice *missing);

#endif
