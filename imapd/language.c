/*
 * imapd/language.c - LANGUAGE: in which language the server speaks (RFC 5255 section 3).
 *
 * All texts are English, which is "en" and the "i-default" of RFC 2277 alike, so there is nothing
 * to remember: what a client may choose is what it has.
 */
#include "imapd/command.h"
#include "imapd/updates.h"

enum {
    RANGES_MAX = 50, /* in one command */
    SUBTAG_MAX = 8
};

/* The last one is what "default" and "*" mean. */
static const char *const languages[] = {"en", "i-default"};

static bool
is_alphanumeric(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* language-range (RFC 4647 section 2.2): subtags of 1 to 8 characters, or "*", between hyphens. */
static bool
is_range(struct slice range)
{
    bool more;

    do {
        size_t len = slice_index(range, '-');
        struct slice subtag = slice_sub(range, 0, len);

        more = len < range.len;
        range = slice_sub(range, len + 1, range.len);
        if (subtag.len == 0 || subtag.len > SUBTAG_MAX)
            return false;
        if (slice_eq(subtag, SLICE("*")))
            continue;
        for (size_t i = 0; i < subtag.len; i++)
            if (!is_alphanumeric(subtag.ptr[i]))
                return false;
    } while (more);
    return true;
}

/* Lookup (RFC 4647 section 3.4): the longest beginning of the range that is a language of ours. */
static const char *
look_up(struct slice range)
{
    if (slice_eq_nocase(range, SLICE("default")) || slice_eq(range, SLICE("*")))
        return languages[ARRAY_LEN(languages) - 1];
    while (range.len > 0) {
        size_t cut = slice_rindex(range, '-');

        for (size_t i = 0; i < ARRAY_LEN(languages); i++)
            if (slice_eq_nocase(range, slice_of(languages[i])))
                return languages[i];
        range = slice_sub(range, 0, cut < range.len ? cut : 0);
    }
    return NULL;
}

static struct reply
enumerate(struct session *s)
{
    (void)strbuf_str(&s->out, "* LANGUAGE (");
    for (size_t i = 0; i < ARRAY_LEN(languages); i++)
        (void)strbuf_printf(&s->out, i == 0 ? "%s" : " %s", languages[i]);
    (void)strbuf_str(&s->out, ")\r\n");
    updates_put_out(s);
    return reply_ok("Supported languages have been enumerated");
}

struct reply
language_language(struct session *s, struct parser *p, unsigned flags)
{
    const char *chosen = NULL;
    struct slice range;

    (void)flags;
    if (p->error == NULL && p->rest.len == 0)
        return enumerate(s);
    for (int count = 0; parser_peek(p) == ' '; count++) {
        if (!parser_space(p) || !parser_astring(p, &range))
            return reply_bad(p->error);
        if (!is_range(range) || count == RANGES_MAX)
            return reply_bad("Wrong language range");
        if (chosen == NULL)
            chosen = look_up(range);
    }
    if (!parser_end(p))
        return reply_bad(p->error);
    if (chosen == NULL)
        return reply_no("CANNOT", "Language is not supported");
    (void)strbuf_printf(&s->out, "* LANGUAGE (%s)\r\n", chosen);
    updates_put_out(s);
    return reply_ok("Now speaking English");
}
