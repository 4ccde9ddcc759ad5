/*
 * imapd/compress.h - COMPRESS=DEFLATE (RFC 4978).
 */
#ifndef POSTHORN_IMAPD_COMPRESS_H
#define POSTHORN_IMAPD_COMPRESS_H

#include "imapd/session.h"

/* After the tagged response: what COMPRESS has asked for begins here. */
void compress_start(struct session *s);

#endif
