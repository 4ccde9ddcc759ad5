/*
 * lib/mail/timestamp.c - parses date-time of RFC 3339 section 5.6.
 *
 * Input: URLs and command lines from the network. Untrusted. No I/O.
 */
#include "lib/mail/timestamp.h"

#include "lib/base/parse.h"
#include "lib/mail/date.h"

static bool
take(struct slice *rest, struct slice word)
{
    if (!slice_starts_nocase(*rest, word))
        return false;
    *rest = slice_sub(*rest, word.len, rest->len);
    return true;
}

/* Exactly `len` digits. */
static bool
take_digits(struct slice *rest, size_t len, int min, int max, int *out)
{
    uint64_t value;

    if (rest->len < len || parse_u64(slice_sub(*rest, 0, len), (uint64_t)max, &value) < 0)
        return false;
    *rest = slice_sub(*rest, len, rest->len);
    *out = (int)value;
    return *out >= min;
}

static int
days_in_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    return month == 2 && leap ? 29 : days[month - 1];
}

/* full-date "T" */
static bool
take_date(struct slice *rest, int64_t *days)
{
    int year, month, day;

    if (!take_digits(rest, 4, 1, 9999, &year) || !take(rest, SLICE("-")) ||
        !take_digits(rest, 2, 1, 12, &month) || !take(rest, SLICE("-")) ||
        !take_digits(rest, 2, 1, days_in_month(year, month), &day) || !take(rest, SLICE("T")))
        return false;
    *days = date_days(year, month, day);
    return true;
}

/* ["." 1*DIGIT], rounded up */
static bool
take_fraction(struct slice *rest, int *ms)
{
    int scale = 100;
    bool more = false;
    size_t count = 0;

    *ms = 0;
    if (!take(rest, SLICE(".")))
        return true;
    for (; count < rest->len && rest->ptr[count] >= '0' && rest->ptr[count] <= '9'; count++) {
        *ms += (rest->ptr[count] - '0') * scale;
        more = more || (scale == 0 && rest->ptr[count] != '0');
        scale /= 10;
    }
    *ms += more ? 1 : 0;
    *rest = slice_sub(*rest, count, rest->len);
    return count > 0;
}

/* partial-time, in milliseconds */
static bool
take_time(struct slice *rest, int64_t *ms)
{
    int hour, minute, second, fraction;

    if (!take_digits(rest, 2, 0, 23, &hour) || !take(rest, SLICE(":")) ||
        !take_digits(rest, 2, 0, 59, &minute) || !take(rest, SLICE(":")) ||
        !take_digits(rest, 2, 0, 60, &second) || /* 60: a leap second */
        !take_fraction(rest, &fraction))
        return false;
    *ms = ((hour * 60 + minute) * 60 + second) * 1000LL + fraction;
    return true;
}

/* time-offset, in minutes */
static bool
take_zone(struct slice *rest, int *minutes)
{
    bool west = rest->len > 0 && rest->ptr[0] == '-';
    int hour, minute;

    *minutes = 0;
    if (take(rest, SLICE("Z")))
        return true;
    if ((!take(rest, SLICE("+")) && !take(rest, SLICE("-"))) ||
        !take_digits(rest, 2, 0, 23, &hour) || !take(rest, SLICE(":")) ||
        !take_digits(rest, 2, 0, 59, &minute))
        return false;
    *minutes = west ? -(hour * 60 + minute) : hour * 60 + minute;
    return true;
}

int
timestamp_parse(struct slice text, int64_t *unix_ms)
{
    int64_t days, ms;
    int zone;

    if (!take_date(&text, &days) || !take_time(&text, &ms) || !take_zone(&text, &zone) ||
        text.len > 0)
        return -1;
    *unix_ms = days * 86400000 + ms - zone * 60000LL;
    return 0;
}
