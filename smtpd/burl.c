/*
 * smtpd/burl.c - BURL (RFC 4468): the content, or a piece of it, is what an IMAP URL means that its
 * owner has authorized this user to submit (RFC 4467).
 *
 * The session judges nothing and has no way to the mail: it hands the URL to authd, which knows who
 * has logged in, and gets a pipe with the text or a refusal.
 *
 * Input:  a command line from the network, and message text from the pipe. Both untrusted.
 */
#include <errno.h>

#include "lib/base/clock.h"
#include "lib/base/io.h"
#include "lib/ipc/authd_call.h"
#include "lib/log/log.h"
#include "smtpd/command.h"
#include "smtpd/data.h"
#include "smtpd/message.h"

enum {
    PIECE = 16384,
    PIPE_TIMEOUT_MS = 30000 /* for the next piece, which waits for a disk alone */
};

/* burl-cmd = "BURL" SP absolute-URI [SP end-marker] (RFC 4468 section 3.5) */
static int
parse(struct slice args, struct slice *url, bool *last)
{
    size_t space = slice_index(args, ' ');

    *url = slice_sub(args, 0, space);
    *last = space < args.len;
    if (*last && !slice_eq_nocase(slice_sub(args, space + 1, args.len), SLICE("LAST")))
        return -1;
    return url->len == 0 ? -1 : 0;
}

/* Reads until `size` octets have come, or the message is refused anyway. 0, or -1 with errno. */
static int
copy_text(struct session *s, int fd, uint64_t size)
{
    struct message *m = s->transaction.message;
    char buf[PIECE];

    while (size > 0 && !message_has_failed(m)) {
        int64_t left = s->transaction.content_until_ms - clock_mono_ms();
        ssize_t n = read_within(fd, buf, size < sizeof(buf) ? (size_t)size : sizeof(buf),
                                left < PIPE_TIMEOUT_MS ? left : PIPE_TIMEOUT_MS);

        if (n < 0)
            return -1;
        message_write(m, slice_make(buf, (size_t)n));
        size -= (uint64_t)n;
    }
    return 0;
}

/* RFC 4468 section 3.2: the transaction fails as a whole. What is left of it in a client's pipeline
 * is thrown away. */
static enum session_state
fail(struct session *s, const struct refusal *why, bool last)
{
    log_event(LOG_INFO, "rejected", KV_STR("stage", "BURL"), KV_U64("code", why->code),
              KV_STR("dsn", why->dsn), KV_STR("reason", why->text));
    if (why->code >= 500)
        session_error(s, why->code, why->dsn, "%s", why->text);
    else
        session_reply(s, why->code, why->dsn, "%s", why->text);
    message_abort(&s->transaction.message);
    return last ? session_reset(s) : ST_BROKEN;
}

/* NULL: the text is in the message, all `*size` octets of it. RFC 4468 section 6 has the codes. */
static const struct refusal *
fetch(struct session *s, struct slice url, uint64_t *size)
{
    static const struct refusal refused = {554, "5.6.6", "IMAP URL resolution failed"};
    static const struct refusal away = {451, "4.4.1", "IMAP server unavailable, try again later"};
    int fd = authd_call_url(s->pool->auth, url, size);
    int rc;

    if (fd < 0)
        return errno == ENOENT ? &refused : &away;
    rc = copy_text(s, fd, *size);
    close_keep_errno(fd);
    return rc == 0 ? NULL : &away;
}

enum session_state
burl_run(struct session *s, struct slice args)
{
    static const struct refusal not_proved = {554, "5.7.8",
                                              "URL resolution requires trust relationship"};
    const struct refusal *why;
    struct slice url;
    uint64_t size = 0;
    bool last;

    if (parse(args, &url, &last) < 0) {
        session_error(s, 501, "5.5.4", "syntax: BURL url [LAST]");
        return s->state;
    }
    if (s->state == ST_SENDER) {
        session_error(s, 554, "5.5.0", "no recipients have been specified");
        return s->state;
    }
    if (!data_begin_piece(s))
        return data_no_message(s, errno, last);
    why = s->user_proved ? fetch(s, url, &size) : &not_proved; /* authd knows of no XCLIENT */
    return why != NULL ? fail(s, why, last) : data_end_piece(s, size, last);
}
