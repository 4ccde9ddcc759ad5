/*
 * smtpd/params_terms.c - parses REQUIRETLS, HOLDFOR, HOLDUNTIL, BY and MT-PRIORITY.
 *
 * Input: a command line from the network. Untrusted. No I/O.
 */
#include "smtpd/params_terms.h"

#include "lib/base/parse.h"
#include "lib/mail/timestamp.h"
#include "lib/queue/envelope.h"
#include "smtpd/params.h"

enum { SECONDS_DIGITS = 9 }; /* of HOLDFOR and BY */

/* 1*9DIGIT */
static int
parse_seconds(struct slice text, int64_t *seconds)
{
    uint64_t value;

    if (text.len > SECONDS_DIGITS || parse_u64(text, INT64_MAX, &value) < 0)
        return -1;
    *seconds = (int64_t)value;
    return 0;
}

int
params_set_requiretls(void *args, struct slice value)
{
    (void)value;
    ((struct mail_args *)args)->requiretls = true;
    return 0;
}

/* One hold-param and no more (RFC 4865 section 4.2). */
static bool
has_hold(const struct mail_args *mail)
{
    return mail->hold_for_s > 0 || mail->has_hold_until;
}

/* future-release-integer = %x31-39 *8DIGIT (RFC 4865 section 3) */
int
params_set_holdfor(void *args, struct slice value)
{
    struct mail_args *mail = args;

    if (has_hold(mail) || value.ptr[0] == '0')
        return -1;
    mail->hold = value;
    return parse_seconds(value, &mail->hold_for_s);
}

/* Internet-style-date-time-UTC: date-time of RFC 3339, normalized to UTC (RFC 4865 section 3). */
int
params_set_holduntil(void *args, struct slice value)
{
    struct mail_args *mail = args;

    if (has_hold(mail) || timestamp_parse(value, &mail->hold_until_ms) < 0)
        return -1;
    mail->has_hold_until = true;
    mail->hold = value;
    return slice_ends(value, SLICE("Z")) || slice_ends(value, SLICE("z")) ||
                   slice_ends(value, SLICE("+00:00"))
               ? 0
               : -1;
}

/* by-value = by-time ";" by-mode [by-trace] (RFC 2852 section 4) */
int
params_set_by(void *args, struct slice value)
{
    struct mail_args *mail = args;
    struct slice mode = value;
    struct slice time = slice_split(&mode, ';');
    bool negative = slice_starts(time, SLICE("-"));

    if (negative || slice_starts(time, SLICE("+")))
        time = slice_sub(time, 1, time.len);
    if (parse_seconds(time, &mail->by_s) < 0)
        return -1;
    if (negative)
        mail->by_s = -mail->by_s;
    mail->by_trace = mode.len == 2 && (mode.ptr[1] == 'T' || mode.ptr[1] == 't');
    if (mode.len != (mail->by_trace ? 2 : 1))
        return -1;
    mail->by_mode = mode.ptr[0] == 'R' || mode.ptr[0] == 'r'   ? QUEUE_BY_RETURN
                    : mode.ptr[0] == 'N' || mode.ptr[0] == 'n' ? QUEUE_BY_NOTIFY
                                                               : QUEUE_BY_NONE;
    if (mail->by_mode == QUEUE_BY_NONE)
        return -1;
    return mail->by_mode == QUEUE_BY_RETURN && mail->by_s <= 0 ? -1 : 0; /* RFC 2852 section 4 */
}

/* priority-value = (["-"] NZDIGIT) / "0" (RFC 6710 section 7) */
int
params_set_priority(void *args, struct slice value)
{
    struct mail_args *mail = args;
    bool negative = slice_starts(value, SLICE("-"));
    struct slice digit = slice_sub(value, negative ? 1 : 0, value.len);

    if (digit.len != 1 || digit.ptr[0] < (negative ? '1' : '0') || digit.ptr[0] > '9')
        return -1;
    mail->priority = (int8_t)(negative ? '0' - digit.ptr[0] : digit.ptr[0] - '0');
    return 0;
}
