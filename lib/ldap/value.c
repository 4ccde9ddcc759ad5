/*
 * lib/ldap/value.c - a value that a client asserts, in the form in which ours are written. No I/O.
 */
#include "lib/ldap/value.h"

#include <stdio.h>
#include <time.h>

#include "lib/base/parse.h"
#include "lib/ldap/dn.h"

/* ---- object classes ---- */

static const struct {
    const char *name, *oid;
} classes[] = {
    {"top", "2.5.6.0"},
    {"organization", "2.5.6.4"},
    {"organizationalUnit", "2.5.6.5"},
    {"person", "2.5.6.6"},
    {"organizationalPerson", "2.5.6.7"},
    {"groupOfNames", "2.5.6.9"},
    {"subentry", "2.5.17.0"},
    {"subschema", "2.5.20.1"},
    {"domain", "0.9.2342.19200300.100.4.13"},
    {"inetOrgPerson", "2.16.840.1.113730.3.2.2"},
    {"posthornPerson", LDAP_OUR_ARC ".2.1"},
    {"posthornGroup", LDAP_OUR_ARC ".2.2"},
    {"posthornMailGroup", LDAP_OUR_ARC ".2.3"},
};

/* RFC 4512 section 1.4. */
static bool
is_numeric_oid(struct slice value)
{
    if (slice_index(value, '.') == value.len)
        return false;
    while (value.len > 0) {
        struct slice arc = slice_split(&value, '.');
        size_t digits = 0;

        while (digits < arc.len && arc.ptr[digits] >= '0' && arc.ptr[digits] <= '9')
            digits++;
        if (arc.len == 0 || digits < arc.len || (arc.len > 1 && arc.ptr[0] == '0'))
            return false;
    }
    return true;
}

/* A number that we do not know is one all the same: nothing of ours has it. */
static bool
put_class(struct slice value, struct strbuf *out)
{
    for (size_t i = 0; i < ARRAY_LEN(classes); i++)
        if (slice_eq_nocase(value, slice_of(classes[i].name)) ||
            slice_eq(value, slice_of(classes[i].oid)))
            return strbuf_str(out, classes[i].name);
    return is_numeric_oid(value) && strbuf_append(out, value);
}

/* ---- names of entries ---- */

static bool
put_dn(struct slice value, struct strbuf *out)
{
    struct ldap_dn dn = ldap_dn_new();
    bool is_name = ldap_dn_parse(value, &dn) == 0 && dn.count > 0;

    for (size_t i = 0; i < dn.count && is_name; i++) {
        int attribute = dn.rdns[i].attribute;
        struct slice names = attribute < 0 ? SLICE("?") /* none of ours has that */
                                           : ldap_attribute_name((enum ldap_attribute)attribute);
        char type[64];

        if (i > 0)
            (void)strbuf_char(out, ',');
        (void)snprintf(type, sizeof(type), "%.*s", (int)names.len, names.ptr);
        ldap_dn_put_rdn(out, type, dn.rdns[i].value);
    }
    ldap_dn_free(&dn);
    return is_name && !out->overflow;
}

/* ---- times ---- */

enum { FRACTION_DIGITS = 9, HOUR = 3600, MINUTE = 60, YEAR_ZERO = 1900, ZONE_HOURS_MAX = 23 };

/* `digits` decimal digits off *rest, at most `max`. -1: they are not there. */
static int
take_digits(struct slice *rest, size_t digits, unsigned max)
{
    uint64_t value;

    if (rest->len < digits || parse_u64(slice_sub(*rest, 0, digits), max, &value) < 0)
        return -1;
    *rest = slice_sub(*rest, digits, rest->len);
    return (int)value;
}

static bool
is_digit(struct slice rest)
{
    return rest.len > 0 && rest.ptr[0] >= '0' && rest.ptr[0] <= '9';
}

/* "Z", "+hhmm" and so on, all of `rest`: seconds east of UTC. */
static bool
take_zone(struct slice rest, int *offset)
{
    int sign, hours, minutes = 0;

    *offset = 0;
    if (slice_eq(rest, SLICE("Z")))
        return true;
    if (rest.len == 0 || (rest.ptr[0] != '+' && rest.ptr[0] != '-'))
        return false;
    sign = rest.ptr[0] == '-' ? -1 : 1;
    rest = slice_sub(rest, 1, rest.len);
    hours = take_digits(&rest, 2, ZONE_HOURS_MAX);
    if (rest.len > 0)
        minutes = take_digits(&rest, 2, MINUTE - 1);
    *offset = sign * (hours * HOUR + minutes * MINUTE);
    return hours >= 0 && minutes >= 0 && rest.len == 0;
}

/* A fraction of `unit` seconds: whole seconds in *seconds; of a second, its digits in *fraction. */
static bool
take_fraction(struct slice *rest, int unit, int *seconds, struct slice *fraction)
{
    uint64_t value = 0, scale = 1;
    size_t len = 0;

    *seconds = 0;
    *fraction = SLICE("");
    if (rest->len == 0 || (rest->ptr[0] != '.' && rest->ptr[0] != ','))
        return true;
    *rest = slice_sub(*rest, 1, rest->len);
    for (; is_digit(slice_sub(*rest, len, rest->len)); len++)
        if (len < FRACTION_DIGITS) {
            value = value * 10 + (uint64_t)(rest->ptr[len] - '0');
            scale *= 10;
        }
    if (unit == 1)
        *fraction = slice_sub(*rest, 0, len);
    else
        *seconds = (int)(value * (uint64_t)unit / scale);
    *rest = slice_sub(*rest, len, rest->len);
    return len > 0;
}

static void
put_seconds(time_t when, struct slice fraction, struct strbuf *out)
{
    struct tm utc;
    char text[32];

    while (fraction.len > 0 && fraction.ptr[fraction.len - 1] == '0')
        fraction.len--;
    if (gmtime_r(&when, &utc) == NULL || strftime(text, sizeof(text), "%Y%m%d%H%M%S", &utc) == 0)
        return;
    (void)strbuf_str(out, text);
    if (fraction.len > 0) {
        (void)strbuf_char(out, '.');
        (void)strbuf_append(out, fraction);
    }
    (void)strbuf_char(out, 'Z');
}

/* RFC 4517 section 3.3.13. */
static bool
put_time(struct slice value, struct strbuf *out)
{
    int year = take_digits(&value, 4, 9999), month = take_digits(&value, 2, 12),
        day = take_digits(&value, 2, 31), hour = take_digits(&value, 2, 23), minute = 0, second = 0,
        unit = HOUR, more, offset;
    struct slice fraction;
    struct tm tm = {0};
    time_t when;

    if (is_digit(value)) {
        minute = take_digits(&value, 2, MINUTE - 1);
        unit = MINUTE;
        if (is_digit(value)) {
            second = take_digits(&value, 2, MINUTE); /* leap seconds */
            unit = 1;
        }
    }
    if (year < 0 || month < 1 || day < 1 || hour < 0 || minute < 0 || second < 0 ||
        !take_fraction(&value, unit, &more, &fraction) || !take_zone(value, &offset))
        return false;
    tm = (struct tm){.tm_year = year - YEAR_ZERO,
                     .tm_mon = month - 1,
                     .tm_mday = day,
                     .tm_hour = hour,
                     .tm_min = minute,
                     .tm_sec = second};
    when = timegm(&tm);
    if (second < MINUTE && tm.tm_mday != day) /* no such day in that month */
        return false;
    put_seconds(when + more - offset, fraction, out);
    return true;
}

bool
ldap_value_put(enum ldap_match match, struct slice value, struct strbuf *out)
{
    switch (match) {
    case LDAP_MATCH_OID:
        return put_class(value, out);
    case LDAP_MATCH_DN:
        return put_dn(value, out);
    case LDAP_MATCH_TIME:
        return put_time(value, out);
    case LDAP_MATCH_TEXT:
    case LDAP_MATCH_PHONE:
    case LDAP_MATCH_EXACT:
        break;
    }
    return parse_is_utf8(value) && strbuf_append(out, value);
}
