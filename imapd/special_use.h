/*
 * imapd/special_use.h - the names of special uses (RFC 6154 section 2).
 */
#ifndef POSTHORN_IMAPD_SPECIAL_USE_H
#define POSTHORN_IMAPD_SPECIAL_USE_H

#include "lib/base/slice.h"
#include "lib/store/store.h"

/* "Drafts" without the backslash, any case; STORE_USE_NONE: not one of ours. */
enum store_use special_use_find(struct slice name);
/* Without and with the backslash; NULL for STORE_USE_NONE. */
const char *special_use_name(enum store_use use);
const char *special_use_attribute(enum store_use use);

#endif
