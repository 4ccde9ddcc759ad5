/*
 * imapd/urlfetch.c - URLFETCH (RFC 4467): what others, or the user, have authorized by a URL.
 *
 * The session has no way to the mail of others and judges nothing: it hands each URL to authd and
 * gets a pipe with the text or a refusal.
 *
 * Input:  URLs from the client, and message text from the pipe. Both untrusted.
 */
#include <errno.h>

#include "imapd/command.h"
#include "imapd/updates.h"
#include "lib/base/io.h"
#include "lib/ipc/authd_call.h"
#include "lib/log/log.h"
#include "lib/mail/imap_string.h"

enum {
    URLS_MAX = 100, /* of one command */
    PIECE = 16384,
    PIPE_TIMEOUT_MS = 30000 /* for the next piece, which waits for a disk alone */
};

/* 1*(SP url-full) */
static bool
parse_urls(struct parser *p, struct slice urls[URLS_MAX], size_t *count)
{
    *count = 0;
    do {
        if (*count == URLS_MAX)
            return parser_fail(p, "Too many URLs");
        if (!parser_space(p) || !parser_astring(p, &urls[(*count)++]))
            return false;
    } while (parser_peek(p) == ' ');
    return parser_end(p);
}

/* No string of IMAP may hold a NUL; the length stays right, as in FETCH. */
static void
replace_nuls(char *buf, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (buf[i] == '\0')
            buf[i] = (char)0x80;
}

/* False: it does not come to its end, or the client is gone. */
static bool
send_text(struct session *s, int fd, uint64_t size)
{
    char buf[PIECE];

    while (size > 0) {
        ssize_t n =
            read_within(fd, buf, size < sizeof(buf) ? (size_t)size : sizeof(buf), PIPE_TIMEOUT_MS);

        if (n < 0) {
            log_event(LOG_ERROR, "url_text_short", KV_U64("missing", size));
            return false;
        }
        replace_nuls(buf, (size_t)n);
        if (stream_write(s->stream, slice_make(buf, (size_t)n)) != STREAM_OK)
            return false;
        size -= (uint64_t)n;
    }
    return true;
}

enum outcome { SENT, LATER, BROKEN };

/* One url-full SP nstring. LATER: nothing was sent. BROKEN: in the middle of a literal. */
static enum outcome
send_url(struct session *s, struct slice url)
{
    uint64_t size;
    int fd = authd_call_url(s->pool->auth, url, &size);
    bool whole;

    if (fd < 0 && errno != ENOENT)
        return LATER;
    (void)strbuf_char(&s->out, ' ');
    imap_astring(url, &s->out);
    if (fd < 0) {
        (void)strbuf_str(&s->out, " NIL");
        return SENT;
    }
    (void)strbuf_printf(&s->out, " {%llu}\r\n", (unsigned long long)size);
    updates_put_out(s);
    whole = send_text(s, fd, size);
    close_keep_errno(fd);
    return whole ? SENT : BROKEN;
}

/* RFC 4467 section 7, BASE.6.3.URLFETCH. */
struct reply
urlfetch_urlfetch(struct session *s, struct parser *p, unsigned flags)
{
    struct slice urls[URLS_MAX];
    enum outcome outcome = SENT;
    size_t count, sent = 0;

    (void)flags;
    if (!parse_urls(p, urls, &count))
        return reply_bad(p->error);
    (void)strbuf_str(&s->out, "* URLFETCH");
    while (sent < count && (outcome = send_url(s, urls[sent])) == SENT)
        sent++;
    if (outcome == BROKEN) { /* whatever followed would be taken for the text */
        s->state = STATE_LOGOUT;
        return (struct reply){.kind = REPLY_SENT};
    }
    if (sent == 0)
        strbuf_clear(&s->out);
    else
        (void)strbuf_str(&s->out, "\r\n");
    updates_put_out(s);
    return sent == count ? reply_ok("URLFETCH completed")
                         : reply_no("UNAVAILABLE", "Not all can be told now, try again later");
}
