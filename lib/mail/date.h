/*
 * lib/mail/date.h - date-time of RFC 5322 section 3.3, the obsolete forms of section 4.3 included.
 */
#ifndef POSTHORN_LIB_MAIL_DATE_H
#define POSTHORN_LIB_MAIL_DATE_H

#include <stdint.h>

#include "lib/base/slice.h"

struct date {
    int64_t unix_s;       /* seconds since 1970-01-01 UTC */
    int zone_minutes;     /* as written: +0130 is 90 */
    int year, month, day; /* as written, in that zone; month and day from 1 */
};

/* `text` may be folded and hold comments; what follows the zone is ignored. 0, or -1. */
int date_parse(struct slice text, struct date *date);
/* The day alone, as written, in days since 1970-01-01; what follows it may be wrong or missing. 0,
 * or -1. */
int date_parse_day(struct slice text, int64_t *days);
/* The sent date of RFC 5256 section 2.2: a wrong zone counts as UTC, a wrong time as 00:00:00. 0,
 * or -1: not even the day can be read. */
int date_parse_sent(struct slice text, int64_t *unix_s);
/* Days since 1970-01-01 of a day in the Gregorian calendar. */
int64_t date_days(int year, int month, int day);

#endif
