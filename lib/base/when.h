/*
 * lib/base/when.h - times and days as people write them. All in UTC, as in logs.
 */
#ifndef POSTHORN_LIB_BASE_WHEN_H
#define POSTHORN_LIB_BASE_WHEN_H

#include <stdint.h>

/* "2026-11-27", "2026-11-27T10:00", "2026-11-27T10:00:30Z", or "36h", "30d": so long before
 * `now_ms`. Milliseconds since 1970. 0, or -1: it is none. */
int when_parse(const char *text, int64_t now_ms, int64_t *ms);
/* "2026-11-27", "today", "yesterday": days since 1970. 0, or -1. */
int when_parse_day(const char *text, int64_t now_ms, int64_t *day);

#endif
