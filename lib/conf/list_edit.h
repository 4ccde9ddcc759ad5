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

#endif
