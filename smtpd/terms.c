/*
 * smtpd/terms.c - judges the terms of MAIL against the settings and the clock.
 */
#include "smtpd/terms.h"

#include <string.h>

#include "lib/base/clock.h"

/* RFC 4865 section 4.2. What was said in EHLO is the limit. */
static const struct refusal *
accept_hold(const struct session *s, const struct mail_args *mail, int64_t now_ms,
            struct queue_envelope *e)
{
    const struct refusal *too_late = smtp_refusal(REFUSED_HOLD_TIME);
    static const struct refusal past = {501, "5.5.4", "HOLDUNTIL is in the past"};

    if (mail->hold_for_s > 0) {
        e->hold_until_ms = now_ms + mail->hold_for_s * 1000;
        return mail->hold_for_s * 1000 > s->settings->max_future_release_ms ? too_late : NULL;
    }
    if (!mail->has_hold_until)
        return NULL;
    e->hold_until_ms = mail->hold_until_ms;
    if (mail->hold_until_ms <= now_ms)
        return &past;
    return mail->hold_until_ms > s->hold_max_ms ? too_late : NULL;
}

/* orig-hold-param-value, for notices (RFC 4865 section 5.1.2). */
static struct slice
hold_request(const struct mail_args *mail, struct arena *arena)
{
    struct slice type = mail->has_hold_until ? SLICE("until;") : SLICE("for;");
    char *text;

    if (mail->hold.len == 0)
        return SLICE("");
    text = arena_alloc(arena, type.len + mail->hold.len);
    memcpy(text, type.ptr, type.len);
    memcpy(text + type.len, mail->hold.ptr, mail->hold.len);
    return slice_make(text, type.len + mail->hold.len);
}

/* RFC 2852 section 4: from the receipt of MAIL on; mode N may lie in the past. */
static const struct refusal *
accept_deadline(const struct mail_args *mail, int64_t now_ms, struct queue_envelope *e)
{
    static const struct refusal before_release = {501, "5.5.4",
                                                  "the message would be released after BY"};

    if (mail->by_mode == QUEUE_BY_NONE)
        return NULL;
    e->by_mode = mail->by_mode;
    e->by_trace = mail->by_trace;
    e->deliver_by_ms = now_ms + mail->by_s * 1000;
    if (e->deliver_by_ms < 1)
        e->deliver_by_ms = 1; /* a clock before 2002: 0 is none */
    /* RFC 4865 section 5.2.2 */
    return e->hold_until_ms > e->deliver_by_ms ? &before_release : NULL;
}

/* smtp.priority_users: an address, or "@domain". */
static bool
is_listed(const struct settings *set, struct slice user)
{
    struct slice domain = slice_sub(user, slice_index(user, '@'), user.len);

    for (size_t i = 0; i < set->priority_user_count; i++)
        if (slice_eq_nocase(slice_of(set->priority_users[i]), user) ||
            slice_eq_nocase(slice_of(set->priority_users[i]), domain))
            return true;
    return set->priority_user_count == 0;
}

/* RFC 6710 section 4.1: strangers raise nothing, but may step back. */
static int8_t
allowed_priority(const struct session *s, int8_t wanted)
{
    bool known = s->auth_user != NULL ? is_listed(s->settings, slice_of(s->auth_user))
                                      : s->is_trusted && !s->is_submission;
    int8_t max = known ? (int8_t)s->settings->max_priority : 0;

    return wanted > max ? max : wanted;
}

const struct refusal *
terms_accept(const struct session *s, const struct mail_args *mail, struct queue_envelope *e,
             struct arena *arena)
{
    int64_t now_ms = clock_real_ms();
    const struct refusal *why = accept_hold(s, mail, now_ms, e);

    e->hold_request = hold_request(mail, arena);
    e->requiretls = mail->requiretls;
    e->priority = allowed_priority(s, mail->priority);
    return why != NULL ? why : accept_deadline(mail, now_ms, e);
}
