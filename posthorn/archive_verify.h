/*
 * posthorn/archive_verify.h - `archive verify`: is the archive what archived has written?
 */
#ifndef POSTHORN_POSTHORN_ARCHIVE_VERIFY_H
#define POSTHORN_POSTHORN_ARCHIVE_VERIFY_H

#include "posthorn/archive_place.h"

struct archive_wanted {
    const char *from, *to; /* days, or NULL: the first, the last */
    const char *head;      /* a hash that the chain must hold, or NULL */
};

/* Looks at every line and every file and tells the first that is wrong. CLI_OK: none is. */
int archive_verify(struct archive_place *place, const struct archive_wanted *wanted);

/* The last whole line's hash. CLI_OK, or an exit code after the message; "" if nothing was
 * archived. */
int archive_head(struct archive_place *place, char hash[CHAIN_HASH_LEN + 1]);

#endif
