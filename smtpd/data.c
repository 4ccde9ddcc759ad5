/*
 * smtpd/data.c - DATA (RFC 5321 section 4.1.1.4) and BDAT (RFC 3030 section 2): takes the content.
 * In LMTP the end has a reply for each recipient (RFC 2033 sections 4.2 and 4.3).
 *
 * Content is untrusted. Each wait has a deadline, and so has the whole message.
 */
#include <errno.h>

#include "lib/base/clock.h"
#include "lib/base/parse.h"
#include "lib/log/log.h"
#include "smtpd/command.h"
#include "smtpd/data.h"
#include "smtpd/dot.h"
#include "smtpd/message.h"

/* The next wait's deadline: smtp.data_timeout, but not past the whole message's. */
static int64_t
block_deadline(const struct session *s, int64_t whole)
{
    int64_t block = clock_mono_ms() + s->settings->data_timeout_ms;

    return block < whole ? block : whole;
}

static enum session_state
lost(struct session *s, enum stream_status status)
{
    if (status == STREAM_TIMEOUT)
        session_shut(s, "4.4.2", "timeout while receiving the message");
    s->closing = true;
    return session_reset(s);
}

/* ---- DATA ---- */

/* Reads up to CRLF.CRLF; what the client sent behind it stays unread. */
static enum stream_status
read_dotted(struct session *s, struct message *m)
{
    int64_t whole = clock_mono_ms() + s->settings->transfer_timeout_ms;
    struct dot_decoder dot;

    dot_begin(&dot);
    for (;;) {
        struct slice input, piece;
        enum dot_result result;
        enum stream_status status =
            stream_read_some(s->stream, SESSION_READ_MAX, block_deadline(s, whole), &input);

        if (status != STREAM_OK)
            return status;
        while ((result = dot_next(&dot, &input, &piece)) == DOT_PIECE)
            message_write(m, piece);
        if (result == DOT_END) {
            stream_unread(s->stream, input.len); /* pipelined commands */
            return STREAM_OK;
        }
    }
}

enum session_state
data_run(struct session *s, struct slice args)
{
    const struct refusal *why;
    enum stream_status status;
    struct message *m;

    (void)args;
    if (s->state == ST_SENDER) {
        /* RFC 2920 section 3.2, RFC 2033 section 4.2 */
        session_error(s, s->is_lmtp ? 503 : 554, "5.5.1", "no valid recipients");
        return s->state;
    }
    if (s->transaction.body == BODY_BINARYMIME) {
        session_error(s, 503, "5.5.1", "BINARYMIME needs BDAT"); /* RFC 3030 section 3 */
        return ST_BROKEN;
    }
    m = message_open(s);
    if (m == NULL) {
        message_refuse_open(s, errno, false);
        return s->state;
    }
    why = filter_data(s, message_id(m));
    if (why != NULL) {
        message_abort(&m);
        session_refuse(s, why);
        return session_reset(s);
    }
    session_reply(s, 354, "", "end data with <CRLF>.<CRLF>");
    status = read_dotted(s, m);
    if (status != STREAM_OK) {
        s->transaction.message = m; /* the log says how far it came */
        return lost(s, status);
    }
    message_commit(s, &m);
    return session_reset(s);
}

/* ---- BDAT ---- */

/* bdat-cmd = "BDAT" SP chunk-size [SP "LAST"] */
static int
parse_chunk(struct slice args, uint64_t *size, bool *last)
{
    size_t space = slice_index(args, ' ');
    struct slice marker = slice_sub(args, space + 1, args.len);

    *last = space < args.len;
    if (*last && !slice_eq_nocase(marker, SLICE("LAST")))
        return -1;
    return parse_u64(slice_sub(args, 0, space), INT64_MAX, size);
}

/* Reads exactly `size` bytes until `whole`; `m` NULL: to throw them away. */
static enum stream_status
read_chunk(struct session *s, struct message *m, uint64_t size, int64_t whole)
{
    if (clock_mono_ms() >= whole)
        return STREAM_TIMEOUT;
    while (size > 0) {
        size_t max = size < SESSION_READ_MAX ? (size_t)size : SESSION_READ_MAX;
        struct slice input;
        enum stream_status status =
            stream_read_some(s->stream, max, block_deadline(s, whole), &input);

        if (status != STREAM_OK)
            return status;
        if (m != NULL)
            message_write(m, input);
        size -= input.len;
    }
    return STREAM_OK;
}

/* Out of place, yet the bytes of the chunk are on their way and are no commands. */
static enum session_state
skip_chunk(struct session *s, uint64_t size, bool last)
{
    static const struct refusal needs_auth = {530, "5.7.0", "authentication required"},
                                no_recipients = {554, "5.5.1", "no valid recipients"},
                                misplaced = {503, "5.5.1", "bad sequence of commands"};
    const struct refusal *why = s->is_submission && s->auth_user == NULL ? &needs_auth
                                : s->state == ST_SENDER                  ? &no_recipients
                                                                         : &misplaced;
    enum session_state next = s->state & (ST_NEW | ST_GREETED) ? s->state : ST_BROKEN;
    int64_t whole = clock_mono_ms() + s->settings->transfer_timeout_ms;
    enum stream_status status = read_chunk(s, NULL, size, whole);

    if (status != STREAM_OK)
        return lost(s, status);
    if (last)
        session_refuse_end(s, why);
    else
        session_error(s, why->code, why->dsn, "%s", why->text);
    return next;
}

bool
data_begin_piece(struct session *s)
{
    struct transaction *t = &s->transaction;

    if (t->message != NULL)
        return true;
    t->message = message_open(s);
    t->content_until_ms = clock_mono_ms() + s->settings->transfer_timeout_ms;
    return t->message != NULL;
}

enum session_state
data_no_message(struct session *s, int error, bool last)
{
    message_refuse_open(s, error, last);
    return ST_BROKEN;
}

enum session_state
data_end_piece(struct session *s, uint64_t size, bool last)
{
    struct transaction *t = &s->transaction;

    if (last) {
        message_commit(s, &t->message);
        return session_reset(s);
    }
    if (message_has_failed(t->message)) {
        message_refuse(s, &t->message);
        return ST_BROKEN;
    }
    session_reply(s, 250, "2.0.0", "%llu octets received", (unsigned long long)size);
    return ST_CHUNKS;
}

enum session_state
bdat_run(struct session *s, struct slice args)
{
    struct transaction *t = &s->transaction;
    enum stream_status status;
    uint64_t size;
    int error = 0;
    bool last;

    if (parse_chunk(args, &size, &last) < 0) {
        /* how many bytes follow is unknown: whatever we read next may be content */
        session_shut(s, "4.5.0", "syntax: BDAT size [LAST]; cannot go on");
        return s->state;
    }
    if (!(s->state & (ST_RECIPIENT | ST_CHUNKS)))
        return skip_chunk(s, size, last);
    if (!data_begin_piece(s))
        error = errno;
    status = read_chunk(s, t->message, size, t->content_until_ms);
    if (status != STREAM_OK)
        return lost(s, status);
    /* the reply comes behind the chunk (RFC 3030 section 2) */
    return t->message == NULL ? data_no_message(s, error, last) : data_end_piece(s, size, last);
}
