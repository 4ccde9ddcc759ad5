/*
 * lib/mail/binary_encode.h - makes a message with binary parts into one that any client can read.
 */
#ifndef POSTHORN_LIB_MAIL_BINARY_ENCODE_H
#define POSTHORN_LIB_MAIL_BINARY_ENCODE_H

#include "lib/base/strbuf.h"

/* Bytes that `size` bytes may take then, at most. */
#define BINARY_ENCODE_MAX(size) ((size)*3 + 1024)

/* Appends `message` with each part that holds a NUL in base64 and its Content-Transfer-Encoding set
 * so (RFC 3516 section 6); all else stays as it is. False: NULs are where no encoding can help (a
 * header, text between parts, a part that is said to be encoded already), or `out` is too small. */
bool binary_encode(struct slice message, struct strbuf *out);

#endif
