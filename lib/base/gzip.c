/*
 * lib/base/gzip.c - gzip by zlib, whose types stay here.
 */
#include "lib/base/gzip.h"

#include <zlib.h>

#include "lib/base/mem.h"

enum { GZIP_WINDOW = 15 + 16 /* zlib: "add 16 to write a gzip header" */, MEMORY_LEVEL = 8 };

int
gzip(struct slice in, struct strbuf *out)
{
    z_stream z = {0};
    uLong bound;
    char *room;
    int rc = -1;

    if (in.len > UINT32_MAX / 2)
        return -1;
    if (deflateInit2(&z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, GZIP_WINDOW, MEMORY_LEVEL,
                     Z_DEFAULT_STRATEGY) != Z_OK)
        return -1;
    bound = deflateBound(&z, (uLong)in.len);
    room = strbuf_room(out, bound);
    if (room != NULL) {
        z.next_in = (Bytef *)(uintptr_t)in.ptr; /* zlib only reads it */
        z.avail_in = (uInt)in.len;
        z.next_out = (Bytef *)room;
        z.avail_out = (uInt)bound;
        if (deflate(&z, Z_FINISH) == Z_STREAM_END) {
            strbuf_grew(out, (size_t)z.total_out);
            rc = 0;
        }
    }
    (void)deflateEnd(&z);
    return rc;
}
