/*
 * lib/dkim/body_hash.c - the hash of a message body in a file. Input: a body that anybody wrote;
 * one block of it is held.
 */
#include "lib/dkim/body_hash.h"

#include "lib/auth/digest.h"
#include "lib/base/io.h"
#include "lib/dkim/canonical.h"

enum { BLOCK = 65536 };

static void
hash_piece(void *arg, struct slice piece)
{
    digest_stream_feed(arg, piece);
}

int
dkim_body_hash(int fd, off_t offset, uint64_t size, bool simple, unsigned char hash[DKIM_DIGEST])
{
    static char block[BLOCK];
    struct digest_stream *stream = digest_stream_begin(DIGEST_SHA256);
    struct dkim_body body;
    int rc = 0;

    dkim_body_begin(&body, hash_piece, stream);
    body.simple = simple;
    for (uint64_t at = 0; rc == 0 && at < size;) {
        size_t step = size - at < BLOCK ? (size_t)(size - at) : BLOCK;

        rc = pread_exact(fd, block, step, offset + (off_t)at);
        if (rc == 0)
            dkim_body_feed(&body, slice_make(block, step));
        at += step;
    }
    dkim_body_end(&body);
    digest_stream_end(&stream, hash);
    return rc;
}
