/*
 * lib/tls/deflate.h - compression of a stream, both ways (RFC 1951), by zlib.
 */
#ifndef POSTHORN_LIB_TLS_DEFLATE_H
#define POSTHORN_LIB_TLS_DEFLATE_H

#include "lib/tls/stream.h"

extern const struct stream_codec deflate_codec;

/* The state for stream_start_codec. */
struct deflate;
struct deflate *deflate_new(void);

#endif
