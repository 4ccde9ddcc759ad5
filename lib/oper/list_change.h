/*
 * lib/oper/list_change.h - a list of posthorn.conf is changed and put in force, or nothing is.
 */
#ifndef POSTHORN_LIB_OPER_LIST_CHANGE_H
#define POSTHORN_LIB_OPER_LIST_CHANGE_H

#include "lib/conf/lists.h"
#include "lib/oper/oper.h"

struct list_change {
    /* Changes the text, an entry a line, from strbuf_new(LIST_FILE_MAX). 0, or -1 and the answer
     * says why. */
    int (*edit)(struct oper *op, const struct list_kind *kind, struct strbuf *text);
    void (*tell)(struct oper *op); /* when it is in force: for the record of changes */
};
/* The list that the setting `name` is, or names. */
void list_change(struct oper *op, struct slice name, const struct list_change *change);

#endif
