/*
 * lib/mail/date.c - parses date-time of RFC 5322 sections 3.3 and 4.3.
 *
 * Input: Date and Received fields of mail. Untrusted. No I/O.
 */
#include "lib/mail/date.h"

#include "lib/base/parse.h"

enum { COMMENT_DEPTH_MAX = 32, YEAR_MAX = 9999 };

/* Skips CFWS: white space, line ends and nested comments (RFC 5322 section 3.2.2). */
static void
skip_cfws(struct slice *text)
{
    unsigned depth = 0;

    while (text->len > 0) {
        char c = text->ptr[0];

        if (c == '(' && depth < COMMENT_DEPTH_MAX)
            depth++;
        else if (c == ')' && depth > 0)
            depth--;
        else if (c == '\\' && depth > 0)
            *text = slice_sub(*text, 1, text->len);
        else if (depth == 0 && c != ' ' && c != '\t' && c != '\r' && c != '\n')
            return;
        *text = slice_sub(*text, 1, text->len);
    }
}

static struct slice
take_while(struct slice *text, bool (*belongs)(char c))
{
    struct slice head;
    size_t n = 0;

    while (n < text->len && belongs(text->ptr[n]))
        n++;
    head = slice_sub(*text, 0, n);
    *text = slice_sub(*text, n, text->len);
    return head;
}

static bool
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool
is_letter(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/* A number of `min_digits` to `max_digits` digits, at most `max`, and the CFWS behind it. */
static int
take_number(struct slice *text, size_t min_digits, size_t max_digits, int max, int *out)
{
    struct slice digits;
    uint64_t value;

    skip_cfws(text);
    digits = take_while(text, is_digit);
    if (digits.len < min_digits || digits.len > max_digits ||
        parse_u64(digits, (uint64_t)max, &value) < 0)
        return -1;
    *out = (int)value;
    skip_cfws(text);
    return 0;
}

static bool
take_char(struct slice *text, char c)
{
    if (text->len == 0 || text->ptr[0] != c)
        return false;
    *text = slice_sub(*text, 1, text->len);
    return true;
}

static int
take_month(struct slice *text, int *month)
{
    static const char *const names[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    struct slice word = take_while(text, is_letter);

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (!slice_eq_nocase(word, slice_of(names[i])))
            continue;
        *month = (int)i + 1;
        return 0;
    }
    return -1;
}

/* Four digits, or the obsolete two or three (RFC 5322 section 4.3). */
static int
take_year(struct slice *text, int *year)
{
    struct slice digits;
    uint64_t value;

    skip_cfws(text);
    digits = take_while(text, is_digit);
    if (digits.len < 2 || digits.len > 4 || parse_u64(digits, YEAR_MAX, &value) < 0)
        return -1;
    *year = (int)value;
    if (digits.len < 4)
        *year += digits.len == 2 && value < 50 ? 2000 : 1900;
    skip_cfws(text);
    return *year >= 1900 ? 0 : -1;
}

static int
take_date(struct slice *text, struct date *date)
{
    static const int days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

    if (take_number(text, 1, 2, 31, &date->day) < 0 || take_month(text, &date->month) < 0)
        return -1;
    if (date->day < 1 || date->day > days[date->month - 1])
        return -1;
    return take_year(text, &date->year);
}

/* zone = ("+" / "-") 4DIGIT, or one of the obsolete names; an unknown name counts as -0000. */
static int
take_zone(struct slice *text, int *minutes)
{
    static const struct {
        const char *name;
        int hours;
    } zones[] = {{"EST", -5}, {"EDT", -4}, {"CST", -6}, {"CDT", -5},
                 {"MST", -7}, {"MDT", -6}, {"PST", -8}, {"PDT", -7}};
    bool east = take_char(text, '+');
    struct slice word;
    int value;

    *minutes = 0;
    if (east || take_char(text, '-')) {
        if (take_number(text, 4, 4, 9959, &value) < 0)
            return -1;
        *minutes = (value / 100 * 60 + value % 100) * (east ? 1 : -1);
        return 0;
    }
    word = take_while(text, is_letter);
    for (size_t i = 0; i < ARRAY_LEN(zones); i++)
        if (slice_eq_nocase(word, slice_of(zones[i].name)))
            *minutes = zones[i].hours * 60;
    return word.len > 0 ? 0 : -1;
}

int64_t
date_days(int year, int month, int day)
{
    /* years that begin in March: the leap day is the last one (Howard Hinnant's civil_from_days) */
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t yoe = y - era * 400;
    int64_t doy = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

    return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

/* hour ":" minute [":" second], in seconds */
static int
take_time(struct slice *text, int *seconds)
{
    int hour, minute, second = 0;

    if (take_number(text, 2, 2, 23, &hour) < 0 || !take_char(text, ':') ||
        take_number(text, 2, 2, 59, &minute) < 0)
        return -1;
    if (take_char(text, ':') && take_number(text, 2, 2, 60, &second) < 0)
        return -1;
    *seconds = (hour * 60 + minute) * 60 + second;
    return 0;
}

static void
skip_day_name(struct slice *text)
{
    skip_cfws(text);
    if (take_while(text, is_letter).len > 0) { /* day-of-week "," */
        skip_cfws(text);
        (void)take_char(text, ',');
    }
}

int
date_parse_day(struct slice text, int64_t *days)
{
    struct date date;

    skip_day_name(&text);
    if (take_date(&text, &date) < 0)
        return -1;
    *days = date_days(date.year, date.month, date.day);
    return 0;
}

int
date_parse_sent(struct slice text, int64_t *unix_s)
{
    struct date date;
    int seconds, zone_minutes;

    skip_day_name(&text);
    if (take_date(&text, &date) < 0)
        return -1;
    if (take_time(&text, &seconds) < 0)
        seconds = zone_minutes = 0;
    else if (take_zone(&text, &zone_minutes) < 0)
        zone_minutes = 0;
    *unix_s =
        date_days(date.year, date.month, date.day) * 86400 + seconds - (int64_t)zone_minutes * 60;
    return 0;
}

int
date_parse(struct slice text, struct date *date)
{
    struct date got = {0};
    int seconds;

    skip_cfws(&text);
    if (take_while(&text, is_letter).len > 0) { /* day-of-week "," */
        skip_cfws(&text);
        if (!take_char(&text, ','))
            return -1;
    }
    if (take_date(&text, &got) < 0 || take_time(&text, &seconds) < 0)
        return -1;
    if (take_zone(&text, &got.zone_minutes) < 0)
        return -1;
    got.unix_s =
        date_days(got.year, got.month, got.day) * 86400 + seconds - (int64_t)got.zone_minutes * 60;
    *date = got;
    return 0;
}
