/*
 * lib/conf/location_edit.h - own records of where addresses are (guess.locations), made and found
 * in the text of their list. No I/O.
 */
#ifndef POSTHORN_LIB_CONF_LOCATION_EDIT_H
#define POSTHORN_LIB_CONF_LOCATION_EDIT_H

#include "lib/base/strbuf.h"

#define LOCATION_ORDER_USUAL 100

/* The entry of exactly this range in the text of a list, borrowed; empty: there is none. */
struct slice location_edit_find(struct slice list, struct slice first, struct slice last);

struct location_wish {
    struct slice first, last, location;
    struct slice order; /* empty: as before, or LOCATION_ORDER_USUAL */
};
/* Appends the entry to `out`; `old` is the one that it replaces, or empty. 0, or -1: it would be
 * none (location_record_expected says what one is). */
int location_edit_make(const struct location_wish *wish, struct slice old, int64_t now_ms,
                       struct strbuf *out);

#endif
