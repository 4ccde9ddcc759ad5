/*
 * lib/base/gzip.h - gzip (RFC 1952) in one go, by zlib.
 */
#ifndef POSTHORN_LIB_BASE_GZIP_H
#define POSTHORN_LIB_BASE_GZIP_H

#include "lib/base/strbuf.h"

/* Appends `in` compressed. 0, or -1: `out`'s ceiling. */
int gzip(struct slice in, struct strbuf *out);

#endif
