/*
 * lib/base/clock.c - clocks, and dates in UTC. Uses no time zone data: it works in a chroot.
 */
#include "lib/base/clock.h"

#include <time.h>

static const char *const day_names[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
static const char *const month_names[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                          "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

static struct timespec
read_clock(clockid_t id)
{
    struct timespec ts = {0, 0};

    (void)clock_gettime(id, &ts); /* cannot fail for these clocks */
    return ts;
}

int64_t
clock_mono_ms(void)
{
    struct timespec ts = read_clock(CLOCK_MONOTONIC);

    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int64_t
clock_real_us(void)
{
    struct timespec ts = read_clock(CLOCK_REALTIME);

    return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

int64_t
clock_mono_us(void)
{
    struct timespec ts = read_clock(CLOCK_MONOTONIC);

    return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

int64_t
clock_real_ms(void)
{
    return clock_real_us() / 1000;
}

static struct tm
utc(int64_t real_ms)
{
    time_t seconds = (time_t)(real_ms / 1000);
    struct tm tm = {0};

    (void)gmtime_r(&seconds, &tm); /* fails only past the year 2^31 */
    return tm;
}

/* The last `digits` decimals of `value`. */
static void
put_digits(char *at, int value, size_t digits)
{
    for (unsigned rest = (unsigned)value; digits > 0; rest /= 10)
        at[--digits] = (char)('0' + rest % 10);
}

/* By hand: every log line has one, and printf would take half of the line's time. */
bool
clock_rfc3339(int64_t real_ms, struct strbuf *out)
{
    char text[] = "YYYY-MM-DDTHH:MM:SS.mmmZ";
    struct tm tm = utc(real_ms);

    put_digits(text, tm.tm_year + 1900, 4);
    put_digits(text + 5, tm.tm_mon + 1, 2);
    put_digits(text + 8, tm.tm_mday, 2);
    put_digits(text + 11, tm.tm_hour, 2);
    put_digits(text + 14, tm.tm_min, 2);
    put_digits(text + 17, tm.tm_sec, 2);
    put_digits(text + 20, (int)(real_ms % 1000), 3);
    return strbuf_append(out, slice_make(text, sizeof(text) - 1));
}

bool
clock_rfc5322(int64_t real_ms, struct strbuf *out)
{
    struct tm tm = utc(real_ms);

    return strbuf_printf(out, "%s, %d %s %d %02d:%02d:%02d +0000", day_names[tm.tm_wday],
                         tm.tm_mday, month_names[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour,
                         tm.tm_min, tm.tm_sec);
}
