/*
 * smtpd/extensions.c - which extensions a session may use, and what EHLO says of them.
 */
#include "smtpd/extensions.h"

#include "lib/base/clock.h"
#include "smtpd/session.h"

struct offer {
    const char *keyword;
    enum extension bit;
    bool (*is_open)(const struct session *s); /* NULL: everywhere */
    /* What follows the keyword; NULL: nothing. */
    void (*describe)(struct session *s, struct strbuf *line);
};

static bool
has_tls(const struct session *s)
{
    return stream_tls(s->stream) != NULL;
}

/* RFC 4865 section 4.2: on no other than the submission port. */
static bool
takes_submissions(const struct session *s)
{
    return s->is_submission && s->settings->max_future_release_ms > 0;
}

/* The longest time and the last date, which binds us afterwards (RFC 4865 section 4.2). */
static void
describe_future_release(struct session *s, struct strbuf *line)
{
    int64_t max_s = s->settings->max_future_release_ms / 1000;
    struct strbuf date = strbuf_new(32);

    s->hold_max_ms = (clock_real_ms() / 1000 + max_s) * 1000;
    (void)clock_rfc3339(s->hold_max_ms, &date); /* 24 characters, ".000Z" at their end */
    strbuf_truncate(&date, date.len - 5);
    (void)strbuf_printf(line, " %lld %sZ", (long long)max_s, strbuf_cstr(&date));
    strbuf_free(&date);
}

/* RFC 4468 section 3.1: never on port 25. */
static bool
is_submission(const struct session *s)
{
    return s->is_submission;
}

/* Without "imap" it says: authenticate first. */
static void
describe_burl(struct session *s, struct strbuf *line)
{
    if (s->user_proved)
        (void)strbuf_str(line, " imap"); /* fits */
}

/* Who may send mail anywhere may also have it sent: it costs us no more. */
static bool
may_ask_for_mail(const struct session *s)
{
    return s->settings->etrn_domain_count > 0 && !s->is_lmtp &&
           (s->auth_user != NULL || (s->is_trusted && !s->is_submission));
}

/* RFC 9422 section 4.2. */
static void
describe_limits(struct session *s, struct strbuf *line)
{
    (void)strbuf_printf(line, " RCPTMAX=%llu",
                        (unsigned long long)s->settings->rules.max_recipients);
}

static const struct offer offers[] = {
    {"REQUIRETLS", EXTENSION_REQUIRETLS, has_tls, NULL}, /* RFC 8689 */
    {"FUTURERELEASE", EXTENSION_FUTURERELEASE, takes_submissions,
     describe_future_release},                              /* RFC 4865 */
    {"DELIVERBY", EXTENSION_DELIVERBY, NULL, NULL},         /* RFC 2852 */
    {"MT-PRIORITY", EXTENSION_MT_PRIORITY, NULL, NULL},     /* RFC 6710 */
    {"LIMITS", EXTENSION_LIMITS, NULL, describe_limits},    /* RFC 9422 */
    {"BURL", EXTENSION_BURL, is_submission, describe_burl}, /* RFC 4468 */
    {"ETRN", EXTENSION_ETRN, may_ask_for_mail, NULL},       /* RFC 1985 */
};

unsigned
extensions_configured(const struct conf *conf)
{
    unsigned set = 0;

    for (size_t item = 0; item < conf_list_count(conf, SMTP_EXTENSIONS); item++)
        for (size_t i = 0; i < ARRAY_LEN(offers); i++)
            if (slice_eq_nocase(slice_of(conf_list_item(conf, SMTP_EXTENSIONS, item)),
                                slice_of(offers[i].keyword)))
                set |= offers[i].bit;
    return set;
}

unsigned
extensions_offered(const struct session *s)
{
    unsigned set = 0;

    for (size_t i = 0; i < ARRAY_LEN(offers); i++)
        if ((s->settings->extensions & offers[i].bit) &&
            (offers[i].is_open == NULL || offers[i].is_open(s)))
            set |= offers[i].bit;
    return set;
}

void
extensions_announce(struct session *s)
{
    unsigned offered = extensions_offered(s);

    for (size_t i = 0; i < ARRAY_LEN(offers); i++) {
        struct strbuf line = strbuf_new(200);

        if (!(offered & offers[i].bit))
            continue;
        if (offers[i].describe != NULL)
            offers[i].describe(s, &line);
        /* errors of the stream stick and end the session at its next read */
        (void)stream_printf(s->stream, "250-%s%s\r\n", offers[i].keyword, strbuf_cstr(&line));
        strbuf_free(&line);
    }
}
