/*
 * lib/base/when.c - reads times that people write.
 */
#include "lib/base/when.h"

#include <stddef.h>
#include <string.h>
#include <time.h>

#include "lib/base/parse.h"

#define DAY_MS 86400000
#define AGO_MAX_MS (10LL * 366 * DAY_MS)

int
when_parse(const char *text, int64_t now_ms, int64_t *ms)
{
    static const char *const formats[] = {"%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%SZ"};
    uint64_t ago_ms;

    for (size_t i = 0; i < ARRAY_LEN(formats); i++) {
        struct tm tm = {.tm_year = 0};
        const char *end = strptime(text, formats[i], &tm);

        if (end != NULL && *end == '\0') {
            *ms = (int64_t)timegm(&tm) * 1000;
            return 0;
        }
    }
    if (parse_duration_ms(slice_of(text), AGO_MAX_MS, &ago_ms) < 0)
        return -1;
    *ms = now_ms - (int64_t)ago_ms;
    return 0;
}

int
when_parse_day(const char *text, int64_t now_ms, int64_t *day)
{
    int64_t ms;

    if (strcmp(text, "today") == 0)
        ms = now_ms;
    else if (strcmp(text, "yesterday") == 0)
        ms = now_ms - DAY_MS;
    else if (strchr(text, '-') == NULL || when_parse(text, now_ms, &ms) < 0)
        return -1;
    *day = ms / DAY_MS;
    return ms < 0 ? -1 : 0;
}
