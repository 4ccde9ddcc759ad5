/*
 * lib/store/warning_mark.h - whether a user has been warned that the mailbox fills up.
 *
 * Two files in the mail directory: `posthorn.warning` holds the key of a warning that is to be
 * delivered, `posthorn.warned` says that it was. The key is on disk before the delivery begins: who
 * dies in between delivers with the same key again, which a delivery in doubt finds.
 */
#ifndef POSTHORN_LIB_STORE_WARNING_MARK_H
#define POSTHORN_LIB_STORE_WARNING_MARK_H

#include "lib/base/slice.h"

enum warning_mark { WARNING_NONE, WARNING_BEGUN, WARNING_DONE };

#define WARNING_KEY_SIZE 64

/* `dirfd`: the user's mail directory. BEGUN: its key is in `key`. */
enum warning_mark warning_mark_read(int dirfd, char key[WARNING_KEY_SIZE]);
/* On disk before it returns. -1 with errno: EEXIST, another process has just begun. */
int warning_mark_begin(int dirfd, const char *key);
void warning_mark_done(int dirfd); /* a failure leaves it begun: done once more */
/* Failing, it stays: less is used, and the next delivery tries again. */
void warning_mark_clear(int dirfd);

#endif
