/*
 * lib/base/clock.h - the three clocks we use, and RFC 3339 / RFC 5322 dates in UTC.
 */
#ifndef POSTHORN_LIB_BASE_CLOCK_H
#define POSTHORN_LIB_BASE_CLOCK_H

#include <stdint.h>

#include "lib/base/strbuf.h"

int64_t clock_mono_ms(void); /* for deadlines; never set back */
int64_t clock_mono_us(void); /* for how long something takes */
int64_t clock_real_ms(void); /* since 1970-01-01 UTC */
int64_t clock_real_us(void);

/* "2026-11-23T10:00:00.123Z" */
bool clock_rfc3339(int64_t real_ms, struct strbuf *out);
/* "Mon, 23 Nov 2026 10:00:00 +0000" (RFC 5322 section 3.3) */
bool clock_rfc5322(int64_t real_ms, struct strbuf *out);

#endif
