/*
 * lib/mail/timestamp.h - date-time of RFC 3339 section 5.6: "2026-11-27T09:30:00.25+01:00".
 */
#ifndef POSTHORN_LIB_MAIL_TIMESTAMP_H
#define POSTHORN_LIB_MAIL_TIMESTAMP_H

#include <stdint.h>

#include "lib/base/slice.h"

/* All of `text`, in milliseconds since 1970 UTC; a part of a millisecond counts as a whole one. 0,
 * or -1: it is none, or names a day that no month has. */
int timestamp_parse(struct slice text, int64_t *unix_ms);

#endif
