/*
 * imapd/compress.c - COMPRESS=DEFLATE (RFC 4978): below TLS nothing changes, above it all is
 * compressed from the line after the tagged OK on.
 */
#include "imapd/compress.h"

#include "imapd/command.h"
#include "lib/tls/deflate.h"

struct reply
compress_compress(struct session *s, struct parser *p, unsigned flags)
{
    struct slice algorithm;

    (void)flags;
    if (!parser_space(p) || !parser_atom(p, &algorithm) || !parser_end(p))
        return reply_bad(p->error);
    if (!slice_eq_nocase(algorithm, SLICE("DEFLATE")))
        return reply_bad("Unknown compression");
    if (s->compression != COMPRESSION_OFF)
        return reply_bad("Compression is already active");
    s->compression = COMPRESSION_NEXT;
    return reply_ok("Compression active");
}

void
compress_start(struct session *s)
{
    if (s->compression != COMPRESSION_NEXT)
        return;
    stream_start_codec(s->stream, &deflate_codec, deflate_new());
    s->compression = COMPRESSION_ON;
}
