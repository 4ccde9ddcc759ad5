/*
 * lib/dkim/body_hash.h - the hash of a message body in a file, as signatures hold it.
 */
#ifndef POSTHORN_LIB_DKIM_BODY_HASH_H
#define POSTHORN_LIB_DKIM_BODY_HASH_H

#include <sys/types.h>

#include "lib/dkim/signature.h"

/* SHA-256 of the canonical form ("simple", else "relaxed") of `size` bytes from `offset` on. 0, or
 * -1: they cannot be read. */
int dkim_body_hash(int fd, off_t offset, uint64_t size, bool simple,
                   unsigned char hash[DKIM_DIGEST]);

#endif
